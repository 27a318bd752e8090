//! Trains a CRE on the built-in sample of MNIST and prints its test metrics after every epoch.
//!
//! ```sh
//! cargo run --release --example train_cre
//! ```

use std::sync::Arc;

use cre_lab::{
    data::DataSource,
    model::Lambda,
    train::{DeviceChoice, RunConfig, Trainer, device},
};

fn main() -> anyhow::Result<()> {
    let config = RunConfig {
        lambda: Lambda::new(0.25)?,
        ..RunConfig::default()
    };
    let dataset = Arc::new(DataSource::default().load()?);
    let (device, report) = device::open(DeviceChoice::Cpu)?;
    println!(
        "{} on {}, λ = {}, {}",
        config.architecture, dataset.name, config.lambda, report.name
    );
    let mut trainer = Trainer::new(&config, dataset, &device)?;
    for epoch in 1..=3 {
        for _ in 0..trainer.steps_per_epoch() {
            trainer.step();
        }
        let test = trainer.evaluate()?;
        let accuracy = test.accuracy * 100.0;
        println!(
            "epoch {epoch}: accuracy {accuracy:.1} %, MSE {:.4}",
            test.mse
        );
    }
    Ok(())
}

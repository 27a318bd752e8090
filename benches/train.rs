//! Training speed of every network on the CPU, as `cre-lab bench` measures it.
//!
//! `cargo bench --bench train` prints images per second for the bundled MNIST digits, at batch size
//! 512.

use std::{sync::Arc, time::Duration};

use cre_lab::{
    cli::bench::training_speed,
    data::{BundledSet, DataSource},
    model::Architecture,
    train::{
        DeviceChoice, RunConfig,
        device::{self, available_threads},
    },
};

/// As the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Training time for each network; a slow network finishes its step.
const TIME: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load()?);
    let (device, _) = device::open(DeviceChoice::Cpu)?;
    println!("images per second on {} threads", available_threads());
    for architecture in Architecture::ALL {
        let config = RunConfig {
            architecture,
            ..RunConfig::default()
        };
        let speed = training_speed(&config, 1, &dataset, &device, TIME)?;
        println!("{:<12}{speed:>10.0}", architecture.id());
    }
    Ok(())
}

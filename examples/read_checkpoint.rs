//! Prints what a checkpoint contains.
//!
//! ```sh
//! cargo run --release --example read_checkpoint -- run/last.safetensors
//! ```

use std::path::PathBuf;

use anyhow::Context as _;
use cre_lab::train::checkpoint::Checkpoint;

fn main() -> anyhow::Result<()> {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let file = file.context("give the path of a checkpoint")?;
    let checkpoint = Checkpoint::load(&file)?;
    let metadata = &checkpoint.metadata;
    let (config, data) = (&metadata.config, &metadata.data);
    let spec = config.model_spec(data.shape(), data.classes.len());

    println!("{}, written by {}", file.display(), metadata.program);
    println!("Network  {}", config.architecture);
    println!("{}", config.architecture.describe(&spec)?);
    println!(
        "Data     {}: {} training and {} test images of {}, {} classes",
        data.name,
        data.train_images,
        data.test_images,
        data.shape(),
        data.classes.len()
    );
    println!("Seed     {}", config.seed);
    println!("Steps    {}", metadata.step);
    println!("epoch       λ  accuracy     MSE      CE");
    for evaluation in checkpoint.history.evaluations() {
        let test = evaluation.test;
        println!(
            "{:>5}  {:>6.3}  {:>6.1} %  {:.4}  {:.4}",
            evaluation.epoch,
            evaluation.lambda.value(),
            test.accuracy * 100.0,
            test.mse,
            test.ce
        );
    }
    Ok(())
}

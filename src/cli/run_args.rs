//! The options that describe a run, with and without a window.

use clap::Args;

use crate::{
    data::DataSource,
    model::{Architecture, Lambda, LatentSize},
    train::{DeviceChoice, RunConfig},
};

/// Data and settings of a run.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Data set: mnist, fashion-mnist, cifar-10 (samples that are built in), the same with -full
    /// (all images, from this machine; see cre-lab data), or a folder with the files of MNIST
    /// (IDX), a set like it, or CIFAR-10 (binary), or with a sub-folder of pictures for each class
    #[arg(long, value_name = "NAME|DIR", default_value = "mnist")]
    pub data: DataSource,
    /// Network: fc-small, fc-medium, fc-large, cnn-small or cnn-large
    #[arg(long, value_name = "NAME", default_value = Architecture::default().id())]
    pub arch: Architecture,
    /// Size n of the latent z of the fully connected networks, 1 to 1024
    #[arg(long, value_name = "N", default_value_t = LatentSize::default())]
    pub latent: LatentSize,
    /// Weight of reconstruction: 0 is a pure classifier, 1 a pure autoencoder
    #[arg(long, value_name = "λ", default_value_t = Lambda::BALANCED)]
    pub lambda: Lambda,
    /// Images per step
    #[arg(long, value_name = "IMAGES", default_value_t = RunConfig::default().batch_size)]
    pub batch_size: usize,
    /// Step size of Adam
    #[arg(long, value_name = "RATE", default_value_t = RunConfig::default().learning_rate)]
    pub learning_rate: f64,
    /// Decides initial weights and order of the images
    #[arg(long, value_name = "SEED", default_value_t = RunConfig::DEFAULT_SEED)]
    pub seed: u64,
    /// Where to compute: auto, wgpu or cpu
    #[arg(long, value_name = "DEVICE", default_value = DeviceChoice::default().id())]
    pub device: DeviceChoice,
}

impl RunArgs {
    /// The settings of the run.
    pub fn config(&self) -> RunConfig {
        RunConfig {
            architecture: self.arch,
            latent: self.latent,
            lambda: self.lambda,
            batch_size: self.batch_size,
            learning_rate: self.learning_rate,
            seed: self.seed,
            device: self.device,
        }
    }
}

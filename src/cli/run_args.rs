//! The options that describe a run, with and without a window.

use clap::Args;

use crate::{
    data::DataSource,
    model::{Architecture, Lambda, LatentSize, VitOptions},
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
    /// Network: fc-small, fc-medium, fc-large, cnn-small, cnn-large or vit
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
    #[command(flatten)]
    pub vit: VitArgs,
}

/// Sizes of the vision transformer.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Sizes of --arch vit")]
pub struct VitArgs {
    /// Side of a patch in pixels; 7 where that divides the image, else 4, if not given
    #[arg(long, value_name = "PIXELS")]
    pub patch: Option<usize>,
    /// Values of a token, a multiple of 4
    #[arg(long, value_name = "VALUES", default_value_t = VitOptions::default().embed)]
    pub embed: usize,
    /// Transformer blocks of the encoder, and of the decoder
    #[arg(long, value_name = "BLOCKS", default_value_t = VitOptions::default().depth)]
    pub depth: usize,
    /// Attention heads, which must divide --embed
    #[arg(long, value_name = "HEADS", default_value_t = VitOptions::default().heads)]
    pub heads: usize,
    /// Hidden units of an MLP for each value of a token
    #[arg(long, value_name = "RATIO", default_value_t = VitOptions::default().mlp_ratio)]
    pub mlp_ratio: usize,
    /// Share of patches that training hides from the encoder, at least 0 and less than 1
    #[arg(long, value_name = "SHARE", default_value_t = VitOptions::default().mask_ratio)]
    pub mask_ratio: f64,
}

impl VitArgs {
    /// The options they stand for.
    pub fn options(self) -> VitOptions {
        let Self {
            patch,
            embed,
            depth,
            heads,
            mlp_ratio,
            mask_ratio,
        } = self;
        VitOptions {
            patch,
            embed,
            depth,
            heads,
            mlp_ratio,
            mask_ratio,
        }
    }
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
            vit: self.vit.options(),
        }
    }
}

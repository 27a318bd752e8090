//! Options that describe a run, with and without a window.

use clap::Args;

use crate::{
    data::DataSource,
    model::{Architecture, Lambda, LatentSize, VitOptions},
    train::{DeviceChoice, RunConfig},
};

/// Data and settings of a run.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Data set: mnist, fashion-mnist or cifar-10 (bundled samples); the same with -full (all
    /// images, see cre-lab data); or a folder with IDX files such as those of MNIST, with the
    /// binary files of CIFAR-10, or with a sub-folder of images for each class
    ///
    /// [default: mnist]
    #[arg(long, value_name = "NAME|DIR")]
    pub data: Option<DataSource>,
    /// Network: fc-small, fc-medium, fc-large, cnn-small, cnn-large or vit
    #[arg(long, value_name = "NAME", default_value = Architecture::default().id())]
    pub arch: Architecture,
    /// Latent size n of the fully connected networks, 1 to 1024
    #[arg(long, value_name = "N", default_value_t = LatentSize::default())]
    pub latent: LatentSize,
    /// Weight λ of the reconstruction loss: 0 is a pure classifier, 1 a pure autoencoder
    #[arg(long, value_name = "λ", default_value_t = Lambda::BALANCED)]
    pub lambda: Lambda,
    /// Images per training step
    #[arg(long, value_name = "IMAGES", default_value_t = RunConfig::default().batch_size)]
    pub batch_size: usize,
    /// Learning rate of Adam
    #[arg(long, value_name = "RATE", default_value_t = RunConfig::default().learning_rate)]
    pub learning_rate: f64,
    /// Random seed of the initial weights and the order of the images
    #[arg(long, value_name = "SEED", default_value_t = RunConfig::DEFAULT_SEED)]
    pub seed: u64,
    /// Compute device: auto, wgpu or cpu
    #[arg(long, value_name = "DEVICE", default_value = DeviceChoice::default().id())]
    pub device: DeviceChoice,
    #[command(flatten)]
    pub vit: VitArgs,
}

/// Heading of [`VitArgs`] in the help, set for each option: `next_help_heading` would also apply to
/// the options after them.
const VIT_HEADING: &str = "Sizes of --arch vit";

/// Sizes of the vision transformer.
#[derive(Clone, Copy, Debug, Args)]
pub struct VitArgs {
    /// Side of a patch in pixels; by default 7 if that divides the side of the image, else 4
    #[arg(long, value_name = "PIXELS", help_heading = VIT_HEADING)]
    pub patch: Option<usize>,
    /// Embedding size of a token, a multiple of 4
    #[arg(long, value_name = "VALUES", help_heading = VIT_HEADING, default_value_t = VitOptions::default().embed)]
    pub embed: usize,
    /// Transformer blocks in the encoder, and in the decoder
    #[arg(long, value_name = "BLOCKS", help_heading = VIT_HEADING, default_value_t = VitOptions::default().depth)]
    pub depth: usize,
    /// Attention heads; their number must divide --embed
    #[arg(long, value_name = "HEADS", help_heading = VIT_HEADING, default_value_t = VitOptions::default().heads)]
    pub heads: usize,
    /// Hidden units of an MLP, as a multiple of --embed
    #[arg(long, value_name = "RATIO", help_heading = VIT_HEADING, default_value_t = VitOptions::default().mlp_ratio)]
    pub mlp_ratio: usize,
    /// Share of the patches masked during training, at least 0 and less than 1
    #[arg(long, value_name = "SHARE", help_heading = VIT_HEADING, default_value_t = VitOptions::default().mask_ratio)]
    pub mask_ratio: f64,
}

impl VitArgs {
    pub fn options(self) -> VitOptions {
        VitOptions {
            patch: self.patch,
            embed: self.embed,
            depth: self.depth,
            heads: self.heads,
            mlp_ratio: self.mlp_ratio,
            mask_ratio: self.mask_ratio,
        }
    }
}

impl RunArgs {
    /// What to load images from.
    pub fn source(&self) -> DataSource {
        self.data.clone().unwrap_or_default()
    }

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

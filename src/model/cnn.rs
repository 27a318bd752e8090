//! The convolutional family (paper, section on CNN CREs).
//!
//! The paper trains CNN Small on 1×28×28 and CNN Large on 3×32×32. Input and output layers adapt to
//! other shapes with even sides: a max-pool that would halve a side to an odd number pads it by one
//! (28 → 14 → 8 → 4, the paper's own padding of CNN Small; 32 → 16 → 8 → 4 needs none), and the
//! transposed convolution that undoes it crops as much. So z is 4×4 for either, and decoding gives
//! back the shape of the input.

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Device, Tensor},
};
use rand_chacha::ChaCha8Rng;

use super::{
    Cre, ForwardContext, InvalidArchitecture, LatentLayout, ModelSpec,
    architecture::Blueprint,
    batch_norm::BatchNorm,
    block::{Block, Pool, halved},
    conv::{Activation, Conv, ConvTranspose},
    cre::Latent,
    init,
};
use crate::rng;

/// Batch normalisation has to see the whole batch.
pub(super) const BATCH_SPLITTABLE: bool = false;

/// Three blocks of 16 channels.
pub(super) const SMALL: CnnLayers = CnnLayers {
    encoder: &[
        Down::new(16, 3, Pool::AfterNorm),
        Down::new(16, 3, Pool::AfterNorm),
        Down::new(16, 3, Pool::AfterNorm),
    ],
    decoder: &[Up::doubling(16), Up::doubling(16)],
    last_doubles: true,
    classifier: &[],
    dropout: 0.0,
};

/// Five blocks of 64 and 128 channels, two of 256 in the classifier.
pub(super) const LARGE: CnnLayers = CnnLayers {
    encoder: &[
        Down::new(64, 7, Pool::None),
        Down::new(64, 7, Pool::None),
        Down::new(128, 5, Pool::AfterNorm),
        Down::new(128, 5, Pool::AfterNorm),
        Down::new(128, 3, Pool::AfterNorm),
    ],
    decoder: &[
        Up::doubling(128),
        Up::doubling(128),
        Up::doubling(64),
        Up::keeping(64),
    ],
    last_doubles: false,
    classifier: &[
        Down::new(256, 3, Pool::None),
        Down::new(256, 1, Pool::BeforeNorm),
    ],
    dropout: 0.2,
};

/// A block of encoder or classifier.
#[derive(Clone, Copy, Debug)]
struct Down {
    channels: usize,
    kernel: usize,
    pool: Pool,
}

impl Down {
    const fn new(channels: usize, kernel: usize, pool: Pool) -> Self {
        Self {
            channels,
            kernel,
            pool,
        }
    }
}

/// A layer of the decoder.
#[derive(Clone, Copy, Debug)]
struct Up {
    channels: usize,
    doubles: bool,
}

impl Up {
    const fn doubling(channels: usize) -> Self {
        Self {
            channels,
            doubles: true,
        }
    }

    const fn keeping(channels: usize) -> Self {
        Self {
            channels,
            doubles: false,
        }
    }
}

/// Feature maps `[channels, height, width]`.
type Map = [usize; 3];

/// The layers of a variant; channels of the image and the number of classes come from the data.
#[derive(Clone, Copy, Debug)]
pub(super) struct CnnLayers {
    encoder: &'static [Down],
    /// All but the last, which has the image's channels.
    decoder: &'static [Up],
    last_doubles: bool,
    classifier: &'static [Down],
    /// Share of channels that training silences after each convolution of encoder and classifier.
    dropout: f64,
}

/// Layers with all their sizes.
struct Sized {
    /// Maps from the image to z.
    encoder: Vec<Map>,
    /// From z to the image.
    decoder: Vec<Map>,
    /// From z to the last maps before the linear layer.
    classifier: Vec<Map>,
}

impl CnnLayers {
    fn sized(&self, plan: &ModelSpec) -> Result<Sized, InvalidArchitecture> {
        let shape = plan.shape;
        if [shape.height, shape.width]
            .iter()
            .any(|side| side % 2 != 0 || *side < SMALLEST_SIDE)
        {
            return Err(InvalidArchitecture(format!(
                "convolutional networks halve an image three times: its sides must be even and at least {SMALLEST_SIDE}, not {shape}"
            )));
        }
        let encoder = maps([shape.channels, shape.height, shape.width], self.encoder);
        let latent = encoder[encoder.len() - 1];
        let classifier = maps(latent, self.classifier);
        // Undoing the pools one by one.
        let mut sides: Vec<[usize; 2]> = encoder.iter().map(|&[_, h, w]| [h, w]).collect();
        sides.dedup();
        sides.pop();
        let last = Up {
            channels: shape.channels,
            doubles: self.last_doubles,
        };
        let mut decoder = vec![latent];
        let mut at = [latent[1], latent[2]];
        for up in self.decoder.iter().chain([&last]) {
            if up.doubles
                && let Some(larger) = sides.pop()
            {
                at = larger;
            }
            decoder.push([up.channels, at[0], at[1]]);
        }
        Ok(Sized {
            encoder,
            decoder,
            classifier,
        })
    }

    fn blocks(
        &self,
        maps: &[Map],
        layers: &[Down],
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Vec<Block> {
        maps.windows(2)
            .zip(layers)
            .map(|(pair, layer)| Block {
                conv: Conv::new([pair[0][0], pair[1][0]], layer.kernel, rng, device),
                norm: BatchNorm::new(layer.channels, device),
                pool: layer.pool,
                dropout: self.dropout,
            })
            .collect()
    }
}

/// Three halvings of a smaller side would leave nothing to halve.
const SMALLEST_SIDE: usize = 8;

/// Sizes before the first layer and after each.
fn maps(input: Map, layers: &[Down]) -> Vec<Map> {
    let mut maps = vec![input];
    let [_, mut height, mut width] = input;
    for layer in layers {
        if layer.pool != Pool::None {
            (height, width) = (halved(height), halved(width));
        }
        maps.push([layer.channels, height, width]);
    }
    maps
}

impl Blueprint for CnnLayers {
    fn layout(&self, plan: &ModelSpec) -> Result<LatentLayout, InvalidArchitecture> {
        let [channels, height, width] = self.sized(plan)?.decoder[0];
        Ok(LatentLayout::Map {
            channels,
            height,
            width,
        })
    }

    fn build(
        &self,
        plan: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> Result<Cre, InvalidArchitecture> {
        let sized = self.sized(plan)?;
        let mut rng = rng::from_stream(seed, rng::WEIGHTS);
        let encoder = Encoder {
            blocks: self.blocks(&sized.encoder, self.encoder, &mut rng, device),
            image: sized.encoder[0],
        };
        let layers = sized.decoder.windows(2).map(|pair| {
            let ([inputs, height, width], [outputs, to_height, to_width]) = (pair[0], pair[1]);
            let stride = if to_height > height { 2 } else { 1 };
            let crop = [stride * height - to_height, stride * width - to_width].map(|gap| gap / 2);
            ConvTranspose::new([inputs, outputs], stride, crop, &mut rng, device)
        });
        let decoder = Decoder {
            layers: layers.collect(),
            latent: sized.decoder[0],
        };
        let last = sized.classifier[sized.classifier.len() - 1];
        let classifier = Classifier {
            blocks: self.blocks(&sized.classifier, self.classifier, &mut rng, device),
            output: init::linear(last.iter().product(), plan.classes, &mut rng, device),
            latent: sized.decoder[0],
        };
        Ok(Cre::from((encoder, decoder, classifier)))
    }

    fn parameters(&self, plan: &ModelSpec) -> Result<usize, InvalidArchitecture> {
        let sized = self.sized(plan)?;
        let blocks = |maps: &[Map], layers: &[Down]| -> usize {
            maps.windows(2)
                .zip(layers)
                .map(|(pair, layer)| (pair[0][0] * layer.kernel.pow(2) + 3) * pair[1][0])
                .sum()
        };
        let ups = sized.decoder.windows(2);
        let last: usize = sized.classifier[sized.classifier.len() - 1]
            .iter()
            .product();
        Ok(blocks(&sized.encoder, self.encoder)
            + ups
                .map(|pair| (pair[0][0] * 9 + 1) * pair[1][0])
                .sum::<usize>()
            + blocks(&sized.classifier, self.classifier)
            + (last + 1) * plan.classes)
    }

    fn describe(&self, plan: &ModelSpec) -> Result<String, InvalidArchitecture> {
        let sized = self.sized(plan)?;
        let line = |maps: &[Map]| {
            let maps: Vec<String> = maps
                .iter()
                .map(|[c, h, w]| format!("{c}×{h}×{w}"))
                .collect();
            maps.join(" → ")
        };
        Ok(format!(
            "Encoder {}\nDecoder {}\nClassifier {} → {}",
            line(&sized.encoder),
            line(&sized.decoder),
            line(&sized.classifier),
            plan.classes
        ))
    }
}

fn run(blocks: &[Block], x: Tensor<4>, pass: &mut ForwardContext) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x, pass))
}

/// Row by row `[batch, channels · height · width]` as maps.
fn as_maps(x: Tensor<2>, [channels, height, width]: Map) -> Tensor<4> {
    let batch = x.dims()[0];
    x.reshape([batch, channels, height, width])
}

/// Images to z ≥ 0.
#[derive(Module, Debug)]
pub struct Encoder {
    blocks: Vec<Block>,
    #[module(skip)]
    image: Map,
}

impl Encoder {
    pub fn forward(&self, images: Tensor<2>, pass: &mut ForwardContext) -> Tensor<2> {
        run(&self.blocks, as_maps(images, self.image), pass).flatten(1, 3)
    }
}

/// z to images.
#[derive(Module, Debug)]
pub struct Decoder {
    layers: Vec<ConvTranspose>,
    #[module(skip)]
    latent: Map,
}

impl Decoder {
    pub fn forward(&self, latent: Latent, _: &mut ForwardContext) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        let layers = self.layers.iter().enumerate();
        let image = layers.fold(as_maps(latent.values, self.latent), |x, (place, layer)| {
            let activation = if place < last {
                Activation::Relu
            } else {
                Activation::Tanh
            };
            layer.forward(x, activation)
        });
        image.flatten(1, 3)
    }
}

/// z to class scores.
#[derive(Module, Debug)]
pub struct Classifier {
    blocks: Vec<Block>,
    output: Linear,
    #[module(skip)]
    latent: Map,
}

impl Classifier {
    pub fn forward(&self, latent: Latent, pass: &mut ForwardContext) -> Tensor<2> {
        let maps = run(&self.blocks, as_maps(latent.values, self.latent), pass);
        self.output.forward(maps.flatten(1, 3))
    }
}

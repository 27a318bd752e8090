//! The convolutional family (paper, section on CNN CREs).
//!
//! The paper trains CNN Small on 1×28×28 and CNN Large on 3×32×32. Input and output layers adapt to
//! other shapes with even sides: a max-pool that would halve a side to an odd number pads it by one
//! (28 → 14 → 8 → 4, the paper's own padding of CNN Small; 32 → 16 → 8 → 4 needs none), and the
//! transposed convolution that doubles it again crops as much. So z is 4×4 for both, and the decoder
//! restores the shape of the input.

mod block;

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Device, Tensor},
};
use rand_chacha::ChaCha8Rng;

use super::{
    ForwardContext, InvalidArchitecture, ModelSpec,
    batch_norm::BatchNorm,
    conv::{Conv, ConvTranspose},
    init,
    latent::{Latent, LatentLayout},
};
use crate::{kernels::Activation, rng};
use block::{Block, Pool, pooled_side};

/// Batch normalisation depends on the whole batch.
pub(super) const BATCH_SPLITTABLE: bool = false;

/// Three blocks of 16 channels.
pub(super) const SMALL: CnnLayers = CnnLayers {
    encoder: &[
        BlockLayer::new(16, 3, Pool::AfterNorm),
        BlockLayer::new(16, 3, Pool::AfterNorm),
        BlockLayer::new(16, 3, Pool::AfterNorm),
    ],
    decoder: &[DecoderLayer::doubling(16), DecoderLayer::doubling(16)],
    last_doubles: true,
    classifier: &[],
    dropout: 0.0,
};

/// Five blocks of 64 and 128 channels, two of 256 in the classifier.
pub(super) const LARGE: CnnLayers = CnnLayers {
    encoder: &[
        BlockLayer::new(64, 7, Pool::None),
        BlockLayer::new(64, 7, Pool::None),
        BlockLayer::new(128, 5, Pool::AfterNorm),
        BlockLayer::new(128, 5, Pool::AfterNorm),
        BlockLayer::new(128, 3, Pool::AfterNorm),
    ],
    decoder: &[
        DecoderLayer::doubling(128),
        DecoderLayer::doubling(128),
        DecoderLayer::doubling(64),
        DecoderLayer::same_size(64),
    ],
    last_doubles: false,
    classifier: &[
        BlockLayer::new(256, 3, Pool::None),
        BlockLayer::new(256, 1, Pool::BeforeNorm),
    ],
    dropout: 0.2,
};

/// Smallest height and width of an image, so that three max-pools have something to halve.
const MIN_SIDE: usize = 8;

/// A [`Block`] of encoder or classifier.
#[derive(Clone, Copy, Debug)]
struct BlockLayer {
    channels: usize,
    kernel: usize,
    pool: Pool,
}

impl BlockLayer {
    const fn new(channels: usize, kernel: usize, pool: Pool) -> Self {
        Self {
            channels,
            kernel,
            pool,
        }
    }
}

/// A transposed convolution of the decoder.
#[derive(Clone, Copy, Debug)]
struct DecoderLayer {
    channels: usize,
    /// Whether it doubles height and width.
    doubles: bool,
}

impl DecoderLayer {
    const fn doubling(channels: usize) -> Self {
        Self {
            channels,
            doubles: true,
        }
    }

    const fn same_size(channels: usize) -> Self {
        Self {
            channels,
            doubles: false,
        }
    }
}

/// The layers of a variant; image channels and number of classes follow from the spec.
#[derive(Clone, Copy, Debug)]
pub(super) struct CnnLayers {
    encoder: &'static [BlockLayer],
    /// All layers but the last, which has the channels of the image.
    decoder: &'static [DecoderLayer],
    last_doubles: bool,
    classifier: &'static [BlockLayer],
    /// Probability of dropping a channel after each convolution of encoder and classifier.
    dropout: f64,
}

/// Shape of feature maps, `[channels, height, width]`.
type MapShape = [usize; 3];

/// Shapes before the first layer of each part and after each layer.
struct MapShapes {
    /// From the image to z.
    encoder: Vec<MapShape>,
    /// From z to the image.
    decoder: Vec<MapShape>,
    /// From z to the input of the linear layer.
    classifier: Vec<MapShape>,
}

impl MapShapes {
    /// Values of the input of the classifier's linear layer.
    fn classifier_features(&self) -> usize {
        self.classifier[self.classifier.len() - 1].iter().product()
    }
}

impl CnnLayers {
    fn map_shapes(&self, spec: &ModelSpec) -> Result<MapShapes, InvalidArchitecture> {
        let shape = spec.shape;
        let is_valid = |side: usize| side.is_multiple_of(2) && side >= MIN_SIDE;
        if !(is_valid(shape.height) && is_valid(shape.width)) {
            return Err(InvalidArchitecture(format!(
                "convolutional networks need images with even sides of at least {MIN_SIDE} pixels, not {shape}"
            )));
        }
        let encoder = block_shapes([shape.channels, shape.height, shape.width], self.encoder);
        let latent = encoder[encoder.len() - 1];
        let classifier = block_shapes(latent, self.classifier);
        // The sizes before each max-pool, which the decoder restores from last to first.
        let mut sizes: Vec<[usize; 2]> = encoder.iter().map(|&[_, h, w]| [h, w]).collect();
        sizes.dedup();
        sizes.pop();
        let last = DecoderLayer {
            channels: shape.channels,
            doubles: self.last_doubles,
        };
        let mut decoder = vec![latent];
        let mut size = [latent[1], latent[2]];
        for layer in self.decoder.iter().chain([&last]) {
            if layer.doubles
                && let Some(larger) = sizes.pop()
            {
                size = larger;
            }
            decoder.push([layer.channels, size[0], size[1]]);
        }
        Ok(MapShapes {
            encoder,
            decoder,
            classifier,
        })
    }

    /// New blocks for `layers`, whose maps have the given shapes.
    fn blocks(
        &self,
        shapes: &[MapShape],
        layers: &[BlockLayer],
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Vec<Block> {
        shapes
            .windows(2)
            .zip(layers)
            .map(|(pair, layer)| Block {
                conv: Conv::new([pair[0][0], pair[1][0]], layer.kernel, rng, device),
                norm: BatchNorm::new(layer.channels, device),
                pool: layer.pool,
                dropout: self.dropout,
            })
            .collect()
    }

    pub(super) fn latent_layout(
        &self,
        spec: &ModelSpec,
    ) -> Result<LatentLayout, InvalidArchitecture> {
        let [channels, height, width] = self.map_shapes(spec)?.decoder[0];
        Ok(LatentLayout::Map {
            channels,
            height,
            width,
        })
    }

    /// The three parts with new weights.
    pub(super) fn build(
        &self,
        spec: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> Result<(Encoder, Decoder, Classifier), InvalidArchitecture> {
        let shapes = self.map_shapes(spec)?;
        let latent = shapes.decoder[0];
        let mut rng = rng::from_stream(seed, rng::WEIGHTS_STREAM);
        let encoder = Encoder {
            blocks: self.blocks(&shapes.encoder, self.encoder, &mut rng, device),
            image: shapes.encoder[0],
        };
        let layers = shapes.decoder.windows(2).map(|pair| {
            let ([inputs, height, width], [outputs, to_height, to_width]) = (pair[0], pair[1]);
            let stride = if to_height > height { 2 } else { 1 };
            let crop = [stride * height - to_height, stride * width - to_width].map(|gap| gap / 2);
            ConvTranspose::new([inputs, outputs], stride, crop, &mut rng, device)
        });
        let decoder = Decoder {
            layers: layers.collect(),
            latent,
        };
        let blocks = self.blocks(&shapes.classifier, self.classifier, &mut rng, device);
        let features = shapes.classifier_features();
        let classifier = Classifier {
            blocks,
            output: init::linear(features, spec.classes, &mut rng, device),
            latent,
        };
        Ok((encoder, decoder, classifier))
    }

    pub(super) fn parameter_count(&self, spec: &ModelSpec) -> Result<usize, InvalidArchitecture> {
        let shapes = self.map_shapes(spec)?;
        let blocks = |shapes: &[MapShape], layers: &[BlockLayer]| -> usize {
            shapes
                .windows(2)
                .zip(layers)
                .map(|(pair, layer)| (pair[0][0] * layer.kernel.pow(2) + 3) * pair[1][0])
                .sum()
        };
        let decoder: usize = shapes
            .decoder
            .windows(2)
            .map(|pair| (pair[0][0] * 9 + 1) * pair[1][0])
            .sum();
        Ok(blocks(&shapes.encoder, self.encoder)
            + decoder
            + blocks(&shapes.classifier, self.classifier)
            + (shapes.classifier_features() + 1) * spec.classes)
    }

    pub(super) fn describe(&self, spec: &ModelSpec) -> Result<String, InvalidArchitecture> {
        let shapes = self.map_shapes(spec)?;
        let line = |shapes: &[MapShape]| {
            let shapes: Vec<String> = shapes
                .iter()
                .map(|[c, h, w]| format!("{c}×{h}×{w}"))
                .collect();
            shapes.join(" → ")
        };
        Ok(format!(
            "Encoder {}\nDecoder {}\nClassifier {} → {}",
            line(&shapes.encoder),
            line(&shapes.decoder),
            line(&shapes.classifier),
            spec.classes
        ))
    }
}

/// Shapes of the maps before the first of `layers` and after each.
fn block_shapes(input: MapShape, layers: &[BlockLayer]) -> Vec<MapShape> {
    let mut shapes = vec![input];
    let [_, mut height, mut width] = input;
    for layer in layers {
        if layer.pool != Pool::None {
            (height, width) = (pooled_side(height), pooled_side(width));
        }
        shapes.push([layer.channels, height, width]);
    }
    shapes
}

fn forward(blocks: &[Block], x: Tensor<4>, context: &mut ForwardContext) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x, context))
}

/// Reshapes `[batch, channels · height · width]` to maps.
fn to_maps(x: Tensor<2>, [channels, height, width]: MapShape) -> Tensor<4> {
    let batch = x.dims()[0];
    x.reshape([batch, channels, height, width])
}

/// Images to z ≥ 0.
#[derive(Module, Debug)]
pub struct Encoder {
    blocks: Vec<Block>,
    #[module(skip)]
    image: MapShape,
}

impl Encoder {
    pub(super) fn forward(&self, images: Tensor<2>, context: &mut ForwardContext) -> Tensor<2> {
        forward(&self.blocks, to_maps(images, self.image), context).flatten(1, 3)
    }
}

/// z to images.
#[derive(Module, Debug)]
pub struct Decoder {
    layers: Vec<ConvTranspose>,
    #[module(skip)]
    latent: MapShape,
}

impl Decoder {
    pub(super) fn forward(&self, latent: Latent, _: &mut ForwardContext) -> Tensor<2> {
        let mut x = to_maps(latent.values, self.latent);
        if let Some((last, layers)) = self.layers.split_last() {
            for layer in layers {
                x = layer.forward(x, Activation::Relu);
            }
            x = last.forward(x, Activation::Tanh);
        }
        x.flatten(1, 3)
    }
}

/// z to logits.
#[derive(Module, Debug)]
pub struct Classifier {
    blocks: Vec<Block>,
    output: Linear,
    #[module(skip)]
    latent: MapShape,
}

impl Classifier {
    pub(super) fn forward(&self, latent: Latent, context: &mut ForwardContext) -> Tensor<2> {
        let maps = to_maps(latent.values, self.latent);
        let features = forward(&self.blocks, maps, context).flatten(1, 3);
        self.output.forward(features)
    }
}

//! The fully connected family (paper, section on FC CREs).

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Device, Tensor, activation},
};
use rand_chacha::ChaCha8Rng;

use super::{Cre, LatentSize, init};
use crate::data::ImageShape;

/// Hidden layer widths of a variant; input, latent and output widths come from data and n.
#[derive(Clone, Copy, Debug)]
pub(super) struct FcWidths {
    pub encoder: &'static [usize],
    pub decoder: &'static [usize],
    pub classifier: &'static [usize],
}

impl FcWidths {
    /// Layer widths from input to output of encoder, decoder and classifier.
    fn chains(&self, shape: ImageShape, classes: usize, latent: LatentSize) -> [Vec<usize>; 3] {
        let chain = |from: usize, hidden: &[usize], to: usize| {
            std::iter::once(from)
                .chain(hidden.iter().copied())
                .chain(std::iter::once(to))
                .collect()
        };
        let (pixels, n) = (shape.pixels(), latent.get());
        [
            chain(pixels, self.encoder, n),
            chain(n, self.decoder, pixels),
            chain(n, self.classifier, classes),
        ]
    }

    pub fn build(
        &self,
        shape: ImageShape,
        classes: usize,
        latent: LatentSize,
        seed: u64,
        device: &Device,
    ) -> Cre {
        let mut rng = init::generator(seed, 0);
        let [encoder, decoder, classifier] = self.chains(shape, classes, latent);
        Cre {
            encoder: Mlp::new(&encoder, &mut rng, device),
            decoder: Mlp::new(&decoder, &mut rng, device),
            classifier: Mlp::new(&classifier, &mut rng, device),
        }
    }

    pub fn parameters(&self, shape: ImageShape, classes: usize, latent: LatentSize) -> usize {
        self.chains(shape, classes, latent)
            .iter()
            .flat_map(|chain| chain.windows(2))
            .map(|pair| (pair[0] + 1) * pair[1])
            .sum()
    }

    pub fn describe(&self, shape: ImageShape, classes: usize, latent: LatentSize) -> String {
        let line = |chain: &Vec<usize>| {
            chain
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" → ")
        };
        let [encoder, decoder, classifier] = self.chains(shape, classes, latent);
        format!(
            "Encoder {}\nDecoder {}\nClassifier {}",
            line(&encoder),
            line(&decoder),
            line(&classifier)
        )
    }
}

/// Linear layers with a ReLU between them.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// One layer for each pair of neighbouring `widths`.
    fn new(widths: &[usize], rng: &mut ChaCha8Rng, device: &Device) -> Self {
        Self {
            layers: widths
                .windows(2)
                .map(|pair| init::linear(pair[0], pair[1], rng, device))
                .collect(),
        }
    }

    /// `[batch, inputs]` → `[batch, outputs]`, nothing after the last layer.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let mut layers = self.layers.iter();
        let Some(first) = layers.next() else {
            return input;
        };
        layers.fold(first.forward(input), |x, layer| {
            layer.forward(activation::relu(x))
        })
    }
}

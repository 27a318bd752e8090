//! The fully connected family (paper, section on FC CREs).

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Device, Tensor, activation},
};
use rand_chacha::ChaCha8Rng;

use super::{
    ForwardContext, ModelSpec, init,
    latent::{Latent, LatentLayout},
};
use crate::{kernels, rng};

/// The output of an image does not depend on the other images of the batch.
pub(super) const BATCH_SPLITTABLE: bool = true;

/// No hidden layers.
pub(super) const SMALL: FcLayers = FcLayers {
    encoder: &[],
    decoder: &[],
    classifier: &[],
};
/// One hidden layer.
pub(super) const MEDIUM: FcLayers = FcLayers {
    encoder: &[616],
    decoder: &[616],
    classifier: &[12],
};
/// Three hidden layers.
pub(super) const LARGE: FcLayers = FcLayers {
    encoder: &[716, 684, 616],
    decoder: &[616, 684, 716],
    classifier: &[64],
};

/// Widths of the hidden layers of a variant; those of input, z and output follow from the spec.
#[derive(Clone, Copy, Debug)]
pub(super) struct FcLayers {
    encoder: &'static [usize],
    decoder: &'static [usize],
    classifier: &'static [usize],
}

impl FcLayers {
    /// Layer widths from input to output of encoder, decoder and classifier.
    fn widths(&self, spec: &ModelSpec) -> [Vec<usize>; 3] {
        let (pixels, n) = (spec.shape.pixels(), spec.latent.get());
        [
            [&[pixels], self.encoder, &[n]].concat(),
            [&[n], self.decoder, &[pixels]].concat(),
            [&[n], self.classifier, &[spec.classes]].concat(),
        ]
    }

    pub(super) fn latent_layout(spec: &ModelSpec) -> LatentLayout {
        LatentLayout::Units(spec.latent.get())
    }

    /// The three parts with new weights.
    pub(super) fn build(
        &self,
        spec: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> (Encoder, Decoder, Classifier) {
        let mut rng = rng::from_stream(seed, rng::WEIGHTS_STREAM);
        let [encoder, decoder, classifier] = self
            .widths(spec)
            .map(|widths| linear_layers(&widths, &mut rng, device));
        (
            Encoder { layers: encoder },
            Decoder { layers: decoder },
            Classifier { layers: classifier },
        )
    }

    pub(super) fn parameter_count(&self, spec: &ModelSpec) -> usize {
        self.widths(spec)
            .iter()
            .flat_map(|widths| widths.windows(2))
            .map(|pair| (pair[0] + 1) * pair[1])
            .sum()
    }

    pub(super) fn describe(&self, spec: &ModelSpec) -> String {
        let [encoder, decoder, classifier] = self.widths(spec).map(|widths| {
            let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
            widths.join(" → ")
        });
        format!("Encoder {encoder}\nDecoder {decoder}\nClassifier {classifier}")
    }
}

/// A linear layer for each pair of neighbouring `widths`.
fn linear_layers(widths: &[usize], rng: &mut ChaCha8Rng, device: &Device) -> Vec<Linear> {
    widths
        .windows(2)
        .map(|pair| init::linear(pair[0], pair[1], rng, device))
        .collect()
}

/// `[batch, inputs]` → `[batch, outputs]`, with a ReLU between the layers but not after the last.
fn forward(layers: &[Linear], input: Tensor<2>) -> Tensor<2> {
    let mut layers = layers.iter();
    let Some(first) = layers.next() else {
        return input;
    };
    layers.fold(first.forward(input), |x, layer| {
        layer.forward(activation::relu(x))
    })
}

/// Images to z ≥ 0.
#[derive(Module, Debug)]
pub struct Encoder {
    layers: Vec<Linear>,
}

impl Encoder {
    pub(super) fn forward(&self, images: Tensor<2>, _: &mut ForwardContext) -> Tensor<2> {
        activation::relu(forward(&self.layers, images))
    }
}

/// z to images.
#[derive(Module, Debug)]
pub struct Decoder {
    layers: Vec<Linear>,
}

impl Decoder {
    pub(super) fn forward(&self, latent: Latent, _: &mut ForwardContext) -> Tensor<2> {
        let x = forward(&self.layers, latent.values);
        kernels::tanh(x.clone()).unwrap_or_else(|| activation::tanh(x))
    }
}

/// z to logits.
#[derive(Module, Debug)]
pub struct Classifier {
    layers: Vec<Linear>,
}

impl Classifier {
    pub(super) fn forward(&self, latent: Latent, _: &mut ForwardContext) -> Tensor<2> {
        forward(&self.layers, latent.values)
    }
}

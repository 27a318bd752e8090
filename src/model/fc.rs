//! The fully connected family (paper, section on FC CREs).

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Device, Tensor, activation},
};
use rand_chacha::ChaCha8Rng;

use super::{
    Cre, ForwardContext, InvalidArchitecture, LatentLayout, ModelSpec, architecture::Blueprint,
    cre::Latent, init,
};
use crate::{kernels, rng};

/// Every image goes its own way.
pub(super) const BATCH_SPLITTABLE: bool = true;

/// One layer each way.
pub(super) const SMALL: FcWidths = FcWidths {
    encoder: &[],
    decoder: &[],
    classifier: &[],
};
/// One hidden layer.
pub(super) const MEDIUM: FcWidths = FcWidths {
    encoder: &[616],
    decoder: &[616],
    classifier: &[12],
};
/// Three hidden layers.
pub(super) const LARGE: FcWidths = FcWidths {
    encoder: &[716, 684, 616],
    decoder: &[616, 684, 716],
    classifier: &[64],
};

/// Hidden layer widths of a variant; input, latent and output widths come from data and n.
#[derive(Clone, Copy, Debug)]
pub(super) struct FcWidths {
    encoder: &'static [usize],
    decoder: &'static [usize],
    classifier: &'static [usize],
}

impl FcWidths {
    /// Layer widths from input to output of encoder, decoder and classifier.
    fn chains(&self, plan: &ModelSpec) -> [Vec<usize>; 3] {
        let chain = |from: usize, hidden: &[usize], to: usize| {
            std::iter::once(from)
                .chain(hidden.iter().copied())
                .chain(std::iter::once(to))
                .collect()
        };
        let (pixels, n) = (plan.shape.pixels(), plan.latent.get());
        [
            chain(pixels, self.encoder, n),
            chain(n, self.decoder, pixels),
            chain(n, self.classifier, plan.classes),
        ]
    }
}

impl Blueprint for FcWidths {
    fn layout(&self, plan: &ModelSpec) -> Result<LatentLayout, InvalidArchitecture> {
        Ok(LatentLayout::Units(plan.latent.get()))
    }

    fn build(
        &self,
        plan: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> Result<Cre, InvalidArchitecture> {
        let mut rng = rng::from_stream(seed, rng::WEIGHTS);
        let [encoder, decoder, classifier] = self.chains(plan);
        let mut layers = |widths: &[usize]| linears(widths, &mut rng, device);
        Ok(Cre::from((
            Encoder {
                layers: layers(&encoder),
            },
            Decoder {
                layers: layers(&decoder),
            },
            Classifier {
                layers: layers(&classifier),
            },
        )))
    }

    fn parameters(&self, plan: &ModelSpec) -> Result<usize, InvalidArchitecture> {
        Ok(self
            .chains(plan)
            .iter()
            .flat_map(|chain| chain.windows(2))
            .map(|pair| (pair[0] + 1) * pair[1])
            .sum())
    }

    fn describe(&self, plan: &ModelSpec) -> Result<String, InvalidArchitecture> {
        let line = |chain: &Vec<usize>| {
            chain
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" → ")
        };
        let [encoder, decoder, classifier] = self.chains(plan);
        Ok(format!(
            "Encoder {}\nDecoder {}\nClassifier {}",
            line(&encoder),
            line(&decoder),
            line(&classifier)
        ))
    }
}

/// One layer for each pair of neighbouring `widths`.
fn linears(widths: &[usize], rng: &mut ChaCha8Rng, device: &Device) -> Vec<Linear> {
    widths
        .windows(2)
        .map(|pair| init::linear(pair[0], pair[1], rng, device))
        .collect()
}

/// `[batch, inputs]` → `[batch, outputs]`, a ReLU between the layers, nothing after the last.
fn through(layers: &[Linear], input: Tensor<2>) -> Tensor<2> {
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
    pub fn forward(&self, images: Tensor<2>, _: &mut ForwardContext) -> Tensor<2> {
        activation::relu(through(&self.layers, images))
    }
}

/// z to images.
#[derive(Module, Debug)]
pub struct Decoder {
    layers: Vec<Linear>,
}

impl Decoder {
    pub fn forward(&self, latent: Latent, _: &mut ForwardContext) -> Tensor<2> {
        let x = through(&self.layers, latent.values);
        kernels::tanh(x.clone()).unwrap_or_else(|| activation::tanh(x))
    }
}

/// z to class scores.
#[derive(Module, Debug)]
pub struct Classifier {
    layers: Vec<Linear>,
}

impl Classifier {
    pub fn forward(&self, latent: Latent, _: &mut ForwardContext) -> Tensor<2> {
        through(&self.layers, latent.values)
    }
}

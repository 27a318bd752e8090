//! The network as a whole.

use burn::{
    module::Module,
    tensor::{Tensor, activation},
};

use super::{Lambda, fc::Mlp, gradient};

/// A Classification-Reconstruction Encoder.
#[derive(Module, Debug)]
pub struct Cre {
    pub(super) encoder: Mlp,
    pub(super) decoder: Mlp,
    pub(super) classifier: Mlp,
}

/// What a [`Cre`] makes of a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// z, `[batch, n]`, every coordinate ≥ 0 (it follows a ReLU).
    pub latent: Tensor<2>,
    /// Rebuilt images, `[batch, channels · height · width]`, in [−1, 1].
    pub reconstruction: Tensor<2>,
    /// Class scores before the softmax, `[batch, classes]`.
    pub logits: Tensor<2>,
}

impl Cre {
    /// z of `images` (`[batch, channels · height · width]`, in [−1, 1]).
    pub fn encode(&self, images: Tensor<2>) -> Tensor<2> {
        activation::relu(self.encoder.forward(images))
    }

    /// Images rebuilt from z.
    pub fn decode(&self, latent: Tensor<2>) -> Tensor<2> {
        activation::tanh(self.decoder.forward(latent))
    }

    /// Logits read from z.
    pub fn classify(&self, latent: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(latent)
    }

    /// All three parts, without any weighing of gradients.
    pub fn forward(&self, images: Tensor<2>) -> Output {
        let latent = self.encode(images);
        Output {
            reconstruction: self.decode(latent.clone()),
            logits: self.classify(latent.clone()),
            latent,
        }
    }

    /// The same values as [`Self::forward`], but on the way back the encoder hears the decoder
    /// with weight λ and the classifier with weight 1 − λ, while both read-outs hear their own
    /// loss unweighted: one backward pass through `MSE + CE` is then all that training needs.
    pub fn forward_split(&self, images: Tensor<2>, lambda: Lambda) -> Output {
        let latent = self.encode(images);
        let to_decoder = gradient::scale(latent.clone(), lambda.value());
        let to_classifier = gradient::scale(latent.clone(), lambda.complement());
        Output {
            latent,
            reconstruction: self.decode(to_decoder),
            logits: self.classify(to_classifier),
        }
    }
}

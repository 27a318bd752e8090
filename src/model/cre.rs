//! The network as a whole.

use burn::{
    module::Module,
    tensor::{Int, Tensor},
};

use super::{ForwardContext, Lambda, cnn, fc, gradient, vit};

/// Makes `Encoder`, `Decoder` and `Classifier` out of the families' own.
macro_rules! families {
    ($($family:ident: $module:ident),+ $(,)?) => {
        /// From images to z.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a network has only one")]
        pub(super) enum Encoder { $($family($module::Encoder)),+ }

        /// From z to images.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a network has only one")]
        pub(super) enum Decoder { $($family($module::Decoder)),+ }

        /// From z to class scores.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a network has only one")]
        pub(super) enum Classifier { $($family($module::Classifier)),+ }

        $(impl From<($module::Encoder, $module::Decoder, $module::Classifier)> for Cre {
            fn from(
                (encoder, decoder, classifier):
                    ($module::Encoder, $module::Decoder, $module::Classifier),
            ) -> Self {
                Self {
                    encoder: Encoder::$family(encoder),
                    decoder: Decoder::$family(decoder),
                    classifier: Classifier::$family(classifier),
                }
            }
        })+

        impl Encoder {
            fn forward(&self, images: Tensor<2>, pass: &mut ForwardContext) -> Latent {
                match self { $(Self::$family(part) => part.forward(images, pass).into()),+ }
            }
        }

        impl Decoder {
            fn forward(&self, latent: Latent, pass: &mut ForwardContext) -> Tensor<2> {
                match self { $(Self::$family(part) => part.forward(latent, pass)),+ }
            }
        }

        impl Classifier {
            fn forward(&self, latent: Latent, pass: &mut ForwardContext) -> Tensor<2> {
                match self { $(Self::$family(part) => part.forward(latent, pass)),+ }
            }

            /// Whether an image's way through the network depends on that image alone, so that a
            /// training batch may be cut into parts.
            fn separable(&self) -> bool {
                match self { $(Self::$family(_) => $module::BATCH_SPLITTABLE),+ }
            }
        }
    };
}

// One line for each family: a module with `Encoder`, `Decoder`, `Classifier` and `SEPARABLE`.
families! {
    Fc: fc,
    Cnn: cnn,
    Vit: vit,
}

/// A Classification-Reconstruction Encoder of any family.
#[derive(Module, Debug)]
pub struct Cre {
    encoder: Encoder,
    decoder: Decoder,
    classifier: Classifier,
}

/// z on its way from the encoder to its two readers.
#[derive(Clone, Debug)]
pub struct Latent {
    /// All values of z, `[batch, values]`, in the order of the network's
    /// [`LatentLayout`](super::LatentLayout); only those of visible patches where some are hidden.
    pub values: Tensor<2>,
    /// What was hidden from the encoder; none where it saw all.
    pub masked: Option<Masked>,
}

/// The patches that training hid from the encoder.
#[derive(Clone, Debug)]
pub struct Masked {
    /// For each patch of each image its place among the tokens, when those of the visible patches
    /// come first and mask tokens follow, `[batch, patches]`.
    pub places: Tensor<2, Int>,
    /// 1 for the pixels of hidden patches, 0 for those seen, `[batch, channels · height · width]`.
    pub weight: Tensor<2>,
}

impl From<Tensor<2>> for Latent {
    fn from(values: Tensor<2>) -> Self {
        Self {
            values,
            masked: None,
        }
    }
}

impl Latent {
    /// The same values, whose gradient is multiplied by `factor` on its way back.
    fn heard(&self, factor: f64) -> Self {
        Self {
            values: gradient::scale(self.values.clone(), factor),
            masked: self.masked.clone(),
        }
    }
}

/// What a [`Cre`] makes of a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// z, `[batch, values]`.
    pub latent: Tensor<2>,
    /// Rebuilt images, `[batch, channels · height · width]`, in [−1, 1]
    /// where a tanh ends the decoder.
    pub reconstruction: Tensor<2>,
    /// Class scores before the softmax, `[batch, classes]`.
    pub logits: Tensor<2>,
    /// Weight of each pixel in the reconstruction loss, `[batch, channels · height · width]`:
    /// 1 where it counts, 0 where not; none where all count.
    pub weight: Option<Tensor<2>>,
}

impl Cre {
    /// z of `images` (`[batch, channels · height · width]`, in [−1, 1]), in evaluation.
    pub fn encode(&self, images: Tensor<2>) -> Tensor<2> {
        self.encoder
            .forward(images, &mut ForwardContext::evaluation())
            .values
    }

    /// Images rebuilt from z, in evaluation.
    pub fn decode(&self, latent: Tensor<2>) -> Tensor<2> {
        self.decoder
            .forward(latent.into(), &mut ForwardContext::evaluation())
    }

    /// Logits read from z, in evaluation.
    pub fn classify(&self, latent: Tensor<2>) -> Tensor<2> {
        self.classifier
            .forward(latent.into(), &mut ForwardContext::evaluation())
    }

    /// All three parts in evaluation.
    pub fn forward(&self, images: Tensor<2>) -> Output {
        self.through(images, [1.0, 1.0], &mut ForwardContext::evaluation())
    }

    /// All three parts, every gradient at full strength.
    pub fn forward_in(&self, images: Tensor<2>, pass: &mut ForwardContext) -> Output {
        self.through(images, [1.0, 1.0], pass)
    }

    /// The same values as [`Self::forward_in`], but on the way back the encoder hears the decoder
    /// with weight λ and the classifier with weight 1 − λ, while both read-outs hear their own
    /// loss unweighted: one backward pass through `MSE + CE` is then all that training needs.
    pub fn forward_split(
        &self,
        images: Tensor<2>,
        lambda: Lambda,
        pass: &mut ForwardContext,
    ) -> Output {
        self.through(images, [lambda.value(), lambda.complement()], pass)
    }

    fn through(
        &self,
        images: Tensor<2>,
        [decoder, classifier]: [f64; 2],
        pass: &mut ForwardContext,
    ) -> Output {
        let latent = self.encoder.forward(images, pass);
        let (to_decoder, to_classifier) = (latent.heard(decoder), latent.heard(classifier));
        Output {
            reconstruction: self.decoder.forward(to_decoder, pass),
            logits: self.classifier.forward(to_classifier, pass),
            weight: latent.masked.map(|masked| masked.weight),
            latent: latent.values,
        }
    }

    /// Whether a training batch may be cut into parts whose gradients are summed: not where batch
    /// normalisation has to see the whole of it.
    pub fn is_batch_splittable(&self) -> bool {
        self.classifier.separable()
    }
}

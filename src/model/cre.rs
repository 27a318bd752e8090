//! The network as a whole.

use burn::{module::Module, tensor::Tensor};

use super::{ForwardContext, Lambda, cnn, fc, latent::Latent, vit};

/// Defines `Encoder`, `Decoder` and `Classifier` as enums over the families.
macro_rules! families {
    ($($family:ident: $module:ident),+ $(,)?) => {
        /// From images to z.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a network has only one")]
        enum Encoder { $($family($module::Encoder)),+ }

        /// From z to images.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a network has only one")]
        enum Decoder { $($family($module::Decoder)),+ }

        /// From z to logits.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a network has only one")]
        enum Classifier { $($family($module::Classifier)),+ }

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
            fn forward(&self, images: Tensor<2>, context: &mut ForwardContext) -> Latent {
                match self { $(Self::$family(part) => part.forward(images, context).into()),+ }
            }

            fn is_batch_splittable(&self) -> bool {
                match self { $(Self::$family(_) => $module::BATCH_SPLITTABLE),+ }
            }
        }

        impl Decoder {
            fn forward(&self, latent: Latent, context: &mut ForwardContext) -> Tensor<2> {
                match self { $(Self::$family(part) => part.forward(latent, context)),+ }
            }
        }

        impl Classifier {
            fn forward(&self, latent: Latent, context: &mut ForwardContext) -> Tensor<2> {
                match self { $(Self::$family(part) => part.forward(latent, context)),+ }
            }
        }
    };
}

// One line for each family: a module with `Encoder`, `Decoder`, `Classifier` and `BATCH_SPLITTABLE`.
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

/// Results of a [`Cre`] for a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// z, `[batch, values]`.
    pub latent: Tensor<2>,
    /// Reconstructed images, `[batch, channels · height · width]`, in [−1, 1] where the decoder ends
    /// with a tanh.
    pub reconstruction: Tensor<2>,
    /// Class scores before the softmax, `[batch, classes]`.
    pub logits: Tensor<2>,
    /// Weight of each pixel in the reconstruction loss, `[batch, channels · height · width]`: 1 where
    /// it counts, 0 where not; `None` where all count.
    pub weight: Option<Tensor<2>>,
}

impl Cre {
    /// z of `images` (`[batch, channels · height · width]`, in [−1, 1]), in evaluation.
    pub fn encode(&self, images: Tensor<2>) -> Tensor<2> {
        self.encoder
            .forward(images, &mut ForwardContext::evaluation())
            .values
    }

    /// Images reconstructed from z, in evaluation.
    pub fn decode(&self, latent: Tensor<2>) -> Tensor<2> {
        self.decoder
            .forward(latent.into(), &mut ForwardContext::evaluation())
    }

    /// Logits of z, in evaluation.
    pub fn classify(&self, latent: Tensor<2>) -> Tensor<2> {
        self.classifier
            .forward(latent.into(), &mut ForwardContext::evaluation())
    }

    /// All three parts in evaluation.
    pub fn forward(&self, images: Tensor<2>) -> Output {
        self.forward_in(images, &mut ForwardContext::evaluation())
    }

    /// All three parts with unscaled gradients.
    pub fn forward_in(&self, images: Tensor<2>, context: &mut ForwardContext) -> Output {
        self.forward_scaled(images, [1.0, 1.0], context)
    }

    /// Same values as [`Self::forward_in`], but the encoder gets the gradient of the decoder times λ
    /// and that of the classifier times 1 − λ, while decoder and classifier get the gradient of their
    /// own loss unscaled. So one backward pass through `MSE + CE` is a training step.
    pub fn forward_split(
        &self,
        images: Tensor<2>,
        lambda: Lambda,
        context: &mut ForwardContext,
    ) -> Output {
        self.forward_scaled(images, [lambda.value(), lambda.complement()], context)
    }

    /// All three parts; the gradients of decoder and classifier reach the encoder times the scales.
    fn forward_scaled(
        &self,
        images: Tensor<2>,
        [decoder_scale, classifier_scale]: [f64; 2],
        context: &mut ForwardContext,
    ) -> Output {
        let latent = self.encoder.forward(images, context);
        let for_decoder = latent.with_gradient_scale(decoder_scale);
        let for_classifier = latent.with_gradient_scale(classifier_scale);
        Output {
            reconstruction: self.decoder.forward(for_decoder, context),
            logits: self.classifier.forward(for_classifier, context),
            weight: latent.masked.map(|masked| masked.weight),
            latent: latent.values,
        }
    }

    /// Whether a training batch may be split into parts whose gradients are summed: not with batch
    /// normalisation, which depends on the whole batch.
    pub fn is_batch_splittable(&self) -> bool {
        self.encoder.is_batch_splittable()
    }
}

//! The engine against PyTorch: the same weights, the same images, the same numbers.

mod cnn;
mod fc;
mod reference;
mod vit;

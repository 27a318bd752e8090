//! The two losses, as sums over images, so that parts of a batch add up to the whole exactly.

use burn::tensor::{Int, Tensor, activation};

/// Sum over images of the mean squared error of each image. All are `[batch, pixels]`, images in
/// [−1, 1]; `weight` is 1 for pixels that count and 0 for others, without it all count.
pub fn squared_error(
    reconstruction: Tensor<2>,
    target: Tensor<2>,
    weight: Option<Tensor<2>>,
) -> Tensor<1> {
    per_image_squared_error(reconstruction, target, weight).sum()
}

/// Mean squared error over the pixels of each image that count, `[batch]`.
pub fn per_image_squared_error(
    reconstruction: Tensor<2>,
    target: Tensor<2>,
    weight: Option<Tensor<2>>,
) -> Tensor<1> {
    let squares = (reconstruction - target).square();
    match weight {
        None => squares.mean_dim(1),
        Some(weight) => (squares * weight.clone()).sum_dim(1) / weight.sum_dim(1).clamp_min(1.0),
    }
    .squeeze_dim(1)
}

/// Sum over images of the cross-entropy in nats; `labels` are class indices `[batch]`.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let labels: Tensor<2, Int> = labels.unsqueeze_dim(1);
    activation::log_softmax(logits, 1)
        .gather(1, labels)
        .sum()
        .neg()
}

/// Number of images whose class of the largest logit is the label, as a float `[1]`.
pub fn correct(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let predicted: Tensor<1, Int> = logits.argmax(1).squeeze_dim(1);
    predicted.equal(labels).float().sum()
}

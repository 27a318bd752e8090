//! Each CPU kernel beside burn's own operations: milliseconds for a forward and a backward pass of a
//! batch of 512.
//!
//! `cargo bench --bench kernels` prints the medians of 15 passes.

use std::time::Instant;

use burn::tensor::{
    Device, Distribution, Tensor, activation,
    module::{conv_transpose2d, conv2d, layer_norm, max_pool2d},
    ops::{ConvOptions, ConvTransposeOptions, MaxPoolOptions},
};
use cre_lab::kernels::{
    self, Activation, BatchNormParameters, BlockParameters, LAYER_NORM_EPSILON,
};

/// As the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 512;
const PASSES: usize = 15;
const EPSILON: f64 = 1e-5;
/// Images per pack of the transformer kernels.
const PACK: usize = 16;
const HEADS: usize = 4;

fn main() -> Result<(), &'static str> {
    println!(
        "kernel                                    own       burn   (ms, forward and backward)"
    );
    convolution()?;
    transposed_convolution()?;
    normalization()?;
    tanh()?;
    transformer()
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let distribution = Distribution::Uniform(-0.5, 0.5);
    Tensor::random(shape, distribution, &Device::flex().autodiff()).require_grad()
}

fn convolution() -> Result<(), &'static str> {
    let (x, weight, bias) = (
        random([BATCH, 16, 16, 16]),
        random([32, 16, 3, 3]),
        random([32]),
    );
    let own = || kernels::conv2d(x.clone(), weight.clone(), bias.clone());
    let options = || ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let burn = || conv2d(x.clone(), weight.clone(), Some(bias.clone()), options());
    compare("convolution, 16 → 32 channels, 16×16", own, burn)
}

fn transposed_convolution() -> Result<(), &'static str> {
    let (x, weight, bias) = (
        random([BATCH, 32, 8, 8]),
        random([32, 16, 3, 3]),
        random([16]),
    );
    let own = || {
        let (weight, bias) = (weight.clone(), bias.clone());
        kernels::conv_transpose2d(x.clone(), weight, bias, 2, [1, 1], Activation::Relu)
    };
    let options = || ConvTransposeOptions::new([2, 2], [1, 1], [1, 1], [1, 1], 1);
    let burn = || {
        let bias = Some(bias.clone());
        activation::relu(conv_transpose2d(x.clone(), weight.clone(), bias, options()))
    };
    compare("transposed convolution, 32 → 16, 8×8", own, burn)
}

fn normalization() -> Result<(), &'static str> {
    let channels = 32;
    let (x, weight, bias) = (
        random([BATCH, channels, 16, 16]),
        random([channels]),
        random([channels]),
    );
    let own = || {
        let [mean, variance] = kernels::batch_statistics(&x)?;
        let parameters = BatchNormParameters {
            weight: weight.clone(),
            bias: bias.clone(),
            mean,
            variance,
            epsilon: EPSILON,
        };
        kernels::bn_pool_relu(x.clone(), parameters, Some([0, 0]))
    };
    let burn = || {
        let mean_of_channels = |x: Tensor<4>| x.mean_dim(0).mean_dim(2).mean_dim(3);
        let centred = x.clone() - mean_of_channels(x.clone());
        let variance = mean_of_channels(centred.clone().square());
        let shape = [1, channels, 1, 1];
        let scale = variance.add_scalar(EPSILON).sqrt().recip() * weight.clone().reshape(shape);
        let normalized = centred * scale + bias.clone().reshape(shape);
        activation::relu(max_pool2d(normalized, MaxPoolOptions::new([2, 2])))
    };
    compare("batch norm, max-pool, ReLU, 32×16×16", own, burn)
}

fn tanh() -> Result<(), &'static str> {
    let x = random([BATCH, 3072]);
    compare(
        "tanh, 3072 values",
        || kernels::tanh(x.clone()),
        || activation::tanh(x.clone()),
    )
}

fn transformer() -> Result<(), &'static str> {
    let (tokens, embed, hidden) = (17, 32, 64);
    let packed = random([BATCH / PACK, tokens, embed, PACK]);
    let x = random([BATCH, tokens, embed]);
    let pair = |values: usize| (random([values]), random([values]));
    let linear = |inputs: usize, outputs: usize| (random([inputs, outputs]), random([outputs]));
    let parameters = BlockParameters {
        norm1: pair(embed),
        qkv: linear(embed, 3 * embed),
        output: linear(embed, embed),
        norm2: pair(embed),
        inner: linear(embed, hidden),
        outer: linear(hidden, embed),
    };
    compare(
        "transformer block, 17 tokens of 32",
        || kernels::transformer_block(packed.clone(), parameters.clone(), HEADS),
        || burn_block(x.clone(), &parameters),
    )
}

/// The block of [`kernels::transformer_block`] over `x`, `[batch, tokens, embed]`.
fn burn_block(x: Tensor<3>, parameters: &BlockParameters) -> Tensor<3> {
    let [batch, tokens, embed] = x.dims();
    let norm = |x: Tensor<3>, (scale, shift): &(Tensor<1>, Tensor<1>)| {
        layer_norm(x, scale.clone(), Some(shift.clone()), LAYER_NORM_EPSILON)
    };
    let linear = |x: Tensor<3>, (weight, bias): &(Tensor<2>, Tensor<1>)| {
        x.matmul(weight.clone().unsqueeze()) + bias.clone().unsqueeze()
    };
    let qkv = linear(norm(x.clone(), &parameters.norm1), &parameters.qkv);
    let [query, key, value] = [0, 1, 2].map(|part| -> Tensor<4> {
        let part = qkv.clone().narrow(2, part * embed, embed);
        part.reshape([batch, tokens, HEADS, embed / HEADS])
            .swap_dims(1, 2)
    });
    let scale = ((embed / HEADS) as f64).sqrt().recip();
    let weights = activation::softmax(query.matmul(key.transpose()).mul_scalar(scale), 3);
    let attended = weights
        .matmul(value)
        .swap_dims(1, 2)
        .reshape([batch, tokens, embed]);
    let x = x + linear(attended, &parameters.output);
    let hidden = activation::gelu(linear(
        norm(x.clone(), &parameters.norm2),
        &parameters.inner,
    ));
    x + linear(hidden, &parameters.outer)
}

/// Prints the times of a kernel and of burn's operations.
fn compare<const D: usize, const E: usize>(
    name: &str,
    own: impl Fn() -> Option<Tensor<D>>,
    burn: impl Fn() -> Tensor<E>,
) -> Result<(), &'static str> {
    own().ok_or("a kernel does not run on the CPU")?;
    let own = median_ms(|| own().map(|y| y.sum().backward()));
    let burn = median_ms(|| Some(burn().sum().backward()));
    println!("{name:<38} {own:>7.2}    {burn:>7.2}");
    Ok(())
}

fn median_ms<T>(pass: impl Fn() -> T) -> f64 {
    let mut times: Vec<f64> = (0..=PASSES)
        .map(|_| {
            let start = Instant::now();
            drop(pass());
            start.elapsed().as_secs_f64() * 1e3
        })
        .skip(1)
        .collect();
    times.sort_by(f64::total_cmp);
    times[PASSES / 2]
}

//! Every CPU kernel beside burn's operations for the same result.
//!
//! `cargo bench --bench kernels` prints the median time of forward and backward pass of both, with
//! the sizes of layers of CNN Small, CNN Large, the fully connected networks and `ViT`.

use std::time::{Duration, Instant};

use burn::{
    nn::transformer::{TransformerEncoderConfig, TransformerEncoderInput},
    tensor::{
        Device, Distribution, Tensor, activation,
        module::{conv_transpose2d, conv2d, layer_norm, linear, max_pool2d},
        ops::{ConvOptions, ConvTransposeOptions, MaxPoolOptions},
    },
};
use cre_lab::kernels::{
    self, Activation, BatchNormParameters, BlockParameters, LAYER_NORM_EPSILON, PatchGrid,
    TokenLayout,
};

/// As the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Time for each of the two operations of a line.
const TIME: Duration = Duration::from_secs(1);
const BATCH: usize = 512;

// The vision transformer of the paper on 1×28×28.
const GRID: PatchGrid = PatchGrid {
    channels: 1,
    side: 7,
    rows: 4,
    columns: 4,
};
const TOKENS: usize = 1 + 16;
const EMBED: usize = 8;
const HEADS: usize = 4;
const HIDDEN: usize = 32;
/// `[packs, tokens, embed, 16]`
const PACKED: [usize; 4] = [BATCH / 16, TOKENS, EMBED, 16];

fn main() {
    println!(
        "{:<44}{:>10}{:>10}{:>8}",
        "forward and backward", "kernel ms", "burn ms", "ratio"
    );
    convolution("conv2d 16→16, 3×3, 14×14", BATCH, [16, 16, 14], 3);
    convolution("conv2d 64→64, 7×7, 32×32, batch 16", 16, [64, 64, 32], 7);
    transposed_convolution();
    batch_norm();
    tanh();
    patch_embedding();
    transformer_block();
    latent_end();
    tokens_to_pixels();
}

fn convolution(name: &str, batch: usize, [inputs, outputs, side]: [usize; 3], kernel: usize) {
    let (x, weight) = (
        random([batch, inputs, side, side]),
        random([outputs, inputs, kernel, kernel]),
    );
    let bias = random([outputs]);
    let options = ConvOptions::new([1, 1], [kernel / 2; 2], [1, 1], 1);
    compare(
        name,
        || kernels::conv2d(x.clone(), weight.clone(), bias.clone()),
        || {
            conv2d(
                x.clone(),
                weight.clone(),
                Some(bias.clone()),
                options.clone(),
            )
        },
    );
}

fn transposed_convolution() {
    let (x, weight, bias) = (
        random([BATCH, 16, 8, 8]),
        random([16, 16, 3, 3]),
        random([16]),
    );
    let options = ConvTransposeOptions::new([2, 2], [1, 1], [1, 1], [1, 1], 1);
    compare(
        "conv_transpose2d 16→16, 3×3, 8×8 → 16×16",
        || {
            let (x, weight, bias) = (x.clone(), weight.clone(), bias.clone());
            kernels::conv_transpose2d(x, weight, bias, 2, [1, 1], Activation::Relu)
        },
        || {
            let (x, weight, bias) = (x.clone(), weight.clone(), bias.clone());
            activation::relu(conv_transpose2d(x, weight, Some(bias), options.clone()))
        },
    );
}

fn batch_norm() {
    const EPSILON: f64 = 1e-5;
    let (x, weight, bias) = (random([BATCH, 16, 28, 28]), random([16]), random([16]));
    compare(
        "batch_statistics, bn_pool_relu 16×28×28",
        || {
            let [mean, variance] = kernels::batch_statistics(&x)?;
            let parameters = BatchNormParameters {
                weight: weight.clone(),
                bias: bias.clone(),
                mean,
                variance,
                epsilon: EPSILON,
            };
            kernels::bn_pool_relu(x.clone(), parameters, Some([0, 0]))
        },
        || {
            let mean_of_channels = |x: Tensor<4>| x.mean_dim(0).mean_dim(2).mean_dim(3);
            let centred = x.clone() - mean_of_channels(x.clone());
            let variance = mean_of_channels(centred.clone().square());
            let scale = variance.add_scalar(EPSILON).sqrt().recip();
            let scale = scale * weight.clone().reshape([1, 16, 1, 1]);
            let normalized = centred * scale + bias.clone().reshape([1, 16, 1, 1]);
            activation::relu(max_pool2d(normalized, MaxPoolOptions::new([2, 2])))
        },
    );
}

fn tanh() {
    let x = random([BATCH, 784]);
    compare(
        "tanh 784",
        || kernels::tanh(x.clone()),
        || activation::tanh(x.clone()),
    );
}

fn patch_embedding() {
    let images = Tensor::<2>::random([BATCH, 784], Distribution::Default, &Device::flex());
    let images = images.autodiff();
    let (weight, bias) = (random([EMBED, 1, 7, 7]), random([EMBED]));
    let (class_token, layout) = (random([EMBED]), token_layout());
    let positions = constant_positions();
    compare(
        "patch_embed 1×28×28 → 17×8",
        || {
            let parameters = (weight.clone(), bias.clone());
            let class_token = class_token.clone();
            kernels::patch_embed(
                images.clone(),
                parameters,
                class_token,
                layout.clone(),
                None,
            )
        },
        || {
            let images = images.clone().reshape([BATCH, 1, 28, 28]);
            let options = ConvOptions::new([7, 7], [0, 0], [1, 1], 1);
            let patches = conv2d(images, weight.clone(), Some(bias.clone()), options);
            let patches: Tensor<3> = patches.flatten(2, 3).swap_dims(1, 2);
            let class = class_token.clone().reshape([1, 1, EMBED]);
            Tensor::cat(vec![class.expand([BATCH, 1, EMBED]), patches], 1) + positions.clone()
        },
    );
}

fn transformer_block() {
    let (x, packed) = (random([BATCH, TOKENS, EMBED]), random(PACKED));
    let layer = |inputs: usize, outputs: usize| (random([inputs, outputs]), random([outputs]));
    let norm = || (random([EMBED]), random([EMBED]));
    let parameters = BlockParameters {
        norm1: norm(),
        qkv: layer(EMBED, 3 * EMBED),
        output: layer(EMBED, EMBED),
        norm2: norm(),
        inner: layer(EMBED, HIDDEN),
        outer: layer(HIDDEN, EMBED),
    };
    let block = TransformerEncoderConfig::new(EMBED, HIDDEN, HEADS, 1)
        .with_dropout(0.0)
        .with_norm_first(true)
        .init(&Device::flex().autodiff());
    compare(
        "transformer_block 17×8, 4 heads, MLP 32",
        || kernels::transformer_block(packed.clone(), parameters.clone(), HEADS),
        || block.forward(TransformerEncoderInput::new(x.clone())),
    );
}

/// Both conversions between tokens and z.
fn latent_end() {
    let (tokens, packed) = (random([BATCH, TOKENS, EMBED]), random(PACKED));
    let (scale, shift) = (random([EMBED]), random([EMBED]));
    compare(
        "tokens_to_latent 17×8",
        || kernels::tokens_to_latent(packed.clone(), (scale.clone(), shift.clone()), BATCH),
        || {
            let (scale, shift) = (scale.clone(), Some(shift.clone()));
            let z: Tensor<2> =
                layer_norm(tokens.clone(), scale, shift, LAYER_NORM_EPSILON).flatten(1, 2);
            z
        },
    );
    let (z, layout) = (random([BATCH, TOKENS * EMBED]), token_layout());
    let (weight, bias) = (random([EMBED, EMBED]), random([EMBED]));
    let (mask_token, positions) = (random([EMBED]), constant_positions());
    compare(
        "latent_to_tokens 17×8",
        || {
            let parameters = (weight.clone(), bias.clone());
            let mask_token = mask_token.clone();
            kernels::latent_to_tokens(z.clone(), parameters, mask_token, layout.clone(), None)
        },
        || {
            let tokens = z.clone().reshape([BATCH, TOKENS, EMBED]);
            linear(tokens, weight.clone(), Some(bias.clone())) + positions.clone()
        },
    );
}

fn tokens_to_pixels() {
    let (tokens, packed) = (random([BATCH, TOKENS, EMBED]), random(PACKED));
    let (scale, shift, layout) = (random([EMBED]), random([EMBED]), token_layout());
    let (weight, bias) = (random([EMBED, 49]), random([49]));
    compare(
        "tokens_to_pixels 17×8 → 1×28×28",
        || {
            let norm = (scale.clone(), shift.clone());
            let output = (weight.clone(), bias.clone());
            kernels::tokens_to_pixels(packed.clone(), norm, output, layout.clone(), BATCH)
        },
        || {
            let (scale, shift) = (scale.clone(), Some(shift.clone()));
            let tokens = layer_norm(tokens.clone(), scale, shift, LAYER_NORM_EPSILON);
            let patches = tokens.narrow(1, 1, TOKENS - 1);
            let pixels: Tensor<3> = linear(patches, weight.clone(), Some(bias.clone()));
            let pixels = pixels.reshape([BATCH, 4, 4, 7, 7]).swap_dims(2, 3);
            let images: Tensor<2> = pixels.reshape([BATCH, 784]);
            images
        },
    );
}

/// Prints the median times of a kernel and of burn's operations.
fn compare<const D: usize, const E: usize>(
    name: &str,
    kernel: impl Fn() -> Option<Tensor<D>>,
    burn: impl Fn() -> Tensor<E>,
) {
    // On the CPU, where all tensors here are, every kernel has a result.
    let Some(kernel) = median_ms(kernel) else {
        println!("{name:<44}  not available");
        return;
    };
    let Some(burn) = median_ms(|| Some(burn())) else {
        return;
    };
    println!("{name:<44}{kernel:>10.3}{burn:>10.3}{:>8.1}", burn / kernel);
}

/// Median time of forward and backward pass in milliseconds; the first repetition is not measured.
fn median_ms<const D: usize>(forward: impl Fn() -> Option<Tensor<D>>) -> Option<f64> {
    forward()?.sum().backward();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.is_empty() || start.elapsed() < TIME {
        let start = Instant::now();
        forward()?.sum().backward();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Some(times[times.len() / 2])
}

/// Random values within ±1 with a gradient.
fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let range = Distribution::Uniform(-1.0, 1.0);
    Tensor::random(shape, range, &Device::flex())
        .autodiff()
        .require_grad()
}

/// Positional encodings of 0, whose values do not change the speed.
fn token_layout() -> TokenLayout {
    TokenLayout {
        grid: GRID,
        embed: EMBED,
        positions: vec![0.0; TOKENS * EMBED].into(),
    }
}

/// The positions of [`token_layout`] for burn's operations.
fn constant_positions() -> Tensor<3> {
    Tensor::zeros([1, TOKENS, EMBED], &Device::flex()).autodiff()
}

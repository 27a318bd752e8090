//! A transformer block over images that lie abreast, as one operation.

use burn::tensor::Tensor;

use super::{
    Kernel,
    abreast::{
        Attention, Norm, Wide, ZERO, bias_gradient, each_chunk, gelu, multiply, start,
        sums_of_chunks, transposed, weight_gradient, wides, wides_mut,
    },
    is_cpu, operand, run,
};
use crate::model::vit::EPSILON;

/// Weights and bias, or scale and shift.
pub type Pair<const D: usize> = (Tensor<D>, Tensor<1>);

/// The parameters of a block.
#[derive(Clone, Debug)]
pub struct BlockParameters {
    pub norm1: Pair<1>,
    pub qkv: Pair<2>,
    pub output: Pair<2>,
    pub norm2: Pair<1>,
    pub inner: Pair<2>,
    pub outer: Pair<2>,
}

/// A block of `heads` heads over `x`, `[chunks, tokens, embed, 16]`.
pub fn transform(x: Tensor<4>, by: BlockParameters, heads: usize) -> Option<Tensor<4>> {
    if !is_cpu(&x.device()) {
        return None;
    }
    let shape = x.dims();
    let [_, tokens, embed, _] = shape;
    let hidden = by.inner.1.dims()[0];
    let tracked = x.is_autodiff() || by.inner.0.is_autodiff();
    let operands = [
        operand(x, tracked)?,
        operand(by.norm1.0, tracked)?,
        operand(by.norm1.1, tracked)?,
        operand(by.qkv.0, tracked)?,
        operand(by.qkv.1, tracked)?,
        operand(by.output.0, tracked)?,
        operand(by.output.1, tracked)?,
        operand(by.norm2.0, tracked)?,
        operand(by.norm2.1, tracked)?,
        operand(by.inner.0, tracked)?,
        operand(by.inner.1, tracked)?,
        operand(by.outer.0, tracked)?,
        operand(by.outer.1, tracked)?,
    ];
    let kernel = Transform {
        shape,
        tokens,
        embed,
        heads,
        hidden,
    };
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct Transform {
    shape: [usize; 4],
    tokens: usize,
    embed: usize,
    heads: usize,
    hidden: usize,
}

/// The parameters of a block as plain numbers, in their order.
#[derive(Clone, Copy)]
struct Numbers<'a> {
    norm1: [&'a [f32]; 2],
    qkv: [&'a [f32]; 2],
    output: [&'a [f32]; 2],
    norm2: [&'a [f32]; 2],
    inner: [&'a [f32]; 2],
    outer: [&'a [f32]; 2],
}

impl<'a> Numbers<'a> {
    /// The first input is no parameter.
    fn of(inputs: [&'a [f32]; 13]) -> Self {
        let pair = |place: usize| [inputs[2 * place + 1], inputs[2 * place + 2]];
        Self {
            norm1: pair(0),
            qkv: pair(1),
            output: pair(2),
            norm2: pair(3),
            inner: pair(4),
            outer: pair(5),
        }
    }

    fn pairs(&self) -> [[&'a [f32]; 2]; 6] {
        [
            self.norm1,
            self.qkv,
            self.output,
            self.norm2,
            self.inner,
            self.outer,
        ]
    }
}

/// What a chunk of images leaves behind on its way through a block.
struct Trace {
    norm1: Norm,
    /// `[tokens, embed]`
    normed: Vec<Wide>,
    /// `[tokens, 3 · embed]`
    asked: Vec<Wide>,
    attention: Attention,
    /// `[tokens, embed]`
    answers: Vec<Wide>,
    /// Tokens after attention, `[tokens, embed]`
    middle: Vec<Wide>,
    norm2: Norm,
    /// `[tokens, embed]`
    normed_again: Vec<Wide>,
    /// After GELU, `[tokens, hidden]`
    hidden: Vec<Wide>,
    /// Slopes of GELU, `[tokens, hidden]`
    slopes: Vec<Wide>,
}

impl Trace {
    fn new(block: &Transform) -> Self {
        let wides = |values: usize| vec![ZERO; block.tokens * values];
        let embed = block.embed;
        Self {
            norm1: Norm::default(),
            normed: wides(embed),
            asked: wides(3 * embed),
            attention: Attention::new(block.heads),
            answers: wides(embed),
            middle: wides(embed),
            norm2: Norm::default(),
            normed_again: wides(embed),
            hidden: wides(block.hidden),
            slopes: wides(block.hidden),
        }
    }

    /// As far as the hidden units of the MLP.
    fn follow(&mut self, x: &[Wide], by: &Numbers<'_>, embed: usize) {
        self.norm1
            .forward(x, by.norm1, EPSILON as f32, &mut self.normed);
        start(by.qkv[1], &mut self.asked);
        multiply(&self.normed, embed, by.qkv[0], &mut self.asked);
        self.attention
            .forward(&self.asked, embed, &mut self.answers);
        start(by.output[1], &mut self.middle);
        multiply(&self.answers, embed, by.output[0], &mut self.middle);
        add(x, &mut self.middle);
        self.norm2.forward(
            &self.middle,
            by.norm2,
            EPSILON as f32,
            &mut self.normed_again,
        );
        start(by.inner[1], &mut self.hidden);
        multiply(&self.normed_again, embed, by.inner[0], &mut self.hidden);
        gelu(&mut self.hidden, &mut self.slopes);
    }
}

fn add(x: &[Wide], to: &mut [Wide]) {
    for (to, x) in to.as_flattened_mut().iter_mut().zip(x.as_flattened()) {
        *to += x;
    }
}

/// The weights of the linear layers seen from their outputs.
struct Backwards {
    qkv: Vec<f32>,
    output: Vec<f32>,
    inner: Vec<f32>,
    outer: Vec<f32>,
}

/// What the way back needs beside the [`Trace`].
struct Returns {
    trace: Trace,
    /// `[tokens, hidden]`
    hidden: Vec<Wide>,
    /// `[tokens, embed]`
    narrow: Vec<Wide>,
    /// `[tokens, 3 · embed]`
    asked: Vec<Wide>,
    /// `[tokens, embed]`
    middle: Vec<Wide>,
}

impl Kernel<13> for Transform {
    fn forward(&mut self, inputs: [&[f32]; 13]) -> (Vec<f32>, Vec<usize>) {
        let (x, by, size) = (inputs[0], Numbers::of(inputs), self.size());
        let mut output = vec![0.0; x.len()];
        each_chunk(
            &mut output,
            size,
            || Trace::new(self),
            |chunk, to, trace| {
                let to = wides_mut(to);
                trace.follow(wides(&x[chunk * size..][..size]), &by, self.embed);
                start(by.outer[1], to);
                multiply(&trace.hidden, self.hidden, by.outer[0], to);
                add(&trace.middle, to);
            },
        );
        (output, self.shape.to_vec())
    }

    /// Follows the way forth once more: what a block leaves behind is forty times as large as what
    /// it begins with, and slower to fetch than to compute again.
    fn backward(
        &self,
        inputs: [&[f32]; 13],
        _: &[f32],
        gradient: &[f32],
        _: [bool; 13],
    ) -> [Option<Vec<f32>>; 13] {
        let (x, by, size) = (inputs[0], Numbers::of(inputs), self.size());
        let back = Backwards {
            qkv: transposed(by.qkv[0], self.embed),
            output: transposed(by.output[0], self.embed),
            inner: transposed(by.inner[0], self.embed),
            outer: transposed(by.outer[0], self.hidden),
        };
        let parameters: usize = by.pairs().as_flattened().iter().map(|p| p.len()).sum();
        let mut found = vec![0.0; x.len()];
        let sums = sums_of_chunks(
            &mut found,
            size,
            parameters,
            || self.returns(),
            |chunk, to, returns, sums| {
                let piece = chunk * size..(chunk + 1) * size;
                let (x, gradient) = (wides(&x[piece.clone()]), wides(&gradient[piece]));
                self.back(x, (&by, &back), gradient, returns, (sums, wides_mut(to)));
            },
        );
        let mut sums = sums.as_slice();
        let mut place = 0;
        inputs.map(|input| {
            place += 1;
            if place == 1 {
                return Some(std::mem::take(&mut found));
            }
            let (own, rest) = sums.split_at(input.len());
            sums = rest;
            Some(own.to_vec())
        })
    }
}

impl Transform {
    /// Values of a chunk.
    fn size(&self) -> usize {
        self.shape[1..].iter().product()
    }

    fn returns(&self) -> Returns {
        let wides = |values: usize| vec![ZERO; self.tokens * values];
        Returns {
            trace: Trace::new(self),
            hidden: wides(self.hidden),
            narrow: wides(self.embed),
            asked: wides(3 * self.embed),
            middle: wides(self.embed),
        }
    }

    /// One chunk's way back, to the gradient of `x`; adds those of the parameters to `sums`.
    fn back(
        &self,
        x: &[Wide],
        (by, back): (&Numbers<'_>, &Backwards),
        gradient: &[Wide],
        returns: &mut Returns,
        (sums, to): (&mut [f32], &mut [Wide]),
    ) {
        let embed = self.embed;
        let Returns {
            trace,
            hidden,
            narrow,
            asked,
            middle,
        } = returns;
        trace.follow(x, by, embed);
        let mut sums = sums;
        let mut of = |pair: [&[f32]; 2]| {
            let (own, rest) = std::mem::take(&mut sums).split_at_mut(pair[0].len() + pair[1].len());
            sums = rest;
            own
        };
        let [norm1, qkv, output, norm2, inner, outer] = by.pairs().map(&mut of);

        linear_gradient(&trace.hidden, self.hidden, gradient, embed, outer);
        hidden.fill(ZERO);
        multiply(gradient, embed, &back.outer, hidden);
        let slopes = trace.slopes.as_flattened();
        for (g, slope) in hidden.as_flattened_mut().iter_mut().zip(slopes) {
            *g *= slope;
        }
        linear_gradient(&trace.normed_again, embed, hidden, self.hidden, inner);
        narrow.fill(ZERO);
        multiply(hidden, self.hidden, &back.inner, narrow);
        middle.copy_from_slice(gradient);
        trace.norm2.backward(narrow, by.norm2[0], norm2, middle);

        linear_gradient(&trace.answers, embed, middle, embed, output);
        narrow.fill(ZERO);
        multiply(middle, embed, &back.output, narrow);
        trace.attention.backward(&trace.asked, embed, narrow, asked);
        linear_gradient(&trace.normed, embed, asked, 3 * embed, qkv);
        narrow.fill(ZERO);
        multiply(asked, 3 * embed, &back.qkv, narrow);
        to.copy_from_slice(middle);
        trace.norm1.backward(narrow, by.norm1[0], norm1, to);
    }
}

/// Adds to `sums` the gradients of a layer's weights, then of its biases.
fn linear_gradient(x: &[Wide], inputs: usize, gradient: &[Wide], outputs: usize, sums: &mut [f32]) {
    let (weights, biases) = sums.split_at_mut(inputs * outputs);
    weight_gradient(x, inputs, gradient, weights);
    bias_gradient(gradient, biases);
}

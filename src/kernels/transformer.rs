//! A transformer block (attention and MLP, each behind a layer normalisation) over packed tokens.

use burn::tensor::Tensor;

use super::{
    operation::{Kernel, Operand, run},
    packed::{
        Attention, LayerNorm, Packed, ZERO, add_matmul, as_packed, as_packed_mut, broadcast_bias,
        for_each_pack, for_each_pack_with_sums, gelu, input_gradients, linear_gradient, split_mut,
        transpose,
    },
};

/// The parameters of a block: scale and shift of the normalisations, `[embed]`; weights
/// `[inputs, outputs]` and biases `[outputs]` of the linear layers.
#[derive(Clone, Debug)]
pub struct BlockParameters {
    pub norm1: (Tensor<1>, Tensor<1>),
    /// To queries, keys and values, `[embed, 3 · embed]`.
    pub qkv: (Tensor<2>, Tensor<1>),
    /// Output of the attention, `[embed, embed]`.
    pub output: (Tensor<2>, Tensor<1>),
    pub norm2: (Tensor<1>, Tensor<1>),
    /// `[embed, hidden]`
    pub inner: (Tensor<2>, Tensor<1>),
    /// `[hidden, embed]`
    pub outer: (Tensor<2>, Tensor<1>),
}

/// A block with `heads` heads over `x`, `[packs, tokens, embed, 16]`; same shape.
pub fn transformer_block(
    x: Tensor<4>,
    parameters: BlockParameters,
    heads: usize,
) -> Option<Tensor<4>> {
    let BlockParameters {
        norm1,
        qkv,
        output,
        norm2,
        inner,
        outer,
    } = parameters;
    let kernel = TransformerBlock {
        shape: x.dims(),
        heads,
        hidden: inner.1.dims()[0],
    };
    let operands = [
        Operand::new(x)?,
        Operand::new(norm1.0)?,
        Operand::new(norm1.1)?,
        Operand::new(qkv.0)?,
        Operand::new(qkv.1)?,
        Operand::new(output.0)?,
        Operand::new(output.1)?,
        Operand::new(norm2.0)?,
        Operand::new(norm2.1)?,
        Operand::new(inner.0)?,
        Operand::new(inner.1)?,
        Operand::new(outer.0)?,
        Operand::new(outer.1)?,
    ];
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct TransformerBlock {
    /// `[packs, tokens, embed, 16]`
    shape: [usize; 4],
    heads: usize,
    hidden: usize,
}

/// The values of [`BlockParameters`].
#[derive(Clone, Copy)]
struct BlockValues<'a> {
    norm1: [&'a [f32]; 2],
    qkv: [&'a [f32]; 2],
    output: [&'a [f32]; 2],
    norm2: [&'a [f32]; 2],
    inner: [&'a [f32]; 2],
    outer: [&'a [f32]; 2],
}

impl<'a> BlockValues<'a> {
    /// From the inputs of the kernel, of which the first is x.
    fn from_inputs([_, inputs @ ..]: [&'a [f32]; 13]) -> Self {
        let pair = |index: usize| [inputs[2 * index], inputs[2 * index + 1]];
        Self {
            norm1: pair(0),
            qkv: pair(1),
            output: pair(2),
            norm2: pair(3),
            inner: pair(4),
            outer: pair(5),
        }
    }

    /// Number of values of each pair.
    fn lengths(&self) -> [usize; 6] {
        [
            self.norm1,
            self.qkv,
            self.output,
            self.norm2,
            self.inner,
            self.outer,
        ]
        .map(|[first, second]| first.len() + second.len())
    }
}

/// Intermediate values of a block for one pack, as the gradient needs them.
struct Activations {
    norm1: LayerNorm,
    /// `[tokens, embed]`
    normalized1: Vec<Packed>,
    /// Queries, keys and values, `[tokens, 3 · embed]`.
    qkv: Vec<Packed>,
    attention: Attention,
    /// Result of the attention, `[tokens, embed]`.
    attended: Vec<Packed>,
    /// Tokens between attention and MLP, `[tokens, embed]`.
    middle: Vec<Packed>,
    norm2: LayerNorm,
    /// `[tokens, embed]`
    normalized2: Vec<Packed>,
    /// Hidden units of the MLP after GELU, `[tokens, hidden]`.
    hidden: Vec<Packed>,
    /// Derivatives of GELU, `[tokens, hidden]`.
    gelu_derivative: Vec<Packed>,
}

impl Activations {
    fn new(block: &TransformerBlock) -> Self {
        let embed = block.embed();
        Self {
            norm1: LayerNorm::default(),
            normalized1: block.zeros(embed),
            qkv: block.zeros(3 * embed),
            attention: Attention::new(block.heads),
            attended: block.zeros(embed),
            middle: block.zeros(embed),
            norm2: LayerNorm::default(),
            normalized2: block.zeros(embed),
            hidden: block.zeros(block.hidden),
            gelu_derivative: block.zeros(block.hidden),
        }
    }

    /// Computes everything up to the hidden units of the MLP from the tokens `x`, `[tokens, embed]`.
    fn compute(&mut self, x: &[Packed], parameters: &BlockValues<'_>, embed: usize) {
        self.norm1
            .forward(x, parameters.norm1, &mut self.normalized1);
        linear(&self.normalized1, embed, parameters.qkv, &mut self.qkv);
        self.attention.forward(&self.qkv, embed, &mut self.attended);
        linear(&self.attended, embed, parameters.output, &mut self.middle);
        add(x, &mut self.middle);
        self.norm2
            .forward(&self.middle, parameters.norm2, &mut self.normalized2);
        linear(&self.normalized2, embed, parameters.inner, &mut self.hidden);
        gelu(&mut self.hidden, &mut self.gelu_derivative);
    }
}

/// Writes the linear layer of `x`, `[tokens, inputs]`, to `output`.
fn linear(x: &[Packed], inputs: usize, [weight, bias]: [&[f32]; 2], output: &mut [Packed]) {
    broadcast_bias(bias, output);
    add_matmul(x, inputs, weight, output);
}

/// Writes `x`, `[tokens, inputs]`, times `weight` to `output`.
fn matmul(x: &[Packed], inputs: usize, weight: &[f32], output: &mut [Packed]) {
    output.fill(ZERO);
    add_matmul(x, inputs, weight, output);
}

fn add(x: &[Packed], to: &mut [Packed]) {
    for (to, x) in to.as_flattened_mut().iter_mut().zip(x.as_flattened()) {
        *to += x;
    }
}

/// The weights of the linear layers, transposed.
struct TransposedWeights {
    qkv: Vec<f32>,
    output: Vec<f32>,
    inner: Vec<f32>,
    outer: Vec<f32>,
}

/// Buffers of the backward pass for one pack.
struct BackwardBuffers {
    activations: Activations,
    /// Gradient of the hidden units, `[tokens, hidden]`.
    hidden: Vec<Packed>,
    /// Gradient of the input of a linear layer, `[tokens, embed]`.
    input: Vec<Packed>,
    /// `[tokens, 3 · embed]`
    qkv: Vec<Packed>,
    /// `[tokens, embed]`
    middle: Vec<Packed>,
}

impl Kernel<13> for TransformerBlock {
    fn forward(&mut self, inputs: [&[f32]; 13]) -> (Vec<f32>, Vec<usize>) {
        let (x, parameters) = (inputs[0], BlockValues::from_inputs(inputs));
        let (embed, size) = (self.embed(), self.pack_size());
        let mut output = vec![0.0; x.len()];
        for_each_pack(
            &mut output,
            size,
            || Activations::new(self),
            |pack, output, activations| {
                let output = as_packed_mut(output);
                let x = as_packed(&x[pack * size..][..size]);
                activations.compute(x, &parameters, embed);
                linear(&activations.hidden, self.hidden, parameters.outer, output);
                add(&activations.middle, output);
            },
        );
        (output, self.shape.to_vec())
    }

    /// Computes the activations again: they are forty times as large as the input, and slower to load
    /// than to compute.
    fn backward(
        &self,
        inputs: [&[f32]; 13],
        _: &[f32],
        output_gradient: &[f32],
        _: [bool; 13],
    ) -> [Option<Vec<f32>>; 13] {
        let (x, parameters) = (inputs[0], BlockValues::from_inputs(inputs));
        let (embed, size) = (self.embed(), self.pack_size());
        let transposed = TransposedWeights {
            qkv: transpose(parameters.qkv[0], embed),
            output: transpose(parameters.output[0], embed),
            inner: transpose(parameters.inner[0], embed),
            outer: transpose(parameters.outer[0], self.hidden),
        };
        let mut x_gradient = vec![0.0; x.len()];
        let sums = for_each_pack_with_sums(
            &mut x_gradient,
            size,
            parameters.lengths().iter().sum(),
            || self.new_backward_buffers(),
            |pack, x_gradient, buffers, sums| {
                let values = pack * size..(pack + 1) * size;
                self.pack_gradient(
                    as_packed(&x[values.clone()]),
                    (&parameters, &transposed),
                    as_packed(&output_gradient[values]),
                    buffers,
                    (sums, as_packed_mut(x_gradient)),
                );
            },
        );
        input_gradients(inputs, x_gradient, &sums)
    }
}

impl TransformerBlock {
    fn embed(&self) -> usize {
        self.shape[2]
    }

    /// Values of a pack.
    fn pack_size(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// `[tokens, values]`
    fn zeros(&self, values: usize) -> Vec<Packed> {
        vec![ZERO; self.shape[1] * values]
    }

    fn new_backward_buffers(&self) -> BackwardBuffers {
        BackwardBuffers {
            activations: Activations::new(self),
            hidden: self.zeros(self.hidden),
            input: self.zeros(self.embed()),
            qkv: self.zeros(3 * self.embed()),
            middle: self.zeros(self.embed()),
        }
    }

    /// Writes the gradient of the tokens `x` of one pack to `x_gradient`, and adds those of the
    /// parameters to `sums`.
    fn pack_gradient(
        &self,
        x: &[Packed],
        (parameters, transposed): (&BlockValues<'_>, &TransposedWeights),
        output_gradient: &[Packed],
        buffers: &mut BackwardBuffers,
        (sums, x_gradient): (&mut [f32], &mut [Packed]),
    ) {
        let embed = self.embed();
        let BackwardBuffers {
            activations,
            hidden,
            input,
            qkv,
            middle,
        } = buffers;
        activations.compute(x, parameters, embed);
        let [
            norm1_sums,
            qkv_sums,
            output_sums,
            norm2_sums,
            inner_sums,
            outer_sums,
        ] = split_mut(sums, parameters.lengths());

        linear_gradient(
            &activations.hidden,
            self.hidden,
            output_gradient,
            embed,
            outer_sums,
        );
        matmul(output_gradient, embed, &transposed.outer, hidden);
        let derivative = activations.gelu_derivative.as_flattened();
        for (g, derivative) in hidden.as_flattened_mut().iter_mut().zip(derivative) {
            *g *= derivative;
        }
        linear_gradient(
            &activations.normalized2,
            embed,
            hidden,
            self.hidden,
            inner_sums,
        );
        matmul(hidden, self.hidden, &transposed.inner, input);
        middle.copy_from_slice(output_gradient);
        activations
            .norm2
            .backward(input, parameters.norm2[0], norm2_sums, middle);

        linear_gradient(&activations.attended, embed, middle, embed, output_sums);
        matmul(middle, embed, &transposed.output, input);
        activations
            .attention
            .backward(&activations.qkv, embed, input, qkv);
        linear_gradient(&activations.normalized1, embed, qkv, 3 * embed, qkv_sums);
        matmul(qkv, 3 * embed, &transposed.qkv, input);
        x_gradient.copy_from_slice(middle);
        activations
            .norm1
            .backward(input, parameters.norm1[0], norm1_sums, x_gradient);
    }
}

//! Runs a kernel as one operation that burn's autodiff differentiates.

use std::{fmt::Debug, marker::PhantomData};

use burn::{
    backend::{
        Autodiff, AutodiffBackend, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients,
            ops::{Backward, NodeGuard, Ops, OpsKind},
        },
        flex::FlexTensor,
    },
    tensor::{Device, Tensor, TensorData},
};

/// An operation on `N` tensors of `f32` with a hand-written gradient. All values are row-major.
pub trait Kernel<const N: usize>: Clone + Debug + Send + 'static {
    /// Computes values and shape of the output; may store what [`Self::backward`] needs.
    fn forward(&mut self, inputs: [&[f32]; N]) -> (Vec<f32>, Vec<usize>);

    /// Computes the gradients of the inputs, at least of those that are `needed`, from the output
    /// and its gradient.
    fn backward(
        &self,
        inputs: [&[f32]; N],
        output: &[f32],
        output_gradient: &[f32],
        needed: [bool; N],
    ) -> [Option<Vec<f32>>; N];
}

/// An input of a [`Kernel`].
pub struct Operand {
    tensor: FlexTensor,
    /// Node of the autodiff graph, for a tensor of the autodiff backend.
    node: Option<NodeGuard>,
}

impl Operand {
    /// `None` where `tensor` is not on the CPU.
    pub fn new<const D: usize>(tensor: Tensor<D>) -> Option<Self> {
        if !is_cpu(&tensor.device()) {
            return None;
        }
        let (tensor, node) = if tensor.is_autodiff() {
            let tensor = tensor.try_into_primitive::<Autodiff<Flex>>().ok()?;
            let (tensor, node) = tensor.into_parts();
            (tensor, Some(node))
        } else {
            (tensor.try_into_primitive::<Flex>().ok()?, None)
        };
        Some(Self {
            tensor: tensor.to_contiguous(),
            node,
        })
    }

    /// The values, row-major.
    pub fn values(&self) -> &[f32] {
        values(&self.tensor)
    }

    /// The node of this operand; a new constant where it has none.
    fn into_node(self) -> NodeGuard {
        self.node
            .unwrap_or_else(|| Autodiff::<Flex>::from_inner(self.tensor).node())
    }
}

/// Whether the kernels can run on `device`.
pub fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

/// Computes the output of `kernel`, and records its gradient if any operand is in the autodiff graph.
pub fn run<K: Kernel<N>, const N: usize, const D: usize>(
    mut kernel: K,
    operands: [Operand; N],
) -> Tensor<D> {
    let inputs = operands.each_ref().map(|operand| operand.tensor.clone());
    let (values, shape) = kernel.forward(inputs.each_ref().map(self::values));
    let output = tensor(values, shape);
    if operands.iter().all(|operand| operand.node.is_none()) {
        return Tensor::from_primitive::<Flex>(output);
    }
    let step = GradientStep(PhantomData::<K>)
        .prepare::<NoCheckpointing>(operands.map(Operand::into_node))
        .compute_bound()
        .stateful();
    Tensor::from_primitive::<Autodiff<Flex>>(match step {
        OpsKind::Tracked(step) => step.finish((kernel, inputs, output.clone()), output),
        OpsKind::UnTracked(step) => step.finish(output),
    })
}

fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The backward step of a kernel.
#[derive(Debug)]
struct GradientStep<K>(PhantomData<K>);

impl<K: Kernel<N>, const N: usize> Backward<Flex, N> for GradientStep<K> {
    /// Kernel, inputs and output.
    type State = (K, [FlexTensor; N], FlexTensor);

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (kernel, inputs, output) = ops.state;
        let output_gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let input_gradients = kernel.backward(
            inputs.each_ref().map(values),
            values(&output),
            values(&output_gradient),
            ops.parents.each_ref().map(Option::is_some),
        );
        for ((parent, gradient), input) in ops.parents.into_iter().zip(input_gradients).zip(&inputs)
        {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                let shape = input.layout().shape().to_vec();
                gradients.register::<Flex>(parent.id, tensor(gradient, shape));
            }
        }
    }
}

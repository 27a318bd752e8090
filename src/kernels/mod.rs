//! What the CPU computes with kernels of our own.
//!
//! burn's CPU backend computes a convolution's weight gradient, a max-pool, a tanh and everything with a
//! broadcast several times slower than the machine could. These kernels do the same over whole
//! images on all cores; burn's autodiff sees each as one operation. Every function gives `None` on
//! another device, where burn's own operations are the right ones.
//!
//! Images are worked on in parallel and sums are taken over chunks of images of a fixed size, in
//! order, so that the number of cores changes no bit.

mod abreast;
mod fold;
mod layer;
mod normalise;
pub mod sums;
mod tanh;
mod tokens;
mod transformer;

use std::{fmt::Debug, marker::PhantomData, ops::Range};

use burn::{
    backend::{
        Autodiff, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients,
            ops::{Backward, NodeGuard, Ops, OpsKind},
        },
        flex::FlexTensor,
    },
    tensor::{Device, Tensor, TensorData},
};

use rayon::prelude::*;

pub use layer::{Transposed, convolve, convolve_transposed};
pub use normalise::{Normalisation, normalise, statistics};
pub use tanh::tanh;
pub use tokens::{Tokens, embed, enter, leave, paint};
pub use transformer::{BlockParameters, transform};

/// Images whose contributions to a sum are added up by one core.
const CHUNK: usize = 16;

/// An operation on the values of `N` tensors, row-major as everywhere.
trait Kernel<const N: usize>: Clone + Debug + Send + 'static {
    /// Values and shape of the output; may remember what [`Self::backward`] will need.
    fn forward(&mut self, inputs: [&[f32]; N]) -> (Vec<f32>, Vec<usize>);

    /// The gradient of each input for which one is `wanted`, given the output and its own.
    fn backward(
        &self,
        inputs: [&[f32]; N],
        output: &[f32],
        gradient: &[f32],
        wanted: [bool; N],
    ) -> [Option<Vec<f32>>; N];
}

/// An input of a [`Kernel`].
struct Operand {
    values: FlexTensor,
    /// Its place in the autodiff graph.
    node: Option<NodeGuard>,
}

/// The operands of one kernel, all of them in the autodiff graph if `tracked`; `None` where they
/// are not on the CPU.
fn operand<const D: usize>(tensor: Tensor<D>, tracked: bool) -> Option<Operand> {
    let (values, node) = if tracked {
        let tensor = tensor.autodiff().try_into_primitive::<Autodiff<Flex>>();
        let (values, node) = tensor.ok()?.into_parts();
        (values, Some(node))
    } else {
        (tensor.try_into_primitive::<Flex>().ok()?, None)
    };
    Some(Operand {
        values: values.to_contiguous(),
        node,
    })
}

/// Whether these kernels are made for `device`.
fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

/// Computes the output, and notes how gradients find their way back.
fn run<K: Kernel<N>, const N: usize, const D: usize>(
    mut kernel: K,
    operands: [Operand; N],
) -> Tensor<D> {
    let inputs = operands.each_ref().map(|operand| operand.values.clone());
    let (values, shape) = kernel.forward(inputs.each_ref().map(values));
    let output = tensor(values, shape);
    let mut nodes = operands.into_iter().filter_map(|operand| operand.node);
    let Some(nodes) = all(std::array::from_fn(|_| nodes.next())) else {
        return Tensor::from_primitive::<Flex>(output);
    };
    let step = Step(PhantomData::<K>)
        .prepare::<NoCheckpointing>(nodes)
        .compute_bound()
        .stateful();
    Tensor::from_primitive::<Autodiff<Flex>>(match step {
        OpsKind::Tracked(step) => step.finish((kernel, inputs, output.clone()), output),
        OpsKind::UnTracked(step) => step.finish(output),
    })
}

/// The array of what is there, if nothing is missing.
fn all<T, const N: usize>(items: [Option<T>; N]) -> Option<[T; N]> {
    let items: Option<Vec<T>> = items.into_iter().collect();
    items?.try_into().ok()
}

fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// A kernel's way back.
#[derive(Debug)]
struct Step<K>(PhantomData<K>);

impl<K: Kernel<N>, const N: usize> Backward<Flex, N> for Step<K> {
    type State = (K, [FlexTensor; N], FlexTensor);

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (kernel, inputs, output) = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let found = kernel.backward(
            inputs.each_ref().map(values),
            values(&output),
            values(&gradient),
            ops.parents.each_ref().map(Option::is_some),
        );
        for ((parent, found), input) in ops.parents.into_iter().zip(found).zip(&inputs) {
            if let (Some(parent), Some(found)) = (parent, found) {
                let shape = input.layout().shape().to_vec();
                gradients.register::<Flex>(parent.id, tensor(found, shape));
            }
        }
    }
}

/// Sums of `partial`, which works on the images of one chunk, over all `images`.
fn sum_over_chunks(images: usize, partial: impl Fn(Range<usize>) -> Vec<f32> + Sync) -> Vec<f32> {
    let chunks: Vec<Vec<f32>> = (0..images.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| partial(chunk * CHUNK..images.min((chunk + 1) * CHUNK)))
        .collect();
    let mut chunks = chunks.into_iter();
    let first = chunks.next().unwrap_or_default();
    chunks.fold(first, |mut sum, chunk| {
        for (sum, x) in sum.iter_mut().zip(chunk) {
            *sum += x;
        }
        sum
    })
}

//! The parameters of a network by name, in the layout of PyTorch.
//!
//! A name is the path through the modules, such as `encoder.layers.0.weight`, without the family.
//! Weights of linear layers are `[outputs, inputs]`, those of convolutions `[outputs, inputs,
//! kernel, kernel]`, of transposed ones `[inputs, outputs, kernel, kernel]`. Running statistics are
//! called `running_mean` and `running_var`.

use std::collections::HashMap;

use burn::{
    module::{Module as _, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Tensor, TensorData},
};

use super::arrays::{Array, NamedArrays};
use crate::{
    model::Cre,
    train::trainer::{TrainError, floats},
};

/// A parameter of the network and its layout in files.
#[derive(Clone, Debug)]
pub struct ParameterSlot {
    pub name: String,
    pub id: ParamId,
    /// Shape in the network.
    dims: Vec<usize>,
    /// Whether files have rows and columns exchanged.
    is_transposed: bool,
}

impl ParameterSlot {
    /// Shape in files.
    pub fn shape(&self) -> Vec<usize> {
        let mut shape = self.dims.clone();
        if self.is_transposed {
            shape.reverse();
        }
        shape
    }

    /// Converts values of this parameter, or of its moments, to the layout of files.
    pub fn to_file(&self, values: Vec<f32>) -> Array {
        let values = if self.is_transposed {
            transposed(&values, self.dims[1])
        } else {
            values
        };
        Array {
            shape: self.shape(),
            values,
        }
    }

    /// Converts values to the layout of the network.
    pub fn from_file(&self, values: &[f32]) -> Vec<f32> {
        if self.is_transposed {
            transposed(values, self.dims[0])
        } else {
            values.to_vec()
        }
    }
}

/// Transposes a matrix of `columns` columns.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let mut rows = Vec::with_capacity(values.len());
    for column in 0..columns {
        rows.extend(values.iter().skip(column).step_by(columns));
    }
    rows
}

/// All parameters of `model`, including running statistics.
pub fn slots(model: &Cre) -> Vec<ParameterSlot> {
    let mut visitor = ParameterVisitor::default();
    model.visit(&mut visitor);
    visitor.slots
}

/// The values of all parameters of `model`, in the layout of files.
///
/// # Errors
/// When the device has failed.
pub fn values(model: &Cre) -> Result<NamedArrays, TrainError> {
    let mut visitor = ParameterVisitor {
        values: Some(Vec::new()),
        ..ParameterVisitor::default()
    };
    model.visit(&mut visitor);
    let values = visitor.values.unwrap_or_default();
    let slots = visitor.slots.into_iter();
    slots
        .zip(values)
        .map(|(slot, values)| Ok((slot.name.clone(), slot.to_file(values?))))
        .collect()
}

/// `model` with other values, which must have been checked to fit.
pub fn with_values(model: Cre, slots: &[ParameterSlot], values: &NamedArrays) -> Cre {
    let values = slots
        .iter()
        .filter_map(|slot| Some((slot.id, slot.from_file(&values.get(&slot.name)?.values))))
        .collect();
    model.map(&mut ValueMapper(values))
}

#[derive(Default)]
struct ParameterVisitor {
    path: Vec<(String, String)>,
    slots: Vec<ParameterSlot>,
    /// Read if requested.
    values: Option<Vec<Result<Vec<f32>, TrainError>>>,
}

impl ModuleVisitor for ParameterVisitor {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push((name.to_owned(), container.to_owned()));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let visible = |(name, container): &(String, String)| {
            // The name does not contain the family of a part.
            (!container.starts_with("Enum:")).then(|| match name.as_str() {
                "running_variance" => "running_var".to_owned(),
                name => name.to_owned(),
            })
        };
        let parts: Vec<String> = self.path.iter().filter_map(visible).collect();
        let value = param.val();
        let is_transposed = D == 2
            && self
                .path
                .last()
                .is_some_and(|(_, container)| container == "Struct:Linear");
        self.slots.push(ParameterSlot {
            name: parts.join("."),
            id: param.id,
            dims: value.dims().to_vec(),
            is_transposed,
        });
        if let Some(values) = &mut self.values {
            values.push(floats(value));
        }
    }
}

struct ValueMapper(HashMap<ParamId, Vec<f32>>);

impl ModuleMapper for ValueMapper {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.remove(&param.id) {
            Some(values) => param
                .map(|old| Tensor::from_data(TensorData::new(values, old.dims()), &old.device())),
            None => param,
        }
    }
}

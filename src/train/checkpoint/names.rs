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
        let shape = self.shape();
        let values = match self.is_transposed.then(|| self.dims[1]) {
            Some(columns) => transposed(&values, columns),
            None => values,
        };
        Array { shape, values }
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
    let parameters = parameters(model).into_iter();
    parameters.map(|(slot, _)| slot).collect()
}

/// The values of all parameters of `model`, in the layout of files.
///
/// # Errors
/// When the device has failed.
pub fn values(model: &Cre) -> Result<NamedArrays, TrainError> {
    let parameters = parameters(model).into_iter();
    let values = parameters.map(|(slot, values)| {
        let array = slot.to_file(floats(values)?);
        Ok((slot.name, array))
    });
    values.collect()
}

/// Each parameter with its values, flattened.
fn parameters(model: &Cre) -> Vec<(ParameterSlot, Tensor<1>)> {
    let mut visitor = ParameterVisitor::default();
    model.visit(&mut visitor);
    visitor.parameters
}

/// `model` with other values, which must have been checked to fit.
pub fn with_values(model: Cre, slots: &[ParameterSlot], values: &NamedArrays) -> Cre {
    let values = |slot: &ParameterSlot| Some(slot.from_file(&values.get(&slot.name)?.values));
    let values = slots
        .iter()
        .filter_map(|slot| Some((slot.id, values(slot)?)));
    model.map(&mut ValueMapper(values.collect()))
}

#[derive(Default)]
struct ParameterVisitor {
    path: Vec<(String, String)>,
    parameters: Vec<(ParameterSlot, Tensor<1>)>,
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
        let linear = self
            .path
            .last()
            .filter(|(_, module)| module == "Struct:Linear");
        let dims = value.dims().to_vec();
        let values = value.reshape([dims.iter().product::<usize>()]);
        let slot = ParameterSlot {
            name: parts.join("."),
            id: param.id,
            dims,
            is_transposed: D == 2 && linear.is_some(),
        };
        self.parameters.push((slot, values));
    }
}

struct ValueMapper(HashMap<ParamId, Vec<f32>>);

impl ModuleMapper for ValueMapper {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.0.remove(&param.id) else {
            return param;
        };
        param.map(|old| Tensor::from_data(TensorData::new(values, old.dims()), &old.device()))
    }
}

//! The parameters of a network by name, laid out as PyTorch has them.
//!
//! A name is the path through the modules, such as `encoder.layers.0.weight`, without the family's
//! name. Weights of linear layers are `[outputs, inputs]`, those of convolutions `[outputs, inputs,
//! kernel, kernel]`, of transposed ones `[inputs, outputs, kernel, kernel]`; running statistics are
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

/// A parameter's place in the network and its layout in files.
#[derive(Clone, Debug)]
pub struct Slot {
    pub name: String,
    pub id: ParamId,
    /// In the network.
    dims: Vec<usize>,
    /// Whether files have rows and columns the other way round.
    turned: bool,
}

impl Slot {
    /// In files.
    pub fn shape(&self) -> Vec<usize> {
        let mut shape = self.dims.clone();
        if self.turned {
            shape.reverse();
        }
        shape
    }

    /// Values of this parameter, or of something like it, as files have them.
    pub fn to_file(&self, values: Vec<f32>) -> Array {
        let values = if self.turned {
            transposed(&values, self.dims[1])
        } else {
            values
        };
        Array {
            shape: self.shape(),
            values,
        }
    }

    /// Values as the network has them.
    pub fn from_file(&self, values: &[f32]) -> Vec<f32> {
        if self.turned {
            transposed(values, self.dims[0])
        } else {
            values.to_vec()
        }
    }
}

/// Columns of a matrix of `columns` columns as rows.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(values.len());
    for column in 0..columns {
        turned.extend(values.iter().skip(column).step_by(columns));
    }
    turned
}

/// Every parameter of `model`, running statistics too.
pub fn slots(model: &Cre) -> Vec<Slot> {
    let mut walk = Walk::default();
    model.visit(&mut walk);
    walk.slots
}

/// The values of every parameter of `model`, as files have them.
///
/// # Errors
/// When the device has failed.
pub fn values(model: &Cre) -> Result<NamedArrays, TrainError> {
    let mut walk = Walk {
        values: Some(Vec::new()),
        ..Walk::default()
    };
    model.visit(&mut walk);
    let values = walk.values.unwrap_or_default();
    let slots = walk.slots.into_iter();
    slots
        .zip(values)
        .map(|(slot, values)| Ok((slot.name.clone(), slot.to_file(values?))))
        .collect()
}

/// `model` with other values, which have been checked to fit.
pub fn filled(model: Cre, slots: &[Slot], values: &NamedArrays) -> Cre {
    let values = slots
        .iter()
        .filter_map(|slot| Some((slot.id, slot.from_file(&values.get(&slot.name)?.values))))
        .collect();
    model.map(&mut Fill(values))
}

#[derive(Default)]
struct Walk {
    path: Vec<(String, String)>,
    slots: Vec<Slot>,
    /// Read where wanted.
    values: Option<Vec<Result<Vec<f32>, TrainError>>>,
}

impl ModuleVisitor for Walk {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push((name.to_owned(), container.to_owned()));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let visible = |(name, container): &(String, String)| {
            // Which family a part belongs to is no part of the name.
            (!container.starts_with("Enum:")).then(|| match name.as_str() {
                "running_variance" => "running_var".to_owned(),
                name => name.to_owned(),
            })
        };
        let parts: Vec<String> = self.path.iter().filter_map(visible).collect();
        let value = param.val();
        let turned = D == 2
            && self
                .path
                .last()
                .is_some_and(|(_, container)| container == "Struct:Linear");
        self.slots.push(Slot {
            name: parts.join("."),
            id: param.id,
            dims: value.dims().to_vec(),
            turned,
        });
        if let Some(values) = &mut self.values {
            values.push(floats(value));
        }
    }
}

struct Fill(HashMap<ParamId, Vec<f32>>);

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.remove(&param.id) {
            Some(values) => param
                .map(|old| Tensor::from_data(TensorData::new(values, old.dims()), &old.device())),
            None => param,
        }
    }
}

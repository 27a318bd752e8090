//! Named arrays, and reading and writing them as safetensors files.

use std::{collections::BTreeMap, io::Read as _, path::Path};

use half::{bf16, f16};
use safetensors::{
    SafeTensorError, SafeTensors,
    tensor::{Dtype, TensorView, serialize},
};

use crate::fs::open_regular;

/// Largest file that is read, in bytes.
pub const MOST_BYTES: u64 = 512 << 20;
/// Largest header of a file that is read, in bytes: names, shapes and settings.
pub const MOST_HEADER_BYTES: u64 = 8 << 20;
/// Largest number of tensors of a file that is read.
const MOST_TENSORS: usize = 1 << 14;

/// An array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T = f32> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

pub type NamedArrays = BTreeMap<String, Array>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    pub texts: BTreeMap<String, String>,
    pub arrays: NamedArrays,
    /// Arrays of double precision.
    pub doubles: BTreeMap<String, Array<f64>>,
}

impl TensorFile {
    /// Encodes the contents as a safetensors file.
    ///
    /// # Errors
    /// When the file would be larger than the limits for reading.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let singles = self.arrays.iter().map(|(name, Array { shape, values })| {
            let bytes: Vec<[u8; 4]> = values.iter().map(|value| value.to_le_bytes()).collect();
            (name, Dtype::F32, shape, bytes.into_flattened())
        });
        let doubles = self.doubles.iter().map(|(name, Array { shape, values })| {
            let bytes: Vec<[u8; 8]> = values.iter().map(|value| value.to_le_bytes()).collect();
            (name, Dtype::F64, shape, bytes.into_flattened())
        });
        let tensors: Vec<_> = singles.chain(doubles).collect();
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            Ok((name, TensorView::new(*dtype, (*shape).clone(), bytes)?))
        });
        let views: Result<Vec<_>, SafeTensorError> = views.collect();
        let texts = self.texts.clone().into_iter().collect();
        let bytes = views.and_then(|views| serialize(views, Some(texts)));
        let bytes = bytes.map_err(|error| error.to_string())?;
        check_size(bytes.len() as u64)?;
        check_header(&bytes)?;
        Ok(bytes)
    }

    /// Decodes a safetensors file. Floats of 16 bits are widened; integers are left out.
    ///
    /// # Errors
    /// When it is not safetensors or exceeds the limits of this module; the reason.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        check_size(bytes.len() as u64)?;
        check_header(bytes)?;
        let invalid = |error| format!("is not a valid safetensors file: {error}");
        let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(invalid)?;
        let texts = metadata.metadata().clone().unwrap_or_default();
        let tensors = metadata.tensors();
        if tensors.len() > MOST_TENSORS {
            return Err(format!("contains more than {MOST_TENSORS} tensors"));
        }
        let data = &bytes[8 + header..];
        let mut contents = Self {
            texts: texts.into_iter().collect(),
            ..Self::default()
        };
        for (name, info) in tensors {
            let bytes = &data[info.data_offsets.0..info.data_offsets.1];
            let shape = info.shape.clone();
            match info.dtype {
                Dtype::F32 => {
                    let values = bytes.as_chunks().0.iter();
                    let values = values.copied().map(f32::from_le_bytes).collect();
                    contents.arrays.insert(name, Array { shape, values });
                }
                Dtype::F64 => {
                    let values = bytes.as_chunks().0.iter();
                    let values = values.copied().map(f64::from_le_bytes).collect();
                    contents.doubles.insert(name, Array { shape, values });
                }
                Dtype::F16 | Dtype::BF16 => {
                    let widen = match info.dtype {
                        Dtype::F16 => |half| f16::from_le_bytes(half).to_f32(),
                        _ => |half| bf16::from_le_bytes(half).to_f32(),
                    };
                    let values = bytes.as_chunks().0.iter().copied().map(widen).collect();
                    contents.arrays.insert(name, Array { shape, values });
                }
                // Counters and masks, which PyTorch stores beside the parameters.
                Dtype::I64 | Dtype::I32 | Dtype::I16 | Dtype::I8 | Dtype::U8 | Dtype::BOOL => {}
                other => {
                    return Err(format!(
                        "contains tensor “{name}” as {other}; floats of 16, 32 and 64 bits are supported"
                    ));
                }
            }
        }
        Ok(contents)
    }
}

/// Reads a file that may be a checkpoint, after checking its size and header length.
///
/// # Errors
/// When it cannot be read or is too large; the reason.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let file = open_regular(path).map_err(cannot)?;
    let length = file.metadata().map_err(cannot)?.len();
    check_size(length)?;
    let mut bytes = Vec::with_capacity(length as usize);
    // The file may have grown since.
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    Ok(bytes)
}

fn check_size(bytes: u64) -> Result<(), String> {
    if bytes > MOST_BYTES {
        let limit = MOST_BYTES >> 20;
        return Err(format!("is larger than the limit of {limit} MiB"));
    }
    Ok(())
}

fn check_header(bytes: &[u8]) -> Result<(), String> {
    let Some(length) = bytes.first_chunk().copied().map(u64::from_le_bytes) else {
        return Err("is too short for a safetensors file".to_owned());
    };
    if length > MOST_HEADER_BYTES {
        let limit = MOST_HEADER_BYTES >> 20;
        return Err(other_format(bytes).map_or_else(
            || format!("is not a safetensors file, or its header is larger than {limit} MiB"),
            str::to_owned,
        ));
    }
    Ok(())
}

/// What to do with a file of another format that is likely to be given. A safetensors file may begin with
/// the same bytes if they are a plausible length of its header.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let pickle = [[0x80, 2], [0x80, 3], [0x80, 4], [0x80, 5]];
    if bytes.starts_with(b"PK\x03\x04") || pickle.iter().any(|start| bytes.starts_with(start)) {
        Some(PYTORCH)
    } else if bytes.starts_with(b"version https://git-lfs") {
        Some("is only a pointer of Git LFS: get the file with “git lfs pull”")
    } else if bytes.trim_ascii_start().starts_with(b"<") {
        Some("is a web page, not a safetensors file: download the file itself")
    } else {
        None
    }
}

const PYTORCH: &str = "is a file of PyTorch, which can run code when it is read. Convert it in Python:

    import torch
    from safetensors.torch import save_file
    state = torch.load(\"model.pt\", map_location=\"cpu\", weights_only=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, \"model.safetensors\")";

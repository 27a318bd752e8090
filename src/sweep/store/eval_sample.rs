//! A [`Portrait`] as bytes: deflated, little-endian, nothing between the values.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use crate::{
    sweep::{EvalSample, Reconstruction},
    train::Projection,
};

/// First byte of the inflated bytes.
const FORMAT: u8 = 1;
/// The most bytes that a portrait may have, inflated and deflated.
pub(super) const MAX_BYTES: usize = 32 << 20;
/// The most points and cells.
const MAX_POINTS: usize = 1 << 16;
const MAX_CELLS: usize = 1 << 12;

/// # Errors
/// When it is larger than what [`decode`] takes; the sentence begins with "it".
pub(super) fn encode(portrait: &EvalSample) -> Result<Vec<u8>, String> {
    let EvalSample {
        points,
        projection,
        labels,
        predicted,
        reconstructions: cells,
    } = portrait;
    let mut bytes = vec![FORMAT];
    match projection {
        Projection::Coordinates => bytes.push(0),
        Projection::Pca { explained } => {
            bytes.push(1);
            bytes.extend(explained.to_le_bytes());
        }
    }
    bytes.extend(count(points.len(), MAX_POINTS, "points")?);
    bytes.extend(points.as_flattened().iter().flat_map(|x| x.to_le_bytes()));
    bytes.extend(labels);
    bytes.extend(predicted);
    bytes.extend(count(cells.len(), MAX_CELLS, "images")?);
    let size = cells.first().map_or(0, |cell| cell.input.len());
    bytes.extend(count(size, MAX_BYTES, "bytes in an image")?);
    for cell in cells {
        bytes.extend(cell.index.to_le_bytes());
        bytes.extend([cell.label, cell.predicted]);
        bytes.extend(cell.mse.to_le_bytes());
        bytes.extend(&cell.input);
        bytes.extend(&cell.reconstruction);
    }
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "has a portrait of {} bytes, more than {MAX_BYTES}",
            bytes.len()
        ));
    }
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    deflated
        .write_all(&bytes)
        .and_then(|()| deflated.finish())
        .map_err(|error| format!("has a portrait that cannot be deflated: {error}"))
}

fn count(count: usize, most: usize, of_what: &str) -> Result<[u8; 4], String> {
    u32::try_from(count)
        .ok()
        .filter(|_| count <= most)
        .map(u32::to_le_bytes)
        .ok_or_else(|| format!("has {count} {of_what}, more than {most}"))
}

/// # Errors
/// When the bytes are not a portrait; the reason continues "its portrait".
pub(super) fn decode(deflated: &[u8]) -> Result<EvalSample, String> {
    let mut inflated = Vec::new();
    ZlibDecoder::new(deflated)
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(|error| format!("cannot be inflated: {error}"))?;
    if inflated.len() > MAX_BYTES {
        return Err(format!("is larger than {MAX_BYTES} bytes"));
    }
    let mut bytes = Bytes(&inflated);
    let [format] = bytes.array()?;
    if format != FORMAT {
        return Err(format!("has the unknown format {format}"));
    }
    let projection = match bytes.array()? {
        [0] => Projection::Coordinates,
        [1] => Projection::Pca {
            explained: bytes.float()?,
        },
        [other] => return Err(format!("has the unknown projection {other}")),
    };
    let count = bytes.count(MAX_POINTS, "points")?;
    let points = bytes.take(count * 12)?.as_chunks::<4>().0;
    let points = points.as_chunks::<3>().0;
    let points = points
        .iter()
        .map(|point| point.map(f32::from_le_bytes))
        .collect();
    let labels = bytes.take(count)?.to_vec();
    let predicted = bytes.take(count)?.to_vec();
    let count = bytes.count(MAX_CELLS, "images")?;
    let size = bytes.count(MAX_BYTES, "bytes in an image")?;
    // Grows only as far as there are bytes.
    let mut cells = Vec::new();
    for _ in 0..count {
        let index = u32::from_le_bytes(bytes.array()?);
        let [label, predicted] = bytes.array()?;
        cells.push(Reconstruction {
            index,
            label,
            predicted,
            mse: bytes.float()?,
            input: bytes.take(size)?.to_vec(),
            reconstruction: bytes.take(size)?.to_vec(),
        });
    }
    if bytes.0.is_empty() {
        Ok(EvalSample {
            points,
            projection,
            labels,
            predicted,
            reconstructions: cells,
        })
    } else {
        Err(format!("has {} bytes too many", bytes.0.len()))
    }
}

/// What has not been read yet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.0.split_first_chunk().ok_or("is cut off")?;
        self.0 = rest;
        Ok(*taken)
    }

    fn float(&mut self) -> Result<f32, String> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    fn count(&mut self, most: usize, of_what: &str) -> Result<usize, String> {
        let count = u32::from_le_bytes(self.array()?) as usize;
        if count > most {
            return Err(format!("declares {count} {of_what}, more than {most}"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(size: usize) -> impl Strategy<Value = Reconstruction> {
        let bytes = || proptest::collection::vec(any::<u8>(), size);
        (
            any::<u32>(),
            any::<u8>(),
            any::<u8>(),
            0.0f32..4.0,
            bytes(),
            bytes(),
        )
            .prop_map(|(index, label, predicted, mse, input, reconstruction)| {
                Reconstruction {
                    index,
                    label,
                    predicted,
                    mse,
                    input,
                    reconstruction,
                }
            })
    }

    fn portrait() -> impl Strategy<Value = EvalSample> {
        let projection = prop_oneof![
            Just(Projection::Coordinates),
            (0.0f32..=1.0).prop_map(|explained| Projection::Pca { explained }),
        ];
        let point = (any::<[f32; 3]>(), any::<u8>(), any::<u8>());
        let finite = point.prop_filter("finite", |(at, ..)| at.iter().all(|x| x.is_finite()));
        let cells = (0usize..40).prop_flat_map(|size| proptest::collection::vec(cell(size), 0..5));
        (projection, proptest::collection::vec(finite, 0..40), cells).prop_map(
            |(projection, points, cells)| EvalSample {
                points: points.iter().map(|(at, ..)| *at).collect(),
                labels: points.iter().map(|(_, label, _)| *label).collect(),
                predicted: points.iter().map(|(.., predicted)| *predicted).collect(),
                projection,
                reconstructions: cells,
            },
        )
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    proptest! {
        #[test]
        fn a_portrait_comes_back_from_its_bytes(portrait in portrait(), cut in any::<prop::sample::Index>()) {
            let bytes = encode(&portrait).unwrap();
            prop_assert_eq!(decode(&bytes), Ok(portrait));
            prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), format in 0u8..3) {
            let _ = decode(&bytes);
            let _ = decode(&deflated(&[&[format], &bytes[..]].concat()));
        }
    }

    #[test]
    fn what_bytes_promise_is_not_believed() {
        let refusal = |bytes: &[u8]| decode(&deflated(bytes)).unwrap_err();
        assert_eq!(refusal(&[]), "is cut off");
        assert_eq!(refusal(&[9]), "has the unknown format 9");
        assert_eq!(refusal(&[1, 2]), "has the unknown projection 2");
        assert_eq!(
            refusal(&[1, 0, 255, 255, 255, 255]),
            "declares 4294967295 points, more than 65536"
        );
        assert_eq!(refusal(&[1, 0, 0, 0, 1, 0]), "is cut off");
        let bomb = deflated(&vec![0; MAX_BYTES + 1]);
        assert_eq!(decode(&bomb).unwrap_err(), "is larger than 33554432 bytes");
        assert!(
            decode(b"nonsense")
                .unwrap_err()
                .starts_with("cannot be inflated")
        );
    }
}

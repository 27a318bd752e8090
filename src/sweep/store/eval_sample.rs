//! Encodes an [`EvalSample`]: deflated, little-endian, without padding.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use crate::{
    sweep::{EvalSample, Reconstruction},
    train::Projection,
};

/// First byte after inflating.
const FORMAT: u8 = 1;
/// Largest size in bytes, inflated and deflated.
pub(super) const MAX_BYTES: usize = 32 << 20;
/// Largest number of points and of reconstructions.
const MAX_POINTS: usize = 1 << 16;
const MAX_CELLS: usize = 1 << 12;

/// # Errors
/// When it is larger than [`decode`] accepts; the reason starts with a verb.
pub(super) fn encode(sample: &EvalSample) -> Result<Vec<u8>, String> {
    let (points, reconstructions) = (&sample.points, &sample.reconstructions);
    let mut bytes = vec![FORMAT];
    match sample.projection {
        Projection::Coordinates => bytes.push(0),
        Projection::Pca { explained } => {
            bytes.push(1);
            bytes.extend(explained.to_le_bytes());
        }
    }
    bytes.extend(count(points.len(), MAX_POINTS, "points")?);
    bytes.extend(points.as_flattened().iter().flat_map(|x| x.to_le_bytes()));
    bytes.extend(&sample.labels);
    bytes.extend(&sample.predicted);
    bytes.extend(count(reconstructions.len(), MAX_CELLS, "images")?);
    let size = reconstructions
        .first()
        .map_or(0, |reconstruction| reconstruction.input.len());
    bytes.extend(count(size, MAX_BYTES, "bytes in an image")?);
    for reconstruction in reconstructions {
        bytes.extend(reconstruction.index.to_le_bytes());
        bytes.extend([reconstruction.label, reconstruction.predicted]);
        bytes.extend(reconstruction.mse.to_le_bytes());
        bytes.extend(&reconstruction.input);
        bytes.extend(&reconstruction.reconstruction);
    }
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "has a sample of {} bytes, more than {MAX_BYTES}",
            bytes.len()
        ));
    }
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    deflated
        .write_all(&bytes)
        .and_then(|()| deflated.finish())
        .map_err(|error| format!("has an evaluation sample that cannot be deflated: {error}"))
}

fn count(count: usize, limit: usize, name: &str) -> Result<[u8; 4], String> {
    u32::try_from(count)
        .ok()
        .filter(|_| count <= limit)
        .map(u32::to_le_bytes)
        .ok_or_else(|| format!("has {count} {name}, more than {limit}"))
}

/// # Errors
/// When the bytes are invalid; the reason starts with a verb.
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
    let mut reconstructions = Vec::new();
    for _ in 0..count {
        let index = u32::from_le_bytes(bytes.array()?);
        let [label, predicted] = bytes.array()?;
        reconstructions.push(Reconstruction {
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
            reconstructions,
        })
    } else {
        Err(format!("has {} bytes too many", bytes.0.len()))
    }
}

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

    fn count(&mut self, limit: usize, name: &str) -> Result<usize, String> {
        let count = u32::from_le_bytes(self.array()?) as usize;
        if count > limit {
            return Err(format!("declares {count} {name}, more than {limit}"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reconstruction(size: usize) -> impl Strategy<Value = Reconstruction> {
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

    fn sample() -> impl Strategy<Value = EvalSample> {
        let projection = prop_oneof![
            Just(Projection::Coordinates),
            (0.0f32..=1.0).prop_map(|explained| Projection::Pca { explained }),
        ];
        let point = (any::<[f32; 3]>(), any::<u8>(), any::<u8>());
        let finite = point.prop_filter("finite", |(at, ..)| at.iter().all(|x| x.is_finite()));
        let reconstructions = (0usize..40)
            .prop_flat_map(|size| proptest::collection::vec(reconstruction(size), 0..5));
        (
            projection,
            proptest::collection::vec(finite, 0..40),
            reconstructions,
        )
            .prop_map(|(projection, points, reconstructions)| EvalSample {
                points: points.iter().map(|(at, ..)| *at).collect(),
                labels: points.iter().map(|(_, label, _)| *label).collect(),
                predicted: points.iter().map(|(.., predicted)| *predicted).collect(),
                projection,
                reconstructions,
            })
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    proptest! {
        #[test]
        fn a_sample_survives_its_bytes(sample in sample(), cut in any::<prop::sample::Index>()) {
            let bytes = encode(&sample).unwrap();
            prop_assert_eq!(decode(&bytes), Ok(sample));
            prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), format in 0u8..3) {
            let _ = decode(&bytes);
            let _ = decode(&deflated(&[&[format], &bytes[..]].concat()));
        }
    }

    #[test]
    fn declared_sizes_do_not_allocate_memory() {
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

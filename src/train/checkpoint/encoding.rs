//! Encodes and decodes checkpoints.

use std::collections::BTreeMap;

use super::{
    AdamState, Checkpoint,
    arrays::{Array, NamedArrays, TensorFile},
    metadata::Metadata,
};
use crate::train::history::{BUCKET_NUMBERS, History};

/// Name of the format in the metadata.
const FORMAT: &str = "cre-lab run";
/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
pub(super) const FIRST: &str = "adam.first.";
pub(super) const SECOND: &str = "adam.second.";
const STEP: &str = "adam.step.";
pub(super) const BEST: &str = "best.";
const LOSSES: &str = "history.losses";

impl Checkpoint {
    /// Decodes the bytes of a file.
    ///
    /// # Errors
    /// As for [`Self::load`]; only the reason.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        Self::from_contents(TensorFile::from_bytes(bytes)?)
    }

    pub(super) fn from_contents(contents: TensorFile) -> Result<Self, String> {
        let (texts, mut doubles) = (contents.texts, contents.doubles);
        if texts.get("format").map(String::as_str) != Some(FORMAT) {
            return Err("is not a checkpoint of CRE Lab".to_owned());
        }
        let version = texts.get("version").and_then(|text| text.parse().ok());
        match version {
            Some(1..=VERSION) => {}
            Some(newer) if newer > VERSION => {
                return Err(format!(
                    "was written by a newer version of CRE Lab (format {newer}; this version reads up to {VERSION})"
                ));
            }
            _ => return Err("has no format version".to_owned()),
        }
        let run = texts.get("run").ok_or("has no description of its run")?;
        let metadata: Metadata = serde_json::from_str(run)
            .map_err(|error| format!("has an invalid description of its run: {error}"))?;
        let losses = doubles.remove(LOSSES).ok_or("has no curves")?;
        if !matches!(losses.shape[..], [_, BUCKET_NUMBERS]) {
            return Err("has curves of the wrong shape".to_owned());
        }
        let history = History::from_parts(&metadata.history, &losses.values)?;
        let mut weights = NamedArrays::new();
        let mut adam = AdamState::default();
        let mut best = NamedArrays::new();
        for (name, array) in contents.arrays {
            let (target, name) = if let Some(name) = name.strip_prefix(FIRST) {
                (&mut adam.first, name)
            } else if let Some(name) = name.strip_prefix(SECOND) {
                (&mut adam.second, name)
            } else if let Some(name) = name.strip_prefix(BEST) {
                (&mut best, name)
            } else {
                (&mut weights, &*name)
            };
            target.insert(name.to_owned(), array);
        }
        for (name, array) in doubles {
            let step = name.strip_prefix(STEP).zip(array.values.first());
            let Some((name, &steps)) = step else {
                return Err(format!("contains an unknown tensor “{name}”"));
            };
            adam.steps.insert(
                name.to_owned(),
                whole(steps).ok_or("has an invalid number of Adam's steps")?,
            );
        }
        let checkpoint = Self {
            best: metadata.best.is_some().then_some(best),
            metadata,
            history,
            weights,
            adam,
        };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    /// Encodes the checkpoint.
    ///
    /// # Errors
    /// When it would be larger than the limits for reading.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let run = serde_json::to_string(&self.metadata).map_err(|error| error.to_string())?;
        let texts = [
            ("format", FORMAT.to_owned()),
            ("version", VERSION.to_string()),
            ("run", run),
        ];
        let mut arrays = self.weights.clone();
        let adam = &self.adam;
        let empty = NamedArrays::new();
        let best = self.best.as_ref().unwrap_or(&empty);
        for (prefix, named) in [(FIRST, &adam.first), (SECOND, &adam.second), (BEST, best)] {
            let renamed = named.iter();
            arrays.extend(renamed.map(|(name, array)| (format!("{prefix}{name}"), array.clone())));
        }
        let array = |shape, values| Array { shape, values };
        let scalar = |steps: usize| array(Vec::new(), vec![steps as f64]);
        let steps = adam.steps.iter();
        let steps = steps.map(|(name, steps)| (format!("{STEP}{name}"), scalar(*steps)));
        let mut doubles: BTreeMap<String, Array<f64>> = steps.collect();
        let losses = self.history.bucket_numbers();
        let shape = vec![losses.len() / BUCKET_NUMBERS, BUCKET_NUMBERS];
        doubles.insert(LOSSES.to_owned(), array(shape, losses));
        let contents = TensorFile {
            texts: texts.map(|(name, text)| (name.to_owned(), text)).into(),
            arrays,
            doubles,
        };
        contents.to_bytes()
    }
}

fn whole(number: f64) -> Option<usize> {
    (number.fract() == 0.0 && (0.0..1e12).contains(&number)).then_some(number as usize)
}

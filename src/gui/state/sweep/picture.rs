//! A stored run in the form in which panes show it.

use std::{path::Path, sync::Arc};

use crate::{
    data::{Dataset, ImageShape, LoadReport, Split},
    sweep::{Record, Store},
    train::{Probe, RunId, Snapshot},
};

/// A stored run, and its cloud as a snapshot.
#[derive(Debug)]
pub struct RunPicture {
    pub record: Arc<Record>,
    /// Its cloud.
    pub snapshot: Arc<Snapshot>,
    /// Classes of the points of the cloud; its images are a single black pixel each.
    pub labels: Dataset,
}

impl RunPicture {
    /// Reads the run `id` of a store.
    ///
    /// # Errors
    /// One sentence, when there is no such run or it cannot be shown.
    pub fn read(store: &Store, file: &Path, id: i64) -> Result<Self, String> {
        let stored = store.run(id).map_err(|error| error.to_string())?;
        let stored = stored.ok_or_else(|| format!("{} has no run {id}", file.display()))?;
        Self::new(id, stored.record)
            .ok_or_else(|| format!("Run {id} in {} has no valid sample", file.display()))
    }

    /// The run `id`; `None` if its sample has not one label per point.
    fn new(id: i64, record: Record) -> Option<Self> {
        let sample = &record.eval_sample;
        let pixel = ImageShape {
            channels: 1,
            height: 1,
            width: 1,
        };
        let count = sample.points.len();
        let test = Split::new(pixel, vec![0; count], sample.labels.clone())?;
        let labels = Dataset {
            name: record.data_name.clone(),
            shape: pixel,
            class_names: record.class_names.clone(),
            rotation: 0.0,
            left_out: LoadReport::default(),
            train: Split::new(pixel, Vec::new(), Vec::new())?,
            test,
        };
        let dead = record.kept()?.dead_units;
        let snapshot = Snapshot {
            run: RunId(u64::try_from(id).ok()?),
            step: record.kept()?.step,
            lambda: record.lambda(),
            probe: Probe {
                cloud: (0..u32::try_from(count).ok()?).collect(),
                ..Probe::default()
            },
            latent_size: record.latent_values,
            latents: Vec::new(),
            points: sample.points.clone(),
            projection: sample.projection,
            predicted: sample.predicted.clone(),
            dead: (0..record.relu_units).map(|unit| unit < dead).collect(),
            grid: Vec::new(),
            selected: None,
            custom_image: None,
        };
        Some(Self {
            record: Arc::new(record),
            snapshot: Arc::new(snapshot),
            labels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::fixtures::record;

    #[test]
    fn a_picture_has_every_point_with_its_class() {
        let run = record(0.5, 1, 0.9, 0.2);
        let (points, labels) = (
            run.eval_sample.points.clone(),
            run.eval_sample.labels.clone(),
        );
        let picture = RunPicture::new(7, run.clone()).unwrap();
        assert_eq!(picture.snapshot.points, points);
        assert_eq!(picture.labels.test.labels(), labels);
        let mut broken = run;
        broken.eval_sample.labels.pop();
        assert!(RunPicture::new(7, broken).is_none());
    }
}

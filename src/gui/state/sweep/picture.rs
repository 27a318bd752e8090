//! A finished run in the form in which panes show one.

use std::sync::Arc;

use crate::{
    data::{Dataset, ImageShape, Split},
    sweep::Record,
    train::{Probe, RunId, Snapshot},
};

/// A finished run, and its cloud as if it were a look at a live one.
#[derive(Debug)]
pub struct RunPicture {
    /// The run.
    pub record: Arc<Record>,
    /// Its cloud.
    pub snapshot: Arc<Snapshot>,
    /// Classes of the points of the cloud; its images are a single black pixel each.
    pub labels: Dataset,
}

impl RunPicture {
    /// The run with the number `id`; none if its portrait has not one label for each point.
    pub fn new(id: i64, record: Record) -> Option<Self> {
        let portrait = &record.eval_sample;
        let pixel = ImageShape {
            channels: 1,
            height: 1,
            width: 1,
        };
        let count = portrait.points.len();
        let test = Split::new(pixel, vec![0; count], portrait.labels.clone())?;
        let labels = Dataset {
            name: record.data_name.clone(),
            shape: pixel,
            class_names: record.class_names.clone(),
            rotation: 0.0,
            skipped: Vec::new(),
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
            points: portrait.points.clone(),
            projection: portrait.projection,
            predicted: portrait.predicted.clone(),
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

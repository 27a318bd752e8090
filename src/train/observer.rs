//! Takes snapshots of a model.

use std::sync::Arc;

use burn::tensor::{Tensor, activation, s};

use super::{
    AxisChoice, CustomImageResult, ImageResult, Probe, RunId, Snapshot, TokenView,
    projection::Projector,
    snapshot::arg_max,
    trainer::{TrainError, Trainer, floats},
};
use crate::{
    data::unit_to_pixel,
    model::{Cre, LatentLayout, loss},
};

/// Takes snapshots. Keeps the axes of its projection from one to the next.
#[derive(Debug, Default)]
pub struct Observer {
    projector: Projector,
}

impl Observer {
    /// The results of `trainer`'s model for the probe images. Indices beyond the test images are
    /// left out of the snapshot's probe.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn take_snapshot(
        &mut self,
        run: RunId,
        trainer: &Trainer,
        probe: &Probe,
    ) -> Result<Snapshot, TrainError> {
        let probe = clamped_probe(probe, trainer.dataset().test.len());
        let cloud = trainer.map_test_images(&probe.cloud, |model, images| {
            let latent = model.encode(images);
            let logits = floats(model.classify(latent.clone()))?;
            let rows = latent.dims()[0];
            let latent = floats(shown_latent(latent, trainer.layout(), probe.tokens))?;
            Ok(rows_of(&latent, rows)
                .zip(rows_of(&logits, rows))
                .map(|(z, logits)| (z.to_vec(), arg_max(logits).0))
                .collect())
        })?;
        let mut indices: Vec<u32> = probe.grid.to_vec();
        indices.extend(probe.selected);
        let mut results = image_results(trainer, &indices)?;
        let selected = probe.selected.and_then(|_| results.pop());

        let (latents, predicted): (Vec<Vec<f32>>, Vec<u8>) = cloud.into_iter().unzip();
        let latent_size = latents.first().map_or(0, Vec::len);
        let mut latents = latents.concat();
        let dead = dead(&latents, trainer.layout());
        if probe.axes == AxisChoice::Independent {
            self.projector = Projector::default();
        }
        let (points, projection) = self.projector.project(&latents, latent_size);
        let custom = probe.custom_image.as_ref();
        let custom = custom.map(|pixels| self.custom_image_result(trainer, pixels, probe.tokens));
        let custom_image = custom.transpose()?.flatten();
        if latent_size > Snapshot::LATENT_SHOWN {
            latents.clear();
        }
        Ok(Snapshot {
            run,
            step: trainer.steps(),
            lambda: trainer.lambda(),
            probe,
            latent_size,
            latents,
            points,
            projection,
            predicted,
            dead,
            grid: results,
            selected,
            custom_image,
        })
    }

    /// The result for an image that is not in the data set; `None` if it has another size.
    fn custom_image_result(
        &self,
        trainer: &Trainer,
        pixels: &Arc<[u8]>,
        tokens: TokenView,
    ) -> Result<Option<CustomImageResult>, TrainError> {
        let result = trainer.map_custom_image(pixels, |model, image| {
            let latent = model.encode(image.clone());
            let z = floats(shown_latent(latent, trainer.layout(), tokens))?;
            let results = forward(model, image)?.into_iter();
            Ok(results.map(|result| (result, z.clone())).collect())
        })?;
        Ok(result.map(|(result, z)| CustomImageResult {
            pixels: pixels.clone(),
            point: self.projector.position(&z),
            result,
        }))
    }
}

/// The part of z that the cloud shows, `[batch, values]`.
fn shown_latent(latent: Tensor<2>, layout: LatentLayout, view: TokenView) -> Tensor<2> {
    let LatentLayout::Tokens { count, width } = layout else {
        return latent;
    };
    let images = latent.dims()[0];
    let tokens = latent.reshape([images, count, width]);
    match view.within(count) {
        TokenView::MeanPatch => tokens.slice(s![.., 1..]).mean_dim(1).squeeze_dim(1),
        TokenView::Token(token) => tokens.narrow(1, token, 1).squeeze_dim(1),
    }
}

/// Number of latent units that are zero for all of `indices`.
///
/// # Errors
/// When the device has failed.
pub fn dead_units(trainer: &Trainer, indices: &[u32]) -> Result<usize, TrainError> {
    if trainer.layout().relu_units() == 0 {
        return Ok(0);
    }
    let indices = known_indices(indices, trainer.dataset().test.len());
    let largest = trainer.map_test_images(&indices, |model, images| {
        floats(model.encode(images).max_dim(0)).map(|row| vec![row])
    })?;
    let dead = dead(&largest.concat(), trainer.layout());
    Ok(dead.into_iter().filter(|dead| *dead).count())
}

/// Per unit (channel of a feature map) whether it is zero in every row of `latents`; all false
/// without rows.
fn dead(latents: &[f32], layout: LatentLayout) -> Vec<bool> {
    let units = layout.relu_units();
    if units == 0 {
        return Vec::new();
    }
    let mut dead = vec![!latents.is_empty(); units];
    for z in latents.chunks_exact(layout.values()) {
        for (dead, values) in dead.iter_mut().zip(z.chunks_exact(z.len() / units)) {
            *dead = *dead && values.iter().all(|x| *x == 0.0);
        }
    }
    dead
}

fn image_results(trainer: &Trainer, indices: &[u32]) -> Result<Vec<ImageResult>, TrainError> {
    let results = indices
        .iter()
        .zip(trainer.map_test_images(indices, forward)?);
    let results = results.map(|(&index, result)| ImageResult { index, ..result });
    Ok(results.collect())
}

fn forward(model: &Cre, images: Tensor<2>) -> Result<Vec<ImageResult>, TrainError> {
    let rows = images.dims()[0];
    let output = model.forward(images.clone());
    let errors = loss::per_image_squared_error(output.reconstruction.clone(), images, None);
    let errors = floats(errors)?;
    let latents = floats(output.latent)?;
    let reconstructions = floats(output.reconstruction)?;
    let probabilities = floats(activation::softmax(output.logits, 1))?;
    Ok(errors
        .into_iter()
        .zip(rows_of(&latents, rows))
        .zip(rows_of(&reconstructions, rows))
        .zip(rows_of(&probabilities, rows))
        .map(
            |(((mse, latent), reconstruction), probabilities)| ImageResult {
                index: 0,
                latent: latent.to_vec(),
                reconstruction: reconstruction.iter().copied().map(unit_to_pixel).collect(),
                mse,
                probabilities: probabilities.to_vec(),
            },
        )
        .collect())
}

fn rows_of(values: &[f32], rows: usize) -> std::slice::ChunksExact<'_, f32> {
    values.chunks_exact((values.len() / rows.max(1)).max(1))
}

fn known_indices(indices: &[u32], images: usize) -> Arc<[u32]> {
    let is_known = |index: &u32| (*index as usize) < images;
    indices.iter().copied().filter(is_known).collect()
}

fn clamped_probe(probe: &Probe, images: usize) -> Probe {
    let is_known = |index: &u32| (*index as usize) < images;
    let clamped = |indices: &Arc<[u32]>| {
        let is_complete = indices.iter().all(is_known);
        let shared = is_complete.then(|| indices.clone());
        shared.unwrap_or_else(|| known_indices(indices, images))
    };
    Probe {
        cloud: clamped(&probe.cloud),
        grid: clamped(&probe.grid),
        selected: probe.selected.filter(is_known),
        ..probe.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use burn::tensor::Device;
    use crossbeam_channel::bounded;

    use super::*;
    use crate::{
        data::{BundledSet, DataSource},
        model::{Architecture, Lambda, LatentSize},
        train::{Projection, RunConfig},
    };

    /// Snapshots after every third step of a training in which units of z die one after the other.
    #[test]
    fn snapshots_of_a_network_with_dying_units_are_finite() {
        let config = RunConfig {
            architecture: Architecture::FcSmall,
            latent: LatentSize::new(16).unwrap(),
            lambda: Lambda::new(0.3).unwrap(),
            batch_size: 256,
            seed: 7,
            ..RunConfig::default()
        };
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let probe = Probe {
            cloud: dataset.test.first_of_each_class(10, 50).into(),
            ..Probe::default()
        };
        let (sender, snapshots) = bounded(0);
        std::thread::spawn(move || {
            let mut trainer = Trainer::new(&config, dataset, &Device::flex()).unwrap();
            let mut observer = Observer::default();
            for step in 1..=30 {
                trainer.step();
                if step % 3 == 0 {
                    let snapshot = observer.take_snapshot(RunId(0), &trainer, &probe).unwrap();
                    sender.send(snapshot).unwrap();
                }
            }
        });
        for place in 1..=10 {
            let snapshot = snapshots.recv_timeout(Duration::from_secs(10));
            let snapshot = snapshot.unwrap_or_else(|_| panic!("no snapshot at step {}", 3 * place));
            assert!(snapshot.points.iter().flatten().all(|x| x.is_finite()));
            assert!(
                matches!(snapshot.projection, Projection::Pca { explained } if explained > 0.3)
            );
        }
    }
}

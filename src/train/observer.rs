//! Takes snapshots of a model.

use std::sync::Arc;

use burn::tensor::{Tensor, activation, s};

use super::{
    AxisChoice, CustomImageResult, ImageResult, Probe, RunId, Snapshot, TokenView,
    projection::Projector,
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
                .map(|(z, logits)| (z.to_vec(), arg_max(logits)))
                .collect())
        })?;
        let mut indices: Vec<u32> = probe.grid.to_vec();
        indices.extend(probe.selected);
        let mut results = image_results(trainer, &indices)?;
        let selected = probe.selected.and_then(|_| results.pop());

        let latent_size = cloud.first().map_or(0, |(z, _)| z.len());
        let predicted = cloud.iter().map(|(_, class)| *class).collect();
        let mut latents = Vec::with_capacity(cloud.len() * latent_size);
        for (z, _) in &cloud {
            latents.extend_from_slice(z);
        }
        let dead = dead(&latents, trainer.layout());
        if probe.axes == AxisChoice::Independent {
            self.projector = Projector::default();
        }
        let (points, projection) = self.projector.project(&latents, latent_size);
        let own = match &probe.custom_image {
            Some(pixels) => self.custom_image_result(trainer, pixels, probe.tokens)?,
            None => None,
        };
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
            custom_image: own,
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
    let indices: Vec<u32> = known_indices(indices, trainer.dataset().test.len());
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
    let rows = trainer.map_test_images(indices, forward)?;
    Ok(indices
        .iter()
        .zip(rows)
        .map(|(&index, result)| ImageResult { index, ..result })
        .collect())
}

fn forward(model: &Cre, images: Tensor<2>) -> Result<Vec<ImageResult>, TrainError> {
    let rows = images.dims()[0];
    let output = model.forward(images.clone());
    let errors = floats(loss::per_image_squared_error(
        output.reconstruction.clone(),
        images,
        None,
    ))?;
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

/// Index of the largest value, the first of equal ones.
fn arg_max(values: &[f32]) -> u8 {
    (0..=u8::MAX)
        .zip(values)
        .fold((0, f32::NEG_INFINITY), |best, (index, &value)| {
            if value > best.1 { (index, value) } else { best }
        })
        .0
}

fn known_indices(indices: &[u32], images: usize) -> Vec<u32> {
    indices
        .iter()
        .copied()
        .filter(|&index| (index as usize) < images)
        .collect()
}

fn clamped_probe(probe: &Probe, images: usize) -> Probe {
    let fits = |index: &u32| (*index as usize) < images;
    if probe
        .cloud
        .iter()
        .chain(&*probe.grid)
        .chain(&probe.selected)
        .all(fits)
    {
        return probe.clone();
    }
    Probe {
        cloud: known_indices(&probe.cloud, images).into(),
        grid: known_indices(&probe.grid, images).into(),
        selected: probe.selected.filter(fits),
        custom_image: probe.custom_image.clone(),
        tokens: probe.tokens,
        axes: probe.axes,
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

//! Keys that identify a data set or a run on any machine.

use std::{fmt, str::FromStr};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::RunSpec;
use crate::{
    data::Dataset,
    model::{Architecture, VitOptions},
    train::RunConfig,
};

/// A SHA-256; as text, 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey([u8; 32]);

/// Everything that determines the result of a run, bit for bit on the CPU. Floats are given by
/// their bits, so that their formatting cannot change a key.
#[derive(Serialize)]
struct Deciding {
    data: String,
    architecture: Architecture,
    #[serde(skip_serializing_if = "Option::is_none")]
    latent: Option<usize>,
    lambda: u64,
    batch_size: usize,
    learning_rate: u64,
    seed: u64,
    epochs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vit: Option<VitOptions>,
}

impl RunKey {
    /// The key of a data set: of everything that training and evaluation use, wherever its files
    /// are.
    pub fn from_dataset(dataset: &Dataset) -> Self {
        let mut hash = Sha256::new();
        hash.update("cre-lab data 1\n");
        let shape = dataset.shape;
        for number in [
            shape.channels,
            shape.height,
            shape.width,
            dataset.classes(),
            dataset.train.len(),
            dataset.test.len(),
        ] {
            hash.update((number as u64).to_le_bytes());
        }
        hash.update(dataset.rotation.to_bits().to_le_bytes());
        for half in [&dataset.train, &dataset.test] {
            hash.update(half.labels());
            hash.update(half.images(0..half.len()));
        }
        Self(hash.finalize().into())
    }

    /// The key of a run on the data set `data`: of everything that determines its result, without
    /// the source of the data and the device.
    pub fn from_run(spec: &RunSpec, data: &Self) -> Self {
        let RunSpec {
            data: _,
            epochs,
            config,
        } = spec;
        // Every field by name: a new one must be handled here.
        let RunConfig {
            architecture,
            latent,
            lambda,
            batch_size,
            learning_rate,
            seed,
            device: _,
            vit,
        } = config;
        let deciding = Deciding {
            data: data.to_string(),
            architecture: *architecture,
            latent: architecture.has_free_latent().then(|| latent.get()),
            lambda: lambda.value().to_bits(),
            batch_size: *batch_size,
            learning_rate: learning_rate.to_bits(),
            seed: *seed,
            epochs: *epochs,
            vit: (*architecture == Architecture::Vit).then_some(*vit),
        };
        let mut hash = Sha256::new();
        hash.update("cre-lab run 1\n");
        // Names and numbers can always be encoded as JSON.
        hash.update(serde_json::to_vec(&deciding).unwrap_or_default());
        Self(hash.finalize().into())
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for RunKey {
    type Err = InvalidRunKey;

    fn from_str(text: &str) -> Result<Self, InvalidRunKey> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(InvalidRunKey);
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16)
                .map_err(|_| InvalidRunKey)?;
        }
        Ok(Self(bytes))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not made of 64 hexadecimal digits")]
pub struct InvalidRunKey;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{BundledSet, DataSource, ImageShape, LoadReport, Split},
        model::{Lambda, LatentSize},
        train::DeviceChoice,
    };

    fn dataset(pixels: Vec<u8>, labels: Vec<u8>) -> Dataset {
        let shape = ImageShape {
            channels: 1,
            height: 1,
            width: 2,
        };
        let split = Split::new(shape, pixels, labels).unwrap();
        Dataset {
            name: "two".to_owned(),
            shape,
            class_names: vec!["a".to_owned(), "b".to_owned()],
            rotation: 0.0,
            left_out: LoadReport::default(),
            train: split.clone(),
            test: split,
        }
    }

    #[test]
    fn the_key_of_a_data_set_depends_on_its_content_only() {
        let two = dataset(vec![1, 2, 3, 4], vec![0, 1]);
        let id = RunKey::from_dataset(&two);
        let mut other = two.clone();
        other.name = "zwei".to_owned();
        assert_eq!(id, RunKey::from_dataset(&other));
        other.rotation = 15.0;
        assert_ne!(id, RunKey::from_dataset(&other));
        for changed in [
            dataset(vec![1, 2, 3, 5], vec![0, 1]),
            dataset(vec![1, 2, 3, 4], vec![1, 1]),
            dataset(vec![1, 2], vec![0]),
        ] {
            assert_ne!(id, RunKey::from_dataset(&changed));
        }
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("0g".repeat(32).parse::<RunKey>(), Err(InvalidRunKey));
        assert_eq!("é".repeat(32).parse::<RunKey>(), Err(InvalidRunKey));
        assert_eq!("".parse::<RunKey>(), Err(InvalidRunKey));
    }

    #[test]
    fn the_key_of_a_run_depends_on_what_determines_its_result() {
        let data = RunKey([7; 32]);
        let spec = RunSpec {
            data: DataSource::Bundled(BundledSet::Mnist),
            epochs: 10,
            config: RunConfig::default(),
        };
        let key = RunKey::from_run(&spec, &data);
        // Fixed, so that a release recognises the runs of earlier ones.
        assert_eq!(
            key.to_string(),
            "fa82e9f72b29df067d0c9347da6223237dc82b9e32a789926d2bb2257658ae9b"
        );
        let with = |change: &dyn Fn(&mut RunSpec)| {
            let mut spec = spec.clone();
            change(&mut spec);
            RunKey::from_run(&spec, &data)
        };
        assert_eq!(
            key,
            with(&|spec| spec.data = "/elsewhere".parse().unwrap_or_default())
        );
        assert_eq!(key, with(&|spec| spec.config.device = DeviceChoice::Cpu));
        for changed in [
            with(&|spec| spec.epochs = 11),
            with(&|spec| spec.config.architecture = Architecture::FcSmall),
            with(&|spec| spec.config.latent = LatentSize::new(4).unwrap()),
            with(&|spec| spec.config.lambda = Lambda::CLASSIFIER),
            with(&|spec| spec.config.batch_size = 100),
            with(&|spec| spec.config.learning_rate = 1e-4),
            with(&|spec| spec.config.seed = 1),
            RunKey::from_run(&spec, &RunKey([8; 32])),
        ] {
            assert_ne!(key, changed);
        }

        let cnn = |n| {
            with(&|spec| {
                spec.config.architecture = Architecture::CnnSmall;
                spec.config.latent = LatentSize::new(n).unwrap();
            })
        };
        assert_eq!(cnn(3), cnn(64), "its layers determine n");
    }
}

//! Checkpoints and settings from anywhere: whatever their bytes are, they are read or refused, without
//! a panic and without more memory than their size allows.

use std::sync::{Arc, LazyLock};

use crate::allocation::peak_of;
use burn::tensor::Device;
use cre_lab::{
    data::{DataSource, Dataset, ImageShape, LoadReport, Split},
    model::Architecture,
    train::{
        Lane, Lanes, Mark, Run, RunConfig,
        checkpoint::{Checkpoint, CheckpointContext, arrays::MOST_HEADER_BYTES},
        history::History,
        run::LaneEvent,
    },
};
use proptest::{prelude::*, sample::Index};

/// What a small file may cost: JSON, names, the network that it is compared with.
const BUFFERS: usize = 1 << 20;
/// What a byte of a file may cost: it is parsed, and compared with a network of its own size.
const PER_BYTE: usize = 64;

/// Five training and two test images of two classes.
fn dataset(shape: ImageShape) -> Dataset {
    let split = |images: usize| {
        let pixels = (0..images * shape.pixels()).map(|index| (index * 89 % 256) as u8);
        let labels = (0..images).map(|image| (image % 2) as u8).collect();
        Split::new(shape, pixels.collect(), labels).unwrap()
    };
    Dataset {
        name: "pattern".to_owned(),
        shape,
        class_names: vec!["0".to_owned(), "1".to_owned()],
        rotation: 0.0,
        left_out: LoadReport::default(),
        train: split(5),
        test: split(2),
    }
}

/// A run of FC Small on images of a few pixels, with all that a checkpoint can hold.
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let shape = ImageShape {
        channels: 1,
        height: 2,
        width: 3,
    };
    let dataset = Arc::new(dataset(shape));
    let config = RunConfig {
        architecture: Architecture::FcSmall,
        batch_size: 2,
        ..RunConfig::default()
    };
    let lanes = Lanes::new(&config, &[config.lane()], &dataset, &Device::flex()).unwrap();
    let mut run = Run::new(lanes);
    let mut history = History::new(2);
    // Beyond an evaluation, into the next epoch.
    for last in [2, 3] {
        let mut events = run.train(last, || true).unwrap();
        events.extend(run.evaluate(&[0, 1], || true).unwrap());
        for (_, event) in events {
            match event {
                LaneEvent::Trained(losses) => history.push_losses(&losses),
                LaneEvent::Evaluated(evaluation) => history.push_evaluation(evaluation),
                LaneEvent::NotFinite { step } => panic!("diverged at step {step}"),
            }
        }
    }
    history.push_mark(2, Mark::LearningRate(1e-3));
    history.push_mark(3, Mark::Lambda(config.lambda));
    let context = CheckpointContext {
        config: &config,
        source: &DataSource::default(),
        history: &history,
    };
    let checkpoint = Checkpoint::new(&run, context).unwrap();
    assert!(checkpoint.best_weights().is_some());
    checkpoint.to_bytes().unwrap()
});

/// Harm done to a file.
#[derive(Clone, Debug)]
enum Harm {
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    /// Another length of the header.
    Header(u64),
    /// Another digit in place of one in the header, where all sizes are.
    Digit(Index, u8),
    /// Digits added to a number in the header.
    Digits(Index, usize),
}

impl Harm {
    fn any() -> impl Strategy<Value = Self> {
        let bytes = prop::collection::vec(any::<u8>(), 1..9);
        let length = prop_oneof![
            Just(0),
            Just(u64::MAX),
            Just(MOST_HEADER_BYTES),
            Just(MOST_HEADER_BYTES + 1),
            0..10_000u64,
            any::<u64>(),
        ];
        prop_oneof![
            2 => (any::<Index>(), any::<u8>()).prop_map(|(at, bits)| Self::Flip(at, bits)),
            1 => any::<Index>().prop_map(Self::Cut),
            1 => (any::<Index>(), bytes).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            1 => length.prop_map(Self::Header),
            4 => (any::<Index>(), b'0'..=b'9').prop_map(|(at, digit)| Self::Digit(at, digit)),
            3 => (any::<Index>(), 1..18usize).prop_map(|(at, count)| Self::Digits(at, count)),
        ]
    }

    fn apply(&self, file: &mut Vec<u8>) {
        let length = file.len();
        if length < 16 {
            return;
        }
        let digit = |at: &Index, file: &[u8]| {
            let digits: Vec<usize> = (8..length).filter(|i| file[*i].is_ascii_digit()).collect();
            (!digits.is_empty()).then(|| digits[at.index(digits.len())])
        };
        match self {
            Self::Flip(at, bits) => file[at.index(length)] ^= bits,
            Self::Cut(at) => file.truncate(at.index(length)),
            Self::Insert(at, bytes) => {
                let at = at.index(length);
                file.splice(at..at, bytes.iter().copied());
            }
            Self::Header(size) => file[..8].copy_from_slice(&size.to_le_bytes()),
            Self::Digit(at, to) => {
                if let Some(place) = digit(at, file) {
                    file[place] = *to;
                }
            }
            Self::Digits(at, count) => {
                if let Some(place) = digit(at, file) {
                    file.splice(place..place, vec![b'9'; *count]);
                    // The header grows by that, so that what it says is looked at.
                    let header = file.first_chunk().copied().map_or(0, u64::from_le_bytes);
                    let header = header.wrapping_add(*count as u64);
                    file[..8].copy_from_slice(&header.to_le_bytes());
                }
            }
        }
    }
}

/// Random bytes, a header of its own with random bytes after it, or a sound file that was harmed.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let header = "\\{\"[a-z_]{0,12}\":\\{\"dtype\":\"(F32|F64|I64|BF16)\",\"shape\":\\[[0-9]{1,20}(,[0-9]{1,20}){0,3}\\],\"data_offsets\":\\[[0-9]{1,20},[0-9]{1,20}\\]\\}\\}";
    let headed = (header, prop::collection::vec(any::<u8>(), 0..64)).prop_map(|(text, rest)| {
        let length = (text.len() as u64).to_le_bytes();
        [&length, text.as_bytes(), &rest[..]].concat()
    });
    let harmed = prop::collection::vec(Harm::any(), 1..4).prop_map(|harms| {
        let mut file = SOUND.clone();
        for harm in harms {
            harm.apply(&mut file);
        }
        file
    });
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => headed,
        6 => harmed,
    ]
}

/// Settings that were harmed, as TOML or JSON, or text of any kind.
fn settings() -> impl Strategy<Value = String> {
    let config = RunConfig {
        architecture: Architecture::Vit,
        ..RunConfig::default()
    };
    let texts = [
        toml::to_string(&config).unwrap(),
        serde_json::to_string(&config).unwrap(),
    ];
    let harmed = (
        prop::sample::select(texts.to_vec()),
        prop::collection::vec((any::<Index>(), any::<char>(), any::<bool>()), 1..5),
    )
        .prop_map(|(text, harms)| {
            let mut letters: Vec<char> = text.chars().collect();
            for (at, to, digit) in harms {
                let at = at.index(letters.len());
                letters[at] = if digit { '9' } else { to };
            }
            letters.into_iter().collect()
        });
    prop_oneof![1 => any::<String>(), 5 => harmed]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_checkpoint_is_read_or_refused(bytes in bytes()) {
        let (read, peak) = peak_of(|| Checkpoint::from_bytes(&bytes));
        let most = BUFFERS + PER_BYTE * bytes.len();
        prop_assert!(peak <= most, "{peak} bytes for {}: {read:?}", bytes.len());
        if let Err(reason) = read {
            prop_assert!(!reason.is_empty());
        }
    }

    #[test]
    fn any_settings_are_read_or_refused(text in settings()) {
        let (read, peak) = peak_of(|| {
            (toml::from_str::<RunConfig>(&text), serde_json::from_str::<RunConfig>(&text))
        });
        let most = BUFFERS + PER_BYTE * text.len();
        prop_assert!(peak <= most, "{peak} bytes for {}: {read:?}", text.len());
        for config in [read.0.ok(), read.1.ok()].into_iter().flatten() {
            let Lane { lambda, .. } = config.lane();
            prop_assert!((0.0..=1.0).contains(&lambda.value()));
            // Invalid sizes are reported without a panic too.
            let spec = config.model_spec(ImageShape::GREY_28, 10);
            let _ = config.architecture.parameter_count(&spec);
        }
    }
}

#[test]
fn a_valid_file_is_read() {
    Checkpoint::from_bytes(&SOUND).unwrap();
}

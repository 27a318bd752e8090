//! Groups runs into series that differ in λ and seed only.

use std::collections::HashMap;

use super::{
    Outcome, Record, RunKey, RunSpec, Store,
    store::{StoreError, StoreErrorKind, StoredRun},
};
use crate::{
    data::{BundledSet, DataSource},
    model::Lambda,
    train::DeviceChoice,
};

/// Runs of one network on one data set that differ in λ and seed only.
#[derive(Clone, Debug)]
pub struct Series<'a> {
    /// Distinguishes it from the other series: "MNIST, FC Medium, n = 3".
    pub title: String,
    /// The runs, at least one, by λ and then seed.
    pub records: Vec<&'a Record>,
}

impl Series<'_> {
    /// The metrics of the runs; those never evaluated are left out.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let outcome = |record: &&Record| Outcome::from_record(record);
        self.records.iter().filter_map(outcome).collect()
    }
}

/// The series in `records`: data sets in the order of a menu, then small networks first.
pub fn series(records: &[Record]) -> Vec<Series<'_>> {
    let mut groups: Vec<(RunSpec, Vec<&Record>)> = Vec::new();
    for record in records {
        let spec = common_spec(&record.spec);
        match groups.iter_mut().find(|(other, _)| *other == spec) {
            Some((_, group)) => group.push(record),
            None => groups.push((spec, vec![record])),
        }
    }
    let mut groups: Vec<Vec<&Record>> = groups.into_iter().map(|(_, group)| group).collect();
    for group in &mut groups {
        group.sort_by(|a, b| {
            let by_lambda = a.lambda().value().total_cmp(&b.lambda().value());
            by_lambda.then(a.spec.config.seed.cmp(&b.spec.config.seed))
        });
    }
    groups.sort_by_cached_key(|group| sort_key(group[0]));
    let first: Vec<&Record> = groups.iter().map(|group| group[0]).collect();
    let name = |record: &&Record| format!("{}, {}", record.data_name, network_name(record));
    let names = distinct_names(first.iter().map(name).collect(), &first);
    let named = names.into_iter().zip(groups);
    named
        .map(|(title, records)| Series { title, records })
        .collect()
}

/// The records of a file. Runs on equal images get the same source, wherever the images were when
/// they were trained.
pub fn with_common_sources(stored: Vec<StoredRun>) -> Vec<Record> {
    let mut sources: HashMap<RunKey, DataSource> = HashMap::new();
    let records = stored.into_iter().map(|StoredRun { data, record, .. }| {
        let source = sources
            .entry(data)
            .or_insert_with(|| record.spec.data.clone());
        let mut record = record;
        record.spec.data = source.clone();
        record
    });
    records.collect()
}

/// The records of a store as [`with_common_sources`] makes them.
///
/// # Errors
/// When it contains no finished run, or cannot be read.
pub fn finished_records(store: &Store) -> Result<Vec<Record>, StoreError> {
    let records = with_common_sources(store.runs()?);
    if records.is_empty() {
        return Err(StoreErrorKind::NoRun.in_file(store.file()));
    }
    Ok(records)
}

/// The specification without what may differ within a series. The device changes rounding only.
pub fn common_spec(spec: &RunSpec) -> RunSpec {
    let mut common = spec.clone();
    common.config.lambda = Lambda::BALANCED;
    common.config.seed = 0;
    common.config.device = DeviceChoice::Auto;
    common
}

fn sort_key(record: &Record) -> (usize, String, usize, usize, u64) {
    let bundled = BundledSet::ALL
        .into_iter()
        .position(|set| record.spec.data == DataSource::Bundled(set));
    (
        bundled.unwrap_or(usize::MAX),
        record.data_name.clone(),
        record.parameters,
        record.latent_values,
        record.spec.epochs,
    )
}

/// The display name of a network: "FC Medium, n = 3".
pub fn network_name(record: &Record) -> String {
    let architecture = record.spec.config.architecture;
    let values = record.latent_values;
    if architecture.has_free_latent() {
        format!("{architecture}, n = {values}")
    } else {
        format!("{architecture}, z of {values} values")
    }
}

/// Makes `names`, which belong to `records`, distinct by adding the training settings that differ.
pub fn distinct_names(names: Vec<String>, records: &[&Record]) -> Vec<String> {
    type Detail = fn(&Record) -> String;
    const DETAILS: [Detail; 4] = [
        |record| format!("{} epochs", record.spec.epochs),
        |record| format!("batches of {}", record.spec.config.batch_size),
        |record| format!("learning rate {}", record.spec.config.learning_rate),
        |record| format!("from {}", record.spec.data),
    ];
    let mut titles = names;
    for detail in DETAILS {
        let details: Vec<String> = records.iter().map(|record| detail(record)).collect();
        let before = titles.clone();
        for (index, title) in titles.iter_mut().enumerate() {
            let mut others = before.iter().zip(&details);
            if others.any(|(name, other)| *name == before[index] && *other != details[index]) {
                title.push_str(", ");
                title.push_str(&details[index]);
            }
        }
    }
    // Other settings also make a series of their own.
    let mut counts: HashMap<String, usize> = HashMap::new();
    for title in &mut titles {
        let times = counts.entry(title.clone()).or_default();
        *times += 1;
        if *times > 1 {
            *title = format!("{title} ({times})");
        }
    }
    titles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Architecture, LatentSize},
        sweep::fixtures::record,
    };

    #[test]
    fn runs_that_differ_in_lambda_and_seed_only_are_one_series() {
        let mut records = vec![
            record(1.0, 2, 0.6, 0.18),
            record(0.0, 2, 0.9, 0.20),
            record(1.0, 1, 0.6, 0.18),
        ];
        let mut wide = record(0.0, 1, 0.9, 0.1);
        wide.spec.config.latent = LatentSize::new(64).unwrap();
        wide.latent_values = 64;
        let mut long = record(0.0, 1, 0.9, 0.1);
        long.spec.epochs = 20;
        let mut fashion = record(0.0, 1, 0.8, 0.1);
        fashion.spec.data = DataSource::Bundled(BundledSet::FashionMnist);
        fashion.data_name = "Fashion-MNIST".to_owned();
        let mut fast = fashion.clone();
        fast.spec.config.learning_rate = 0.01;
        let mut cnn = record(0.0, 1, 0.99, 0.05);
        cnn.spec.config.architecture = Architecture::CnnSmall;
        (cnn.latent_values, cnn.parameters) = (256, 14_000);
        records.extend([fast, fashion, long, wide, cnn]);

        let series = series(&records);
        let titles: Vec<&str> = series.iter().map(|series| series.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "MNIST, CNN Small, z of 256 values",
                "MNIST, FC Medium, n = 3, 10 epochs",
                "MNIST, FC Medium, n = 3, 20 epochs",
                "MNIST, FC Medium, n = 64",
                "Fashion-MNIST, FC Medium, n = 3, learning rate 0.01",
                "Fashion-MNIST, FC Medium, n = 3, learning rate 0.001",
            ]
        );
        let order: Vec<(f64, u64)> = series[1]
            .outcomes()
            .iter()
            .map(|run| (run.lambda.value(), run.seed))
            .collect();
        assert_eq!(order, [(0.0, 2), (1.0, 1), (1.0, 2)]);
        let runs: usize = series.iter().map(|series| series.records.len()).sum();
        assert_eq!(runs, records.len(), "none is lost");
    }

    #[test]
    fn equal_images_in_another_place_are_the_same_data_set() {
        let mnist = DataSource::Bundled(BundledSet::Mnist).load().unwrap();
        let here = RunKey::from_dataset(&mnist);
        // Any other.
        let other = RunKey::from_run(&record(0.0, 1, 0.9, 0.2).spec, &here);
        let stored = [(0.0, "/a", here), (1.0, "/b", here), (0.5, "/c", other)].map(
            |(lambda, place, data)| {
                let mut record = record(lambda, 1, 0.9, 0.2);
                record.spec.data = DataSource::Folder(place.into());
                let key = RunKey::from_run(&record.spec, &data);
                StoredRun {
                    id: 1,
                    key,
                    data,
                    record,
                }
            },
        );
        let records = with_common_sources(stored.to_vec());
        let runs: Vec<usize> = series(&records)
            .iter()
            .map(|series| series.records.len())
            .collect();
        assert_eq!(runs, [2, 1]);
    }
}

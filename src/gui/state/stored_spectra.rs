//! The spectra in the results file, and their clouds.

use std::path::Path;

use super::sweep::RunPicture;
use crate::{
    data::DataSource,
    model::{Architecture, Lambda},
    sweep::{
        Record, RunSpec, Store,
        series::{common_spec, distinct_names},
    },
    train::{Alignment, RunConfig, alignment},
};

/// Stored runs of one network on one data set with one seed, which differ in λ alone.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSpectrum {
    /// What distinguishes it from others of the same network: "Fashion-MNIST, seed 1".
    pub name: String,
    pub data: DataSource,
    /// λ and id of each run, at least two, λ ascending.
    pub runs: Vec<(Lambda, i64)>,
    config: RunConfig,
}

impl StoredSpectrum {
    /// Whether these settings describe its network.
    pub fn is_same_network(&self, config: &RunConfig) -> bool {
        same_network(&self.config, config)
    }

    /// Id of the run with this λ.
    pub fn run(&self, lambda: Lambda) -> Option<i64> {
        let run = self.runs.iter().find(|(other, _)| *other == lambda);
        run.map(|(_, id)| *id)
    }
}

fn same_network(a: &RunConfig, b: &RunConfig) -> bool {
    a.architecture == b.architecture
        && (!a.architecture.has_free_latent() || a.latent == b.latent)
        && (a.architecture != Architecture::Vit || a.vit == b.vit)
}

/// The spectra among records with these ids, by data set and seed.
pub fn spectra(ids: &[i64], records: &[Record]) -> Vec<StoredSpectrum> {
    type Group<'a> = (RunSpec, &'a Record, Vec<(Lambda, i64)>);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (&id, record) in ids.iter().zip(records) {
        if record.kept().is_none() {
            continue;
        }
        let mut shared = common_spec(&record.spec);
        shared.config.seed = record.spec.config.seed;
        let run = (record.lambda(), id);
        match groups.iter_mut().find(|(other, ..)| *other == shared) {
            Some((_, _, runs)) => runs.push(run),
            None => groups.push((shared, record, vec![run])),
        }
    }
    for (_, _, runs) in &mut groups {
        runs.sort_by(|(a, _), (b, _)| a.value().total_cmp(&b.value()));
        runs.dedup_by_key(|(lambda, _)| *lambda);
    }
    groups.retain(|(_, _, runs)| runs.len() > 1);
    groups.sort_by_key(|(shared, record, _)| (record.data_name.clone(), shared.config.seed));

    let mut spectra = Vec::new();
    while let Some((first, ..)) = groups.first() {
        let network = first.config.clone();
        let (same_network_groups, others): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|(shared, ..)| same_network(&shared.config, &network));
        groups = others;
        let records: Vec<&Record> = same_network_groups
            .iter()
            .map(|(_, record, _)| *record)
            .collect();
        let names = records
            .iter()
            .map(|record| format!("{}, seed {}", record.data_name, record.spec.config.seed));
        let names = distinct_names(names.collect(), &records);
        for (name, (shared, _, runs)) in names.into_iter().zip(same_network_groups) {
            spectra.push(StoredSpectrum {
                name,
                data: shared.data,
                runs,
                config: shared.config,
            });
        }
    }
    spectra
}

#[derive(Debug)]
pub struct Clouds {
    /// In the requested order.
    pub pictures: Vec<RunPicture>,
    /// Per cloud the rotation that aligns it with the previous one.
    pub alignments: Vec<Alignment>,
}

/// Reads the clouds of runs with these ids.
///
/// # Errors
/// When the file cannot be read, or a run has no cloud.
pub fn read_clouds(file: &Path, ids: &[i64]) -> Result<Clouds, String> {
    let store = Store::open_to_read(file).map_err(|error| error.to_string())?;
    let picture = |id: &i64| RunPicture::read(&store, file, *id);
    let pictures: Vec<RunPicture> = ids.iter().map(picture).collect::<Result<_, String>>()?;
    let points: Vec<&[[f32; 3]]> = pictures
        .iter()
        .map(|picture| &picture.snapshot.points[..])
        .collect();
    Ok(Clouds {
        alignments: alignment::align_each_to_previous(&points, 3),
        pictures,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::BundledSet, model::LatentSize, sweep::fixtures::record};

    #[test]
    fn spectra_are_runs_that_differ_in_lambda_alone() {
        let from_set = |set: BundledSet, lambda, seed| {
            let mut record = record(lambda, seed, 0.9, 0.2);
            record.spec.data = DataSource::Bundled(set);
            record.data_name = set.to_string();
            record
        };
        let fashion = BundledSet::FashionMnist;
        let mut long = [0.0, 1.0].map(|lambda| from_set(fashion, lambda, 1));
        for record in &mut long {
            record.spec.epochs = 20;
        }
        let mut wide = [0.0, 1.0].map(|lambda| from_set(fashion, lambda, 1));
        for record in &mut wide {
            record.spec.config.latent = LatentSize::new(64).unwrap();
        }
        let mut records = vec![
            from_set(fashion, 1.0, 2),
            from_set(BundledSet::Mnist, 0.0, 1),
            from_set(fashion, 0.0, 2),
            from_set(fashion, 1.0, 1),
            from_set(fashion, 0.0, 1),
            from_set(BundledSet::Mnist, 0.5, 3),
        ];
        records.extend(long);
        records.extend(wide);
        let ids: Vec<i64> = (10..).take(records.len()).collect();
        let spectra = spectra(&ids, &records);
        let narrow = RunConfig::default();
        let narrow_spectra: Vec<&StoredSpectrum> = spectra
            .iter()
            .filter(|spectrum| spectrum.is_same_network(&narrow))
            .collect();
        let names: Vec<&str> = narrow_spectra
            .iter()
            .map(|spectrum| spectrum.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "Fashion-MNIST, seed 1, 10 epochs",
                "Fashion-MNIST, seed 1, 20 epochs",
                "Fashion-MNIST, seed 2",
            ]
        );
        let lambda = |value| Lambda::new(value).unwrap();
        assert_eq!(
            narrow_spectra[2].runs,
            [(lambda(0.0), 12), (lambda(1.0), 10)],
            "by λ"
        );
        assert_eq!(narrow_spectra[2].run(lambda(1.0)), Some(10));
        assert_eq!(narrow_spectra[2].run(lambda(0.5)), None);
        assert_eq!(spectra.len(), 4);
        assert_eq!(spectra[3].name, "Fashion-MNIST, seed 1");
    }
}

//! Finished spectra of the file of results: which there are, and their clouds.

use std::{
    path::{Path, PathBuf},
    thread,
};

use crossbeam_channel::{Receiver, unbounded};
use eframe::egui::Context;

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

/// Finished runs of one network on one data set with one seed, which differ in λ alone.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSpectrum {
    /// What sets it apart from the others of the same network: "Fashion-MNIST, seed 1".
    pub name: String,
    /// Its images.
    pub data: DataSource,
    /// Each λ with the number of its run, at least two, λ ascending.
    pub runs: Vec<(Lambda, i64)>,
    config: RunConfig,
}

impl StoredSpectrum {
    /// Whether it is of the network that these settings describe.
    pub fn is_of(&self, config: &RunConfig) -> bool {
        same_network(&self.config, config)
    }

    /// The run with this λ.
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

/// The spectra among runs with these numbers, by data set and seed.
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
        match groups.iter_mut().find(|(known, ..)| *known == shared) {
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
        let (of_network, others): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|(shared, ..)| same_network(&shared.config, &network));
        groups = others;
        let first: Vec<&Record> = of_network.iter().map(|(_, record, _)| *record).collect();
        let names = first
            .iter()
            .map(|record| format!("{}, seed {}", record.data_name, record.spec.config.seed));
        let names = distinct_names(names.collect(), &first);
        for (name, (shared, _, runs)) in names.into_iter().zip(of_network) {
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

/// The clouds of some finished runs, read on a thread of their own.
#[derive(Default)]
pub struct StoredClouds {
    wanted: Option<(PathBuf, Vec<i64>)>,
    answer: Option<Receiver<Result<Clouds, String>>>,
    known: Option<Result<Clouds, String>>,
}

/// Clouds, and how each is turned to resemble the one before it.
pub struct Clouds {
    /// In the order in which they were asked for.
    pub pictures: Vec<RunPicture>,
    pub turns: Vec<Alignment>,
}

impl StoredClouds {
    /// Asks for these runs of `file`, unless that has been done already, and takes in what has arrived.
    pub fn want(&mut self, file: &Path, ids: &[i64], ctx: &Context) {
        let is_same = |(other, known): &(PathBuf, Vec<i64>)| other == file && known == ids;
        if !self.wanted.as_ref().is_some_and(is_same) {
            self.wanted = Some((file.to_owned(), ids.to_vec()));
            self.known = None;
            let (tell, answer) = unbounded();
            let (ctx, file, ids) = (ctx.clone(), file.to_owned(), ids.to_vec());
            let spawned = thread::Builder::new()
                .name("clouds".to_owned())
                .spawn(move || {
                    // Other runs may be wanted by now; then nobody waits for these.
                    let _ = tell.send(read(&file, &ids));
                    ctx.request_repaint();
                });
            match spawned {
                Ok(_) => self.answer = Some(answer),
                Err(error) => {
                    self.known = Some(Err(format!("the system refuses a thread: {error}")));
                }
            }
        }
        if let Some(answer) = self.answer.as_ref().and_then(|from| from.try_recv().ok()) {
            self.known = Some(answer);
            self.answer = None;
        }
    }

    /// What has been read; the error is one sentence.
    pub fn known(&self) -> Option<&Result<Clouds, String>> {
        self.known.as_ref()
    }
}

fn read(file: &Path, ids: &[i64]) -> Result<Clouds, String> {
    let store = Store::open_to_read(file).map_err(|error| error.to_string())?;
    let picture = |id: &i64| {
        let stored = store.run(*id).map_err(|error| error.to_string())?;
        let stored = stored.ok_or_else(|| format!("{} has no run {id}", file.display()))?;
        RunPicture::new(*id, stored.record)
            .ok_or_else(|| format!("{}: run {id} has no portrait", file.display()))
    };
    let pictures: Vec<RunPicture> = ids.iter().map(picture).collect::<Result<_, String>>()?;
    let points: Vec<&[[f32; 3]]> = pictures
        .iter()
        .map(|picture| &picture.snapshot.points[..])
        .collect();
    Ok(Clouds {
        turns: alignment::align_each_to_previous(&points, 3),
        pictures,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::BundledSet, model::LatentSize, sweep::fixtures::record};

    #[test]
    fn spectra_are_runs_that_differ_in_lambda_alone() {
        let of_set = |set: BundledSet, lambda, seed| {
            let mut record = record(lambda, seed, 0.9, 0.2);
            record.spec.data = DataSource::Bundled(set);
            record.data_name = set.to_string();
            record
        };
        let fashion = BundledSet::FashionMnist;
        let mut long = [0.0, 1.0].map(|lambda| of_set(fashion, lambda, 1));
        for record in &mut long {
            record.spec.epochs = 20;
        }
        let mut wide = [0.0, 1.0].map(|lambda| of_set(fashion, lambda, 1));
        for record in &mut wide {
            record.spec.config.latent = LatentSize::new(64).unwrap();
        }
        let mut records = vec![
            of_set(fashion, 1.0, 2),
            of_set(BundledSet::Mnist, 0.0, 1),
            of_set(fashion, 0.0, 2),
            of_set(fashion, 1.0, 1),
            of_set(fashion, 0.0, 1),
            of_set(BundledSet::Mnist, 0.5, 3),
        ];
        records.extend(long);
        records.extend(wide);
        let ids: Vec<i64> = (10..).take(records.len()).collect();
        let spectra = spectra(&ids, &records);
        let narrow = RunConfig::default();
        let of_narrow: Vec<&StoredSpectrum> = spectra
            .iter()
            .filter(|spectrum| spectrum.is_of(&narrow))
            .collect();
        let names: Vec<&str> = of_narrow.iter().map(|of| of.name.as_str()).collect();
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
            of_narrow[2].runs,
            [(lambda(0.0), 12), (lambda(1.0), 10)],
            "by λ"
        );
        assert_eq!(of_narrow[2].run(lambda(1.0)), Some(10));
        assert_eq!(of_narrow[2].run(lambda(0.5)), None);
        assert_eq!(spectra.len(), 4);
        assert_eq!(spectra[3].name, "Fashion-MNIST, seed 1");
    }
}

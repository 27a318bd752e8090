//! Tests of figures with records that were not trained.

mod captions;
mod exports;
mod files;
mod tables;

use std::{fs, path::Path};

use super::*;
use crate::{
    data::{BundledSet, DataSource},
    model::{Architecture, LatentSize},
    sweep::{
        Record, Series,
        fixtures::{dead_record, eval_sample, record},
    },
    train::TokenView,
};

/// Eleven λ and five seeds; two of the runs are dead.
fn spectrum() -> Vec<Record> {
    let mut records = Vec::new();
    for step in 0..=10u32 {
        for seed in 0..5u32 {
            let lambda = f64::from(step) / 10.0;
            let noise = f64::from((step * 7 + seed * 13) % 11) / 11.0 - 0.5;
            let accuracy = 0.95 - 0.35 * lambda.powi(4) + 0.04 * noise;
            let mse = 0.235 - 0.05 * lambda.sqrt() + 0.01 * noise;
            records.push(if seed == 3 && step % 5 == 1 {
                dead_record(lambda, u64::from(seed))
            } else {
                record(lambda, u64::from(seed), accuracy, mse)
            });
        }
    }
    records
}

/// The same runs with another latent size and data set.
fn variant(records: &[Record], n: usize, set: BundledSet) -> Vec<Record> {
    let mut records = records.to_vec();
    for record in &mut records {
        record.spec.config.latent = LatentSize::new(n).unwrap();
        record.latent_values = n;
        record.parameters += 1_245 * n;
        record.spec.data = DataSource::Bundled(set);
        record.data_name = set.to_string();
        let test = &mut record.evaluations[0].test;
        test.accuracy = 1.0 - (1.0 - test.accuracy) / (n as f64).sqrt();
        test.mse /= (n as f64).sqrt();
    }
    records
}

/// Three latent sizes, three data sets and four architectures.
fn many_series() -> Vec<Record> {
    let base = spectrum();
    let mut records = base.clone();
    for n in [8, 64] {
        records.extend(variant(&base, n, BundledSet::Mnist));
    }
    records.extend(variant(&base, 3, BundledSet::FashionMnist));
    let mut cifar = variant(&base, 3, BundledSet::Cifar10);
    for record in &mut cifar {
        record.shape = BundledSet::Cifar10.shape();
        record.eval_sample = eval_sample(record.shape, 10, record.lambda().value() as f32);
    }
    records.extend(cifar);
    for (architecture, parameters) in [
        (Architecture::FcSmall, 5_521),
        (Architecture::FcLarge, 2_977_000),
        (Architecture::CnnSmall, 14_000),
    ] {
        let mut variant = base.clone();
        for record in &mut variant {
            record.spec.config.architecture = architecture;
            record.parameters = parameters;
        }
        records.extend(variant);
    }
    records
}

fn panel_runs(series: &[Series<'_>]) -> Vec<PanelRuns> {
    series.iter().map(PanelRuns::from).collect()
}

/// A network in training after `step` steps, one epoch being 10.
fn network(lambda: f64, step: u64) -> NetworkState {
    let mut record = record(lambda, 1, 0.9, 0.2);
    let first = record.evaluations[0];
    record.evaluations = (0..=step / 10)
        .map(|epoch| crate::train::Evaluation {
            epoch,
            step: 10 * epoch,
            ..first
        })
        .collect();
    record.kept = record.evaluations.len() - 1;
    NetworkState {
        snapshot: Some(SnapshotInfo {
            step,
            lambda: record.lambda(),
            tokens: TokenView::default(),
            probabilities: vec![0.5; record.eval_sample.reconstructions.len()],
        }),
        record,
    }
}

fn hundred_names() -> Vec<String> {
    (0..100)
        .map(|class| format!("a rather long name {class}"))
        .collect()
}

/// The text of a figure, with single spaces.
fn text(figure: &dyn Figure) -> String {
    let folder = tempfile::tempdir().unwrap();
    let svg = save_svg(figure, &folder.path().join("figure.svg"));
    let text = svg.split('<').filter_map(|element| element.split_once('>'));
    let words: Vec<&str> = text.flat_map(|(_, text)| text.split_whitespace()).collect();
    words.join(" ")
}

/// Writes a figure as SVG and checks the file.
fn save_svg(figure: &dyn Figure, path: &Path) -> String {
    save(figure, path).unwrap();
    let svg = fs::read_to_string(path).unwrap();
    assert_well_formed(&svg);
    svg
}

/// Checks that all tags are closed, all attributes quoted and all entities valid.
fn assert_well_formed(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        for entity in before.split('&').skip(1) {
            let valid = ["lt;", "gt;", "amp;", "quot;", "apos;"];
            let is_valid = valid.iter().any(|valid| entity.starts_with(valid));
            assert!(is_valid, "&{entity}");
        }
        let end = tag.find('>').expect("a tag ends");
        let inner = &tag[1..end];
        rest = &tag[end + 1..];
        assert_eq!(inner.matches('"').count() % 2, 0, "{inner}");
        if let Some(name) = inner.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !inner.ends_with('/') {
            open.extend(inner.split_whitespace().next());
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
}

//! Every figure from records that nobody trained.

use std::path::Path;

use super::*;
use crate::{
    data::{BundledSet, DataSource},
    experiment::{
        Record,
        samples::{dead, record},
        series,
    },
    model::LatentSize,
};

/// Eleven λ, five seeds, two of the runs dead.
fn spectrum() -> Vec<Record> {
    let mut records = Vec::new();
    for step in 0..=10u32 {
        for seed in 0..5u32 {
            let lambda = f64::from(step) / 10.0;
            let noise = f64::from((step * 7 + seed * 13) % 11) / 11.0 - 0.5;
            let accuracy = 0.95 - 0.35 * lambda.powi(4) + 0.04 * noise;
            let mse = 0.235 - 0.05 * lambda.sqrt() + 0.01 * noise;
            records.push(if seed == 3 && step % 5 == 1 {
                dead(lambda, u64::from(seed))
            } else {
                record(lambda, u64::from(seed), accuracy, mse)
            });
        }
    }
    records
}

fn other(records: &[Record], n: usize, set: BundledSet) -> Vec<Record> {
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

fn many() -> Vec<Record> {
    let base = spectrum();
    let mut records = base.clone();
    for n in [8, 64] {
        records.extend(other(&base, n, BundledSet::Mnist));
    }
    records.extend(other(&base, 3, BundledSet::FashionMnist));
    records
}

#[test]
fn look() {
    let out = Path::new("/tmp/look");
    std::fs::create_dir_all(out).unwrap();
    let one = spectrum();
    let many = many();
    let single: Vec<Record> = one
        .iter()
        .filter(|r| r.spec.config.seed == 3)
        .cloned()
        .collect();
    for (name, records) in [("one", &one), ("many", &many), ("single", &single)] {
        let series = series(records);
        let mut figures: Vec<(&str, Box<dyn Figure>)> = vec![
            (
                "figure-3",
                Box::new(LambdaBoxes::of(&series, DeadRuns::Hollow).unwrap()),
            ),
            (
                "plane",
                Box::new(TradeOffPlane::of(&series, DeadRuns::LeftOut).unwrap()),
            ),
        ];
        if name == "many" {
            figures.push((
                "latent",
                Box::new(Widths::of(&series, Against::LatentSize).unwrap()),
            ));
        } else {
            assert_eq!(Widths::of(&series, Against::LatentSize), None);
        }
        let spectra: Vec<Spectrum<'_>> = series.iter().filter_map(Spectrum::of).collect();
        figures.push(("figure-5", Box::new(Rebuilt::of(&spectra[0]).unwrap())));
        figures.push(("figure-4", Box::new(Clouds::of(spectra).unwrap())));
        for (figure, data) in figures {
            for extension in EXTENSIONS {
                save(&*data, &out.join(format!("{figure}-{name}.{extension}"))).unwrap();
            }
        }
    }
}

//! One run per λ: the input of figures that show a single network at each λ.

use std::collections::BTreeSet;

use crate::{
    model::LatentLayout,
    sweep::{Record, Series},
    train::TokenView,
};

/// One run per λ of a series, all with the same seed, λ ascending.
#[derive(Clone, Debug)]
pub struct LambdaSweep<'a> {
    pub title: String,
    pub seed: u64,
    /// The runs, at least one.
    pub records: Vec<&'a Record>,
    /// The part of a z made of tokens that the clouds show.
    pub tokens: TokenView,
}

impl<'a> LambdaSweep<'a> {
    /// The runs of the seed that has the most λ with living runs; of several such seeds, the one
    /// with the fewest dead units, then the smallest. `None` if no run was evaluated.
    pub fn from_series(series: &Series<'a>) -> Option<Self> {
        let seed_of = |record: &&Record| record.spec.config.seed;
        let seeds: BTreeSet<u64> = series.records.iter().map(seed_of).collect();
        let with_seed = |seed: u64| -> Vec<&'a Record> {
            let records = series.records.iter().copied();
            let mut records: Vec<&'a Record> = records
                .filter(|record| record.spec.config.seed == seed && record.kept().is_some())
                .collect();
            records.dedup_by_key(|record| record.lambda());
            records
        };
        let rank = |records: &[&Record]| {
            let living = records.iter().filter(|record| !record.is_dead()).count();
            let dead_units = records.iter().filter_map(|record| record.kept());
            let dead_units: usize = dead_units.map(|kept| kept.dead_units).sum();
            (living, std::cmp::Reverse(dead_units))
        };
        // Of equal ranks, `max_by_key` returns the last.
        let seeds = seeds.into_iter().rev();
        let seed = seeds.max_by_key(|seed| rank(&with_seed(*seed)))?;
        let records = with_seed(seed);
        (!records.is_empty()).then(|| Self {
            title: series.title.clone(),
            seed,
            records,
            tokens: TokenView::default(),
        })
    }

    /// At most `count` of the runs (two or more), evenly distributed, with the first and the last.
    pub fn thin_out(&self, count: usize) -> Vec<&'a Record> {
        let (all, count) = (&self.records, count.max(2));
        if all.len() <= count {
            return all.clone();
        }
        let index = |step: usize| step * (all.len() - 1) / (count - 1);
        (0..count).map(|step| all[index(step)]).collect()
    }
}

/// Name of what a cloud shows: "Latent z", or "Latent z (patch 5)" where z is made of tokens.
pub fn latent_name(record: &Record, tokens: TokenView) -> String {
    let config = &record.spec.config;
    let spec = config.model_spec(record.shape, record.class_names.len());
    match config.architecture.latent_layout(&spec) {
        Ok(LatentLayout::Tokens { count, .. }) => format!("Latent z ({})", tokens.within(count)),
        _ => "Latent z".to_owned(),
    }
}

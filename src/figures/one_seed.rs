//! One run for each λ: what figures that show a single model at each λ are made of.

use crate::sweep::{Record, Series};

/// One run for each λ of a series, all with the same seed, λ ascending.
#[derive(Clone, Debug)]
pub struct OneSeed<'a> {
    /// What people call the series.
    pub title: String,
    /// Seed of all of them.
    pub seed: u64,
    /// The runs, at least one.
    pub records: Vec<&'a Record>,
}

impl<'a> OneSeed<'a> {
    /// The runs of the seed that covers the most λ with living runs; of those seeds the one with the
    /// fewest dead units, then the smallest.
    pub fn of(series: &Series<'a>) -> Option<Self> {
        let mut seeds: Vec<u64> = series
            .records
            .iter()
            .map(|record| record.spec.config.seed)
            .collect();
        seeds.sort_unstable();
        seeds.dedup();
        let of_seed = |seed: u64| -> Vec<&'a Record> {
            let records = series.records.iter().copied();
            let mut records: Vec<&'a Record> = records
                .filter(|record| record.spec.config.seed == seed && record.kept().is_some())
                .collect();
            records.dedup_by_key(|record| record.lambda());
            records
        };
        let merit = |records: &[&Record]| {
            let living = records.iter().filter(|record| !record.is_dead()).count();
            let dead_units = records.iter().filter_map(|record| record.kept());
            let dead_units: usize = dead_units.map(|kept| kept.dead_units).sum();
            (living, std::cmp::Reverse(dead_units))
        };
        // Of equals, `max_by_key` takes the last.
        let seed = seeds
            .into_iter()
            .rev()
            .max_by_key(|seed| merit(&of_seed(*seed)))?;
        let records = of_seed(seed);
        (!records.is_empty()).then(|| Self {
            title: series.title.clone(),
            seed,
            records,
        })
    }

    /// At most `count` of the runs (two or more), both ends among them, evenly over the list.
    pub fn thinned(&self, count: usize) -> Vec<&'a Record> {
        let (all, count) = (&self.records, count.max(2));
        if all.len() <= count {
            return all.clone();
        }
        let place = |step: usize| step * (all.len() - 1) / (count - 1);
        (0..count).map(|step| all[place(step)]).collect()
    }
}

//! Series grouped into families that differ in capacity.

use super::{CapacityMeasure, log_size};
use crate::{
    model::{Architecture, LatentSize},
    sweep::{
        Record, RunSpec, Series, TradeOff,
        series::{common_spec, distinct_names},
        stats::trade_off,
    },
};

/// Networks that differ in their capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// What its members have in common: "MNIST, FC Medium".
    pub title: String,
    /// Smallest first, at least two.
    pub members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Name of the architecture: "FC Medium".
    pub name: String,
    /// Its first word, "FC" or "CNN": a line connects the members of one kind.
    pub kind: String,
    /// Latent units or parameters.
    pub size: usize,
    /// What accuracy and reconstruction cost each other.
    pub trade_off: TradeOff,
}

impl Member {
    pub fn log_size(&self) -> f64 {
        log_size(self.size)
    }
}

/// A series with what is needed to group it.
struct Entry<'a> {
    record: &'a Record,
    /// The settings that its whole family has in common.
    common: RunSpec,
    /// The n of its family, unless that differs or the architecture has none.
    n: Option<usize>,
    trade_off: TradeOff,
}

/// The families among these series, in their order.
pub fn group(series: &[Series<'_>], measure: CapacityMeasure) -> Vec<Family> {
    let entries = series
        .iter()
        .filter_map(|series| Entry::new(series, measure));
    let entries: Vec<Entry<'_>> = entries.collect();
    let mut families: Vec<(String, Vec<&Entry<'_>>)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let is_same = |other: &Entry<'_>| other.common == entry.common && other.n == entry.n;
        let alike = entries.iter().filter(|other| other.common == entry.common);
        let is_in_other_families =
            entry.n.is_none() && alike.clone().any(|other| other.n.is_some());
        // Networks without a free n are compared with those of every n.
        let members = alike.filter(|other| other.n == entry.n || other.n.is_none());
        let members: Vec<&Entry<'_>> = members.collect();
        if members.len() > 1 && !is_in_other_families && !entries[..index].iter().any(is_same) {
            families.push((entry.family_name(measure), members));
        }
    }
    let first = families.iter().map(|(_, entries)| entries[0].record);
    let first: Vec<&Record> = first.collect();
    let names = families.iter().map(|(name, _)| name.clone()).collect();
    let titles = distinct_names(names, &first);
    let families = titles.into_iter().zip(families);
    families
        .map(|(title, (_, entries))| {
            let members = entries.iter().map(|entry| entry.member(measure));
            let mut members: Vec<Member> = members.collect();
            members.sort_by(|a, b| a.size.cmp(&b.size).then(a.name.cmp(&b.name)));
            Family { title, members }
        })
        .collect()
}

impl<'a> Entry<'a> {
    fn new(series: &Series<'a>, measure: CapacityMeasure) -> Option<Self> {
        let record = *series.records.first()?;
        let mut common = common_spec(&record.spec);
        let has_free_latent = common.config.architecture.has_free_latent();
        common.config.latent = LatentSize::default();
        let n = match measure {
            CapacityMeasure::LatentSize if has_free_latent => None,
            CapacityMeasure::LatentSize => return None,
            CapacityMeasure::Parameters => {
                common.config.architecture = Architecture::default();
                has_free_latent.then_some(record.latent_values)
            }
        };
        Some(Self {
            record,
            common,
            n,
            trade_off: trade_off(&series.outcomes())?,
        })
    }

    fn member(&self, measure: CapacityMeasure) -> Member {
        let architecture = self.record.spec.config.architecture.to_string();
        let kind = architecture.split(' ').next().unwrap_or_default();
        Member {
            kind: kind.to_owned(),
            size: measure.size_of(self.record),
            name: architecture,
            trade_off: self.trade_off.clone(),
        }
    }

    fn family_name(&self, measure: CapacityMeasure) -> String {
        let data = &self.record.data_name;
        match (measure, self.n) {
            (CapacityMeasure::LatentSize, _) => {
                format!("{data}, {}", self.record.spec.config.architecture)
            }
            (CapacityMeasure::Parameters, Some(n)) => format!("{data}, n = {n}"),
            (CapacityMeasure::Parameters, None) => data.clone(),
        }
    }
}

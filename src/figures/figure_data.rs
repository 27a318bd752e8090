//! A run in training as its figures show it.

use std::collections::BTreeSet;

use super::{
    DeadRuns, Figure, Figure3, Figure4, Figure5, FigureKind, LambdaSweep, LatentCloud,
    LearningCurves, PanelRuns, ParetoFigure, ReconstructionPairs, lambda_sweep::latent_name,
    run_filter::RunFilter,
};
use crate::{
    data::{DataSource, Dataset},
    model::{Lambda, LatentLayout},
    sweep::{EvalSample, Outcome, Record, RunSpec, series::network_name},
    train::{Evaluation, RunConfig, Snapshot, TokenView},
};

/// The networks of a run, each at its own step.
#[derive(Clone, Debug)]
pub struct FigureData {
    /// The networks, λ and then seed ascending. They differ only in these.
    pub networks: Vec<NetworkState>,
    /// Index of the network that figures of one network show.
    pub shown: usize,
}

/// A network in training: its last snapshot and its evaluations.
#[derive(Clone, Debug)]
pub struct NetworkState {
    /// Settings, evaluations and sample. The last evaluation counts, not the best. Device, number
    /// of parameters and times, which no figure of a run in training shows, are empty.
    pub record: Record,
    /// The snapshot of the sample; `None` before the first one.
    pub snapshot: Option<SnapshotInfo>,
}

/// What a figure says about a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotInfo {
    pub step: u64,
    /// λ at that step, which may have changed since.
    pub lambda: Lambda,
    /// The part of a z made of tokens that the cloud shows.
    pub tokens: TokenView,
    /// Probability of the predicted class of each reconstruction, 0–1.
    pub probabilities: Vec<f32>,
}

impl NetworkState {
    /// The state of a network. λ and seed of `config` are its own.
    pub fn new(
        source: &DataSource,
        config: RunConfig,
        dataset: &Dataset,
        evaluations: Vec<Evaluation>,
        snapshot: Option<&Snapshot>,
    ) -> Self {
        let spec = config.model_spec(dataset.shape, dataset.classes());
        let layout = config.architecture.latent_layout(&spec).ok();
        let is_inside = |index: u32| (index as usize) < dataset.test.len();
        let snapshot_info = snapshot.map(|snapshot| {
            let images = snapshot.grid.iter();
            let images = images.filter(|image| is_inside(image.index));
            SnapshotInfo {
                step: snapshot.step,
                lambda: snapshot.lambda,
                tokens: snapshot.probe.tokens,
                probabilities: images.map(|image| image.predicted().1).collect(),
            }
        });
        let record = Record {
            spec: RunSpec {
                data: source.clone(),
                epochs: evaluations.last().map_or(0, |last| last.epoch),
                config,
            },
            data_name: dataset.name.clone(),
            shape: dataset.shape,
            class_names: dataset.class_names.clone(),
            program: concat!("cre-lab ", env!("CARGO_PKG_VERSION")).to_owned(),
            device: String::new(),
            parameters: 0,
            latent_values: layout.map_or(0, LatentLayout::values),
            relu_units: layout.map_or(0, LatentLayout::relu_units),
            kept: evaluations.len().saturating_sub(1),
            evaluations,
            wall_seconds: 0.0,
            finished: 0,
            eval_sample: snapshot.map_or_else(EvalSample::default, |snapshot| {
                EvalSample::from_snapshot(snapshot, dataset)
            }),
        };
        Self {
            record,
            snapshot: snapshot_info,
        }
    }

    /// Name of what the cloud shows: "Latent z", or "Latent z (patch 5)" where z is made of tokens.
    pub fn latent_name(&self) -> String {
        latent_name(&self.record, self.tokens())
    }

    fn tokens(&self) -> TokenView {
        self.snapshot
            .as_ref()
            .map_or_else(TokenView::default, |snapshot| snapshot.tokens)
    }

    /// Probability of the predicted class of each reconstruction; empty where they are not known.
    pub fn probabilities(&self) -> &[f32] {
        let snapshot = self.snapshot.as_ref();
        snapshot.map_or(&[], |snapshot| &snapshot.probabilities)
    }
}

const NO_NETWORK: &str = "there is no network yet";
const NO_SNAPSHOT: &str = "the network has not processed any test images yet";
const NO_EPOCH: &str = "no epoch has been trained yet";
const NO_RUN: &str = "nothing has been evaluated yet, or everything is left out";
const NO_SWEEP: &str = "it needs networks with one seed at two or more λ";

impl FigureData {
    /// Name of data set and network: "MNIST, FC Medium, n = 3".
    pub fn title(&self) -> String {
        self.networks.first().map_or_else(String::new, |first| {
            format!(
                "{}, {}",
                first.record.data_name,
                network_name(&first.record)
            )
        })
    }

    /// The figure of a kind.
    ///
    /// # Errors
    /// When there is nothing to show. The reason starts in lower case and has no final period.
    pub fn figure(
        &self,
        kind: FigureKind,
        dead: DeadRuns,
    ) -> Result<Box<dyn Figure + '_>, &'static str> {
        let shown = self.networks.get(self.shown).ok_or(NO_NETWORK)?;
        match kind {
            FigureKind::Cloud => {
                let title = self.title_of(shown)?;
                boxed(LatentCloud::new(&title, shown), NO_SNAPSHOT)
            }
            FigureKind::Reconstructions => {
                let title = self.title_of(shown)?;
                boxed(ReconstructionPairs::new(&title, shown), NO_SNAPSHOT)
            }
            FigureKind::Curves => {
                boxed(LearningCurves::new(&self.title(), &shown.record), NO_EPOCH)
            }
            FigureKind::OverLambda => boxed(Figure3::new(&[self.runs(dead)], dead), NO_RUN),
            FigureKind::Pareto => boxed(ParetoFigure::new(&[self.runs(dead)], dead), NO_RUN),
            FigureKind::Clouds => boxed(Figure4::new(vec![self.sweep()?]), NO_SNAPSHOT),
            FigureKind::ReconstructionsByLambda => {
                let mut sweep = self.sweep()?;
                let epochs = epoch_range(sweep.records.iter().copied());
                sweep.title = format!("{}, accuracy and MSE {epochs}", sweep.title);
                boxed(Figure5::new(&sweep), NO_SNAPSHOT)
            }
        }
    }

    /// The networks from the first λ to the last that have the seed of the shown one, as of their
    /// last snapshots.
    ///
    /// # Errors
    /// When there are fewer than two. The reason starts in lower case and has no final period.
    pub fn sweep(&self) -> Result<LambdaSweep<'_>, &'static str> {
        let seed_of = |network: &NetworkState| network.record.spec.config.seed;
        let seed = seed_of(self.networks.get(self.shown).ok_or(NO_NETWORK)?);
        let networks = self.networks.iter();
        let mut networks: Vec<_> = networks.filter(|other| seed_of(other) == seed).collect();
        networks.dedup_by_key(|network| network.record.lambda());
        if networks.len() < 2 {
            return Err(NO_SWEEP);
        }
        let has_points = |network: &&NetworkState| !network.record.eval_sample.points.is_empty();
        if !networks.iter().all(has_points) {
            return Err(NO_SNAPSHOT);
        }
        let snapshots = networks.iter().filter_map(|other| other.snapshot.as_ref());
        let steps = step_range(snapshots.map(|snapshot| snapshot.step));
        Ok(LambdaSweep {
            title: format!("{}, {steps}", self.title()),
            seed,
            tokens: networks[0].tokens(),
            records: networks.iter().map(|network| &network.record).collect(),
        })
    }

    /// The title of a figure of one network: λ and step are those of its snapshot.
    fn title_of(&self, network: &NetworkState) -> Result<String, &'static str> {
        let snapshot = network.snapshot.as_ref().ok_or(NO_SNAPSHOT)?;
        Ok(format!(
            "{}, λ = {}, seed {}, step {}",
            self.title(),
            snapshot.lambda,
            network.record.spec.config.seed,
            snapshot.step
        ))
    }

    /// The results of all networks, with the epochs of those that are shown.
    fn runs(&self, dead: DeadRuns) -> PanelRuns {
        let filter = RunFilter::new(dead);
        let records = self.networks.iter().map(|network| &network.record);
        let is_shown =
            |record: &&Record| Outcome::from_record(record).is_some_and(|run| filter.accepts(&run));
        let epochs = epoch_range(records.clone().filter(is_shown));
        PanelRuns {
            title: format!("{}, {epochs}", self.title()),
            data_name: (records.clone().next()).map_or_else(String::new, |it| it.data_name.clone()),
            outcomes: records.filter_map(Outcome::from_record).collect(),
        }
    }
}

/// When the runs were evaluated: "before training", "after 1 epoch", "after 2–3 epochs".
fn epoch_range<'a>(records: impl Iterator<Item = &'a Record>) -> String {
    match &*number_range(records.filter_map(|record| Some(record.kept()?.epoch))) {
        "0" => "before training".to_owned(),
        "1" => "after 1 epoch".to_owned(),
        range => format!("after {range} epochs"),
    }
}

/// "step 120", or "steps 120–150" where the networks are at different steps.
fn step_range(steps: impl Iterator<Item = u64>) -> String {
    let range = number_range(steps);
    let plural = if range.contains('–') { "s" } else { "" };
    format!("step{plural} {range}")
}

/// "2", or "2–3" for different numbers; "0" for none.
fn number_range(numbers: impl Iterator<Item = u64>) -> String {
    let numbers: BTreeSet<u64> = numbers.collect();
    match (numbers.first(), numbers.last()) {
        (Some(low), Some(high)) if low != high => format!("{low}–{high}"),
        (low, _) => low.unwrap_or(&0).to_string(),
    }
}

fn boxed<'a>(
    figure: Option<impl Figure + 'a>,
    reason: &'static str,
) -> Result<Box<dyn Figure + 'a>, &'static str> {
    let figure = figure.ok_or(reason)?;
    Ok(Box::new(figure))
}

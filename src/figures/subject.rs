//! The figures of networks that are being trained: one alone, or one for each λ.

use super::{
    DeadRuns, Figure, Figure3, Figure4, Figure5, Learning, OneCloud, OneSeed, ReconstructionPairs,
    Runs, TradeOffPlane,
};
use crate::sweep::{Record, Series, series};

/// What a figure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The latent cloud of one network.
    Cloud,
    /// Images and what one network makes of them.
    Reconstructions,
    /// How losses and accuracy of one network moved.
    Curves,
    /// Accuracy and error against λ (figure 3).
    OverLambda,
    /// Accuracy against error.
    Pareto,
    /// The latent cloud at each λ (figure 4).
    Clouds,
    /// Images rebuilt at each λ (figure 5).
    ReconstructionsByLambda,
}

/// Networks trained side by side, as they are at one moment.
#[derive(Clone, Debug)]
pub struct FigureData {
    /// What each has reached, λ and then seed ascending; they differ in nothing else.
    pub records: Vec<Record>,
    /// Place of the one that is looked at.
    pub shown: usize,
    /// When it was looked at: "step 190".
    pub seen: String,
    /// When it was measured: "after epoch 10".
    pub measured: String,
}

impl Subject {
    /// Every subject.
    pub const ALL: [Self; 7] = [
        Self::Cloud,
        Self::Reconstructions,
        Self::Curves,
        Self::OverLambda,
        Self::Pareto,
        Self::Clouds,
        Self::ReconstructionsByLambda,
    ];

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cloud => "Latent cloud",
            Self::Reconstructions => "Reconstructions",
            Self::Curves => "Curves",
            Self::OverLambda => "Trade-off over λ (figure 3)",
            Self::Pareto => "Trade-off plane",
            Self::Clouds => "Clouds by λ (figure 4)",
            Self::ReconstructionsByLambda => "Reconstructions by λ (figure 5)",
        }
    }

    /// Name of its file, without extension.
    pub fn file(self) -> &'static str {
        match self {
            Self::Cloud => "latent-cloud",
            Self::Reconstructions => "reconstructions",
            Self::Curves => "curves",
            Self::OverLambda => "figure-3",
            Self::Pareto => "trade-off-plane",
            Self::Clouds => "figure-4",
            Self::ReconstructionsByLambda => "figure-5",
        }
    }

    /// Whether it compares networks with different λ.
    pub fn needs_spectrum(self) -> bool {
        matches!(
            self,
            Self::OverLambda | Self::Pareto | Self::Clouds | Self::ReconstructionsByLambda
        )
    }

    /// The figure.
    ///
    /// # Errors
    /// When there is nothing to show; the reason is one sentence without its full stop.
    pub fn figure<'a>(
        self,
        moment: &'a FigureData,
        dead: DeadRuns,
    ) -> Result<Box<dyn Figure + 'a>, &'static str> {
        let record = moment.records.get(moment.shown);
        let record = record.ok_or("there is no network yet")?;
        let series = series(&moment.records);
        let all = series.first().ok_or("there is no network yet")?;
        let title = |when: &[&str]| format!("{}, {}", all.title, when.join(", "));
        let name = format!(
            "λ = {}, seed {}, {}",
            record.lambda(),
            record.spec.config.seed,
            moment.seen
        );
        match self {
            Self::Cloud => boxed(OneCloud::of(&title(&[&name]), record), NO_LOOK),
            Self::Reconstructions => {
                boxed(ReconstructionPairs::of(&title(&[&name]), record), NO_LOOK)
            }
            Self::Curves => boxed(Learning::of(&all.title, record), NO_EPOCH),
            Self::OverLambda => {
                let runs = runs(all, title(&[&moment.measured]));
                boxed(Figure3::of(&[runs], dead), NO_RUN)
            }
            Self::Pareto => {
                let runs = runs(all, title(&[&moment.measured]));
                boxed(TradeOffPlane::of(&[runs], dead), NO_RUN)
            }
            Self::Clouds => {
                let spectrum = moment.spectrum(all, title(&[&moment.seen]))?;
                boxed(Figure4::of(vec![spectrum]), NO_LOOK)
            }
            Self::ReconstructionsByLambda => {
                let metrics = format!("accuracy and MSE {}", moment.measured);
                let spectrum = moment.spectrum(all, title(&[&moment.seen, &metrics]))?;
                boxed(Figure5::of(&spectrum), NO_LOOK)
            }
        }
    }
}

const NO_LOOK: &str = "nothing has been seen of the network yet";
const NO_EPOCH: &str = "no epoch has been trained yet";
const NO_RUN: &str = "nothing is measured yet, or all is left out";

impl FigureData {
    /// The networks from the first λ to the last, those with the seed that is looked at, as they were seen.
    ///
    /// # Errors
    /// When there are fewer than two; the reason is one sentence without its full stop.
    pub fn sweep(&self) -> Result<OneSeed<'_>, &'static str> {
        let series = series(&self.records);
        let all = series.first().ok_or("there is no network yet")?;
        self.spectrum(all, format!("{}, {}", all.title, self.seen))
    }

    fn spectrum<'a>(
        &self,
        series: &Series<'a>,
        title: String,
    ) -> Result<OneSeed<'a>, &'static str> {
        let shown = self.records.get(self.shown);
        let seed = shown.ok_or("there is no network yet")?.spec.config.seed;
        let records = series.records.iter().copied();
        let mut records: Vec<&Record> = records
            .filter(|record| record.spec.config.seed == seed)
            .collect();
        records.dedup_by_key(|record| record.lambda());
        if records.len() < 2 {
            return Err("it needs networks at two λ or more with one seed for all of them");
        }
        if records
            .iter()
            .any(|record| record.eval_sample.points.is_empty())
        {
            return Err(NO_LOOK);
        }
        Ok(OneSeed {
            title,
            seed,
            records,
        })
    }
}

fn runs(series: &Series<'_>, title: String) -> Runs {
    Runs {
        title,
        ..Runs::of(series)
    }
}

fn boxed<'a>(
    figure: Option<impl Figure + 'a>,
    why: &'static str,
) -> Result<Box<dyn Figure + 'a>, &'static str> {
    let figure = figure.ok_or(why)?;
    Ok(Box::new(figure))
}

//! What has become of a run of the grid.

use crate::{
    sweep::{Record, RunSpec},
    train::Evaluation,
};

/// What has become of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunStatus {
    /// Its turn has not come.
    Waiting,
    /// It is being trained; with its latest evaluation.
    UnderWay(Option<Evaluation>),
    /// It is in the file.
    Done(Finished),
    /// It came to nothing: one sentence without its full stop.
    Failed(String),
    /// It was given up as asked.
    Skipped,
}

/// A finished run in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Its number in the file.
    pub id: i64,
    /// The evaluation of the model that was kept.
    pub kept: Evaluation,
    /// Units of z that could have died; 0 where none can.
    pub mortal_units: usize,
    /// Whether every latent unit is dead.
    pub dead: bool,
    /// Seconds from the first step to the last evaluation.
    pub seconds: f64,
}

impl Finished {
    /// A run with the number `id`; none if it was never evaluated.
    pub fn of(id: i64, record: &Record) -> Option<Self> {
        Some(Self {
            id,
            kept: *record.kept()?,
            mortal_units: record.relu_units,
            dead: record.is_dead(),
            seconds: record.wall_seconds,
        })
    }
}

impl RunStatus {
    /// Whether it is still to be done.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::UnderWay(_) | Self::Skipped)
    }

    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::UnderWay(_))
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// Whether the file may know nothing of it.
    pub fn is_told_here_only(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Skipped)
    }
}

/// Places of `runs` by data set and network as they come, then by n, λ and seed.
pub fn order(runs: &[RunSpec]) -> Vec<usize> {
    let mut groups = Vec::new();
    let group: Vec<usize> = runs
        .iter()
        .map(|run| {
            let group = (&run.data, run.config.architecture);
            let known = groups.iter().position(|other| *other == group);
            known.unwrap_or_else(|| {
                groups.push(group);
                groups.len() - 1
            })
        })
        .collect();
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |place: usize| {
            let config = &runs[place].config;
            (group[place], config.latent.get())
        };
        let lambda = |place: usize| runs[place].config.lambda.value();
        key(a)
            .cmp(&key(b))
            .then(lambda(a).total_cmp(&lambda(b)))
            .then(runs[a].config.seed.cmp(&runs[b].config.seed))
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    #[test]
    fn the_list_puts_together_what_belongs_together() {
        let grid =
            "arch = ['fc-small', 'cnn-small']\nlatent = [3, 2]\nlambda = [1, 0]\nseed = [2, 1]";
        let runs = Grid::parse(grid).unwrap().runs().unwrap();
        let order = order(&runs);
        let told: Vec<String> = order[..6]
            .iter()
            .map(|place| runs[*place].to_string())
            .collect();
        assert_eq!(
            told,
            [
                "FC Small n = 2, mnist, λ = 0, seed 1",
                "FC Small n = 2, mnist, λ = 0, seed 2",
                "FC Small n = 2, mnist, λ = 1, seed 1",
                "FC Small n = 2, mnist, λ = 1, seed 2",
                "FC Small n = 3, mnist, λ = 0, seed 1",
                "FC Small n = 3, mnist, λ = 0, seed 2",
            ]
        );
        assert_eq!(order.len(), 12);
    }
}

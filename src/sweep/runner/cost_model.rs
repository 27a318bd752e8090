//! How much work there is, and how it is dealt out.

use super::schedule::Task;
use crate::{memory, sweep::run_cost::RunCost};

/// Runs that end together shall not take longer than this by the measure, in seconds: who is killed
/// loses no more.
const LOSS_AT_MOST: f64 = 300.0;

/// Work in seconds by the measure, and what was really spent on it.
#[derive(Default)]
pub(super) struct CostModel {
    /// Of every kind of run.
    costs: Vec<RunCost>,
    all: f64,
    done: f64,
    spent: f64,
}

impl CostModel {
    /// All that is to be done.
    pub fn of<'t>(tasks: impl IntoIterator<Item = &'t Task>, costs: Vec<RunCost>) -> Self {
        let mut work = Self {
            costs,
            ..Self::default()
        };
        work.all = tasks.into_iter().map(|task| work.seconds(task)).sum();
        work
    }

    /// Seconds of all runs by the measure.
    pub fn all(&self) -> f64 {
        self.all
    }

    /// Seconds of one run by the measure.
    pub fn seconds(&self, task: &Task) -> f64 {
        let cost = self.costs.get(task.kind);
        cost.map_or(0.0, |cost| cost.run(task.spec.epochs))
    }

    /// Bytes of so many networks like that of `task`, `threads` at a time.
    pub fn bytes(&self, task: &Task, networks: usize, threads: usize) -> u64 {
        let cost = self.costs.get(task.kind);
        cost.map_or(0, |cost| cost.bytes(networks, threads))
    }

    /// How many networks like that of `task` are trained side by side: as many as fit into memory, but no more than
    /// may be lost at a time, if those keep all threads busy.
    pub fn side_by_side(&self, task: &Task, threads: usize) -> usize {
        let budget = memory::budget();
        let by_time = (LOSS_AT_MOST / self.seconds(task).max(1e-9)) as usize;
        let mut networks = by_time.clamp(threads.max(1), 1000.max(threads));
        while networks > 1 && self.bytes(task, networks, threads) > budget {
            networks -= 1;
        }
        networks
    }

    /// Seconds have passed with training.
    pub fn spend(&mut self, seconds: f64) {
        self.spent += seconds;
    }

    /// A run has ended.
    pub fn end(&mut self, task: &Task) {
        self.done += self.seconds(task);
    }

    /// Share that is done, 0–1, with work of `under_way` seconds in runs that have not ended.
    pub fn share(&self, under_way: f64) -> f64 {
        ((self.done + under_way) / self.all.max(1e-9)).clamp(0.0, 1.0)
    }

    /// Seconds that the rest will take at the pace so far.
    pub fn left(&self, under_way: f64) -> f64 {
        let done = self.done + under_way;
        let left = (self.all - done).max(0.0);
        // A moment says little about the pace.
        if self.spent > 2.0 && done > 0.0 {
            left * self.spent / done
        } else {
            left
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    fn task() -> Task {
        let spec = Grid::default().runs().unwrap().remove(0);
        Task {
            run: 0,
            spec,
            data: "0".repeat(64).parse().unwrap(),
            kind: 0,
        }
    }

    /// A run of ten epochs costs ten steps of so many seconds.
    fn work(step: f64, held: u64) -> CostModel {
        let cost = RunCost {
            step,
            evaluation: 0.0,
            steps_per_epoch: 1,
            held,
            working: 0,
        };
        CostModel::of([&task(), &task()], vec![cost])
    }

    #[test]
    fn as_many_run_side_by_side_as_may_be_lost_and_as_fit_into_memory() {
        let side_by_side = |step, held| work(step, held).side_by_side(&task(), 4);
        assert_eq!(side_by_side(1.0, 1), 30, "five minutes");
        assert_eq!(side_by_side(1e-9, 1), 1000);
        assert_eq!(side_by_side(1e9, 1), 4, "every thread has its own");
        assert_eq!(side_by_side(1e9, 1 << 60), 1, "there is no memory for two");
    }

    #[test]
    fn what_is_left_follows_the_pace() {
        let mut work = work(1.0, 1);
        assert_eq!((work.all(), work.left(0.0)), (20.0, 20.0));
        // Twice as slow as measured.
        work.spend(10.0);
        assert_eq!((work.left(5.0), work.share(5.0)), (30.0, 0.25));
        work.spend(10.0);
        work.end(&task());
        assert_eq!((work.left(0.0), work.share(0.0)), (20.0, 0.5));
        assert_eq!((work.left(99.0), work.share(99.0)), (0.0, 1.0));
    }
}

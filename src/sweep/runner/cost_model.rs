//! The work of a sweep in seconds, and how many runs are trained side by side.

use super::schedule::Task;
use crate::{memory, sweep::run_cost::RunCost};

/// Longest estimated time of a batch, in seconds: a sweep that is killed loses no more.
const LONGEST_BATCH: f64 = 300.0;

/// Estimated and actual time of a sweep.
#[derive(Default)]
pub(super) struct CostModel {
    /// By kind of run.
    costs: Vec<RunCost>,
    /// Estimated seconds of all runs.
    pub total: f64,
    /// Estimated seconds of the runs that have ended.
    done: f64,
    /// Actual seconds so far.
    pub spent: f64,
}

impl CostModel {
    /// `costs` are indexed by the kind of a task.
    pub fn new<'t>(tasks: impl IntoIterator<Item = &'t Task>, costs: Vec<RunCost>) -> Self {
        let mut model = Self {
            costs,
            ..Self::default()
        };
        model.total = tasks.into_iter().map(|task| model.seconds(task)).sum();
        model
    }

    /// Estimated seconds of one run.
    pub fn seconds(&self, task: &Task) -> f64 {
        let cost = self.costs.get(task.kind);
        cost.map_or(0.0, |cost| cost.run(task.spec.epochs))
    }

    /// Bytes of `networks` networks like that of `task`, `threads` at a time.
    pub fn bytes(&self, task: &Task, networks: usize, threads: usize) -> u64 {
        let cost = self.costs.get(task.kind);
        cost.map_or(0, |cost| cost.bytes(networks, threads))
    }

    /// Number of networks like that of `task` to train side by side: as many as fit into memory, and as end
    /// within [`LONGEST_BATCH`], but enough for all threads.
    pub fn side_by_side(&self, task: &Task, threads: usize) -> usize {
        let budget = memory::budget();
        let by_time = (LONGEST_BATCH / self.seconds(task).max(1e-9)) as usize;
        let mut networks = by_time.clamp(threads.max(1), 1000.max(threads));
        while networks > 1 && self.bytes(task, networks, threads) > budget {
            networks -= 1;
        }
        networks
    }

    pub fn end(&mut self, task: &Task) {
        self.done += self.seconds(task);
    }

    /// Completed share, 0–1, with `in_progress` estimated seconds of runs that have not ended.
    pub fn share(&self, in_progress: f64) -> f64 {
        ((self.done + in_progress) / self.total.max(1e-9)).clamp(0.0, 1.0)
    }

    /// Remaining seconds at the speed so far.
    pub fn seconds_left(&self, in_progress: f64) -> f64 {
        let done = self.done + in_progress;
        let left = (self.total - done).max(0.0);
        // Too early to correct the estimate.
        if self.spent > 2.0 && done > 0.0 {
            left * self.spent / done
        } else {
            left
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::schedule::tests::tasks, *};

    fn task() -> Task {
        tasks("").remove(0)
    }

    /// Two runs of ten epochs of one step each.
    fn model(step: f64, held: u64) -> CostModel {
        let cost = RunCost {
            step,
            evaluation: 0.0,
            steps_per_epoch: 1,
            held,
            working: 0,
        };
        CostModel::new([&task(), &task()], vec![cost])
    }

    #[test]
    fn batches_are_limited_by_time_and_memory() {
        let side_by_side = |step, held| model(step, held).side_by_side(&task(), 4);
        assert_eq!(side_by_side(1.0, 1), 30, "five minutes");
        assert_eq!(side_by_side(1e-9, 1), 1000);
        assert_eq!(side_by_side(1e9, 1), 4, "one per thread");
        assert_eq!(side_by_side(1e9, 1 << 60), 1, "no memory for two");
    }

    #[test]
    fn the_remaining_time_follows_the_speed() {
        let mut model = model(1.0, 1);
        assert_eq!((model.total, model.seconds_left(0.0)), (20.0, 20.0));
        // Half as fast as estimated.
        model.spent += 10.0;
        assert_eq!((model.seconds_left(5.0), model.share(5.0)), (30.0, 0.25));
        model.spent += 10.0;
        model.end(&task());
        assert_eq!((model.seconds_left(0.0), model.share(0.0)), (20.0, 0.5));
        assert_eq!((model.seconds_left(99.0), model.share(99.0)), (0.0, 1.0));
    }
}

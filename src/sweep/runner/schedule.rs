//! Selects the runs that are trained side by side.

use std::collections::VecDeque;

use crate::{
    model::Lambda,
    sweep::{RunKey, RunSpec},
};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    /// Its index among the requested runs.
    pub run: usize,
    pub spec: RunSpec,
    /// Key of its data set.
    pub data: RunKey,
    /// Index among the [`BatchKinds`].
    pub kind: usize,
}

/// The distinct settings, apart from λ and seed, of the runs of a sweep. Runs of one kind can be trained side by
/// side.
#[derive(Default)]
pub(super) struct BatchKinds(Vec<RunSpec>);

impl BatchKinds {
    /// Index of the kind of a run.
    pub fn index(&mut self, spec: &RunSpec) -> usize {
        let mut kind = spec.clone();
        kind.config.lambda = Lambda::BALANCED;
        kind.config.seed = 0;
        let index = self.0.iter().position(|other| *other == kind);
        index.unwrap_or_else(|| {
            self.0.push(kind);
            self.0.len() - 1
        })
    }
}

/// Takes the first of the remaining tasks and others that train on the same batches (same kind, same seed), at
/// most `most`; and up to `threads` others of its kind.
pub(super) fn take_batch(tasks: &mut VecDeque<Task>, most: usize, threads: usize) -> Vec<Task> {
    let Some(first) = tasks.front() else {
        return Vec::new();
    };
    let (kind, seed) = (first.kind, first.spec.config.seed);
    let (same_seed, other): (Vec<usize>, Vec<usize>) = (0..tasks.len())
        .filter(|&index| tasks[index].kind == kind)
        .partition(|&index| tasks[index].spec.config.seed == seed);
    // Batches of nearly equal size, so that the last one does not leave threads idle.
    let batches = same_seed.len().div_ceil(most.max(1));
    let size = same_seed.len().div_ceil(batches.max(1));
    let mut indices: Vec<usize> = same_seed.into_iter().take(size).collect();
    let missing = threads.min(most).saturating_sub(indices.len());
    indices.extend(other.into_iter().take(missing));
    indices.sort_unstable();
    let mut taken: Vec<Task> = indices
        .iter()
        .rev()
        .filter_map(|&index| tasks.remove(index))
        .collect();
    taken.reverse();
    taken
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sweep::Grid;

    pub fn tasks(grid: &str) -> Vec<Task> {
        let runs = Grid::parse(grid).unwrap().runs().unwrap();
        let data = "0".repeat(64).parse().unwrap();
        let mut kinds = BatchKinds::default();
        runs.into_iter()
            .enumerate()
            .map(|(run, spec)| Task {
                run,
                data,
                kind: kinds.index(&spec),
                spec,
            })
            .collect()
    }

    /// The runs of every group in turn.
    fn groups(grid: &str, most: usize, threads: usize) -> Vec<Vec<usize>> {
        let mut left = VecDeque::from(tasks(grid));
        let mut groups = Vec::new();
        while !left.is_empty() {
            let taken = take_batch(&mut left, most, threads);
            groups.push(taken.iter().map(|task| task.run).collect());
        }
        groups
    }

    #[test]
    fn the_lambdas_of_a_seed_are_trained_side_by_side() {
        let grid = "seed = [1, 2]\nlatent = [2, 3]\nlambda = [0, 0.5, 1]";
        assert_eq!(
            groups(grid, 100, 2),
            [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
        );
        assert_eq!(
            groups(grid, 100, 5),
            [vec![0, 1, 2, 6, 7], vec![3, 4, 5, 9, 10], vec![8], vec![11]],
            "with threads to spare, seeds join in"
        );
        assert_eq!(
            groups(grid, 2, 5)[..3],
            [vec![0, 1], vec![2, 6], vec![3, 4]]
        );
    }

    #[test]
    fn a_limit_makes_groups_of_nearly_equal_size() {
        let sizes =
            |most| -> Vec<usize> { groups("seed = [1]", most, 2).iter().map(Vec::len).collect() };
        assert_eq!(sizes(100), [11]);
        assert_eq!(sizes(8), [6, 5]);
        assert_eq!(sizes(4), [4, 4, 3]);
        assert_eq!(sizes(1), [1; 11]);
        assert_eq!(sizes(0), [1; 11]);
    }
}

//! Which runs are trained side by side.

use std::collections::VecDeque;

use crate::{
    model::Lambda,
    sweep::{RunKey, RunSpec},
};

/// A run that is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    /// Its place among the runs that were asked for.
    pub run: usize,
    pub spec: RunSpec,
    /// Identity of its data set.
    pub data: RunKey,
    /// Its place among the [`Kinds`].
    pub kind: usize,
}

/// What runs share that can be trained side by side: all but λ and seed.
#[derive(Default)]
pub(super) struct BatchKinds(Vec<RunSpec>);

impl BatchKinds {
    /// The kind of a run.
    pub fn of(&mut self, spec: &RunSpec) -> usize {
        let mut kind = spec.clone();
        kind.config.lambda = Lambda::BALANCED;
        kind.config.seed = 0;
        let known = self.0.iter().position(|known| *known == kind);
        known.unwrap_or_else(|| {
            self.0.push(kind);
            self.0.len() - 1
        })
    }
}

/// Takes the first task of those left and others that share its batches (same kind, same seed), at most
/// `most`; and as long as there are fewer than `threads`, others of its kind.
pub(super) fn take_batch(left: &mut VecDeque<Task>, most: usize, threads: usize) -> Vec<Task> {
    let Some(first) = left.front() else {
        return Vec::new();
    };
    let (kind, seed) = (first.kind, first.spec.config.seed);
    let (same_seed, other): (Vec<usize>, Vec<usize>) = (0..left.len())
        .filter(|&place| left[place].kind == kind)
        .partition(|&place| left[place].spec.config.seed == seed);
    // Groups of nearly equal size, so that the last one does not leave threads idle.
    let groups = same_seed.len().div_ceil(most.max(1));
    let size = same_seed.len().div_ceil(groups.max(1));
    let mut places: Vec<usize> = same_seed.into_iter().take(size).collect();
    let missing = threads.min(most).saturating_sub(places.len());
    places.extend(other.into_iter().take(missing));
    places.sort_unstable();
    let mut taken: Vec<Task> = places
        .iter()
        .rev()
        .filter_map(|&place| left.remove(place))
        .collect();
    taken.reverse();
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    fn tasks(grid: &str) -> VecDeque<Task> {
        let runs = Grid::parse(grid).unwrap().runs().unwrap();
        let data = "0".repeat(64).parse().unwrap();
        let mut kinds = BatchKinds::default();
        runs.into_iter()
            .enumerate()
            .map(|(run, spec)| Task {
                run,
                data,
                kind: kinds.of(&spec),
                spec,
            })
            .collect()
    }

    /// The runs of every group in turn.
    fn groups(grid: &str, most: usize, threads: usize) -> Vec<Vec<usize>> {
        let mut left = tasks(grid);
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

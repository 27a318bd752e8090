//! A part of a grid, for several machines that share the work.

use std::path::{Path, PathBuf};

use crate::fs::has_file_name;

/// Part `number` of `count`: every `count`-th run, starting with the `number`-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// 1 to `count`.
    number: usize,
    count: usize,
}

/// Largest number of parts.
const MAX_COUNT: usize = 10_000;

impl Shard {
    /// # Errors
    /// When there is no such part.
    pub fn new(number: usize, count: usize) -> Result<Self, String> {
        if (1..=MAX_COUNT).contains(&count) && (1..=count).contains(&number) {
            Ok(Self { number, count })
        } else {
            Err(format!(
                "there is no part {number} of {count}: parts run from 1/N to N/N, and N is at most {MAX_COUNT}"
            ))
        }
    }

    /// The part of a task of a Slurm job array; `variable` reads the environment. The lowest task
    /// of the array is part 1, whatever its index.
    ///
    /// # Errors
    /// When this is not a task of a job array, or the array has gaps, so that its part does not
    /// follow from its index.
    pub fn from_slurm(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str| match variable(name) {
            None => Ok(None),
            Some(text) => text
                .trim()
                .parse::<usize>()
                .map(Some)
                .map_err(|_| format!("{name} is “{text}”, which is not a whole number")),
        };
        let required = |name: &str| {
            number(name)?.ok_or_else(|| {
                format!("{name} is not set: this is not a task of a Slurm job array")
            })
        };
        let id = required("SLURM_ARRAY_TASK_ID")?;
        let count = required("SLURM_ARRAY_TASK_COUNT")?;
        let first = required("SLURM_ARRAY_TASK_MIN")?;
        let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
        let last = number("SLURM_ARRAY_TASK_MAX")?;
        let evenly = |id: usize| id.checked_sub(first).filter(|past| past % step == 0);
        let whole = last.is_none_or(|last| evenly(last).map(|past| past / step + 1) == Some(count));
        match evenly(id) {
            Some(past) if whole && past / step < count => Self::new(past / step + 1, count),
            _ => Err(format!(
                "the part of task {id} of this Slurm job array is unknown, since the array has gaps; use an array without \
                 gaps, such as 1-16, or give --shard I/N"
            )),
        }
    }

    pub fn select<T>(self, runs: Vec<T>) -> Vec<T> {
        runs.into_iter()
            .skip(self.number - 1)
            .step_by(self.count)
            .collect()
    }

    /// The results file of this part, next to that of the whole: `results.sqlite` becomes
    /// `results.part-2-of-3.sqlite`. `None` if `whole` does not name a file.
    pub fn file(self, whole: &Path) -> Option<PathBuf> {
        let part = format!("part-{}-of-{}", self.number, self.count);
        let mut name = whole
            .file_stem()
            .filter(|_| has_file_name(whole))?
            .to_owned();
        name.push(".");
        name.push(part);
        if let Some(extension) = whole.extension() {
            name.push(".");
            name.push(extension);
        }
        Some(whole.with_file_name(name))
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = text
            .split_once('/')
            .and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
        let (number, count) = part.ok_or_else(|| format!("“{text}” is not a part such as 2/3"))?;
        Self::new(number, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_disjoint_and_complete() {
        let runs: Vec<usize> = (0..55).collect();
        for count in [1, 2, 3, 7, 55, 60] {
            let mut joined: Vec<usize> = (1..=count)
                .flat_map(|number| Shard::new(number, count).unwrap().select(runs.clone()))
                .collect();
            joined.sort_unstable();
            assert_eq!(joined, runs);
        }
        assert_eq!("2/3".parse(), Shard::new(2, 3));
        for wrong in [
            "", "2", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "1/10001", "a/b",
        ] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        let file = |path: &str| Shard::new(2, 3).unwrap().file(Path::new(path));
        assert_eq!(
            file("/a.b/all.sqlite"),
            Some("/a.b/all.part-2-of-3.sqlite".into())
        );
        assert_eq!(file("all"), Some("all.part-2-of-3".into()));
        for folder in ["..", ".", "/", "a/..", "a/", ""] {
            assert_eq!(file(folder), None, "{folder}");
        }
    }

    #[test]
    fn a_task_of_a_job_array_gets_its_part_whatever_the_first_index() {
        let shard = |id: &str, min: &str, max: &str, step: &str, count: &str| {
            Shard::from_slurm(|name| {
                let value = match name {
                    "SLURM_ARRAY_TASK_ID" => id,
                    "SLURM_ARRAY_TASK_MIN" => min,
                    "SLURM_ARRAY_TASK_MAX" => max,
                    "SLURM_ARRAY_TASK_STEP" => step,
                    "SLURM_ARRAY_TASK_COUNT" => count,
                    _ => "",
                };
                (!value.is_empty()).then(|| value.to_owned())
            })
        };
        let part = |number, count| Shard::new(number, count);
        assert_eq!(shard("0", "0", "15", "1", "16"), part(1, 16));
        assert_eq!(shard("15", "0", "15", "1", "16"), part(16, 16));
        assert_eq!(shard("1", "1", "16", "1", "16"), part(1, 16));
        assert_eq!(shard("16", "1", "16", "1", "16"), part(16, 16));
        assert_eq!(shard("8", "0", "12", "4", "4"), part(3, 4));
        assert_eq!(shard("102", "100", "", "", "3"), part(3, 3));
        for gaps in [
            shard("7", "1", "7", "1", "3"),
            shard("3", "1", "7", "1", "3"),
            shard("5", "0", "12", "4", "4"),
        ] {
            assert!(gaps.unwrap_err().contains("has gaps"));
        }
        assert!(
            shard("", "", "", "", "")
                .unwrap_err()
                .contains("SLURM_ARRAY_TASK_ID is not set")
        );
        assert!(shard("x", "1", "7", "1", "7").unwrap_err().contains("“x”"));
    }
}

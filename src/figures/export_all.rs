//! All figures that some results allow.

use std::{fs, ops::ControlFlow, path::Path};

use super::{
    CapacityFigure, CapacityMeasure, DeadRuns, EXTENSIONS, Ending, Figure, Figure3, Figure4,
    Figure5, FigureError, Film, LambdaSweep, PanelRuns, ParetoFigure, save, save_animation,
};
use crate::{
    data::{BundledSet, DataSource},
    sweep::{Record, RunSpec, Series, series, series::common_spec},
};

/// The most panels per file; further ones go to the next file.
const MAX_PANELS: usize = 12;

#[derive(Default)]
pub struct AllFigures<'a> {
    /// The figures, with the names of their files without extension.
    pub figures: Vec<(String, Box<dyn Figure + 'a>)>,
    /// Names of the figures that cannot be drawn, and the reasons.
    pub missing: Vec<(&'static str, &'static str)>,
    /// The λ sweeps that can be animated, with the names of their files as for the figures.
    pub sweeps: Vec<(String, LambdaSweep<'a>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportProgress<'a> {
    /// Frames of an animation that are done, and their number.
    Frame(usize, usize),
    Written(&'a Path),
}

const NEEDS_LAMBDAS: &str = "it needs runs of one network with one seed at two or more λ";
const NEEDS_SIZES: &str = "it needs fully connected networks with two or more latent sizes, each with living runs at two or more λ";
const NEEDS_NETWORKS: &str = "it needs two networks or more on one data set (fully connected ones with the same n), each with living runs at two or more λ";

impl<'a> AllFigures<'a> {
    /// The figures of `records`.
    pub fn new(records: &'a [Record], dead: DeadRuns) -> Self {
        let series = series(records);
        let sweeps = series.iter().filter_map(LambdaSweep::from_series);
        let sweeps: Vec<LambdaSweep<'_>> = sweeps.filter(|sweep| sweep.records.len() > 1).collect();
        let mut all = Self::default();
        all.try_add("figure 3", NEEDS_LAMBDAS, |all| {
            let series = series.iter().filter(|series| has_two_lambdas(series));
            let runs: Vec<_> = series.map(PanelRuns::from).collect();
            all.pages("figure-3", &runs, |runs| Figure3::new(runs, dead));
        });
        all.try_add("figure 4", NEEDS_LAMBDAS, |all| {
            for (name, sweeps) in by_network(&sweeps) {
                all.add(&format!("figure-4-{name}"), Figure4::new(sweeps));
            }
        });
        all.try_add("figure 5", NEEDS_LAMBDAS, |all| {
            for sweep in &sweeps {
                let name = format!("figure-5-{}", slug(&sweep.title));
                all.add(&name, Figure5::new(sweep));
            }
        });
        all.try_add("trade-off plane", "there is no run", |all| {
            let runs: Vec<_> = series.iter().map(PanelRuns::from).collect();
            all.pages("trade-off-plane", &runs, |runs| {
                ParetoFigure::new(runs, dead)
            });
        });
        all.try_add("latent size", NEEDS_SIZES, |all| {
            let figure = CapacityFigure::new(&series, CapacityMeasure::LatentSize);
            all.add("latent-size", figure);
        });
        all.try_add("complexity", NEEDS_NETWORKS, |all| {
            let figure = CapacityFigure::new(&series, CapacityMeasure::Parameters);
            all.add("complexity", figure);
        });
        for sweep in sweeps {
            let existing = all.sweeps.iter().map(|(name, _)| name.as_str());
            let name = unique(&slug(&sweep.title), existing);
            all.sweeps.push((name, sweep));
        }
        all
    }

    /// Runs `add`. If that adds no figure, records `name` as missing for this reason.
    fn try_add(&mut self, name: &'static str, reason: &'static str, add: impl FnOnce(&mut Self)) {
        let count = self.figures.len();
        add(self);
        if self.figures.len() == count {
            self.missing.push((name, reason));
        }
    }

    fn add(&mut self, name: &str, figure: Option<impl Figure + 'a>) {
        if let Some(figure) = figure {
            let existing = self.figures.iter().map(|(name, _)| name.as_str());
            self.figures
                .push((unique(name, existing), Box::new(figure)));
        }
    }

    /// Adds as many figures as the panels of `runs` need.
    fn pages<F: Figure + 'a>(
        &mut self,
        name: &str,
        runs: &[PanelRuns],
        figure: impl Fn(&[PanelRuns]) -> Option<F>,
    ) {
        for (page, runs) in runs.chunks(MAX_PANELS).enumerate() {
            let page_name = format!("{name}-page-{}", page + 1);
            self.add(if page == 0 { name } else { &page_name }, figure(runs));
        }
    }

    /// Names of the files that [`Self::save`] writes, in its order.
    pub fn file_names(&self, animate: bool) -> Vec<String> {
        let names = |name: &String| EXTENSIONS.map(|extension| format!("{name}.{extension}"));
        let figures = self.figures.iter().flat_map(|(name, _)| names(name));
        let animations = self.sweeps.iter().filter(|_| animate);
        let animations = animations.map(|(name, _)| self.animation_name(name));
        figures.chain(animations).collect()
    }

    /// Name of the file with the animation of the λ sweep `name`.
    fn animation_name(&self, name: &str) -> String {
        match self.sweeps.len() {
            1 => "lambda-sweep.gif".to_owned(),
            _ => format!("lambda-sweep-{name}.gif"),
        }
    }

    /// Writes every figure in every format into `folder`, which is created if necessary, and an
    /// animation of each λ sweep if `animate`. Replaces the files [`Self::file_names`] if they
    /// exist. `progress` decides whether to continue; files that are complete by then remain.
    ///
    /// # Errors
    /// When the folder cannot be created or a file cannot be written.
    pub fn save(
        &self,
        folder: &Path,
        animate: bool,
        mut progress: impl FnMut(ExportProgress<'_>) -> ControlFlow<()>,
    ) -> Result<Ending, FigureError> {
        fs::create_dir_all(folder).map_err(|error| {
            FigureError::new(folder, format!("cannot create the folder: {error}"))
        })?;
        for (name, figure) in &self.figures {
            for extension in EXTENSIONS {
                let path = folder.join(format!("{name}.{extension}"));
                save(&**figure, &path)?;
                if progress(ExportProgress::Written(&path)).is_break() {
                    return Ok(Ending::Cancelled);
                }
            }
        }
        for (name, sweep) in self.sweeps.iter().filter(|_| animate) {
            let path = folder.join(self.animation_name(name));
            let film = Film::from_sweep(sweep);
            let ending = save_animation(&film, &path, |done, total| {
                progress(ExportProgress::Frame(done, total))
            })?;
            if ending == Ending::Cancelled || progress(ExportProgress::Written(&path)).is_break() {
                return Ok(Ending::Cancelled);
            }
        }
        Ok(Ending::Written)
    }
}

fn has_two_lambdas(series: &Series<'_>) -> bool {
    let first = series.records[0].lambda();
    series.records.iter().any(|record| record.lambda() != first)
}

/// The sweeps of each network, named after it. Several data sets share one figure, as its rows.
fn by_network<'a>(sweeps: &[LambdaSweep<'a>]) -> Vec<(String, Vec<LambdaSweep<'a>>)> {
    let mut networks: Vec<(RunSpec, String, Vec<LambdaSweep<'a>>)> = Vec::new();
    for sweep in sweeps {
        let record = sweep.records[0];
        let mut key = common_spec(&record.spec);
        key.data = DataSource::Bundled(BundledSet::Mnist);
        if let Some((_, _, sweeps)) = networks.iter_mut().find(|(other, ..)| *other == key) {
            sweeps.push(sweep.clone());
        } else {
            // The title without the data set.
            let name = sweep.title.split_once(", ").map_or("", |(_, name)| name);
            networks.push((key, slug(name), vec![sweep.clone()]));
        }
    }
    let named = networks.into_iter();
    named.map(|(_, name, sweeps)| (name, sweeps)).collect()
}

/// `name`, with a number if it already exists: different titles can result in the same name.
fn unique<'a>(name: &str, existing: impl Iterator<Item = &'a str>) -> String {
    let existing: Vec<&str> = existing.collect();
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names
        .find(|name| !existing.contains(&name.as_str()))
        .unwrap_or_default()
}

/// Converts a title to a part of a file name.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

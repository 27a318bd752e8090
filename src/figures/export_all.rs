//! Every figure that some results allow.

use std::{fs, ops::ControlFlow, path::Path};

use super::{
    Against, DeadRuns, EXTENSIONS, Ending, Figure, Figure3, Figure4, Figure5, FigureError, Film,
    OneSeed, Runs, TradeOffPlane, TradeOffWidths, save, save_animation,
};
use crate::{
    data::{BundledSet, DataSource},
    sweep::{Record, RunSpec, Series, series, series::common_spec},
};

/// The most panels in one file; further ones go to the next.
const PANELS: usize = 12;

/// The figures of some results.
pub struct AllFigures<'a> {
    /// Those that can be made, with the names of their files without an extension.
    pub figures: Vec<(String, Box<dyn Figure + 'a>)>,
    /// Those that cannot, and why.
    pub missing: Vec<(&'static str, &'static str)>,
    /// What λ sweeps can be filmed, with names as for the figures.
    pub spectra: Vec<(String, OneSeed<'a>)>,
}

/// What the writing of all files tells as it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Of the film in hand so many frames of all are done.
    Frame(usize, usize),
    /// This file is there.
    Written(&'a Path),
}

/// Everything that `records` can be shown as.
pub fn every(records: &[Record], dead: DeadRuns) -> AllFigures<'_> {
    let series = series(records);
    let mut every = AllFigures {
        figures: Vec::new(),
        missing: Vec::new(),
        spectra: Vec::new(),
    };
    let spectra: Vec<OneSeed<'_>> = series
        .iter()
        .filter_map(OneSeed::of)
        .filter(|spectrum| spectrum.records.len() > 1)
        .collect();

    every.pages("figure-3", &runs_of(&over_lambda(&series)), |runs| {
        boxed(Figure3::of(runs, dead))
    });
    if every.figures.is_empty() {
        every.missing.push(("figure 3", NEEDS_LAMBDAS));
    }
    let count = every.figures.len();
    for (name, spectra) in by_network(&spectra) {
        every.add(&format!("figure-4-{name}"), boxed(Figure4::of(spectra)));
    }
    if every.figures.len() == count {
        every.missing.push(("figure 4", NEEDS_LAMBDAS));
    }
    let count = every.figures.len();
    for spectrum in &spectra {
        let name = format!("figure-5-{}", slug(&spectrum.title));
        every.add(&name, boxed(Figure5::of(spectrum)));
    }
    if every.figures.len() == count {
        every.missing.push(("figure 5", NEEDS_LAMBDAS));
    }
    let count = every.figures.len();
    every.pages("trade-off-plane", &runs_of(&series), |runs| {
        boxed(TradeOffPlane::of(runs, dead))
    });
    if every.figures.len() == count {
        every.missing.push(("trade-off plane", "there is no run"));
    }
    for (name, file, against, why) in [
        (
            "latent size",
            "latent-size",
            Against::LatentSize,
            NEEDS_SIZES,
        ),
        (
            "complexity",
            "complexity",
            Against::Parameters,
            NEEDS_NETWORKS,
        ),
    ] {
        match TradeOffWidths::of(&series, against) {
            Some(figure) => every.add(file, Some(Box::new(figure))),
            None => every.missing.push((name, why)),
        }
    }
    for spectrum in spectra {
        let taken = every.spectra.iter().map(|(name, _)| name.as_str());
        let name = unique(&slug(&spectrum.title), taken);
        every.spectra.push((name, spectrum));
    }
    every
}

const NEEDS_LAMBDAS: &str =
    "it needs runs of one network at two λ or more, one seed for all of them";
const NEEDS_SIZES: &str = "it needs fully connected networks with two latent sizes or more, each with living runs at two λ or more";
const NEEDS_NETWORKS: &str = "it needs two networks or more on one data set (fully connected ones with the same n), each with living runs at two λ or more";

impl AllFigures<'_> {
    /// Names of the files that [`Self::save`] writes, in its order.
    pub fn file_names(&self, films: bool) -> Vec<String> {
        let figures = self
            .figures
            .iter()
            .flat_map(|(name, _)| EXTENSIONS.map(|extension| format!("{name}.{extension}")));
        let films = self.spectra.iter().filter(|_| films);
        let films = films.map(|(name, _)| self.film_name(name));
        figures.chain(films).collect()
    }

    /// Name of the file with the film of the λ sweep `name`.
    fn film_name(&self, name: &str) -> String {
        match self.spectra.len() {
            1 => "lambda-sweep.gif".to_owned(),
            _ => format!("lambda-sweep-{name}.gif"),
        }
    }

    /// Writes every figure in every format into `folder`, which is made if it is not there, and a film of each λ
    /// sweep if `films` are wanted. Files that exist are replaced: [`Self::file_names`] tells them beforehand.
    /// `told` hears of it and says whether to go on; what is written by then stays.
    ///
    /// # Errors
    /// When the folder cannot be made or a file cannot be written.
    pub fn save(
        &self,
        folder: &Path,
        films: bool,
        mut told: impl FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<Ending, FigureError> {
        fs::create_dir_all(folder).map_err(|error| {
            FigureError::new(folder, format!("the folder cannot be made: {error}"))
        })?;
        for (name, figure) in &self.figures {
            for extension in EXTENSIONS {
                let path = folder.join(format!("{name}.{extension}"));
                save(&**figure, &path)?;
                if told(Step::Written(&path)).is_break() {
                    return Ok(Ending::Cancelled);
                }
            }
        }
        for (name, spectrum) in self.spectra.iter().filter(|_| films) {
            let path = folder.join(self.film_name(name));
            let film = Film::of_lambdas(spectrum);
            let ending = save_animation(&film, &path, |done, of| told(Step::Frame(done, of)))?;
            if ending == Ending::Cancelled || told(Step::Written(&path)).is_break() {
                return Ok(Ending::Cancelled);
            }
        }
        Ok(Ending::Written)
    }
}

impl<'a> AllFigures<'a> {
    fn add(&mut self, name: &str, figure: Option<Box<dyn Figure + 'a>>) {
        if let Some(figure) = figure {
            let taken = self.figures.iter().map(|(name, _)| name.as_str());
            self.figures.push((unique(name, taken), figure));
        }
    }

    /// As many files as the panels of `runs` need.
    fn pages(
        &mut self,
        name: &str,
        runs: &[Runs],
        figure: impl Fn(&[Runs]) -> Option<Box<dyn Figure + 'a>>,
    ) {
        for (page, runs) in runs.chunks(PANELS).enumerate() {
            let name = match page {
                0 => name.to_owned(),
                _ => format!("{name}-page-{}", page + 1),
            };
            self.add(&name, figure(runs));
        }
    }
}

fn boxed<'a>(figure: Option<impl Figure + 'a>) -> Option<Box<dyn Figure + 'a>> {
    figure.map(|figure| Box::new(figure) as Box<dyn Figure + 'a>)
}

fn runs_of(series: &[Series<'_>]) -> Vec<Runs> {
    series.iter().map(Runs::of).collect()
}

/// Those with more than one λ.
fn over_lambda<'a>(series: &[Series<'a>]) -> Vec<Series<'a>> {
    let has_two = |series: &&Series<'a>| {
        let first = series.records[0].lambda();
        series.records.iter().any(|record| record.lambda() != first)
    };
    series.iter().filter(has_two).cloned().collect()
}

/// The same network on several data sets belongs into one figure: the data sets are its rows.
fn by_network<'a>(spectra: &[OneSeed<'a>]) -> Vec<(String, Vec<OneSeed<'a>>)> {
    let mut networks: Vec<(RunSpec, String, Vec<OneSeed<'a>>)> = Vec::new();
    for spectrum in spectra {
        let record = spectrum.records[0];
        let mut key = common_spec(&record.spec);
        key.data = DataSource::Bundled(BundledSet::Mnist);
        if let Some((_, _, spectra)) = networks.iter_mut().find(|(known, ..)| *known == key) {
            spectra.push(spectrum.clone());
        } else {
            // The title without the data set.
            let name = spectrum.title.split_once(", ").map_or("", |(_, name)| name);
            networks.push((key, slug(name), vec![spectrum.clone()]));
        }
    }
    let named = networks.into_iter();
    named.map(|(_, name, spectra)| (name, spectra)).collect()
}

/// `name`, or with a number where it is taken already: different titles can become the same name.
fn unique<'a>(name: &str, taken: impl Iterator<Item = &'a str>) -> String {
    let taken: Vec<&str> = taken.collect();
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !taken.contains(&name.as_str()))
        .unwrap_or_default()
}

/// A title as the name of a file.
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

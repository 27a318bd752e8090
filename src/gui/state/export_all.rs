//! Every figure of the finished runs, as `cre-lab figures` writes them.

use std::path::{Path, PathBuf};

use super::{
    export::All,
    exports::{Done, Job},
};
use crate::{
    figures::{AllFigures, Ending, ExportProgress},
    format::count,
    fs::first_existing,
    sweep::{Record, Store, series::with_common_sources},
};

/// Writes what `file` allows into a folder.
pub fn job(file: PathBuf, All { dead, films }: All) -> Job {
    Job::new("file", move |folder, progress| {
        let records = records(&file)?;
        let every = AllFigures::new(&records, dead);
        let names = every.file_names(films);
        if let Some(found) = first_existing(folder, names.iter().map(String::as_str)) {
            return Err(format!("{found}; choose another folder"));
        }
        let files = names.len();
        let mut done = 0;
        let ending = every.save(folder, films, |step| {
            if let ExportProgress::Written(_) = step {
                done += 1;
            }
            progress(done, files)
        });
        let ending = ending.map_err(|error| error.to_string())?;
        let text = match ending {
            Ending::Written => written(&every, records.len(), folder),
            Ending::Cancelled => format!(
                "Stopped; {} of {} files are in {}",
                count(done),
                count(files),
                folder.display()
            ),
        };
        let reasons = every.missing.iter();
        let reasons: Vec<String> = reasons
            .map(|(name, why)| format!("{name} is left out: {why}"))
            .collect();
        Ok(Done::Several {
            text,
            more: reasons.join("\n"),
        })
    })
}

fn records(file: &Path) -> Result<Vec<Record>, String> {
    let store = Store::open_existing(file).map_err(|error| error.to_string())?;
    let runs = store.runs().map_err(|error| error.to_string())?;
    let records = with_common_sources(runs);
    if records.is_empty() {
        return Err(format!("{} holds no finished run", file.display()));
    }
    Ok(records)
}

/// "12 figures of 55 runs are in /home/me/figures; left out: complexity".
fn written(every: &AllFigures<'_>, runs: usize, folder: &Path) -> String {
    let plural = |number: usize, one: &str| {
        let s = if number == 1 { "" } else { "s" };
        format!("{} {one}{s}", count(number))
    };
    let figures = plural(every.figures.len(), "figure");
    let text = format!(
        "{figures} of {} are in {}",
        plural(runs, "run"),
        folder.display()
    );
    let missing: Vec<&str> = every.missing.iter().map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return text;
    }
    format!("{text}; left out: {}", missing.join(", "))
}

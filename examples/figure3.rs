//! Draws accuracy and reconstruction error against λ (figure 3 of the paper) from the results of
//! sweeps, as SVG, PNG or CSV.
//!
//! ```sh
//! cre-lab sweep --preset quick-look --out results.sqlite
//! cargo run --release --example figure3 -- results.sqlite figure3.svg
//! ```

use std::{ffi::OsString, path::Path};

use anyhow::{Context as _, bail};
use cre_lab::{
    figures::{DeadRuns, Figure3, PanelRuns, save},
    sweep::{Store, series, series::with_common_sources},
};

fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [results, output] = args.as_slice() else {
        bail!("give a results file and the figure to write, such as figure3.svg");
    };
    let store = Store::open_to_read(Path::new(results))?;
    let records = with_common_sources(store.runs()?);
    let panels: Vec<PanelRuns> = series(&records).iter().map(PanelRuns::from).collect();
    let figure = Figure3::new(&panels, DeadRuns::default());
    let figure = figure.context("the results contain no run that can be drawn")?;
    save(&figure, Path::new(output))?;
    Ok(())
}

//! `cre-lab train`: trains one network without a window.

mod headless_run;
mod run_files;
mod run_folder;

use std::{io::Write as _, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use headless_run::HeadlessRun;
use run_folder::RunFolder;

use super::{
    Overwrite, RunArgs,
    interrupt::interrupts,
    terminal::{print_message, stdout},
};
use crate::{
    data::{DataSource, Dataset},
    train::{
        DeviceChoice, RunConfig,
        checkpoint::{
            Checkpoint,
            authors::{self, ImportContext},
        },
    },
};

const DEFAULT_EPOCHS: u64 = 10;
const DEFAULT_FOLDER: &str = "cre-lab-run";

/// Options of `cre-lab train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Passes over the training images, counted from the start of a resumed run
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_EPOCHS)]
    pub epochs: u64,
    /// Resume the run of this checkpoint, such as last.safetensors, with its settings and data; --data
    /// names the folder if the same images have moved
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "arch", "latent", "lambda", "batch_size", "learning_rate", "seed", "weights",
        "patch", "embed", "depth", "heads", "mlp_ratio", "mask_ratio",
    ])]
    pub resume: Option<PathBuf>,
    /// Start from the weights of the authors' modules in this safetensors file, which determine the
    /// network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["arch", "latent"])]
    pub weights: Option<PathBuf>,
    /// Folder to write to, created if it does not exist; one that holds a run is refused, unless
    /// --resume names its last.safetensors
    #[arg(long, value_name = "DIR", default_value = DEFAULT_FOLDER)]
    pub out: PathBuf,
    #[command(flatten)]
    pub overwrite: Overwrite,
}

impl TrainArgs {
    /// A new run with the defaults of `cre-lab train`.
    pub fn new(run: RunArgs) -> Self {
        Self {
            run,
            epochs: DEFAULT_EPOCHS,
            resume: None,
            weights: None,
            out: PathBuf::from(DEFAULT_FOLDER),
            overwrite: Overwrite::default(),
        }
    }
}

/// Trains and writes `metrics.csv`, `config.toml`, `latent.png`, `reconstructions.png`,
/// `last.safetensors` and `best.safetensors`, and prints their paths.
///
/// The first Ctrl-C ends training early; the files are written all the same.
///
/// # Errors
/// When data, device, training or a file fails.
pub fn run(args: &TrainArgs) -> anyhow::Result<()> {
    let folder = RunFolder::new(args);
    folder.check()?;
    let setup = Setup::load(args)?;
    let dataset = setup.dataset.clone();
    if !dataset.left_out.is_empty() {
        print_message(&dataset.left_out);
    }
    folder.create()?;
    let interrupts = interrupts()?;
    let mut run = HeadlessRun::start(args.epochs, folder, setup)?;
    let snapshot = run.follow(&interrupts)?;
    let paths = run.write_files(&snapshot, &dataset)?;
    if let Some(warning) = run.dead_units_warning() {
        print_message(warning);
    }
    let mut out = stdout();
    for path in paths {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

/// Everything that a run starts from.
struct Setup {
    config: RunConfig,
    source: DataSource,
    dataset: Arc<Dataset>,
    /// The state to continue from, if this is no new run.
    checkpoint: Option<Checkpoint>,
}

impl Setup {
    /// Reads the checkpoint or weights, if any, and the data set.
    fn load(args: &TrainArgs) -> anyhow::Result<Self> {
        let resumed = args.resume.as_deref().map(Checkpoint::load).transpose()?;
        let (mut config, source) = match &resumed {
            Some(checkpoint) => (
                checkpoint.config(),
                args.run
                    .data
                    .clone()
                    .unwrap_or_else(|| checkpoint.metadata.data.source.clone()),
            ),
            None => (args.run.config(), args.run.source()),
        };
        if args.run.device != DeviceChoice::default() {
            config.device = args.run.device;
        }
        let dataset = source.load().with_context(|| {
            resumed.as_ref().map_or("cannot load the images".to_owned(), |resumed| {
                let name = &resumed.metadata.data.name;
                format!("the images of the run ({name}) are not where they were; give their folder with --data")
            })
        });
        let dataset = Arc::new(dataset?);
        if resumed.is_none()
            && let Some(note) = config.limit_batch(&dataset)
        {
            print_message(note);
        }
        let mut checkpoint = resumed;
        if let Some(file) = &args.weights {
            let context = ImportContext {
                config: &config,
                source: &source,
                dataset: &dataset,
            };
            let imported = authors::load(file, context)?;
            config = imported.config();
            checkpoint = Some(imported);
        }
        if let Some(checkpoint) = &checkpoint {
            let data = &checkpoint.metadata.data;
            data.fits(&source, &dataset).map_err(anyhow::Error::msg)?;
        }
        Ok(Self {
            config,
            source,
            dataset,
            checkpoint,
        })
    }
}

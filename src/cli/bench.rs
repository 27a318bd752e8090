//! `cre-lab bench`: measures the speed of this machine.

use std::{
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use burn::tensor::{Device, Distribution, Tensor};
use clap::Args;
use serde::Serialize;

use super::{
    run_args::VitArgs,
    terminal::{print_message, stdout},
};
use crate::{
    data::{BundledSet, DataSource, Dataset},
    model::{Architecture, lambda::evenly_spaced},
    train::{
        DeviceChoice, Lane, Lanes, Probe, RunConfig, RunId, Trainer,
        device::{self, Backend},
        observer::Observer,
        trainer::{TrainError, floats},
    },
};

/// Side of the square matrices of the GEMM measurement.
const GEMM_SIDE: usize = 2048;

/// Time after which a measurement is not repeated.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Options of `cre-lab bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// Device to measure: wgpu or cpu; auto measures the CPU and a hardware GPU if there is one
    #[arg(long, value_name = "DEVICE", default_value = DeviceChoice::default().id())]
    pub device: DeviceChoice,
    /// Network: fc-small, fc-medium, fc-large, cnn-small, cnn-large or vit
    #[arg(long, value_name = "NAME", default_value = Architecture::default().id())]
    pub arch: Architecture,
    #[command(flatten)]
    pub vit: VitArgs,
    /// Networks trained side by side, with λ from 0 to 1
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub lanes: u64,
    /// Training time to measure on each device, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Print a JSON list instead of text
    #[arg(long)]
    pub json: bool,
}

/// Measurements on one device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// "cpu" or "wgpu".
    pub device: Backend,
    pub arch: &'static str,
    pub lanes: u64,
    /// Training speed in images per second, summed over the lanes, at batch size 512 and n = 3.
    /// Includes batch assembly and reading the losses back.
    pub train_images_per_second: f64,
    /// Milliseconds to evaluate 2,000 test images.
    pub evaluate_ms: f64,
    /// Milliseconds for a snapshot of 500 points and 20 reconstructions.
    pub snapshot_ms: f64,
    /// Speed of a 2048³ matrix product (f32), in 10⁹ floating-point operations per second.
    pub gemm_gflops: f64,
}

/// Measures each device and prints the results.
///
/// # Errors
/// When the requested device cannot be used.
pub fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load()?);
    let choices = match args.device {
        DeviceChoice::Auto => vec![DeviceChoice::Cpu, DeviceChoice::Auto],
        choice => vec![choice],
    };
    let mut results: Vec<Measurement> = Vec::new();
    for choice in choices {
        let (device, report) = device::open(choice)?;
        if results.iter().any(|result| result.device == report.backend) {
            continue;
        }
        print_message(format_args!("{}: {}", report.name, report.why));
        results.push(measure(args, report.backend, &device, &dataset)?);
    }
    if args.json {
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&results)?)?;
    } else {
        for result in results {
            let device = match result.device {
                Backend::Cpu => "cpu ",
                Backend::Wgpu => "wgpu",
            };
            writeln!(
                stdout(),
                "{device}  {} training images/s  {:.1} ms per evaluation (2,000 images)  {:.1} ms per snapshot (500 points)  GEMM {:.0} GFLOP/s",
                result.train_images_per_second.round(),
                result.evaluate_ms,
                result.snapshot_ms,
                result.gemm_gflops
            )?;
        }
    }
    Ok(())
}

fn measure(
    args: &BenchArgs,
    backend: Backend,
    device: &Device,
    dataset: &Arc<Dataset>,
) -> Result<Measurement, TrainError> {
    let config = RunConfig {
        architecture: args.arch,
        vit: args.vit.options(),
        ..RunConfig::default()
    };
    let time = Duration::from_secs(args.seconds);
    let train_images_per_second =
        training_speed(&config, args.lanes as usize, dataset, device, time)?;
    // Evaluation and snapshots are measured for one network that has all cores.
    let trainer = Trainer::new(&config, dataset.clone(), device)?;
    let probe = Probe::first_of_each_class(dataset, 50, 2);
    let mut observer = Observer::default();
    Ok(Measurement {
        device: backend,
        arch: args.arch.id(),
        lanes: args.lanes,
        train_images_per_second,
        evaluate_ms: median_ms(7, || trainer.evaluate().map(drop))?,
        snapshot_ms: median_ms(15, || {
            observer.take_snapshot(RunId(0), &trainer, &probe).map(drop)
        })?,
        gemm_gflops: gemm(device)?,
    })
}

/// Trains `lane_count` networks side by side, with λ from 0 to 1, for about `time` and returns their
/// images per second, summed over the lanes. Includes batch assembly and reading the losses back,
/// twice a second; building the networks and the first half second are not measured.
///
/// # Errors
/// As for [`Lanes::new`], and when losses become NaN or infinite.
pub fn training_speed(
    config: &RunConfig,
    lane_count: usize,
    dataset: &Arc<Dataset>,
    device: &Device,
    time: Duration,
) -> Result<f64, TrainError> {
    let lanes: Vec<Lane> = evenly_spaced(lane_count)
        .into_iter()
        .map(|lambda| Lane {
            lambda,
            seed: config.seed,
        })
        .collect();
    let mut lanes = Lanes::new(config, &lanes, dataset, device)?;
    let time_slice = |lanes: &mut Lanes| {
        let start = Instant::now();
        lanes.advance(u64::MAX, || start.elapsed() < Duration::from_millis(500));
        let mut trainers = lanes.trainers_mut().iter_mut();
        trainers.try_for_each(|trainer| trainer.take_losses().map(drop))
    };
    time_slice(&mut lanes)?;
    let (start, first_step) = (Instant::now(), lanes.steps());
    while start.elapsed() < time {
        time_slice(&mut lanes)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let batches = (lanes.steps() - first_step) * lanes.trainers().len() as u64;
    let batch_size = lanes.trainers().first().map_or(0, Trainer::batch_size);
    Ok((batches * batch_size as u64) as f64 / seconds)
}

fn median_ms(
    repetitions: usize,
    mut work: impl FnMut() -> Result<(), TrainError>,
) -> Result<f64, TrainError> {
    work()?;
    let mut times = Vec::with_capacity(repetitions);
    let start_of_all = Instant::now();
    // What takes long is measured once only.
    while times.len() < repetitions && (times.is_empty() || start_of_all.elapsed() < MAX_TIME) {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn gemm(device: &Device) -> Result<f64, TrainError> {
    let side = GEMM_SIDE;
    let random = || Tensor::<2>::random([side, side], Distribution::Default, device);
    let (a, b) = (random(), random());
    let ms = median_ms(5, || {
        // Reading one value waits for the product without copying all of it.
        floats(a.clone().matmul(b.clone()).slice([0..1, 0..1])).map(drop)
    })?;
    Ok(2.0 * (side as f64).powi(3) / ms / 1e6)
}

//! The program as a separate process.

use std::{
    hash::{BuildHasher as _, RandomState},
    iter,
    ops::Range,
    process::{Command, Output},
    time::Duration,
};

/// The program with these arguments, outside a job array of a cluster and without a log.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cre-lab"));
    command.args(args).env_remove("RUST_LOG");
    for name in ["ID", "MIN", "MAX", "STEP", "COUNT"] {
        command.env_remove(format!("SLURM_ARRAY_TASK_{name}"));
    }
    command
}

/// How often to kill a process: `CRE_LAB_KILLS`, or else `default`.
pub fn kills(default: u32) -> u32 {
    std::env::var("CRE_LAB_KILLS").map_or(default, |kills| kills.parse().unwrap())
}

/// Times after which to kill a process, in milliseconds, which differ from run to run of a test.
pub fn random_moments(range: Range<u64>) -> impl Iterator<Item = Duration> {
    let seed = RandomState::new().hash_one(0u8);
    println!("seed {seed}");
    let next = |noise: &u64| Some(noise.rotate_left(13).wrapping_mul(5).wrapping_add(1));
    let noise = iter::successors(Some(seed), next);
    noise.map(move |noise| Duration::from_millis(range.start + noise % (range.end - range.start)))
}

/// The standard output of a process that must have succeeded, and its standard error.
#[track_caller]
pub fn succeeds(output: Output) -> (String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, error) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{error}");
    (out, error)
}

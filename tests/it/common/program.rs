//! The program as a separate process.

use std::process::{Command, Output};

/// The program with these arguments, outside a job array of a cluster and without a log.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cre-lab"));
    command.args(args).env_remove("RUST_LOG");
    for name in ["ID", "MIN", "MAX", "STEP", "COUNT"] {
        command.env_remove(format!("SLURM_ARRAY_TASK_{name}"));
    }
    command
}

/// The standard output of a process that must have succeeded, and its standard error.
#[track_caller]
pub fn succeeds(output: Output) -> (String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, error) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{error}");
    (out, error)
}

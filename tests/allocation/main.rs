//! Hostile files: whatever their bytes are, they are read or refused within bounded memory. A binary of
//! its own, whose allocator measures.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod allocation;
mod hostile_checkpoints;
mod hostile_files;

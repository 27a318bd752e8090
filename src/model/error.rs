//! The error of a network that cannot be built.

/// Why a network cannot be built for given data and settings: one sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidArchitecture(pub String);

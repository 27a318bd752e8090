//! Figures as files, and the colours that figures and window share.

pub mod palette;

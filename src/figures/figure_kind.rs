//! The kinds of figure of a run in training.

/// A figure of one network, or of the networks of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureKind {
    /// The latent cloud of one network.
    Cloud,
    /// Test images and their reconstructions by one network.
    Reconstructions,
    /// Learning curves of one network.
    Curves,
    /// Accuracy and reconstruction error against λ (figure 3).
    OverLambda,
    /// Accuracy against reconstruction error.
    Pareto,
    /// The latent cloud at each λ (figure 4).
    Clouds,
    /// Reconstructions at each λ (figure 5).
    ReconstructionsByLambda,
}

impl FigureKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Cloud,
        Self::Reconstructions,
        Self::Curves,
        Self::OverLambda,
        Self::Pareto,
        Self::Clouds,
        Self::ReconstructionsByLambda,
    ];

    /// Name in the user interface.
    pub fn title(self) -> &'static str {
        self.names().0
    }

    /// Name of the file, without extension.
    pub fn file_stem(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Cloud => ("Latent cloud", "latent-cloud"),
            Self::Reconstructions => ("Reconstructions", "reconstructions"),
            Self::Curves => ("Curves", "curves"),
            Self::OverLambda => ("Trade-off over λ (figure 3)", "figure-3"),
            Self::Pareto => ("Trade-off plane", "trade-off-plane"),
            Self::Clouds => ("Clouds by λ (figure 4)", "figure-4"),
            Self::ReconstructionsByLambda => ("Reconstructions by λ (figure 5)", "figure-5"),
        }
    }

    /// Whether it compares networks with different λ.
    pub fn needs_spectrum(self) -> bool {
        !matches!(self, Self::Cloud | Self::Reconstructions | Self::Curves)
    }
}

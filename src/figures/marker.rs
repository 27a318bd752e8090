//! Shapes of points, which together with ten colours distinguish many classes.

use super::palette::CLASSES;

/// The shape of the points of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Marker {
    Disc,
    Square,
    TriangleUp,
    Diamond,
    TriangleDown,
}

impl Marker {
    /// In the order in which classes use them. The shader of the window knows them by index.
    pub const ALL: [Self; 5] = [
        Self::Disc,
        Self::Square,
        Self::TriangleUp,
        Self::Diamond,
        Self::TriangleDown,
    ];

    /// The marker of a class: one per ten classes, which have ten colours.
    pub fn of(class: u8) -> Self {
        Self::ALL[usize::from(class) / CLASSES.len() % Self::ALL.len()]
    }

    /// Corners about the centre of a disc of radius 1, y downwards; none of a disc.
    pub const fn corners(self) -> &'static [[f32; 2]] {
        match self {
            Self::Disc => &[],
            Self::Square => &[[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]],
            Self::TriangleUp => &[[0.0, -1.0], [0.95, 0.65], [-0.95, 0.65]],
            Self::Diamond => &[[0.0, -1.1], [1.1, 0.0], [0.0, 1.1], [-1.1, 0.0]],
            Self::TriangleDown => &[[0.0, 1.0], [-0.95, -0.65], [0.95, -0.65]],
        }
    }
}

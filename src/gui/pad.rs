//! A drawing surface at the resolution of a data set's images.

use std::sync::Arc;

use crate::data::ImageShape;

/// An image that is being drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Pad {
    shape: ImageShape,
    /// `[channels, height, width]`, 0–1.
    values: Vec<f32>,
}

impl Pad {
    /// A black image.
    pub fn new(shape: ImageShape) -> Self {
        Self {
            shape,
            values: vec![0.0; shape.pixels()],
        }
    }

    /// Size of the image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Replaces the image by bytes `[channels, height, width]`; another size is ignored.
    pub fn set(&mut self, bytes: &[u8]) {
        if bytes.len() == self.values.len() {
            self.values = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        }
    }

    /// Makes the image black.
    pub fn clear(&mut self) {
        self.values.fill(0.0);
    }

    /// Whether the image is black.
    pub fn is_blank(&self) -> bool {
        self.values.iter().all(|value| *value == 0.0)
    }

    /// Draws a line with a round brush between points `[x, y]`, in pixels from the top left corner.
    /// `colour` is red, green and blue, 0–1; a grey image uses their mean.
    pub fn stroke(&mut self, from: [f32; 2], to: [f32; 2], radius: f32, colour: [f32; 3]) {
        let ImageShape {
            channels,
            height,
            width,
        } = self.shape;
        let grey = colour.iter().sum::<f32>() / 3.0;
        for y in 0..height {
            for x in 0..width {
                let centre = [x as f32 + 0.5, y as f32 + 0.5];
                // The edge of the brush is antialiased over one pixel.
                let coverage = (radius + 0.5 - distance(centre, from, to)).clamp(0.0, 1.0);
                if coverage.is_nan() || coverage <= 0.0 {
                    continue;
                }
                for (channel, &component) in colour.iter().take(channels).enumerate() {
                    let ink = if channels == 3 { component } else { grey };
                    let value = &mut self.values[(channel * height + y) * width + x];
                    // Strokes of one colour do not add up where they cross.
                    *value = if ink > *value {
                        (ink * coverage).max(*value)
                    } else {
                        *value + (ink - *value) * coverage
                    };
                }
            }
        }
    }

    /// The image as bytes `[channels, height, width]`.
    pub fn bytes(&self) -> Arc<[u8]> {
        self.values.iter().copied().map(byte).collect()
    }

    /// The image as bytes, moved by whole pixels so that its centre of mass is in the middle, as in
    /// MNIST.
    pub fn centred(&self) -> Arc<[u8]> {
        let ImageShape {
            channels,
            height,
            width,
        } = self.shape;
        let mut sums = [0.0f32; 3];
        for (index, &value) in self.values.iter().enumerate() {
            sums[0] += value;
            sums[1] += value * (index % width) as f32;
            sums[2] += value * (index / width % height) as f32;
        }
        if sums[0] <= 0.0 {
            return self.bytes();
        }
        let shift = |moment: f32, side: usize| {
            ((side as f32 - 1.0) / 2.0 - moment / sums[0]).round() as isize
        };
        let (right, down) = (shift(sums[1], width), shift(sums[2], height));
        (0..channels * height * width)
            .map(|index| {
                let from = |to: usize, shift: isize, side: usize| {
                    to.checked_add_signed(-shift).filter(|from| *from < side)
                };
                let x = from(index % width, right, width);
                let y = from(index / width % height, down, height);
                let channel = index / width / height;
                x.zip(y).map_or(0, |(x, y)| {
                    byte(self.values[(channel * height + y) * width + x])
                })
            })
            .collect()
    }
}

fn byte(value: f32) -> u8 {
    (value * 255.0).round().clamp(0.0, 255.0) as u8
}

/// Distance of a point from a line segment, whose ends may coincide.
fn distance(point: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let off = [point[0] - from[0], point[1] - from[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let share = if length > 0.0 {
        ((off[0] * along[0] + off[1] * along[1]) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (off[0] - share * along[0]).hypot(off[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: [f32; 3] = [1.0; 3];

    #[test]
    fn a_stroke_covers_its_line_and_nothing_else() {
        let mut pad = Pad::new(ImageShape::GREY_28);
        pad.stroke([4.5, 10.5], [20.5, 10.5], 1.0, WHITE);
        let bytes = pad.bytes();
        let at = |x: usize, y: usize| bytes[y * 28 + x];
        assert_eq!((at(4, 10), at(12, 10), at(20, 10)), (255, 255, 255));
        assert_eq!((at(12, 13), at(12, 7), at(25, 10), at(1, 10)), (0, 0, 0, 0));
        pad.stroke([4.5, 10.5], [20.5, 10.5], 3.0, [0.0; 3]);
        assert!(pad.is_blank(), "black erases");
    }

    #[test]
    fn centring_moves_the_centre_of_mass_to_the_middle_and_keeps_all_pixels() {
        let mut pad = Pad::new(ImageShape::GREY_28);
        pad.stroke([6.5, 6.5], [6.5, 6.5], 2.0, WHITE);
        let sum = |bytes: &[u8]| bytes.iter().map(|&b| u64::from(b)).sum::<u64>();
        let centred = pad.centred();
        assert_eq!(sum(&centred), sum(&pad.bytes()));
        assert!(centred[14 * 28 + 14] == 255 && centred[6 * 28 + 6] == 0);
        let blank = Pad::new(ImageShape::GREY_28);
        assert_eq!(blank.centred(), blank.bytes());
    }

    #[test]
    fn colours_fill_their_channels_and_invalid_input_is_ignored() {
        let shape = ImageShape {
            channels: 3,
            height: 8,
            width: 8,
        };
        let mut pad = Pad::new(shape);
        pad.stroke([4.5, 4.5], [4.5, 4.5], 1.0, [0.0, 1.0, 0.0]);
        let bytes = pad.bytes();
        assert!(bytes[..64].iter().all(|b| *b == 0) && bytes[64..128].contains(&255));
        let before = pad.clone();
        pad.stroke([f32::NAN, 0.0], [1e30, -1e30], 1.0, WHITE);
        pad.set(&[1, 2, 3]);
        assert_eq!(pad, before);
    }
}

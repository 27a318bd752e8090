//! Rotation of images about their centre: the augmentation of CIFAR-10's training inputs.

use super::ImageShape;

/// Rotates `image` (`[channels, height, width]`) counter-clockwise by `degrees` and appends the result
/// to `out`.
///
/// Interpolation is bilinear. Pixels from outside the image are black (byte 0, not the mid-grey of
/// normalised values), because the authors rotate before they normalise.
pub fn rotate(image: &[u8], shape: ImageShape, degrees: f32, out: &mut Vec<u8>) {
    let ImageShape {
        channels,
        height,
        width,
    } = shape;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let centre = [(width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0];
    let channel_size = height * width;
    for channel in 0..channels {
        let source = &image[channel * channel_size..(channel + 1) * channel_size];
        let at = |x: i32, y: i32| -> f32 {
            let index = usize::try_from(x).ok().zip(usize::try_from(y).ok());
            match index.filter(|(x, y)| *x < width && *y < height) {
                Some((x, y)) => f32::from(source[y * width + x]),
                None => 0.0,
            }
        };
        for row in 0..height {
            for column in 0..width {
                // Position of this pixel in the source; rows grow downwards.
                let (dx, dy) = (column as f32 - centre[0], row as f32 - centre[1]);
                let x = centre[0] + cos * dx - sin * dy;
                let y = centre[1] + sin * dx + cos * dy;
                let (left, top) = (x.floor(), y.floor());
                let (x_weight, y_weight) = (x - left, y - top);
                let (left, top) = (left as i32, top as i32);
                let upper = at(left, top) * (1.0 - x_weight) + at(left + 1, top) * x_weight;
                let lower = at(left, top + 1) * (1.0 - x_weight) + at(left + 1, top + 1) * x_weight;
                let value = upper * (1.0 - y_weight) + lower * y_weight;
                out.push(value.round() as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 2,
        height: 8,
        width: 8,
    };

    fn rotated(image: &[u8], degrees: f32) -> Vec<u8> {
        let mut out = Vec::new();
        rotate(image, SHAPE, degrees, &mut out);
        out
    }

    #[test]
    fn zero_degrees_change_nothing_and_90_degrees_move_whole_pixels() {
        let image: Vec<u8> = (0..128).map(|i| (i * 37 % 251) as u8).collect();
        assert_eq!(rotated(&image, 0.0), image);
        let quarter = rotated(&image, 90.0);
        for channel in 0..2 {
            for y in 0..8 {
                for x in 0..8 {
                    // Counter-clockwise: the upper right corner goes to the upper left.
                    let (new, old) = (y * 8 + x, x * 8 + (7 - y));
                    assert_eq!(quarter[channel * 64 + new], image[channel * 64 + old]);
                }
            }
        }
    }

    #[test]
    fn a_ramp_is_interpolated_and_the_outside_is_black() {
        let image: Vec<u8> = (0..128).map(|i| 100 + 10 * (i % 8) as u8).collect();
        let out = rotated(&image, 15.0);
        let (sin, cos) = 15f32.to_radians().sin_cos();
        for y in 2..6 {
            for x in 2..6 {
                let from = 3.5 + cos * (x as f32 - 3.5) - sin * (y as f32 - 3.5);
                let expected = 100.0 + 10.0 * from;
                assert!((f32::from(out[y * 8 + x]) - expected).abs() <= 0.51);
            }
        }
        assert!(out[0] < 100, "the corner is mixed with black");
    }
}

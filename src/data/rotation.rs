//! Turning an image about its centre: the augmentation of CIFAR-10's training inputs.

use super::ImageShape;

/// Turns `image` (`[channels, height, width]`) counter-clockwise by `degrees` into `out`.
///
/// Values between pixels are interpolated bilinearly; what comes from outside is black. The authors
/// rotate images before they are normalised too, so black is byte 0 and not the middle grey.
pub fn rotate(image: &[u8], shape: ImageShape, degrees: f32, out: &mut Vec<u8>) {
    let ImageShape {
        channels,
        height,
        width,
    } = shape;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let centre = [(width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0];
    let plane = height * width;
    for channel in 0..channels {
        let source = &image[channel * plane..(channel + 1) * plane];
        let at = |x: i32, y: i32| -> f32 {
            let inside = usize::try_from(x).ok().zip(usize::try_from(y).ok());
            match inside.filter(|(x, y)| *x < width && *y < height) {
                Some((x, y)) => f32::from(source[y * width + x]),
                None => 0.0,
            }
        };
        for row in 0..height {
            for column in 0..width {
                // Where this pixel came from; rows grow downwards.
                let (dx, dy) = (column as f32 - centre[0], row as f32 - centre[1]);
                let x = centre[0] + cos * dx - sin * dy;
                let y = centre[1] + sin * dx + cos * dy;
                let (left, top) = (x.floor(), y.floor());
                let (right_share, low_share) = (x - left, y - top);
                let (left, top) = (left as i32, top as i32);
                let upper = at(left, top) * (1.0 - right_share) + at(left + 1, top) * right_share;
                let lower =
                    at(left, top + 1) * (1.0 - right_share) + at(left + 1, top + 1) * right_share;
                let value = upper * (1.0 - low_share) + lower * low_share;
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

    fn turned(image: &[u8], degrees: f32) -> Vec<u8> {
        let mut out = Vec::new();
        rotate(image, SHAPE, degrees, &mut out);
        out
    }

    #[test]
    fn no_turn_changes_nothing_and_a_quarter_moves_whole_pixels() {
        let image: Vec<u8> = (0..128).map(|i| (i * 37 % 251) as u8).collect();
        assert_eq!(turned(&image, 0.0), image);
        let quarter = turned(&image, 90.0);
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
    fn a_ramp_stays_a_ramp_inside_and_the_outside_is_black() {
        let image: Vec<u8> = (0..128).map(|i| 100 + 10 * (i % 8) as u8).collect();
        let out = turned(&image, 15.0);
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

//! The program in a window on a virtual display, with software Vulkan if there is no GPU.

use cre_lab::figures::palette;
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// A virtual display, closed when dropped.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x800x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is missing: install the package xvfb (scripts/setup test does)");
        let mut number = String::new();
        let stdout = server.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb found no free display");
        Self {
            server,
            name: format!(":{}", number.trim()),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn the_window_opens_trains_and_saves_a_screenshot() {
    let display = Display::start();
    let folder = tempfile::tempdir().unwrap();
    let screenshot = folder.path().join("window.png");
    let output = Command::new(env!("CARGO_BIN_EXE_cre-lab"))
        .args([
            "--device",
            "cpu",
            "--theme",
            "dark",
            "--exit-after",
            "8",
            "--screenshot",
        ])
        .arg(&screenshot)
        .env("DISPLAY", &display.name)
        .env_remove("WAYLAND_DISPLAY")
        .env("XDG_RUNTIME_DIR", folder.path())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the window failed; it needs X11 libraries and a Vulkan driver (mesa-vulkan-drivers): {error}"
    );

    let image = image::open(&screenshot).unwrap().to_rgb8();
    assert!(image.width() >= 1000 && image.height() >= 600);
    let pixels_near = |colour: [u8; 3], tolerance: u8| {
        image
            .pixels()
            .filter(|pixel| {
                pixel
                    .0
                    .iter()
                    .zip(colour)
                    .all(|(actual, expected)| actual.abs_diff(expected) <= tolerance)
            })
            .count()
    };
    // Both ends of the λ slider, the formula and the curves.
    for colour in [
        palette::CLASSIFICATION_ON_DARK,
        palette::RECONSTRUCTION_ON_DARK,
    ] {
        assert!(pixels_near(colour, 12) > 60, "{colour:?} is missing");
    }
    // The latent cloud: points of every class, shaded, so that only some of their pixels have the
    // class colour.
    for colour in palette::CLASSES {
        assert!(
            pixels_near(colour, 14) > 10,
            "class colour {colour:?} is missing"
        );
    }
    // The images of digits: white strokes on black.
    assert!(pixels_near([255, 255, 255], 2) > 300, "no bright pixels");
    assert!(pixels_near([0, 0, 0], 2) > 3_000, "no image is shown");
}

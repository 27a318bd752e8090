//! Colours and style of the window, dark and light.

use eframe::egui::{Color32, Context, Painter, Pos2, Shape, Stroke, Theme, Visuals, vec2};

use crate::{
    figures::{
        marker::Marker,
        palette::{self, Rgb},
    },
    model::Lambda,
};

fn colour([r, g, b]: Rgb) -> Color32 {
    Color32::from_rgb(r, g, b)
}

/// Blue: classification, cross-entropy and accuracy.
pub fn classification(visuals: &Visuals) -> Color32 {
    colour(if visuals.dark_mode {
        palette::CLASSIFICATION_ON_DARK
    } else {
        palette::CLASSIFICATION_ON_LIGHT
    })
}

/// Orange: reconstruction and its error.
pub fn reconstruction(visuals: &Visuals) -> Color32 {
    colour(if visuals.dark_mode {
        palette::RECONSTRUCTION_ON_DARK
    } else {
        palette::RECONSTRUCTION_ON_LIGHT
    })
}

/// The colour of a λ, evenly between blue (classification) and orange (reconstruction).
pub fn lambda(lambda: Lambda, visuals: &Visuals) -> Color32 {
    colour(if visuals.dark_mode {
        palette::lambda_on_dark(lambda.value())
    } else {
        palette::lambda_on_light(lambda.value())
    })
}

/// The colour of a class, the same in both themes.
pub fn class(label: u8) -> Color32 {
    colour(palette::class(label))
}

/// Paints the marker of a class, filled or as an outline, in the size of a disc of `radius`.
pub fn class_marker(
    painter: &Painter,
    pos: Pos2,
    radius: f32,
    label: u8,
    style: (Color32, Stroke),
) {
    let (fill, stroke) = style;
    let corners = Marker::of(label).corners();
    if corners.is_empty() {
        painter.circle(pos, radius, fill, stroke);
        return;
    }
    let corner = |[x, y]: &[f32; 2]| pos + radius * vec2(*x, *y);
    let corners = corners.iter().map(corner).collect();
    painter.add(Shape::convex_polygon(corners, fill, stroke));
}

/// Sets the window's style for both themes, and how it reads the pointer.
pub fn install(ctx: &Context) {
    // More contrast than egui's default, legible on a projector.
    for (theme, text) in [(Theme::Dark, 0xd8), (Theme::Light, 0x28)] {
        ctx.style_mut_of(theme, |style| {
            style.visuals.widgets.noninteractive.fg_stroke.color = Color32::from_gray(text);
            style.visuals.widgets.inactive.fg_stroke.color = Color32::from_gray(text);
            style.visuals.error_fg_color = if theme == Theme::Dark {
                Color32::from_rgb(0xff, 0x7a, 0x70)
            } else {
                Color32::from_rgb(0xc0, 0x20, 0x18)
            };
        });
    }
    // On a slow machine a click can span a long frame.
    ctx.options_mut(|options| options.input_options.max_click_duration = 2.0);
    ctx.all_styles_mut(|style| {
        style.spacing.item_spacing = vec2(8.0, 5.0);
        style.spacing.button_padding = vec2(8.0, 3.0);
        style.spacing.tooltip_width = 420.0;
    });
}

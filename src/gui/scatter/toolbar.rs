//! The toolbar above the scene: caption and buttons for the view.

use eframe::egui::{
    Align, Button, FontSelection, Label, RichText, Sense, Ui, text::LayoutJob, vec2,
};

use super::{ViewPreferences, camera::Camera, cloud::Cloud, cloud_view::CloudView, fit::Fit};
use crate::{gui::tool_row::tool_row, train::Projection};

/// Shows the buttons and the caption, which names the `part` of z that the cloud shows (all of z if
/// `None`); returns whether the axes must be fitted, because they have been unlocked or reset.
pub fn toolbar(
    ui: &mut Ui,
    preferences: &mut ViewPreferences,
    fit: &mut Option<Fit>,
    cloud: &Cloud,
    view: &CloudView<'_>,
    part: Option<&str>,
) -> bool {
    let size = vec2(ui.available_width(), ui.spacing().interact_size.y);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let text = |ui: &mut Ui| {
        let mut text = LayoutJob::default();
        if !view.name.is_empty() {
            let name = RichText::new(format!("{}   ", view.name)).strong();
            name.append_to(&mut text, ui.style(), FontSelection::Default, Align::Center);
        }
        RichText::new(caption(cloud, part)).append_to(
            &mut text,
            ui.style(),
            FontSelection::Default,
            Align::Center,
        );
        ui.add(Label::new(text).truncate())
    };
    let must_fit = tool_row(ui, rect, "the cloud", text, |ui| {
        let reset = ui.add(Button::new("Reset view").frame_when_inactive(false));
        let reset = reset
            .on_hover_text(
                "Return to the initial view (double-click, Alt+Home) and fit the axes, unless they are locked",
            )
            .clicked();
        if reset {
            preferences.camera = Camera::home(cloud.axes);
            if !preferences.lock_fit {
                *fit = None;
            }
        }
        let lock = ui
            .toggle_value(&mut preferences.lock_fit, "Lock axes")
            .on_hover_text("Keep the limits of the axes while the points move");
        let can_rotate = cloud.axes == 3;
        let rotate = Button::selectable(preferences.auto_rotate && can_rotate, "Auto-rotate");
        let rotate = ui
            .add_enabled(can_rotate, rotate)
            .on_hover_text("Rotate the scene slowly")
            .on_disabled_hover_text("Needs three axes");
        if rotate.clicked() {
            preferences.auto_rotate ^= true;
        }
        if !view.reference_clouds.is_empty() {
            ui.toggle_value(&mut preferences.align, "Align").on_hover_text(
                "Rotate or mirror each cloud about the origin to match that of the previous λ (orthogonal Procrustes)",
            );
        }
        (lock.clicked() || reset) && !preferences.lock_fit
    });
    must_fit.unwrap_or(false)
}

/// Describes the cloud: "z, 3 coordinates · 500 points", "PCA of class token, 80 % of variance".
fn caption(cloud: &Cloud, part: Option<&str>) -> String {
    let z = part.unwrap_or("z");
    let pca = part.map_or("PCA".to_owned(), |part| format!("PCA of {part}"));
    let space = match (cloud.projection, cloud.axes) {
        (Projection::Coordinates, 1) => format!("{z}, 1 coordinate"),
        (Projection::Coordinates, axes) => format!("{z}, {axes} coordinates"),
        (Projection::Pca { explained }, _) if explained.is_finite() => {
            let percent = explained.clamp(0.0, 1.0) * 100.0;
            format!("{pca}, {percent:.0} % of variance")
        }
        (Projection::Pca { .. }, _) => pca,
    };
    let dead = match cloud.dead_units {
        0 => String::new(),
        1 => ", 1 unit dead".to_owned(),
        count => format!(", {count} units dead"),
    };
    let not_finite = match cloud.not_finite() {
        0 => String::new(),
        count => format!(", {count} not finite"),
    };
    let aligned = if cloud.aligned {
        ", aligned with the previous λ (Procrustes)"
    } else {
        ""
    };
    let points = points(cloud.len());
    format!("{space}{aligned}{dead} · {points}{not_finite}")
}

/// Formats a number of points: "1 point", "10,000 points".
pub fn points(count: usize) -> String {
    match (count / 1000, count % 1000) {
        (0, 1) => "1 point".to_owned(),
        (0, rest) => format!("{rest} points"),
        (thousands, rest) => format!("{thousands},{rest:03} points"),
    }
}

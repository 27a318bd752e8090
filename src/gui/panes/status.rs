//! The status bar: device, data set, network and progress of the run on show.

use eframe::egui::{Align, Label, Layout, RichText, TextStyle, Ui, WidgetText};

use crate::{
    format::{count, thousands},
    gui::{
        state::{RunView, State},
        widgets::text_width,
    },
};

/// Gap between the parts at the left and the results at the right, in points.
const GAP: f32 = 12.0;

/// A part at the left.
struct Part {
    text: String,
    tooltip: String,
    /// Those with the lowest are left out first where there is no room.
    priority: u8,
}

pub fn ui(ui: &mut Ui, state: &State) {
    ui.horizontal(|ui| {
        let Some(run) = state.run.view() else {
            if state.is_preparing() {
                ui.spinner();
                ui.add(Label::new("Loading images and preparing the first run…").truncate());
            } else {
                ui.label("No run");
            }
            return;
        };
        let results = results(run);
        let monospace = TextStyle::Monospace.resolve(ui.style());
        let width = |text: &str| text_width(ui.painter(), text, monospace.clone());
        let right = results
            .iter()
            .find(|text| width(text) <= ui.available_width());
        let right = right.or(results.last());
        let right_width = right.map_or(0.0, |text| width(text) + GAP);

        let spacing = ui.spacing().item_spacing.x;
        let busy = if state.is_preparing() {
            ui.spacing().interact_size.y + spacing
        } else {
            0.0
        };
        let body = TextStyle::Body.resolve(ui.style());
        let mut parts = parts(run);
        let widths = |part: &Part| {
            text_width(ui.painter(), &part.text, body.clone()) + SEPARATOR + 2.0 * spacing
        };
        let space = ui.available_width() - right_width - busy;
        keep_fitting(&mut parts, space, widths);
        if state.is_preparing() {
            ui.spinner().on_hover_text("Preparing the next run");
        }
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                ui.separator();
            }
            ui.label(&part.text).on_hover_text(&part.tooltip);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(text) = right {
                let text = WidgetText::from(RichText::new(text).monospace());
                ui.add(Label::new(text).truncate())
                    .on_hover_text(results.first().map_or("", String::as_str))
                    .on_hover_text("Means over the whole test set");
            }
        });
    });
}

/// Width of a separator, in points.
const SEPARATOR: f32 = 6.0;

/// Removes parts, those with the lowest priority first, until the sum of their widths fits.
fn keep_fitting(parts: &mut Vec<Part>, space: f32, width: impl Fn(&Part) -> f32) {
    while parts.iter().map(&width).sum::<f32>() > space {
        let least = (0..parts.len()).min_by_key(|index| parts[*index].priority);
        let Some(least) = least else { return };
        parts.remove(least);
    }
}

fn parts(run: &RunView) -> Vec<Part> {
    let part = |priority, text: String, tooltip: String| Part {
        text,
        tooltip,
        priority,
    };
    vec![
        part(
            1,
            run.device.name.clone(),
            format!("Training on {}: {}", run.device.name, run.device.why),
        ),
        part(
            4,
            format!(
                "{}, {} + {} images",
                run.dataset.name,
                count(run.dataset.train.len()),
                count(run.dataset.test.len())
            ),
            format!("From {}", run.source),
        ),
        part(
            3,
            format!(
                "{}, {}, {} parameters",
                run.config.architecture,
                run.latent_size(),
                count(run.parameters)
            ),
            "Network".to_owned(),
        ),
        if run.is_spectrum() {
            let lane = run.lane_name(run.shown_index());
            let text = format!("{} networks, {lane}", run.lanes().len());
            part(2, text, "Spectrum, and the network on show".to_owned())
        } else {
            let text = format!("seed {}", run.config.seed);
            part(2, text, "Seed of weights and order of images".to_owned())
        },
        part(
            5,
            format!("step {}", thousands(run.step() as f64)),
            "Steps of training".to_owned(),
        ),
    ]
}

/// The last test results in words, the longest form first; none before the first evaluation.
fn results(run: &RunView) -> Vec<String> {
    let Some(evaluation) = run.shown().last_evaluation else {
        return Vec::new();
    };
    let test = &evaluation.test;
    let values = format!(
        "accuracy {:.1} %   CE {:.3} nats   MSE {:.4}",
        test.accuracy * 100.0,
        test.ce,
        test.mse
    );
    vec![
        format!("test after epoch {}:  {values}", evaluation.epoch),
        values,
        format!(
            "{:.1} %  {:.3}  {:.4}",
            test.accuracy * 100.0,
            test.ce,
            test.mse
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_left_out_by_priority_until_the_rest_fits() {
        let mut parts: Vec<Part> = [3, 1, 2]
            .into_iter()
            .map(|priority| Part {
                text: priority.to_string(),
                tooltip: String::new(),
                priority,
            })
            .collect();
        let mut kept = |space: f32| {
            keep_fitting(&mut parts, space, |_| 10.0);
            let texts: Vec<_> = parts.iter().map(|part| part.text.clone()).collect();
            texts.join(" ")
        };
        assert_eq!(kept(30.0), "3 1 2");
        assert_eq!(kept(29.0), "3 2");
        assert_eq!(kept(12.0), "3");
        assert_eq!(kept(-5.0), "");
    }
}

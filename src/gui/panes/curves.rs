//! Loss and accuracy curves: three plots over epochs.

mod lines;
mod scale;

use eframe::egui::{
    self, Align2, Button, Color32, Id, Label, Response, RichText, Slider, Stroke, Ui, vec2,
};
use egui_plot::{Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotUi, Points, Text, VLine};
use serde::{Deserialize, Serialize};

use self::scale::Scale;
use super::{Pane, PaneContext, PaneId, PaneSetup, header};
use crate::{
    format,
    gui::{
        keymap::{self, KeyUse},
        preferences::Preferences,
        theme,
        widgets::learning_rate_text,
    },
    train::{
        Mark,
        history::{History, Quantity},
    },
};

/// Settings of the pane, kept between sessions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurveSettings {
    /// Whether the losses have a logarithmic axis.
    log: bool,
    /// Time constant of the smoothed training line, in epochs; 0 shows the raw line alone.
    smoothing: f64,
}

impl Default for CurveSettings {
    fn default() -> Self {
        Self {
            log: false,
            smoothing: 0.5,
        }
    }
}

pub struct Curves {
    settings: CurveSettings,
    /// Whether the plots follow the run; panning or zooming ends it, a double-click brings it back.
    following: bool,
}

impl Pane for Curves {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        let handle = header(ui, PaneId::Curves, |ui| self.tools(ui));
        let run = context.state.run.view();
        let history = run.map(|run| &run.shown().history);
        let Some(history) = history.filter(|history| !history.buckets().is_empty()) else {
            ui.centered_and_justified(|ui| ui.weak("Curves appear with the first steps"));
            return handle;
        };
        ui.columns_const(|columns: &mut [Ui; 3]| {
            for (ui, quantity) in columns.iter_mut().zip(Quantity::ALL) {
                self.plot(ui, quantity, history);
            }
        });
        handle
    }

    fn save(&self, preferences: &mut Preferences) {
        preferences.curves = self.settings;
    }
}

impl Curves {
    pub fn new(setup: &PaneSetup<'_>) -> Self {
        Self {
            settings: setup.preferences.curves,
            following: true,
        }
    }

    fn tools(&mut self, ui: &mut Ui) {
        let log = ui.add(Button::selectable(self.settings.log, "Log"));
        if log
            .on_hover_text("Logarithmic axes for the two losses")
            .clicked()
        {
            self.settings.log ^= true;
        }
        ui.spacing_mut().slider_width = 80.0;
        let slider = ui.add(
            Slider::new(&mut self.settings.smoothing, 0.0..=5.0)
                .smart_aim(false)
                .fixed_decimals(1)
                .suffix(" epochs"),
        );
        keymap::declare(&slider, KeyUse::Arrows);
        let label = ui.label("smoothing");
        slider.labelled_by(label.id).on_hover_text(
            "Time constant of the bold, smoothed training line; the raw line stays visible",
        );
        ui.separator();
        legend_entry(ui, true, "test", "The whole test set, after every epoch");
        legend_entry(
            ui,
            false,
            "training",
            "The batches, at the step at which they were trained",
        );
    }

    fn plot(&mut self, ui: &mut Ui, quantity: Quantity, history: &History) {
        let (name, tip) = match quantity {
            Quantity::Mse => (
                "MSE",
                "Mean squared error of the reconstruction, pixels in [−1, 1]",
            ),
            Quantity::Ce => (
                "cross-entropy (nats)",
                "Cross-entropy of the classification",
            ),
            Quantity::Accuracy => (
                "accuracy (%)",
                "Share of images that are classified correctly",
            ),
        };
        let colour = match quantity {
            Quantity::Mse => theme::reconstruction(ui.visuals()),
            Quantity::Ce | Quantity::Accuracy => theme::classification(ui.visuals()),
        };
        let scale = match quantity {
            Quantity::Accuracy => Scale::Percent,
            _ if self.settings.log => Scale::Log,
            _ => Scale::Linear,
        };
        let title = Label::new(RichText::new(name).color(colour).strong()).truncate();
        ui.horizontal(|ui| ui.add(title).on_hover_text(tip));
        let labels = scale::labels(ui.available_height());
        let epochs = (ui.available_width() / 60.0).max(2.0) as usize;
        let group = Id::unique("curves");
        let weak = ui.visuals().weak_text_color();
        let grid = ui.visuals().text_color().gamma_multiply(0.16);
        let response = Plot::new(name)
            .link_axis(group, [!self.following, false])
            .link_cursor(group, [true, false])
            .x_axis_label(RichText::new("epoch").size(11.5))
            .x_grid_spacer(move |input| Scale::Linear.grid(&input, epochs))
            .x_axis_formatter(move |mark, range| {
                Scale::Linear.label(mark.value, *range.start(), *range.end(), epochs)
            })
            .y_grid_spacer(move |input| scale.grid(&input, labels))
            .y_axis_formatter(move |mark, range| {
                scale.label(mark.value, *range.start(), *range.end(), labels)
            })
            .label_formatter(|_| None)
            .show_y(false)
            .y_axis_min_width(44.0)
            .min_size(vec2(20.0, 20.0))
            .grid_spacing(8.0..=60.0)
            .grid_color(grid)
            .allow_scroll(false)
            .allow_double_click_reset(false)
            .show_background(false)
            .show(ui, |plot| {
                if self.following {
                    let (epochs, heights) = lines::view_range(history, quantity, scale);
                    plot.set_plot_bounds_x(epochs);
                    plot.set_plot_bounds_y(heights);
                }
                marks(plot, history, weak);
                let smoothing = self.settings.smoothing;
                training(plot, history, quantity, scale, smoothing, colour);
                test(plot, history, quantity, scale, colour);
                plot.pointer_coordinate().map(|pointer| pointer.x)
            });
        let is_moved = response.response.dragged()
            || (response.response.hovered() && ui.input(|input| input.zoom_delta() != 1.0));
        self.following &= !is_moved;
        self.following |= response.response.double_clicked();
        response.response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Canvas, true, format!("Curve of {name}"))
        });
        if let Some(epoch) = response.inner {
            response.response.on_hover_ui_at_pointer(|ui| {
                values_at(ui, history, quantity, name, epoch);
            });
        }
    }
}

fn legend_entry(ui: &mut Ui, is_test: bool, name: &str, tip: &str) {
    ui.label(name).on_hover_text(tip);
    let (rect, _) = ui.allocate_exact_size(vec2(22.0, 12.0), egui::Sense::hover());
    let colour = ui.visuals().text_color();
    let width = if is_test { 2.0 } else { 1.2 };
    ui.painter()
        .hline(rect.x_range(), rect.center().y, Stroke::new(width, colour));
    if is_test {
        ui.painter().circle_filled(rect.center(), 3.5, colour);
    }
}

fn training(
    plot: &mut PlotUi<'_>,
    history: &History,
    quantity: Quantity,
    scale: Scale,
    smoothing: f64,
    colour: Color32,
) {
    let bounds = plot.plot_bounds();
    let visible = bounds.min()[0]..=bounds.max()[0];
    let raw = lines::raw(history, quantity, scale, &visible);
    let opacity = if smoothing > 0.0 { 0.35 } else { 0.8 };
    line(plot, "training", raw, colour.gamma_multiply(opacity), 1.0);
    if smoothing > 0.0 {
        let smooth = lines::smooth(history, quantity, scale, smoothing, &visible);
        let colour = colour.gamma_multiply(0.75);
        line(plot, "training, smoothed", smooth, colour, 1.8);
    }
}

fn line(plot: &mut PlotUi<'_>, name: &str, points: Vec<[f64; 2]>, colour: Color32, width: f32) {
    let line = Line::new(name, PlotPoints::from(points)).color(colour);
    plot.line(line.width(width).allow_hover(false));
}

fn test(
    plot: &mut PlotUi<'_>,
    history: &History,
    quantity: Quantity,
    scale: Scale,
    colour: Color32,
) {
    let points = lines::test(history, quantity, scale);
    let show_points = points.len() <= 60;
    line(plot, "test", points.clone(), colour, 2.0);
    if show_points {
        plot.points(
            Points::new("test", PlotPoints::from(points))
                .color(colour)
                .radius(3.0)
                .allow_hover(false),
        );
    }
}

/// Vertical lines where the user changed λ or the learning rate, with labels as far as there is
/// space.
fn marks(plot: &mut PlotUi<'_>, history: &History, colour: Color32) {
    let per_epoch = history.steps_per_epoch() as f64;
    let bounds = plot.plot_bounds();
    let top = bounds.max()[1];
    let per_point = bounds.width() / f64::from(plot.response().rect.width().max(1.0));
    let mut free_from = f64::NEG_INFINITY;
    for marked in history.marks() {
        let epoch = marked.steps.1 as f64 / per_epoch;
        plot.vline(
            VLine::new("change", epoch)
                .stroke(Stroke::new(1.0, colour.gamma_multiply(0.7)))
                .style(LineStyle::dashed_loose())
                .allow_hover(false),
        );
        if epoch >= free_from && top.is_finite() {
            let label = label(marked.mark);
            // Points per letter of the small font.
            let width = 8.0 + 6.0 * label.chars().count() as f64;
            let text = RichText::new(label).small();
            plot.text(
                Text::new("change", PlotPoint::new(epoch + 3.0 * per_point, top), text)
                    .color(colour)
                    .anchor(Align2::LEFT_TOP)
                    .allow_hover(false),
            );
            free_from = epoch + width * per_point;
        }
    }
}

fn label(mark: Mark) -> String {
    match mark {
        Mark::Lambda(lambda) => format!("λ {}", format::lambda(lambda.value())),
        Mark::LearningRate(rate) => format!("learning rate {}", learning_rate_text(rate)),
    }
}

/// The values of the curves at `epoch`, as a tooltip.
fn values_at(ui: &mut Ui, history: &History, quantity: Quantity, name: &str, epoch: f64) {
    let step = (epoch * history.steps_per_epoch() as f64).round().max(0.0) as u64;
    ui.label(RichText::new(format!("epoch {:.2}, step {step}", epoch.max(0.0))).strong());
    let format = |value: f64| match quantity {
        Quantity::Accuracy => format!("{:.1} %", value * 100.0),
        Quantity::Mse => format!("{value:.4}"),
        Quantity::Ce => format!("{value:.3} nats"),
    };
    let short = name.split(" (").next().unwrap_or(name);
    let buckets = history.buckets();
    let index = buckets.partition_point(|bucket| bucket.steps.1 < step);
    if let Some(bucket) = buckets.get(index)
        && let Some(mean) = bucket.summary(quantity).mean()
    {
        ui.label(format!("training {short}  {}", format(mean)));
        let summary = bucket.summary(quantity);
        if bucket.steps.0 < bucket.steps.1 {
            ui.weak(format!(
                "from {} to {} over steps {}–{}",
                format(f64::from(summary.min)),
                format(f64::from(summary.max)),
                bucket.steps.0,
                bucket.steps.1
            ));
        }
    }
    let nearest = history
        .evaluations()
        .iter()
        .min_by_key(|evaluation| evaluation.step.abs_diff(step));
    if let Some(evaluation) = nearest {
        ui.label(format!(
            "test {short}  {}  after epoch {}",
            format(lines::test_value(quantity, evaluation)),
            evaluation.epoch
        ));
    }
}

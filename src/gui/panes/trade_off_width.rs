//! Trade-off width against the size of z or of the network: how much accuracy and reconstruction
//! cost each other.

use eframe::egui::{Button, Color32, ComboBox, Response, RichText, Shape, Stroke, Ui, vec2};

use super::{Pane, PaneContext, PaneId, PaneSetup, header};
use crate::{
    figures::{CapacityMeasure, Family, Member, jitter},
    format::count,
    gui::{
        chart::{Axis, Chart, Dot, dot},
        commands::{Commands, ResultsCommand, ViewCommand},
        state::{Export, State, results::ResultsState},
        theme,
        widgets::clicked,
    },
    sweep::TradeOff,
};

pub struct TradeOffWidth {
    measure: CapacityMeasure,
    /// Title of the family on show; the first one where none has this title.
    family: String,
}

impl Pane for TradeOffWidth {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        let state = context.state;
        if !state.results.is_watched() {
            context.commands.push(ResultsCommand::Watch);
        }
        let handle = header(ui, PaneId::TradeOffWidth, |ui| {
            self.tools(ui, state, context.commands);
        });
        let measure = self.measure;
        match state.results.widths(measure) {
            Some(widths) => {
                let mut families = widths.families.iter();
                let chosen = families.clone().find(|family| family.title == self.family);
                if let Some(family) = chosen.or_else(|| families.next()) {
                    draw(ui, family, measure);
                }
            }
            None => empty(ui, state, measure),
        }
        handle
    }
}

impl TradeOffWidth {
    pub fn new(_: &PaneSetup<'_>) -> Self {
        Self {
            measure: CapacityMeasure::LatentSize,
            family: String::new(),
        }
    }

    fn tools(&mut self, ui: &mut Ui, state: &State, commands: &mut Commands) {
        let export = Export::Width(self.measure);
        let can_export = state.can_export(export).is_ok();
        let button = ui.add_enabled(can_export, Button::new("Export…"));
        if button
            .on_hover_text("Write this figure as SVG, PNG or CSV")
            .clicked()
        {
            commands.push(ViewCommand::OpenExport(export));
        }
        let file = state.results.file();
        let tip = file.map_or_else(
            || "This system has no folder for results".to_owned(),
            |file| {
                format!(
                    "Read {} again; changes are detected automatically",
                    file.display()
                )
            },
        );
        if clicked(ui, Button::new("Refresh"), &tip) {
            commands.push(ResultsCommand::Refresh);
        }
        for (value, label, tip) in [
            (
                CapacityMeasure::Parameters,
                "parameters",
                "Networks of different sizes with the same n",
            ),
            (
                CapacityMeasure::LatentSize,
                "n",
                "One network with different latent sizes",
            ),
        ] {
            ui.selectable_value(&mut self.measure, value, label)
                .on_hover_text(tip);
        }
        ui.label("against");
        let Some(widths) = state.results.widths(self.measure) else {
            return;
        };
        let titles: Vec<&str> = widths.families.iter().map(|f| f.title.as_str()).collect();
        if titles.len() > 1 {
            if !titles.contains(&self.family.as_str()) {
                titles[0].clone_into(&mut self.family);
            }
            let chooser = ComboBox::from_id_salt("family").selected_text(self.family.clone());
            let shown = chooser.show_ui(ui, |ui| {
                for title in titles {
                    ui.selectable_value(&mut self.family, title.to_owned(), title);
                }
            });
            shown.response.on_hover_text("Data set and network");
        }
    }
}

/// Why there is nothing to show, and how to produce the runs.
fn empty(ui: &mut Ui, state: &State, measure: CapacityMeasure) {
    let (comparison, preset) = match measure {
        CapacityMeasure::LatentSize => ("one network with several n", "latent-size"),
        CapacityMeasure::Parameters => ("networks of several sizes", "complexity"),
    };
    let reason = match &state.results.state {
        ResultsState::Unread => "Reading the finished runs…".to_owned(),
        ResultsState::Error(reason) => reason.clone(),
        ResultsState::Missing | ResultsState::Read { runs: 0, .. } => {
            "There are no finished runs yet".to_owned()
        }
        ResultsState::Read { runs, .. } => {
            format!(
                "The {} finished runs do not compare {comparison}",
                count(*runs)
            )
        }
    };
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() / 2.0 - 30.0).max(0.0));
        ui.label(reason);
        if state.results.state != ResultsState::Unread {
            ui.label(format!(
                "This needs runs of {comparison}, each at two λ or more, with living units:"
            ));
            ui.label(RichText::new(format!("cre-lab sweep --preset {preset}")).monospace())
                .on_hover_text("Trains them without a window; finished runs appear here");
        }
    });
}

#[derive(Clone, Copy)]
struct Loss {
    is_accuracy: bool,
    median: fn(&TradeOff) -> f64,
    runs: fn(&TradeOff) -> &[f64],
    colour: Color32,
    /// Horizontal offset of its marks, in points.
    offset: f32,
}

impl Loss {
    /// An axis whose range contains the losses of all members, and 0.
    fn axis(self, members: &[Member], name: &'static str, factor: f64) -> Axis {
        let values = members.iter().flat_map(|member| {
            let runs = (self.runs)(&member.trade_off).iter().copied();
            runs.chain([(self.median)(&member.trade_off), 0.0])
        });
        Axis::around(values, name, self.colour, factor)
    }

    fn describe(self, name: &str, width: &TradeOff) -> String {
        let (median, runs) = ((self.median)(width), (self.runs)(width).len());
        if self.is_accuracy {
            format!(
                "{name}: {:.1} percentage points of accuracy lost at the λ of the best MSE ({}), {runs} runs",
                median * 100.0,
                width.best_mse
            )
        } else {
            format!(
                "{name}: MSE {median:.4} higher at the λ of the best accuracy ({}), {runs} runs",
                width.best_accuracy
            )
        }
    }
}

/// Draws one family: losses of accuracy at the left, of reconstruction at the right.
fn draw(ui: &mut Ui, family: &Family, measure: CapacityMeasure) {
    const OFFSET: f32 = 7.0;
    let visuals = ui.visuals().clone();
    let accuracy = Loss {
        is_accuracy: true,
        median: |width| width.accuracy_loss,
        runs: |width| &width.accuracy_losses,
        colour: theme::classification(&visuals),
        offset: -OFFSET,
    };
    let mse = Loss {
        is_accuracy: false,
        median: |width| width.mse_loss,
        runs: |width| &width.mse_losses,
        colour: theme::reconstruction(&visuals),
        offset: OFFSET,
    };
    let members = &family.members;
    let sizes = || members.iter().map(Member::log_size);
    let low = sizes().fold(f64::INFINITY, f64::min) - 0.35;
    let high = sizes().fold(f64::NEG_INFINITY, f64::max) + 0.35;
    // Tick labels in the window are larger than those of a figure.
    let length = f64::from(ui.available_width() - 92.0) * 6.5 / 11.5;
    let bottom = Axis {
        range: (low, high),
        name: match measure {
            CapacityMeasure::LatentSize => "latent size n",
            CapacityMeasure::Parameters => "trainable parameters",
        },
        colour: visuals.text_color(),
        factor: 1.0,
        marks: Some(measure.ticks(members, &(low..high), length)),
    };
    let left = accuracy.axis(members, "accuracy lost (percentage points)", 100.0);
    let right = mse.axis(members, "MSE increase", 1.0);
    let chart = Chart::new(ui, bottom, left, Some(right));
    for loss in [accuracy, mse] {
        plot_loss(ui, &chart, members, measure, loss);
    }
}

/// Medians, with a line through those of one kind, and every run.
fn plot_loss(ui: &Ui, chart: &Chart, members: &[Member], measure: CapacityMeasure, loss: Loss) {
    let pos = |member: &Member, value: f64| {
        let pos = if loss.is_accuracy {
            chart.at(member.log_size(), value)
        } else {
            chart.at_right(member.log_size(), value)
        };
        pos + vec2(loss.offset, 0.0)
    };
    let mut kinds: Vec<&str> = members.iter().map(|member| member.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of_kind = members.iter().filter(|member| member.kind == kind);
        let line = of_kind.map(|member| pos(member, (loss.median)(&member.trade_off)));
        let stroke = Stroke::new(2.0, loss.colour);
        ui.painter().add(Shape::line(line.collect(), stroke));
    }
    for (index, member) in members.iter().enumerate() {
        for (run_index, run) in (0u64..).zip((loss.runs)(&member.trade_off)) {
            let centre = pos(member, *run) + vec2(beside_median(run_index), 0.0);
            ui.painter()
                .circle_filled(centre, 2.2, loss.colour.gamma_multiply(0.7));
        }
        let name = match measure {
            CapacityMeasure::LatentSize => format!("n = {}", member.size),
            CapacityMeasure::Parameters => {
                format!("{}, {} parameters", member.name, count(member.size))
            }
        };
        let style = Dot {
            colour: loss.colour,
            radius: 4.0,
            hollow: true,
            chosen: false,
        };
        let id = ui.scope_id().with(("width", loss.is_accuracy, index));
        let description = loss.describe(&name, &member.trade_off);
        dot(
            ui,
            id,
            pos(member, (loss.median)(&member.trade_off)),
            style,
            &description,
        );
    }
}

/// Offset of the dot of a run from the median, in points, so that no dot hides another or the
/// median.
fn beside_median(index: u64) -> f32 {
    let side = if index.is_multiple_of(2) { 1.0 } else { -1.0 };
    side * (8.0 + 6.0 * jitter(index) as f32)
}

//! How much the two tasks cost each other, against the size of z or of the network: does more room soften
//! the trade-off?

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
    },
    sweep::TradeOff,
};

/// State of the pane.
#[derive(Default)]
pub struct TradeOffWidth {
    against_parameters: bool,
    /// Title of the family on show; the first where there is none such.
    family: String,
}

impl Pane for TradeOffWidth {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        let PaneContext {
            state, commands, ..
        } = context;
        if !state.results.is_watched() {
            commands.push(ResultsCommand::Watch);
        }
        let handle = header(ui, PaneId::TradeOffWidth, |ui| {
            self.tools(ui, state, commands);
        });
        let against = self.against();
        match state.results.widths(against) {
            Some(widths) => {
                let mut families = widths.families.iter();
                let chosen = families.clone().find(|family| family.title == self.family);
                if let Some(family) = chosen.or_else(|| families.next()) {
                    draw(ui, family, against);
                }
            }
            None => nothing(ui, state, against),
        }
        handle
    }
}

impl TradeOffWidth {
    pub fn new(_: &PaneSetup<'_>) -> Self {
        Self::default()
    }

    fn against(&self) -> CapacityMeasure {
        if self.against_parameters {
            CapacityMeasure::Parameters
        } else {
            CapacityMeasure::LatentSize
        }
    }

    fn tools(&mut self, ui: &mut Ui, state: &State, commands: &mut Commands) {
        let export = Export::Width(self.against());
        let can = state.can_export(export).is_ok();
        let button = ui.add_enabled(can, Button::new("Export…"));
        if button
            .on_hover_text("Write this figure as SVG, PNG or CSV")
            .clicked()
        {
            commands.push(ViewCommand::OpenExport(export));
        }
        let file = state.results.file();
        let tip = file.map_or_else(
            || "This platform keeps no file of results".to_owned(),
            |file| {
                format!(
                    "Read {} again; changes are noticed by themselves",
                    file.display()
                )
            },
        );
        if ui.button("Refresh").on_hover_text(tip).clicked() {
            commands.push(ResultsCommand::Refresh);
        }
        for (value, label, tip) in [
            (true, "parameters", "Networks of one n that differ in size"),
            (
                false,
                "n",
                "One network with different numbers of latent units",
            ),
        ] {
            ui.selectable_value(&mut self.against_parameters, value, label)
                .on_hover_text(tip);
        }
        ui.label("against");
        let Some(widths) = state.results.widths(self.against()) else {
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

/// What is missing, and what would bring it.
fn nothing(ui: &mut Ui, state: &State, against: CapacityMeasure) {
    let (what, preset) = match against {
        CapacityMeasure::LatentSize => ("one network with several n", "latent-size"),
        CapacityMeasure::Parameters => ("networks of several sizes", "complexity"),
    };
    let why = match state.results.state() {
        ResultsState::Unread => "Reading the finished runs…".to_owned(),
        ResultsState::Error(reason) => reason.clone(),
        ResultsState::Missing | ResultsState::Read { runs: 0, .. } => {
            "There are no finished runs yet".to_owned()
        }
        ResultsState::Read { runs, .. } => {
            format!("Among {} finished runs none compares {what}", count(*runs))
        }
    };
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() / 2.0 - 30.0).max(0.0));
        ui.label(why);
        if !matches!(state.results.state(), ResultsState::Unread) {
            ui.label(format!(
                "This needs living runs of {what}, each at two λ or more:"
            ));
            ui.label(RichText::new(format!("cre-lab sweep --preset {preset}")).monospace())
                .on_hover_text("Trains them without a window; what is finished appears here");
        }
    });
}

/// One of the two losses.
#[derive(Clone, Copy)]
struct Loss {
    is_accuracy: bool,
    colour: Color32,
    /// How far it stands beside its size, in points.
    side: f32,
}

impl Loss {
    fn median(self, width: &TradeOff) -> f64 {
        if self.is_accuracy {
            width.accuracy_loss
        } else {
            width.mse_loss
        }
    }

    fn runs(self, width: &TradeOff) -> &[f64] {
        if self.is_accuracy {
            &width.accuracy_losses
        } else {
            &width.mse_losses
        }
    }

    /// An axis that holds the loss of all members, and 0.
    fn axis(self, members: &[Member], name: &'static str, factor: f64) -> Axis {
        let values = members.iter().flat_map(|member| {
            let runs = self.runs(&member.trade_off).iter().copied();
            runs.chain([self.median(&member.trade_off), 0.0])
        });
        Axis::around(values, name, self.colour, factor)
    }

    fn words(self, name: &str, width: &TradeOff) -> String {
        let (median, runs) = (self.median(width), self.runs(width).len());
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
fn draw(ui: &mut Ui, family: &Family, against: CapacityMeasure) {
    const BESIDE: f32 = 7.0;
    let visuals = ui.visuals().clone();
    let accuracy = Loss {
        is_accuracy: true,
        colour: theme::classification(&visuals),
        side: -BESIDE,
    };
    let mse = Loss {
        is_accuracy: false,
        colour: theme::reconstruction(&visuals),
        side: BESIDE,
    };
    let members = &family.members;
    let places = || members.iter().map(Member::log_size);
    let low = places().fold(f64::INFINITY, f64::min) - 0.35;
    let high = places().fold(f64::NEG_INFINITY, f64::max) + 0.35;
    // The numbers in the window are larger than those of a figure.
    let length = f64::from(ui.available_width() - 92.0) * 6.5 / 11.5;
    let below = Axis {
        range: (low, high),
        name: match against {
            CapacityMeasure::LatentSize => "latent size n",
            CapacityMeasure::Parameters => "trainable parameters",
        },
        colour: visuals.text_color(),
        factor: 1.0,
        marks: Some(against.ticks(members, &(low..high), length)),
    };
    let left = accuracy.axis(members, "accuracy lost (percentage points)", 100.0);
    let right = mse.axis(members, "MSE gained", 1.0);
    let chart = Chart::new(ui, below, left, Some(right));
    for loss in [accuracy, mse] {
        mark(ui, &chart, members, against, loss);
    }
}

/// Medians with a line through those of one kind, and every run.
fn mark(ui: &Ui, chart: &Chart, members: &[Member], against: CapacityMeasure, loss: Loss) {
    let at = |member: &Member, value: f64| {
        let at = if loss.is_accuracy {
            chart.at(member.log_size(), value)
        } else {
            chart.at_right(member.log_size(), value)
        };
        at + vec2(loss.side, 0.0)
    };
    let mut kinds: Vec<&str> = members.iter().map(|member| member.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of_kind = members.iter().filter(|member| member.kind == kind);
        let line = of_kind.map(|member| at(member, loss.median(&member.trade_off)));
        let stroke = Stroke::new(2.0, loss.colour);
        ui.painter().add(Shape::line(line.collect(), stroke));
    }
    for (place, member) in members.iter().enumerate() {
        for (index, run) in (0u64..).zip(loss.runs(&member.trade_off)) {
            let centre = at(member, *run) + vec2(beside_median(index), 0.0);
            ui.painter()
                .circle_filled(centre, 2.2, loss.colour.gamma_multiply(0.7));
        }
        let name = match against {
            CapacityMeasure::LatentSize => format!("n = {}", member.size),
            CapacityMeasure::Parameters => {
                format!("{}, {} parameters", member.name, count(member.size))
            }
        };
        let look = Dot {
            colour: loss.colour,
            radius: 4.0,
            hollow: true,
            chosen: false,
        };
        let id = ui.scope_id().with(("width", loss.is_accuracy, place));
        let words = loss.words(&name, &member.trade_off);
        dot(
            ui,
            id,
            at(member, loss.median(&member.trade_off)),
            look,
            &words,
        );
    }
}

/// Offset of the dot of a run beside the median, in points: no dot hides another or the median.
fn beside_median(index: u64) -> f32 {
    let side = if index.is_multiple_of(2) { 1.0 } else { -1.0 };
    side * (8.0 + 6.0 * jitter(index) as f32)
}

//! How much the two tasks cost each other, against the size of z or of the network: does more room soften
//! the trade-off?

use eframe::egui::{self, ComboBox, Response, RichText, Shape, Stroke, Ui};

use super::header;
use crate::{
    figures::{Against, Family},
    gui::{
        chart::{Axis, Chart, Dot, dot},
        numbers::count,
        session::{Export, Session, results::State},
        theme,
    },
};

/// State of the pane.
#[derive(Default)]
pub struct Width {
    against_parameters: bool,
    /// Title of the family on show; the first where there is none such.
    family: String,
}

impl Width {
    fn against(&self) -> Against {
        if self.against_parameters {
            Against::Parameters
        } else {
            Against::LatentSize
        }
    }

    /// Shows the pane; returns the response of its grip.
    pub fn ui(&mut self, ui: &mut Ui, session: &mut Session) -> Response {
        session.results_mut().watch();
        let grip = header(ui, "Trade-off width", |ui| self.tools(ui, session));
        let against = self.against();
        match session.results().widths(against) {
            Some(widths) => {
                let mut families = widths.families().iter();
                let chosen = families.clone().find(|family| family.title == self.family);
                if let Some(family) = chosen.or_else(|| families.next()) {
                    draw(ui, family, against);
                }
            }
            None => nothing(ui, session, against),
        }
        grip
    }

    fn tools(&mut self, ui: &mut Ui, session: &mut Session) {
        let export = Export::Width(self.against());
        let can = session.can_export(export).is_ok();
        let button = ui.add_enabled(can, egui::Button::new("Export…"));
        if button
            .on_hover_text("Write this figure as SVG, PNG or CSV")
            .clicked()
        {
            session.show_exports(export);
        }
        let file = session.results().file();
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
            session.results_mut().refresh();
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
        let Some(widths) = session.results().widths(self.against()) else {
            return;
        };
        let titles: Vec<&str> = widths.families().iter().map(|f| f.title.as_str()).collect();
        if titles.len() > 1 {
            if !titles.contains(&self.family.as_str()) {
                self.family = titles[0].to_owned();
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
fn nothing(ui: &mut Ui, session: &Session, against: Against) {
    let (what, preset) = match against {
        Against::LatentSize => ("one network with several n", "latent-size"),
        Against::Parameters => ("networks of several sizes", "complexity"),
    };
    let why = match session.results().state() {
        State::Unread => "Reading the finished runs…".to_owned(),
        State::Trouble(reason) => reason.clone(),
        State::Missing => "There are no finished runs yet".to_owned(),
        State::Read { runs: 0, .. } => "There are no finished runs yet".to_owned(),
        State::Read { runs, .. } => {
            format!("Among {} finished runs none compares {what}", count(*runs))
        }
    };
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() / 2.0 - 30.0).max(0.0));
        ui.label(why);
        if !matches!(session.results().state(), State::Unread) {
            ui.label(format!(
                "This needs living runs of {what}, each at two λ or more:"
            ));
            ui.label(RichText::new(format!("cre-lab sweep --preset {preset}")).monospace())
                .on_hover_text("Trains them without a window; what is finished appears here");
        }
    });
}

/// Draws one family: losses of accuracy at the left, of reconstruction at the right.
fn draw(ui: &mut Ui, family: &Family, against: Against) {
    const BESIDE: f32 = 5.0;
    let visuals = ui.visuals().clone();
    let (blue, orange) = (
        theme::classification(&visuals),
        theme::reconstruction(&visuals),
    );
    let members = &family.members;
    let places = || members.iter().map(|member| member.place());
    let (low, high) = (
        places().fold(f64::INFINITY, f64::min) - 0.35,
        places().fold(f64::NEG_INFINITY, f64::max) + 0.35,
    );
    // The numbers in the window are larger than those of a figure.
    let length = f64::from(ui.available_width() - 92.0) * 6.5 / 11.5;
    let losses = |of: fn(&crate::experiment::TradeOff) -> (f64, &[f64])| {
        let of_member = members.iter().map(move |member| of(&member.width));
        of_member.flat_map(|(median, runs)| runs.iter().copied().chain([median, 0.0]))
    };
    let chart = Chart::new(
        ui,
        Axis {
            range: (low, high),
            name: match against {
                Against::LatentSize => "latent size n",
                Against::Parameters => "trainable parameters",
            },
            colour: visuals.text_color(),
            factor: 1.0,
            marks: Some(against.ticks(members, &(low..high), length)),
        },
        Axis::around(
            losses(|width| (width.accuracy_loss, &width.accuracy_losses)),
            "accuracy lost (percentage points)",
            blue,
            100.0,
        ),
        Some(Axis::around(
            losses(|width| (width.mse_loss, &width.mse_losses)),
            "MSE gained",
            orange,
            1.0,
        )),
    );
    for is_accuracy in [true, false] {
        let colour = if is_accuracy { blue } else { orange };
        let side = if is_accuracy { -BESIDE } else { BESIDE };
        let at = |place: f64, loss: f64| {
            let at = if is_accuracy {
                chart.at(place, loss)
            } else {
                chart.at_right(place, loss)
            };
            at + egui::vec2(side, 0.0)
        };
        let mut kinds: Vec<&str> = members.iter().map(|member| member.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let of_kind = members.iter().filter(|member| member.kind == kind);
            let line = of_kind.map(|member| {
                let width = &member.width;
                let loss = if is_accuracy {
                    width.accuracy_loss
                } else {
                    width.mse_loss
                };
                at(member.place(), loss)
            });
            let stroke = Stroke::new(2.0, colour);
            ui.painter().add(Shape::line(line.collect(), stroke));
        }
        for (place, member) in members.iter().enumerate() {
            let width = &member.width;
            let (median, runs) = if is_accuracy {
                (width.accuracy_loss, &width.accuracy_losses)
            } else {
                (width.mse_loss, &width.mse_losses)
            };
            for run in runs {
                let centre = at(member.place(), *run);
                ui.painter()
                    .circle_filled(centre, 2.2, colour.gamma_multiply(0.7));
            }
            let name = match against {
                Against::LatentSize => format!("n = {}", member.size),
                Against::Parameters => {
                    format!("{}, {} parameters", member.name, count(member.size))
                }
            };
            let words = if is_accuracy {
                format!(
                    "{name}: {:.1} percentage points of accuracy lost at the λ of the best MSE ({}), {} runs",
                    median * 100.0,
                    width.best_mse,
                    runs.len()
                )
            } else {
                format!(
                    "{name}: MSE {median:.4} higher at the λ of the best accuracy ({}), {} runs",
                    width.best_accuracy,
                    runs.len()
                )
            };
            let look = Dot {
                colour,
                radius: 4.0,
                hollow: true,
                chosen: false,
            };
            let id = ui.scope_id().with(("width", is_accuracy, place));
            dot(ui, id, at(member.place(), median), look, &words);
        }
    }
}

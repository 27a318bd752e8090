//! The menu bar.

use eframe::egui::{
    Button, Context, Grid, MenuBar, RichText, ThemePreference, Ui, ViewportCommand, Window,
    gui_zoom,
};

use egui_tiles::Tree;

use super::{
    shortcuts::{self, HELP},
    state::State,
    workspace::{self, Pane},
};

/// What the menu asks of the window itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    ResetLayout,
    /// Show a pane, or take it away.
    Toggle(Pane),
    ToggleExperiment,
    ShowKeys,
    Draw,
    DataSets,
    ExportFigure,
    ExportAnimation,
    ExportAll,
}

/// Shows the menu bar.
pub fn ui(ui: &mut Ui, session: &mut State, layout: &Tree<Pane>) -> Option<Wish> {
    let mut wish = None;
    MenuBar::new().ui(ui, |ui| {
        ui.menu_button("File", |ui| file(ui, session, &mut wish));
        ui.menu_button("Run", |ui| run(ui, session));
        ui.menu_button("View", |ui| view(ui, layout, &mut wish));
        ui.menu_button("Help", |ui| {
            let keys = ui.add(Button::new("Keys").shortcut_text("F1"));
            if keys.on_hover_text("What every key does").clicked() {
                wish = Some(Wish::ShowKeys);
            }
        });
    });
    wish
}

fn file(ui: &mut Ui, session: &mut State, wish: &mut Option<Wish>) {
    let open =
        Button::new("Open data set…").shortcut_text(ui.ctx().format_shortcut(&shortcuts::OPEN));
    if ui
                .add(open)
                .on_hover_text("A folder with the files of MNIST (IDX), a set like it, or CIFAR-10 (binary), or with a sub-folder of pictures for each class; it can also be dropped on the window, as can a single picture")
                .clicked()
            {
                session.open_data_set();
            }
    let data_sets =
        Button::new("Data sets…").shortcut_text(ui.ctx().format_shortcut(&shortcuts::DATA_SETS));
    if ui
        .add(data_sets)
        .on_hover_text("What is built in, what is on this machine, and full sets to download")
        .clicked()
    {
        *wish = Some(Wish::DataSets);
    }
    ui.separator();
    let open =
        Button::new("Open run…").shortcut_text(ui.ctx().format_shortcut(&shortcuts::OPEN_RUN));
    if ui
                .add(open)
                .on_hover_text("Go on with a saved run, or begin with weights of the authors' modules (safetensors); such a file can also be dropped on the window")
                .clicked()
            {
                session.choose_run();
            }
    let save = Button::new("Save run…").shortcut_text(ui.ctx().format_shortcut(&shortcuts::SAVE));
    if ui
                .add_enabled(session.can_save(), save)
                .on_hover_text("Weights, Adam's memory, curves and settings in one file, from which the run goes on as if never stopped")
                .on_disabled_hover_text("A single network can be saved, not a spectrum")
                .clicked()
            {
                session.choose_where_to_save();
            }
    ui.separator();
    for (label, tip, chosen) in [
        (
            "Export figure…",
            "Cloud, reconstructions, curves or what compares many λ, as SVG, PNG or CSV",
            Wish::ExportFigure,
        ),
        (
            "Export animation…",
            "The λ of a spectrum one after the other, or training as it goes on, as GIF or APNG",
            Wish::ExportAnimation,
        ),
        (
            "Export all figures…",
            "Everything that the finished runs allow, each figure as SVG, PNG and CSV, into one folder",
            Wish::ExportAll,
        ),
    ] {
        if ui.button(label).on_hover_text(tip).clicked() {
            *wish = Some(chosen);
        }
    }
    ui.separator();
    let quit = Button::new("Quit").shortcut_text(ui.ctx().format_shortcut(&shortcuts::QUIT));
    if ui.add(quit).on_hover_text("Close the window").clicked() {
        ui.ctx().send_viewport_cmd(ViewportCommand::Close);
    }
}

fn view(ui: &mut Ui, layout: &Tree<Pane>, wish: &mut Option<Wish>) {
    let draw = ui.add(Button::new("Draw an image").shortcut_text("D"));
    if draw
        .on_hover_text("A pad to draw on; the model reads the drawing while it trains")
        .clicked()
    {
        *wish = Some(Wish::Draw);
    }
    let shown = workspace::shows_experiment(layout);
    let experiment = Button::selectable(shown, "Experiment").shortcut_text("X");
    if ui
                .add(experiment)
                .on_hover_text("Train every combination of λ, seeds, networks and data sets, and look at what came of it")
                .clicked()
            {
                *wish = Some(Wish::ToggleExperiment);
            }
    ui.separator();
    for pane in Pane::OPTIONAL {
        let mut shown = workspace::has(layout, pane);
        let tip = "Show this pane beside the curves, or take it away; it compares the λ of a spectrum, or finished runs";
        let check = ui.checkbox(&mut shown, pane.title());
        if check.on_hover_text(tip).changed() {
            *wish = Some(Wish::Toggle(pane));
        }
    }
    ui.separator();
    let reset = ui.button("Reset layout");
    if reset
        .on_hover_text("Put the panes back where they were at first")
        .clicked()
    {
        *wish = Some(Wish::ResetLayout);
    }
    ui.separator();
    theme(ui);
    ui.separator();
    gui_zoom::zoom_menu_buttons(ui);
}

fn run(ui: &mut Ui, session: &mut State) {
    let training = session.is_training();
    ui.add_enabled_ui(session.run().is_some(), |ui| {
        let mut item = |label: &str, key: &str, tip: &str| {
            let button = Button::new(label).shortcut_text(key);
            ui.add(button).on_hover_text(tip).clicked()
        };
        let (label, tip) = if training {
            ("Pause", "Stop between two steps")
        } else {
            ("Train", "Go on training")
        };
        if item(label, "Space", tip) {
            session.toggle_training();
        }
        if item("One step", "S", "Train one batch, then pause") {
            session.step();
        }
        if item(
            "One epoch",
            "E",
            "Train to the end of the epoch, then pause",
        ) {
            session.epoch();
        }
        if item("Reset", "R", "Begin again with the same seed") {
            session.reset();
        }
        if item(
            "New seed",
            "N",
            "Begin again with other initial weights, until the latent units live",
        ) {
            session.new_seed();
        }
    });
}

fn theme(ui: &mut Ui) {
    let mut preference = ui.ctx().options(|options| options.theme_preference);
    for (choice, label, tip) in [
        (
            ThemePreference::System,
            "As the system",
            "Colours as the desktop has them",
        ),
        (ThemePreference::Dark, "Dark", "Light on dark"),
        (
            ThemePreference::Light,
            "Light",
            "Dark on light, for bright rooms",
        ),
    ] {
        let radio = ui.radio_value(&mut preference, choice, label);
        if radio.on_hover_text(tip).clicked() {
            ui.ctx().set_theme(preference);
        }
    }
}

/// The list of keys.
pub fn keys(ctx: &Context, open: &mut bool) {
    Window::new("Keys").open(open).resizable(false).show(ctx, |ui| {
        Grid::new("keys").num_columns(2).show(ui, |ui| {
            for (key, action) in HELP {
                ui.label(RichText::new(key).monospace());
                ui.label(action);
                ui.end_row();
            }
        });
        ui.separator();
        ui.label("In the latent scatter: drag to turn, Shift-drag to move, wheel to zoom, double-click to reset");
    });
}

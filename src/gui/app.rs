//! The window as a whole.

use std::path::{Path, PathBuf};

use eframe::{
    CreationContext, Storage,
    egui::{CentralPanel, Context, Frame, Margin, Panel, Rect, Ui},
};
use egui_tiles::Tree;
use serde::{Deserialize, Serialize};

use super::{
    menu::{self, Wish},
    panes::{
        clouds::Clouds,
        controls::{Controls, Mode},
        curves::Curves,
        data_sets::DataSets,
        drawing::Drawing,
        export::ExportWindow,
        inspector,
        latent::Latent,
        notifications, pareto,
        reconstructions::Reconstructions,
        reconstructions_by_lambda::ReconstructionsByLambda,
        status,
        sweep::SweepPane,
        trade_off::TradeOff,
        trade_off_width::TradeOffWidth,
    },
    scatter::{Scatter, ViewPreferences},
    screenshot::ScreenshotJob,
    shortcuts::{self, Toggles},
    state::{All, Export, ProbeSelection, State},
    textures::TextureCache,
    theme,
    workspace::{self, Docked, Pane},
};
use crate::{
    data::{DataSource, DatasetLocator},
    sweep::Spectrum,
    train::RunConfig,
};

/// What outlives the program.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Preferences {
    layout: Tree<Pane>,
    spectrum_layout: Tree<Pane>,
    spectrum: Spectrum,
    trade_off: TradeOff,
    view: ViewPreferences,
    curves: Curves,
    sample: ProbeSelection,
    show_difference: bool,
    /// The grid of the experiment, as a text of its own: one that cannot be read costs nothing else.
    grid: String,
    /// The finished spectrum below the clouds.
    below: Option<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            layout: workspace::default_tree(),
            spectrum_layout: workspace::spectrum_tree(),
            spectrum: Spectrum::default(),
            trade_off: TradeOff::default(),
            view: ViewPreferences::default(),
            curves: Curves::default(),
            sample: ProbeSelection::default(),
            show_difference: true,
            grid: String::new(),
            below: None,
        }
    }
}

/// CRE Lab's window.
pub struct App {
    session: State,
    /// Where panes stand while one λ is trained…
    layout: Tree<Pane>,
    /// …and while a spectrum is.
    spectrum_layout: Tree<Pane>,
    controls: Controls,
    latent: Latent,
    reconstructions: Reconstructions,
    curves: Curves,
    trade_off: TradeOff,
    clouds: Clouds,
    mosaic: ReconstructionsByLambda,
    width: TradeOffWidth,
    textures: TextureCache,
    drawing: Drawing,
    data_sets: DataSets,
    experiment: SweepPane,
    export: ExportWindow,
    /// Where the card appears first: the latent pane's corner.
    card_home: Rect,
    /// The space of all panes, in whose corner the drawing pad appears first.
    dock: Rect,
    show_keys: bool,
    portrait: Option<ScreenshotJob>,
}

impl App {
    /// Opens with what is remembered in `storage`; training begins by itself.
    pub fn new(
        cc: &CreationContext<'_>,
        config: RunConfig,
        source: DataSource,
        portrait: Option<ScreenshotJob>,
    ) -> Self {
        theme::install(&cc.egui_ctx);
        let mut preferences: Preferences = cc
            .storage
            .and_then(|storage| eframe::get_value(storage, eframe::APP_KEY))
            .unwrap_or_default();
        if !workspace::is_complete(&preferences.layout) {
            preferences.layout = workspace::default_tree();
        }
        if !workspace::is_complete(&preferences.spectrum_layout) {
            preferences.spectrum_layout = workspace::spectrum_tree();
        }
        let mut scatter = Scatter::new(cc.wgpu_render_state.as_ref());
        scatter.preferences = preferences.view;
        Self {
            session: State::new(&cc.egui_ctx, config, source, preferences.sample),
            layout: preferences.layout,
            spectrum_layout: preferences.spectrum_layout,
            controls: Controls::new(&preferences.spectrum),
            latent: Latent::new(scatter),
            reconstructions: Reconstructions::new(preferences.show_difference),
            curves: preferences.curves,
            trade_off: preferences.trade_off,
            clouds: Clouds::new(preferences.below),
            mosaic: ReconstructionsByLambda::default(),
            width: TradeOffWidth::default(),
            textures: TextureCache::default(),
            drawing: Drawing::default(),
            data_sets: DataSets::default(),
            experiment: SweepPane::new(cc.wgpu_render_state.as_ref(), &preferences.grid),
            export: ExportWindow::default(),
            card_home: Rect::NOTHING,
            dock: Rect::NOTHING,
            show_keys: false,
            portrait,
        }
    }

    /// Begins with these networks rather than with a single one.
    #[must_use]
    pub fn with_spectrum(mut self, spectrum: Option<Spectrum>) -> Self {
        if let Some(spectrum) = spectrum {
            self.controls.mode = Mode::new(&spectrum);
            self.session.set_spectrum(Some(spectrum));
        }
        self
    }

    /// The experiment, for whoever drives the window from outside.
    pub fn session(&self) -> &State {
        &self.session
    }

    /// Keeps the run in `folder` against a crash, and offers what one has left there.
    #[must_use]
    pub fn keeping_runs(mut self, folder: Option<&Path>) -> Self {
        if let Some(folder) = folder {
            self.session.keep_runs(folder);
        }
        self
    }

    /// Saves the run, as if this file had been chosen.
    pub fn save_run(&mut self, file: PathBuf) {
        self.session.save_run(file);
    }

    /// The experiment, to ask something of it from outside.
    pub fn session_mut(&mut self) -> &mut State {
        &mut self.session
    }

    /// Takes in a folder of images, a run or a picture, as if it had been dropped on the window.
    pub fn take_dropped(&mut self, path: PathBuf) {
        self.session.take_dropped(path);
    }

    /// Begins to learn from a data set, as soon as it has been read.
    pub fn load(&mut self, source: DataSource) {
        self.session.load(source);
    }

    /// Takes full data sets from another shelf than the usual one.
    pub fn set_shelf(&mut self, shelf: DatasetLocator) {
        self.session.set_shelf(shelf);
    }

    /// Reads and keeps finished runs in another file than the usual one.
    pub fn set_results(&mut self, file: PathBuf) {
        self.session.set_results(file);
    }

    fn docked(&mut self, ui: &mut Ui) {
        let Self {
            session,
            layout,
            spectrum_layout,
            latent,
            reconstructions,
            curves,
            trade_off,
            clouds,
            mosaic,
            experiment,
            width,
            card_home,
            textures,
            ..
        } = self;
        let layout = if session.shown_spectrum().is_some() {
            spectrum_layout
        } else {
            layout
        };
        let mut draw = Docked(|ui: &mut Ui, pane| match pane {
            Pane::Latent => {
                *card_home = ui.max_rect();
                latent.ui(ui, session, textures)
            }
            Pane::Reconstructions => reconstructions.ui(ui, session, textures),
            Pane::Curves => curves.ui(ui, session.run().map(|run| &run.shown().history)),
            Pane::TradeOff => trade_off.ui(ui, session),
            Pane::Plane => pareto::ui(ui, session, trade_off),
            Pane::Clouds => clouds.ui(ui, session, &mut latent.scatter),
            Pane::Mosaic => mosaic.ui(ui, session, textures),
            Pane::Experiment => experiment.ui(ui, session, textures),
            Pane::Width => width.ui(ui, session),
        });
        layout.ui(&mut draw, ui);
    }

    /// What the user has dropped on the window, and pictures that have been read since.
    fn take_files(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        for file in dropped {
            self.take_dropped(file.path().to_owned());
        }
        if let Some((shape, pixels)) = self.session.take_image() {
            self.drawing.show(shape, &pixels);
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.session.receive();
        self.session.play();
        self.take_files(ctx);
        if let Some(portrait) = &mut self.portrait {
            portrait.update(ctx);
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let mut experiment = false;
        shortcuts::obey(
            ui,
            &mut self.session,
            self.latent.canvas(),
            &mut Toggles {
                keys: &mut self.show_keys,
                drawing: &mut self.drawing.open,
                data_sets: &mut self.data_sets.open,
                experiment: &mut experiment,
            },
        );
        let bar = |ui: &Ui| Frame::side_top_panel(ui.style()).inner_margin(Margin::symmetric(8, 3));
        let frame = bar(ui);
        let is_spectrum = self.session.shown_spectrum().is_some();
        let layout = if is_spectrum {
            &mut self.spectrum_layout
        } else {
            &mut self.layout
        };
        if experiment {
            workspace::toggle_experiment(layout);
        }
        if self.session.take_live_wish() {
            workspace::raise(layout, Pane::Latent);
        }
        Panel::top("menu").frame(frame).show(ui, |ui| {
            match menu::ui(ui, &mut self.session, layout) {
                Some(Wish::ResetLayout) if is_spectrum => *layout = workspace::spectrum_tree(),
                Some(Wish::ResetLayout) => *layout = workspace::default_tree(),
                Some(Wish::Toggle(pane)) => workspace::toggle(layout, pane),
                Some(Wish::ToggleExperiment) => workspace::toggle_experiment(layout),
                Some(Wish::ShowKeys) => self.show_keys = true,
                Some(Wish::Draw) => self.drawing.open = true,
                Some(Wish::DataSets) => self.data_sets.open = true,
                Some(Wish::ExportFigure) => self.export.show_figures(),
                Some(Wish::ExportAll) => self.session.show_exports(Export::All(All::default())),
                Some(Wish::ExportAnimation) => self.export.show_films(is_spectrum),
                None => {}
            }
        });
        let frame = bar(ui);
        Panel::bottom("status")
            .frame(frame)
            .show(ui, |ui| status::ui(ui, &self.session));
        Panel::left("controls")
            .default_size(236.0)
            .size_range(200.0..=360.0)
            .show(ui, |ui| self.controls.ui(ui, &mut self.session));
        let frame = Frame::new().fill(ui.visuals().panel_fill);
        CentralPanel::default().frame(frame).show(ui, |ui| {
            notifications::ui(ui, &mut self.session);
            self.dock = ui.max_rect();
            self.docked(ui);
        });
        let ctx = ui.ctx().clone();
        inspector::ui(&ctx, &mut self.session, &mut self.textures, self.card_home);
        self.drawing
            .ui(&ctx, &mut self.session, &mut self.textures, self.dock);
        self.data_sets.open |= self.session.take_data_sets_wish();
        self.data_sets
            .ui(&ctx, &mut self.session, &mut self.textures);
        self.export.ui(&ctx, &mut self.session);
        menu::keys(&ctx, &mut self.show_keys);
        self.textures.next_frame();
    }

    fn on_exit(&mut self) {
        self.session.close();
    }

    fn save(&mut self, storage: &mut dyn Storage) {
        let preferences = Preferences {
            layout: self.layout.clone(),
            spectrum_layout: self.spectrum_layout.clone(),
            spectrum: self.controls.mode.spectrum.clone(),
            trade_off: self.trade_off,
            view: self.latent.scatter.preferences.clone(),
            curves: self.curves.clone(),
            sample: self.session.probe_selection(),
            show_difference: self.reconstructions.show_difference,
            grid: self.experiment.remember(),
            below: self.clouds.below().map(str::to_owned),
        };
        eframe::set_value(storage, eframe::APP_KEY, &preferences);
    }
}

//! The main window.

use std::{path::Path, time::Duration};

use eframe::{
    CreationContext, Storage,
    egui::{
        self, CentralPanel, Frame, LayerId, Margin, Order, Panel, Ui, ViewportCommand, gui_zoom,
    },
};

use super::{
    commands::{Command, Commands, DataCommand, ProbeCommand, RunCommand, ViewCommand},
    dock::Dock,
    help, keymap, menu,
    panes::{
        PaneContext, PaneSetup, Panes, SharedView, controls::Controls, data_sets::DataSets,
        drawing::Drawing, export::ExportWindow, inspector, notifications, status,
    },
    preferences::Preferences,
    screenshot::ScreenshotJob,
    state::State,
    textures::TextureCache,
    theme,
};
use crate::{
    data::DataSource,
    jobs::{Signal, Wake},
    sweep::Spectrum,
    train::RunConfig,
};

/// How often the window shows the progress of background jobs.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Width of the panel at the left, in points, with the space of its scroll bar; less in a narrow
/// window.
const CONTROLS: f32 = 252.0;

/// CRE Lab's window.
pub struct App {
    ctx: egui::Context,
    state: State,
    commands: Commands,
    dock: Dock,
    panes: Panes,
    view: SharedView,
    textures: TextureCache,
    controls: Controls,
    drawing: Drawing,
    data_sets: DataSets,
    export: ExportWindow,
    is_help_open: bool,
    screenshot: Option<ScreenshotJob>,
}

impl App {
    /// Opens with the preferences in the storage of `cc`, and requests to train on `source`.
    pub fn new(
        cc: &CreationContext<'_>,
        config: RunConfig,
        source: DataSource,
        screenshot: Option<ScreenshotJob>,
    ) -> Self {
        theme::install(&cc.egui_ctx);
        let preferences: Preferences = cc
            .storage
            .and_then(|storage| eframe::get_value(storage, eframe::APP_KEY))
            .unwrap_or_default();
        let setup = PaneSetup {
            preferences: &preferences,
            render_state: cc.wgpu_render_state.as_ref(),
        };
        let mut commands = Commands::default();
        let wake = waker(&cc.egui_ctx);
        Self {
            ctx: cc.egui_ctx.clone(),
            state: State::new(&wake, config, source, preferences.selection, &mut commands),
            commands,
            panes: Panes::new(&setup),
            view: SharedView::new(&setup),
            textures: TextureCache::default(),
            controls: Controls::new(&preferences.spectrum),
            drawing: Drawing::default(),
            data_sets: DataSets::default(),
            export: ExportWindow::default(),
            is_help_open: false,
            screenshot,
            dock: Dock::new(preferences.layout, preferences.spectrum_layout),
        }
    }

    /// Trains these networks instead of a single one.
    #[must_use]
    pub fn with_spectrum(mut self, spectrum: Option<Spectrum>) -> Self {
        if let Some(spectrum) = spectrum {
            self.controls = Controls::new(&spectrum);
            self.execute(RunCommand::SetSpectrum(Some(spectrum)));
        }
        self
    }

    /// Saves runs in `folder` in case of a crash, and offers to resume one that a crash has left
    /// there.
    #[must_use]
    pub fn with_recovery(mut self, folder: Option<&Path>) -> Self {
        if let Some(folder) = folder {
            self.state.enable_recovery(folder, &mut self.commands);
        }
        self
    }

    /// What the window shows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Executes a command at once, as if the user had requested it.
    pub fn execute(&mut self, command: impl Into<Command>) {
        self.commands.push(command);
        self.execute_commands();
    }

    /// Executes everything that has been requested, and what follows from it. Called between the parts
    /// of a frame, never while one is drawn.
    fn execute_commands(&mut self) {
        while let Some(command) = self.commands.pop() {
            match command {
                Command::View(command) => self.execute_view(command),
                command => self.state.execute(command, &mut self.commands),
            }
            // Panes that have been drawn already show the change in the next frame.
            self.ctx.request_repaint();
        }
    }

    fn execute_view(&mut self, command: ViewCommand) {
        match command {
            ViewCommand::TogglePane(pane) => self.dock.toggle(&self.state, pane),
            ViewCommand::ShowPane(pane) => self.dock.raise(&self.state, pane),
            ViewCommand::ResetLayout => self.dock.reset(&self.state),
            ViewCommand::ToggleDrawing => self.drawing.open ^= true,
            ViewCommand::ShowImage(shape, pixels) => self.drawing.show(shape, &pixels),
            ViewCommand::OpenDataSets => self.data_sets.open = true,
            ViewCommand::ToggleDataSets => self.data_sets.open ^= true,
            ViewCommand::OpenExport(export) => self.export.open(export),
            ViewCommand::ToggleHelp => self.is_help_open ^= true,
            ViewCommand::CloseTopmost => self.close_topmost(),
            ViewCommand::SetTheme(theme) => self.ctx.set_theme(theme),
            ViewCommand::ZoomIn => gui_zoom::zoom_in(&self.ctx),
            ViewCommand::ZoomOut => gui_zoom::zoom_out(&self.ctx),
            ViewCommand::ResetZoom => self.ctx.set_zoom_factor(1.0),
            ViewCommand::Quit => self.ctx.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    /// Closes the window in front or, if none is open, deselects the image.
    fn close_topmost(&mut self) {
        let open = [
            (help::id(), self.is_help_open),
            (DataSets::id(), self.data_sets.open),
            (ExportWindow::id(), self.export.is_open()),
            (Drawing::id(), self.drawing.open),
        ];
        let place = |id| {
            self.ctx.memory(|memory| {
                let layer = LayerId::new(Order::Middle, id);
                memory.layer_ids().position(|other| other == layer)
            })
        };
        let open = open.into_iter().filter(|(_, is_open)| *is_open);
        match open.max_by_key(|(id, _)| place(*id)) {
            Some((id, _)) if id == help::id() => self.is_help_open = false,
            Some((id, _)) if id == DataSets::id() => self.data_sets.open = false,
            Some((id, _)) if id == ExportWindow::id() => self.export.close(),
            Some(_) => self.drawing.open = false,
            None if self.state.probe.selected.is_some() => {
                self.commands.push(ProbeCommand::Select(None));
            }
            None => {}
        }
    }

    /// The bars at the edges, whose input decides what the panes show.
    fn bars(&mut self, ui: &mut Ui) {
        let bar = |ui: &Ui| Frame::side_top_panel(ui.style()).inner_margin(Margin::symmetric(8, 3));
        Panel::top("menu").frame(bar(ui)).show(ui, |ui| {
            menu::ui(ui, &self.state, &self.dock, &mut self.commands);
        });
        Panel::bottom("status")
            .frame(bar(ui))
            .show(ui, |ui| status::ui(ui, &self.state));
        Panel::left("controls")
            .exact_size((0.4 * ui.available_width()).clamp(200.0, CONTROLS))
            .resizable(false)
            .show(ui, |ui| {
                let mut context = PaneContext {
                    state: &self.state,
                    commands: &mut self.commands,
                    textures: &mut self.textures,
                    view: &mut self.view,
                };
                self.controls.ui(ui, &mut context);
            });
    }

    /// The dock, and windows and notifications above it.
    fn panes(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(ui.visuals().panel_fill);
        CentralPanel::default().frame(frame).show(ui, |ui| {
            self.view.dock_rect = ui.max_rect();
            let mut context = PaneContext {
                state: &self.state,
                commands: &mut self.commands,
                textures: &mut self.textures,
                view: &mut self.view,
            };
            self.dock.ui(ui, &mut self.panes, &mut context);
        });
        let ctx = ui.ctx().clone();
        let mut context = PaneContext {
            state: &self.state,
            commands: &mut self.commands,
            textures: &mut self.textures,
            view: &mut self.view,
        };
        inspector::ui(&ctx, &mut context);
        self.drawing.ui(&ctx, &mut context);
        self.data_sets.ui(&ctx, &mut context);
        self.export.ui(&ctx, &mut context);
        help::ui(&ctx, &self.state, &mut self.is_help_open);
        notifications::ui(&ctx, self.view.dock_rect, &self.state, &mut self.commands);
    }
}

/// Repaints the window when a background job has something new: progress at most every
/// [`PROGRESS_INTERVAL`].
fn waker(ctx: &egui::Context) -> Wake {
    let ctx = ctx.clone();
    Wake::new(move |signal| match signal {
        Signal::Progress => ctx.request_repaint_after(PROGRESS_INTERVAL),
        Signal::Finished => ctx.request_repaint(),
    })
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        let now = ctx.input(|input| input.time);
        if let Some(delay) = self.state.update(now, &mut self.commands) {
            ctx.request_repaint_after(delay);
        }
        self.execute_commands();
        if let Some(screenshot) = &mut self.screenshot {
            screenshot.update(ctx);
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        for file in ui.input(|input| input.raw.dropped_files.clone()) {
            let path = file.path().to_owned();
            self.commands.push(DataCommand::OpenDropped(path));
        }
        keymap::handle(ui, &self.state, &mut self.commands);
        self.execute_commands();
        self.bars(ui);
        self.execute_commands();
        self.panes(ui);
        self.execute_commands();
        self.textures.next_frame();
    }

    fn on_exit(&mut self) {
        self.state.close();
    }

    fn save(&mut self, storage: &mut dyn Storage) {
        let mut preferences = Preferences {
            layout: self.dock.single.clone(),
            spectrum_layout: self.dock.spectrum.clone(),
            view: self.view.scatter.preferences.clone(),
            trade_off: self.view.trade_off,
            selection: self.state.probe.selection,
            ..Preferences::default()
        };
        self.controls.save(&mut preferences);
        self.panes.save(&mut preferences);
        eframe::set_value(storage, eframe::APP_KEY, &preferences);
    }
}

//! The window as a whole.

use std::path::PathBuf;

use eframe::{
    CreationContext, Storage,
    egui::{CentralPanel, Context, Frame, Margin, Panel, Rect, Ui},
};
use egui_tiles::Tree;
use serde::{Deserialize, Serialize};

use super::{
    menu::{self, Wish},
    panes::{
        card::Card, controls::Controls, curves::Curves, data_sets::DataSets, drawing::Drawing,
        latent::Latent, notices, reconstructions::Reconstructions, status,
    },
    scatter::{Scatter, ViewPreferences},
    self_portrait::SelfPortrait,
    session::{Sample, Session},
    shortcuts::{self, Toggles},
    theme,
    workspace::{self, Docked, Pane},
};
use crate::{
    data::{DataSource, Shelf},
    train::RunConfig,
};

/// What outlives the program.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Preferences {
    layout: Tree<Pane>,
    view: ViewPreferences,
    curves: Curves,
    sample: Sample,
    show_difference: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            layout: workspace::default_tree(),
            view: ViewPreferences::default(),
            curves: Curves::default(),
            sample: Sample::default(),
            show_difference: true,
        }
    }
}

/// CRE Lab's window.
pub struct App {
    session: Session,
    layout: Tree<Pane>,
    controls: Controls,
    latent: Latent,
    reconstructions: Reconstructions,
    curves: Curves,
    card: Card,
    drawing: Drawing,
    data_sets: DataSets,
    /// Where the card appears first: the latent pane's corner.
    card_home: Rect,
    /// The space of all panes, in whose corner the drawing pad appears first.
    dock: Rect,
    show_keys: bool,
    portrait: Option<SelfPortrait>,
}

impl App {
    /// Opens with what is remembered in `storage`; training begins by itself.
    pub fn new(
        cc: &CreationContext<'_>,
        config: RunConfig,
        source: DataSource,
        portrait: Option<SelfPortrait>,
    ) -> Self {
        theme::install(&cc.egui_ctx);
        let mut preferences: Preferences = cc
            .storage
            .and_then(|storage| eframe::get_value(storage, eframe::APP_KEY))
            .unwrap_or_default();
        if !workspace::is_complete(&preferences.layout) {
            preferences.layout = workspace::default_tree();
        }
        let mut scatter = Scatter::new(cc.wgpu_render_state.as_ref());
        scatter.preferences = preferences.view;
        Self {
            session: Session::new(&cc.egui_ctx, config, source, preferences.sample),
            layout: preferences.layout,
            controls: Controls::default(),
            latent: Latent::new(scatter),
            reconstructions: Reconstructions::new(preferences.show_difference),
            curves: preferences.curves,
            card: Card::default(),
            drawing: Drawing::default(),
            data_sets: DataSets::default(),
            card_home: Rect::NOTHING,
            dock: Rect::NOTHING,
            show_keys: false,
            portrait,
        }
    }

    /// The experiment, for whoever drives the window from outside.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Takes in a folder of images or a picture, as if it had been dropped on the window.
    pub fn take_dropped(&mut self, path: PathBuf) {
        self.session.take_dropped(path);
    }

    /// Begins to learn from a data set, as soon as it has been read.
    pub fn load(&mut self, source: DataSource) {
        self.session.load(source);
    }

    /// Takes full data sets from another shelf than the usual one.
    pub fn set_shelf(&mut self, shelf: Shelf) {
        self.session.set_shelf(shelf);
    }

    fn docked(&mut self, ui: &mut Ui) {
        let Self {
            session,
            layout,
            latent,
            reconstructions,
            curves,
            card_home,
            ..
        } = self;
        let mut draw = Docked(|ui: &mut Ui, pane| match pane {
            Pane::Latent => {
                *card_home = ui.max_rect();
                latent.ui(ui, session)
            }
            Pane::Reconstructions => reconstructions.ui(ui, session),
            Pane::Curves => curves.ui(ui, session.run().map(|run| &run.shown().history)),
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
        self.take_files(ctx);
        if let Some(portrait) = &mut self.portrait {
            portrait.sit(ctx);
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        shortcuts::obey(
            ui,
            &mut self.session,
            self.latent.canvas(),
            &mut Toggles {
                keys: &mut self.show_keys,
                drawing: &mut self.drawing.open,
                data_sets: &mut self.data_sets.open,
            },
        );
        let bar = |ui: &Ui| Frame::side_top_panel(ui.style()).inner_margin(Margin::symmetric(8, 3));
        let frame = bar(ui);
        Panel::top("menu")
            .frame(frame)
            .show(ui, |ui| match menu::ui(ui, &mut self.session) {
                Some(Wish::ResetLayout) => self.layout = workspace::default_tree(),
                Some(Wish::ShowKeys) => self.show_keys = true,
                Some(Wish::Draw) => self.drawing.open = true,
                Some(Wish::DataSets) => self.data_sets.open = true,
                None => {}
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
            notices::ui(ui, &mut self.session);
            self.dock = ui.max_rect();
            self.docked(ui);
        });
        let ctx = ui.ctx().clone();
        self.card.ui(&ctx, &mut self.session, self.card_home);
        self.drawing.ui(&ctx, &mut self.session, self.dock);
        self.data_sets.open |= self.session.take_data_sets_wish();
        self.data_sets.ui(&ctx, &mut self.session);
        menu::keys(&ctx, &mut self.show_keys);
    }

    fn save(&mut self, storage: &mut dyn Storage) {
        let preferences = Preferences {
            layout: self.layout.clone(),
            view: self.latent.scatter.preferences.clone(),
            curves: self.curves.clone(),
            sample: self.session.sample(),
            show_difference: self.reconstructions.show_difference,
        };
        eframe::set_value(storage, eframe::APP_KEY, &preferences);
    }
}

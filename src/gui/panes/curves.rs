//! Loss curves.
use eframe::egui::Ui;
use crate::train::history::History;
#[derive(Clone,Default,serde::Serialize,serde::Deserialize)]
pub struct Curves{}
impl Curves{pub fn ui(&mut self,_ui:&mut Ui,_h:Option<&History>){}}

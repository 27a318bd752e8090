//! The slider of λ, from classification to reconstruction.

use eframe::egui::{
    self, Align2, Color32, CornerRadius, FontId, Key, Mesh, Modifiers, Pos2, Rangef, Rect,
    Response, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, accesskit, pos2, vec2,
};

use super::{
    commands::{Command, RunCommand},
    keymap::{self, KeyUse},
    state::State,
    theme,
};
use crate::model::Lambda;

/// Accessible name of the slider.
pub const LABEL: &str = "λ";

const HEIGHT: f32 = 46.0;
const RAIL: f32 = 8.0;
const HANDLE: f32 = 11.0;

/// A choice of λ, initially the shown one.
#[derive(Clone, Debug, PartialEq)]
pub enum LambdaChoice {
    /// Any λ, rounded to hundredths.
    Any(Lambda),
    /// A network of a spectrum, by index; λ ascend.
    Lane { lambdas: Vec<Lambda>, index: usize },
}

impl LambdaChoice {
    /// The λ, or the network of a spectrum, that is shown.
    pub fn new(state: &State) -> Self {
        match state.run.shown_spectrum() {
            Some(run) => Self::Lane {
                lambdas: run.lanes().iter().map(|lane| lane.lane.lambda).collect(),
                index: run.shown_index(),
            },
            None => Self::Any(state.run.lambda()),
        }
    }

    /// The command that applies this choice; `None` if it is the shown one.
    pub fn command(&self, state: &State) -> Option<Command> {
        (*self != Self::new(state)).then(|| match self {
            Self::Any(lambda) => RunCommand::SetLambda(*lambda).into(),
            Self::Lane { index, .. } => RunCommand::ShowLane(*index).into(),
        })
    }

    /// The chosen λ.
    pub fn lambda(&self) -> Lambda {
        match self {
            Self::Any(lambda) => *lambda,
            Self::Lane { lambdas, index } => {
                lambdas.get(*index).copied().unwrap_or(Lambda::BALANCED)
            }
        }
    }

    /// λ of the networks to choose from; empty for any λ.
    fn stops(&self) -> &[Lambda] {
        match self {
            Self::Any(_) => &[],
            Self::Lane { lambdas, .. } => lambdas,
        }
    }

    /// Chooses `value`, or the network with the nearest λ unless the chosen one is as near. NaN
    /// changes nothing.
    fn set(&mut self, value: f64) {
        let value = value.clamp(0.0, 1.0);
        match self {
            Self::Any(lambda) => {
                // Rounded, so that training uses what the label shows.
                if let Ok(new) = Lambda::new((value * 100.0).round() / 100.0) {
                    *lambda = new;
                }
            }
            Self::Lane { lambdas, index } => {
                let distance = |index: usize| {
                    lambdas
                        .get(index)
                        .map(|other| (other.value() - value).abs())
                };
                let nearest = (0..lambdas.len())
                    .filter_map(|index| Some((index, distance(index)?)))
                    .min_by(|a, b| a.1.total_cmp(&b.1));
                if let Some((nearest, nearest_distance)) = nearest
                    && distance(*index).is_none_or(|current| nearest_distance < current)
                {
                    *index = nearest;
                }
            }
        }
    }

    /// Moves by `fine` hundredths and `coarse` tenths, or by as many networks.
    fn step(&mut self, fine: f64, coarse: f64) {
        match self {
            Self::Any(lambda) => {
                let target = (lambda.value() * 100.0).round() + fine + 10.0 * coarse;
                self.set(target / 100.0);
            }
            Self::Lane { lambdas, index } => {
                let last = lambdas.len().saturating_sub(1) as f64;
                *index = (*index as f64 + fine + coarse).clamp(0.0, last) as usize;
            }
        }
    }

    fn go_to_end(&mut self, end: Lambda) {
        match self {
            Self::Any(lambda) => *lambda = end,
            Self::Lane { index, .. } if end == Lambda::CLASSIFIER => *index = 0,
            Self::Lane { lambdas, index } => *index = lambdas.len().saturating_sub(1),
        }
    }
}

/// Shows a large slider over [0, 1], blue at λ = 0 (classifier) and orange at 1 (autoencoder).
///
/// Dragging or clicking sets λ.
pub fn lambda_slider(ui: &mut Ui, choice: &mut LambdaChoice) -> Response {
    let size = vec2(ui.available_width(), HEIGHT);
    let (rect, mut response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let rail = Rect::from_x_y_ranges(
        (rect.left() + HANDLE)..=(rect.right() - HANDLE),
        (rect.top() + HANDLE - RAIL / 2.0)..=(rect.top() + HANDLE + RAIL / 2.0),
    );
    let before = choice.lambda();

    if response.clicked() || response.drag_started() {
        response.request_focus();
    }
    if let Some(pointer) = response.interact_pointer_pos() {
        choice.set(f64::from((pointer.x - rail.left()) / rail.width()));
    }
    // The window moves λ by keys, whatever has the focus.
    keymap::declare(&response, KeyUse::Nothing);
    handle_accessibility_requests(ui, &response, choice);

    let lambda = choice.lambda();
    if lambda != before {
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), lambda.value(), LABEL));
    if ui.is_rect_visible(rect) {
        paint(ui, &response, rail, lambda, choice.stops());
    }
    response
}

/// Moves λ by the left and right arrow keys (0.01, with Shift 0.1, or from network to network) and
/// by Home and End (to the ends) pressed in this frame, and consumes them; returns whether there
/// were any.
pub fn step_by_keys(ui: &Ui, choice: &mut LambdaChoice) -> bool {
    ui.input_mut(|input| {
        // With Alt they turn the cloud.
        if input.modifiers.alt {
            return false;
        }
        let mut presses = |modifiers| {
            let right = input.count_and_consume_key(modifiers, Key::ArrowRight);
            let left = input.count_and_consume_key(modifiers, Key::ArrowLeft);
            right as f64 - left as f64
        };
        let (coarse, fine) = (presses(Modifiers::SHIFT), presses(Modifiers::NONE));
        if fine != 0.0 || coarse != 0.0 {
            choice.step(fine, coarse);
        }
        let home = input.consume_key(Modifiers::NONE, Key::Home);
        let end = input.consume_key(Modifiers::NONE, Key::End);
        if home {
            choice.go_to_end(Lambda::CLASSIFIER);
        }
        if end {
            choice.go_to_end(Lambda::AUTOENCODER);
        }
        home || end || fine != 0.0 || coarse != 0.0
    })
}

fn handle_accessibility_requests(ui: &Ui, response: &Response, choice: &mut LambdaChoice) {
    ui.input(|input| {
        for request in input.accesskit_action_requests(response.id, accesskit::Action::SetValue) {
            if let Some(accesskit::ActionData::NumericValue(value)) = request.data {
                choice.set(value);
            }
        }
        let requests = |action| input.num_accesskit_action_requests(response.id, action) as f64;
        let steps = requests(accesskit::Action::Increment) - requests(accesskit::Action::Decrement);
        if steps != 0.0 {
            choice.step(steps, 0.0);
        }
    });
    let value = choice.lambda().value();
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(1.0);
        node.set_numeric_value_step(0.01);
        node.add_action(accesskit::Action::SetValue);
        if value < 1.0 {
            node.add_action(accesskit::Action::Increment);
        }
        if value > 0.0 {
            node.add_action(accesskit::Action::Decrement);
        }
    });
}

fn paint(ui: &Ui, response: &Response, rail: Rect, lambda: Lambda, stops: &[Lambda]) {
    let visuals = ui.visuals();
    let painter = ui.painter();
    let (blue, orange) = (
        theme::classification(visuals),
        theme::reconstruction(visuals),
    );
    let x = |value: f32| egui::lerp(rail.x_range(), value);

    painter.add(gradient(rail, blue, orange));
    for (end, colour) in [(rail.left_center(), blue), (rail.right_center(), orange)] {
        painter.circle_filled(end, RAIL / 2.0, colour);
    }
    for tenth in 0..=10u8 {
        let value = f32::from(tenth) / 10.0;
        let major = tenth % 5 == 0;
        let top = rail.bottom() + 7.0;
        let length = if major { 6.0 } else { 3.5 };
        let stroke = Stroke::new(1.0, visuals.weak_text_color());
        painter.vline(x(value), Rangef::new(top, top + length), stroke);
        if major {
            painter.text(
                pos2(x(value), top + length + 1.0),
                Align2::CENTER_TOP,
                ["0", "0.5", "1"][usize::from(tenth / 5)],
                FontId::proportional(11.0),
                visuals.weak_text_color(),
            );
        }
    }

    for stop in stops {
        let centre = pos2(x(stop.value() as f32), rail.center().y);
        let outline = Stroke::new(1.0, visuals.panel_fill);
        painter.circle(centre, 3.5, visuals.strong_text_color(), outline);
    }
    let value = lambda.value() as f32;
    let centre = pos2(x(value), rail.center().y);
    let style = ui.style().interact(response);
    let radius = HANDLE - 2.0 + style.expansion;
    painter.circle(
        centre,
        radius,
        blue.lerp_to_gamma(orange, value),
        Stroke::new(2.5, visuals.strong_text_color()),
    );
    if response.has_focus() {
        painter.rect_stroke(
            rail.expand2(vec2(HANDLE, HANDLE - RAIL / 2.0)),
            CornerRadius::same(6),
            visuals.selection.stroke,
            StrokeKind::Inside,
        );
    }
}

/// A rectangle with a horizontal gradient.
fn gradient(rect: Rect, left: Color32, right: Color32) -> Shape {
    let mut mesh = Mesh::default();
    let mut corner = |pos: Pos2, colour| mesh.colored_vertex(pos, colour);
    corner(rect.left_top(), left);
    corner(rect.left_bottom(), left);
    corner(rect.right_top(), right);
    corner(rect.right_bottom(), right);
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(1, 2, 3);
    Shape::mesh(mesh)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lambda(value: f64) -> Lambda {
        Lambda::new(value).unwrap()
    }

    #[test]
    fn networks_are_chosen_by_value_and_by_step() {
        // Two seeds for each λ.
        let lambdas = [0.0, 0.0, 0.25, 0.25, 1.0, 1.0].map(lambda).to_vec();
        let mut choice = LambdaChoice::Lane { lambdas, index: 3 };
        let mut after = |act: &dyn Fn(&mut LambdaChoice)| {
            act(&mut choice);
            match &choice {
                LambdaChoice::Lane { index, .. } => *index,
                LambdaChoice::Any(_) => panic!("{choice:?}"),
            }
        };
        assert_eq!(after(&|c| c.set(0.3)), 3, "as near as another");
        assert_eq!(after(&|c| c.set(0.9)), 4);
        assert_eq!(after(&|c| c.set(f64::NAN)), 4);
        assert_eq!(after(&|c| c.step(-1.0, 0.0)), 3);
        assert_eq!(after(&|c| c.step(0.0, -1.0)), 2);
        assert_eq!(after(&|c| c.step(-9.0, 0.0)), 0);
        assert_eq!(after(&|c| c.go_to_end(Lambda::AUTOENCODER)), 5);
        assert_eq!(after(&|c| c.step(1.0, 0.0)), 5);
        let mut none = LambdaChoice::Lane {
            lambdas: Vec::new(),
            index: 7,
        };
        none.set(0.5);
        none.step(1.0, 0.0);
        assert_eq!(none.lambda(), Lambda::BALANCED);
    }

    #[test]
    fn any_lambda_moves_by_hundredths() {
        let mut choice = LambdaChoice::Any(lambda(0.5));
        choice.step(1.0, 0.0);
        choice.step(0.0, -1.0);
        assert_eq!(choice.lambda(), lambda(0.41));
        choice.set(-3.0);
        assert_eq!(choice.lambda(), Lambda::CLASSIFIER);
        choice.set(f64::NAN);
        assert_eq!(choice.lambda(), Lambda::CLASSIFIER);
    }
}

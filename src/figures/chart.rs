//! A chart's frame: axes with names, numbers and a pale grid.

use std::ops::Range;

use plotters::{
    chart::ChartBuilder,
    coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged},
};

use super::{
    axes::{number, thinned},
    backend::{DrawError, Page, text_width},
    marks::Marks,
    palette::Rgb,
    panels::{FAINT, INK, SMALL, Side},
    ticks::Ticks,
};

/// An axis with everything that stands at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// From its one end to the other.
    pub range: Range<f64>,
    /// Where it has a mark, and what is written there.
    pub ticks: Vec<(f64, String)>,
    /// Its name and unit.
    pub name: String,
    /// Colour of words and numbers.
    pub colour: Rgb,
}

impl Axis {
    /// An axis with round numbers.
    pub fn round(range: Range<f64>, name: &str, colour: Rgb) -> Self {
        let ticks = Ticks::between(range.start, range.end);
        let label = |value: &f64| (*value, ticks.label(*value));
        Self {
            ticks: ticks.values.iter().map(label).collect(),
            range,
            name: name.to_owned(),
            colour,
        }
    }

    /// An axis with these values alone, as far as there is room for them on `length` points.
    pub fn of_values(range: Range<f64>, values: &[f64], length: f64, name: &str) -> Self {
        let widths = values
            .iter()
            .map(|value| text_width(&number(*value), SMALL));
        let needed = widths.fold(0.0, f64::max) + 2.0;
        let shown = thinned(values, &range, length, needed);
        Self {
            ticks: shown.into_iter().map(|at| (at, number(at))).collect(),
            range,
            name: name.to_owned(),
            colour: INK,
        }
    }

    fn label(&self, value: f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| *at == value);
        tick.map_or_else(String::new, |(_, text)| text.clone())
    }

    /// Place for numbers and name beside an upright axis, in points.
    fn room(&self) -> f64 {
        let widths = self.ticks.iter().map(|(_, text)| text_width(text, SMALL));
        widths.fold(8.0, f64::max) + 16.0
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// Width of the plot itself on a page of `width` points.
pub fn plot_width(width: f64, left: &Axis, right: Option<&Axis>) -> f64 {
    width - left.room() - right.map_or(EDGE, Axis::room)
}

/// Room at the right of a chart without a right axis.
const EDGE: f64 = 6.0;

/// Draws a chart's frame, then its marks: with a pen for the left axis and one for the right
/// (without a right axis both are the left one's).
pub fn draw(
    page: &Page<'_>,
    below: &Axis,
    left: &Axis,
    right: Option<&Axis>,
    marks: impl FnOnce(&Marks<'_, '_>, &Marks<'_, '_>) -> Result<(), DrawError>,
) -> Result<(), DrawError> {
    let mut builder = ChartBuilder::on(&page.area);
    builder
        .margin_top(page.units(3.0))
        .x_label_area_size(page.units(24.0))
        .y_label_area_size(page.units(left.room()));
    match right {
        Some(right) => builder.right_y_label_area_size(page.units(right.room())),
        None => builder.margin_right(page.units(EDGE)),
    };
    let second = right.unwrap_or(left);
    let mut chart = builder
        .build_cartesian_2d(below.clone(), left.clone())?
        .set_secondary_coord(below.clone(), second.clone());
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(page.stroke(0.3, FAINT, 0.0))
        .bold_line_style(page.stroke(0.4, FAINT, 1.0))
        .axis_style(page.stroke(0.6, INK, 1.0))
        .set_all_tick_mark_size(page.units(2.0))
        .x_label_formatter(&|value| below.label(*value))
        .y_label_formatter(&|value| left.label(*value))
        .x_label_style(page.text(SMALL, below.colour))
        .y_label_style(page.text(SMALL, left.colour))
        .draw()?;
    if let Some(right) = right {
        chart
            .configure_secondary_axes()
            .axis_style(page.stroke(0.6, INK, 1.0))
            .set_all_tick_mark_size(page.units(2.0))
            .y_label_formatter(&|value| right.label(*value))
            .label_style(page.text(SMALL, right.colour))
            .draw()?;
        Side::Right.name(page, &right.name, right.colour)?;
    }
    Side::Left.name(page, &left.name, left.colour)?;
    let plot = (left.room(), page.size().0 - right.map_or(EDGE, Axis::room));
    Side::Below {
        middle: f64::midpoint(plot.0, plot.1),
    }
    .name(page, &below.name, below.colour)?;

    let (first, second) = (chart.plotting_area(), chart.secondary_plotting_area());
    let on_the_left = |place| first.map_coordinate(&place);
    let on_the_right = |place| second.map_coordinate(&place);
    let screen = || first.use_screen_coord();
    let pen = |at| Marks {
        page,
        screen: screen(),
        at,
    };
    marks(&pen(&on_the_left), &pen(&on_the_right))
}

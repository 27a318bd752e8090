//! Charts: axes, ticks, grid lines, marks, panels.

mod axis;
mod jitter;
mod marks;
mod panels;
mod ticks;

use plotters::{chart::ChartBuilder, style::FontTransform};

pub use axis::{Axis, format_number, padded_range, remove_overlaps};
pub use jitter::jitter;
pub use marks::Marks;
pub use panels::{GAP, Grid, TITLE_HEIGHT, caption_height, draw_caption, draw_title};
pub use ticks::Ticks;

use super::{
    backend::{CENTRE, DrawResult, Page},
    palette::Rgb,
};

/// Colour of text and lines.
pub const INK: Rgb = [0x20; 3];
/// Colour of grid lines and frames.
pub const FAINT: Rgb = [0xdd; 3];
/// Font size of titles, in points.
pub const TITLE: f64 = 8.0;
/// Font size of the names of axes, in points.
pub const NAME: f64 = 7.0;
/// Font size of the labels of ticks and of captions, in points.
pub const SMALL: f64 = 6.5;

/// Names of axes, with their units.
pub const LAMBDA: &str = "λ (0: pure classifier, 1: pure autoencoder)";
pub const ACCURACY: &str = "Test accuracy (%)";
pub const MSE: &str = "Test MSE (pixels from −1 to 1)";

/// Space at the right of a chart without a right axis, in points.
const EDGE: f64 = 6.0;

/// Width of the plot itself on a page of `width` points.
pub fn plot_width(width: f64, left: &Axis, right: Option<&Axis>) -> f64 {
    width - left.label_width() - right.map_or(EDGE, Axis::label_width)
}

/// Draws a chart. `marks` draws its content, in the coordinates of the left and of the right axis;
/// both are those of the left axis where there is no right one.
pub fn draw(
    page: &Page<'_>,
    below: &Axis,
    left: &Axis,
    right: Option<&Axis>,
    marks: impl FnOnce(&Marks<'_, '_>, &Marks<'_, '_>) -> DrawResult,
) -> DrawResult {
    let (width, height) = page.size();
    // The middle of the plot is this far above that of the chart.
    let middle = height / 2.0 - 10.0;
    let mut builder = ChartBuilder::on(&page.area);
    builder
        .margin_top(page.units(3.0))
        .x_label_area_size(page.units(24.0))
        .y_label_area_size(page.units(left.label_width()));
    match right {
        Some(right) => builder.right_y_label_area_size(page.units(right.label_width())),
        None => builder.margin_right(page.units(EDGE)),
    };
    let second = right.unwrap_or(left);
    let mut chart = builder
        .build_cartesian_2d(below.clone(), left.clone())?
        .set_secondary_coord(below.clone(), second.clone());
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(page.line_style(0.3, FAINT, 0.0))
        .bold_line_style(page.line_style(0.4, FAINT, 1.0))
        .axis_style(page.line_style(0.6, INK, 1.0))
        .set_all_tick_mark_size(page.units(2.0))
        .x_label_formatter(&|value| below.label(*value))
        .y_label_formatter(&|value| left.label(*value))
        .x_label_style(page.text_style(SMALL, below.colour))
        .y_label_style(page.text_style(SMALL, left.colour))
        .draw()?;
    if let Some(right) = right {
        chart
            .configure_secondary_axes()
            .axis_style(page.line_style(0.6, INK, 1.0))
            .set_all_tick_mark_size(page.units(2.0))
            .y_label_formatter(&|value| right.label(*value))
            .label_style(page.text_style(SMALL, right.colour))
            .draw()?;
        draw_name(
            page,
            right,
            (width - NAME / 2.0, middle),
            FontTransform::Rotate90,
        )?;
    }
    draw_name(page, left, (NAME / 2.0, middle), FontTransform::Rotate270)?;
    let plot_end = width - right.map_or(EDGE, Axis::label_width);
    let middle = f64::midpoint(left.label_width(), plot_end);
    draw_name(
        page,
        below,
        (middle, height - NAME / 2.0 - 1.0),
        FontTransform::None,
    )?;

    let (first, second) = (chart.plotting_area(), chart.secondary_plotting_area());
    let on_left_axis = |point| first.map_coordinate(&point);
    let on_right_axis = |point| second.map_coordinate(&point);
    let marks_with = |to_units| Marks {
        page,
        area: first.use_screen_coord(),
        to_units,
    };
    marks(&marks_with(&on_left_axis), &marks_with(&on_right_axis))
}

/// Draws the name of an axis with its centre at `pos`, rotated where the axis is vertical.
fn draw_name(
    chart: &Page<'_>,
    axis: &Axis,
    pos: (f64, f64),
    rotation: FontTransform,
) -> DrawResult {
    let style = chart.text_style(NAME, axis.colour).transform(rotation);
    chart.draw_text(&axis.name, pos, &style, CENTRE)
}

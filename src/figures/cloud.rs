//! The latent cloud of one network.

use super::{
    NetworkState,
    backend::{DrawResult, Page},
    chart::{GAP, NAME, TITLE_HEIGHT, caption_height, draw_caption, draw_title},
    figure::{Figure, TWO_COLUMNS, Table, row},
    latent_plot::{LatentPlot, PlotStyle},
    legend::{LEGEND_ROWS, Legend},
};
use crate::train::Projection;

/// Width of the figure and height of the plot, in points.
const WIDTH: f64 = TWO_COLUMNS * 0.68;
const HEIGHT: f64 = 255.0;

/// All points of one cloud, coloured by class.
#[derive(Clone, Debug)]
pub struct LatentCloud<'a> {
    title: String,
    network: &'a NetworkState,
    legend: Legend,
    caption: String,
}

impl<'a> LatentCloud<'a> {
    /// The figure of a network; `None` if it has no points.
    pub fn new(title: &str, network: &'a NetworkState) -> Option<Self> {
        let record = &network.record;
        let count = record.eval_sample.points.len();
        let projection = match record.eval_sample.projection {
            Projection::Coordinates => String::new(),
            Projection::Pca { explained } => format!(
                " First three principal components: {:.0} % of the variance.",
                explained * 100.0
            ),
        };
        (count > 0).then(|| Self {
            title: title.to_owned(),
            network,
            legend: Legend::new(&record.class_names, WIDTH - 2.0 * GAP, NAME, LEGEND_ROWS),
            caption: format!(
                "{} of {count} test images, coloured by class.{projection}",
                network.latent_name()
            ),
        })
    }

    fn head_height(&self) -> f64 {
        TITLE_HEIGHT + self.legend.height() + GAP
    }
}

impl Figure for LatentCloud<'_> {
    fn size(&self) -> (f64, f64) {
        let caption = caption_height(&self.caption, WIDTH);
        (WIDTH, self.head_height() + HEIGHT + caption)
    }

    fn draw(&self, page: &Page<'_>) -> DrawResult {
        const STYLE: PlotStyle = PlotStyle {
            radius: 1.7,
            text: NAME,
            detailed: true,
        };
        draw_title(page, &self.title, (0.0, 0.0), WIDTH)?;
        self.legend.draw(page, (GAP, TITLE_HEIGHT))?;
        let plot = LatentPlot::new(&self.network.record);
        let body = page.part((0.0, self.head_height()), (WIDTH, HEIGHT));
        plot.draw(&body, &plot.limits(), STYLE)?;
        draw_caption(page, &self.caption, self.head_height() + HEIGHT)
    }

    fn table(&self) -> Table {
        let sample = &self.network.record.eval_sample;
        let classes = sample.labels.iter().zip(&sample.predicted);
        let rows = sample.points.iter().zip(classes);
        let rows = rows.map(|([x, y, z], (class, predicted))| row(&[class, predicted, x, y, z]));
        Table::new("class,predicted,x,y,z", rows.collect())
    }
}

//! The curves: recall to the right, queries a second upwards on a logarithmic scale.

use super::Report;
use crate::Failure;
use crate::contender::OURS;
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (960, 640);
/// Curves begin at the right of this recall.
const FROM: f64 = 0.80;
/// Colours that people who see few can tell apart (Okabe and Ito, then Tol), ours first.
const COLOURS: [RGBColor; 10] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(120, 120, 120),
    RGBColor(0, 0, 0),
    RGBColor(136, 34, 85),
    RGBColor(153, 153, 51),
];

pub(super) fn draw(report: &Report, path: &Path) -> Result<(), Failure> {
    let points = report.contenders.iter().flat_map(|contender| &contender.points);
    let rates: Vec<f64> = points.filter(|p| p.recall >= FROM).map(|point| point.per_s).collect();
    let low = rates.iter().copied().fold(f64::INFINITY, f64::min).min(100.0);
    let high = rates.iter().copied().fold(low * 10.0, f64::max);

    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let setup = &report.setup;
    let title = format!(
        "{} vectors of {} components, recall@{}, {} thread(s)",
        setup.count, setup.dimension, setup.k, setup.threads
    );
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(76)
        .build_cartesian_2d(FROM..1.0, (low * 0.8..high * 1.25).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(format!("recall@{}", setup.k))
        .y_label_formatter(&|per_s| format!("{per_s:.0}"))
        .y_desc(format!("queries per {}", setup.per_s))
        .label_style(("sans-serif", 14))
        .light_line_style(BLACK.mix(0.05))
        .draw()?;
    for (at, contender) in report.contenders.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let is_ours = contender.name == OURS;
        let width = if is_ours { 4 } else { 2 };
        let style = colour.stroke_width(width);
        let shown = contender.points.iter().filter(|point| point.recall >= FROM);
        let shown: Vec<_> = shown.map(|point| (point.recall, point.per_s)).collect();
        let dots = shown.clone().into_iter();
        chart
            .draw_series(LineSeries::new(shown, style))?
            .label(contender.name.as_str())
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 22, y)], style));
        chart.draw_series(dots.map(|dot| Circle::new(dot, width + 1, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", 14))
        .draw()?;
    root.present()?;
    Ok(())
}

//! The chart: what each mode gives for what it costs, and how a shift goes.

use std::fmt::Display;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::cli::CliError;
use crate::cli::simulate::report::{Report, name};

const SIZE: (u32, u32) = (1_240, 600);
const TITLE_HEIGHT: i32 = 20;
/// Of the left half.
const LEFT: i32 = 560;
const FONT: &str = "sans-serif";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The chart as an SVG document.
pub fn draw(report: &Report) -> Result<String, CliError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let root = root
            .titled(&report.title(), (FONT, TITLE_HEIGHT))
            .map_err(failed)?;
        let (left, right) = root.split_horizontally(LEFT);
        trade_off(report, &left)?;
        over_time(report, &right)?;
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

fn failed(error: impl Display) -> CliError {
    CliError::Refused(format!("can't draw the chart: {error}"))
}

/// One for each mode; none is near the limit's red.
const COLOURS: [RGBColor; 12] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(51, 51, 51),
    RGBColor(86, 180, 233),
    RGBColor(127, 79, 36),
    RGBColor(117, 80, 170),
    RGBColor(102, 166, 30),
    RGBColor(150, 150, 150),
    RGBColor(0, 70, 110),
    RGBColor(170, 140, 60),
];

fn colour(mode: usize) -> RGBColor {
    COLOURS[mode % COLOURS.len()]
}

/// Talk share against abandon rate, a point for each mode and a small one for each shift.
fn trade_off(report: &Report, area: &Area<'_>) -> Result<(), CliError> {
    let limit = report.limit() * 100.0;
    let runs = || report.rows.iter().flat_map(|row| &row.runs);
    let highest = runs().map(|run| run.abandon_rate() * 100.0);
    let top = highest.fold(limit, f64::max) * 1.15;
    let lowest = runs().map(|run| run.talk_share() * 10.0);
    let from = (lowest.fold(10.0, f64::min) - 0.2).floor().max(0.0) * 10.0;
    let mut chart = ChartBuilder::on(area)
        .caption("Busy agents against abandoned calls", (FONT, 16))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(54)
        .build_cartesian_2d(from..100.0, 0.0..top)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_desc("talk share (% of the time logged in)")
        .y_desc("abandoned (% of the calls answered by a person)")
        .label_style((FONT, 13))
        .max_light_lines(1)
        .draw()
        .map_err(failed)?;
    let line = PathElement::new(vec![(from, limit), (100.0, limit)], RED.stroke_width(2));
    // Beside the line, not on it.
    let font = (FONT, 13).into_font().color(&RED);
    let text = EmptyElement::at((from, limit)) + Text::new(format!("limit {limit}%"), (6, 6), font);
    chart.draw_series([line]).map_err(failed)?;
    chart.draw_series([text]).map_err(failed)?;
    for (n, row) in report.rows.iter().enumerate() {
        let colour = colour(n);
        let point = |share: f64, rate: f64| (share * 100.0, rate * 100.0);
        let small = row.runs.iter().map(|run| {
            let at = point(run.talk_share(), run.abandon_rate());
            Circle::new(at, 3, colour.stroke_width(1))
        });
        chart.draw_series(small).map_err(failed)?;
        let at = point(row.all.talk_share(), row.all.abandon_rate());
        let large = Circle::new(at, 7, colour.filled());
        chart.draw_series([large]).map_err(failed)?;
    }
    Ok(())
}

/// The talk share of each quarter of an hour, a line for each mode.
fn over_time(report: &Report, area: &Area<'_>) -> Result<(), CliError> {
    let hours = report.task.hours;
    let mut chart = ChartBuilder::on(area)
        .caption(
            "Talk share over the shift, by quarters of an hour",
            (FONT, 16),
        )
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(54)
        .build_cartesian_2d(0.0..hours, 0.0..100.0)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_desc("time since the shift began (h)")
        .y_desc("talk share (%)")
        .label_style((FONT, 13))
        .max_light_lines(1)
        .draw()
        .map_err(failed)?;
    for (n, row) in report.rows.iter().enumerate() {
        let colour = colour(n);
        let middles = (0..).map(|quarter| (f64::from(quarter) + 0.5) / 4.0);
        let shares = row.all.quarters.iter().map(|q| q.talk_share() * 100.0);
        let points: Vec<(f64, f64)> = middles
            .zip(shares)
            .map(|(at, share)| (at.min(hours), share))
            .collect();
        chart
            .draw_series([PathElement::new(points, colour.stroke_width(2))])
            .map_err(failed)?
            .label(name(row.mode))
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], colour.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK)
        .label_font((FONT, 13))
        .draw()
        .map_err(failed)
}

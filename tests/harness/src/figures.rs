//! Figures for people and for files: percentiles, tables, JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The value below which `percent` of the values lie; 0 for none.
#[must_use]
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let mut place = 0;
    // The nearest rank, found by counting: no float has to become an index.
    while place < last && count(place + 1) < percent / 100.0 * count(sorted.len()) {
        place += 1;
    }
    sorted[place]
}

/// The middle value; 0 for none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// A count as a number to divide by.
#[must_use]
pub fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::from(u32::MAX), f64::from)
}

/// `numerator / denominator`, 0 where there is nothing to divide by.
#[must_use]
pub fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 {
        0.0
    } else {
        numerator / denominator
    }
}

/// Rounded, for files that people read.
#[must_use]
pub fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

/// Writes JSON, with folders.
///
/// # Errors
/// It can't be written.
pub fn write_json(path: &Path, value: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let text = serde_json::to_string_pretty(value).context("writing JSON")?;
    fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
}

/// One measurement of a benchmark.
#[derive(Clone, Debug)]
pub struct Measure {
    /// What was measured.
    pub what: String,
    /// Unit.
    pub unit: String,
    /// Each run.
    pub runs: Vec<f64>,
    /// What it is compared with, and that one's runs.
    pub baseline: Option<(String, Vec<f64>)>,
}

impl Measure {
    /// Median over the runs.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.runs)
    }

    /// How it stands to its baseline. Where both were run in turn, the median of the ratios of
    /// neighbours: what slows the machine down for a minute slows both of them.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let (_, base) = self.baseline.as_ref()?;
        if base.len() == self.runs.len() {
            let pairs = self.runs.iter().zip(base);
            let ratios: Vec<f64> = pairs.map(|(run, base)| ratio(*run, *base)).collect();
            Some(median(&ratios))
        } else {
            Some(ratio(self.median(), median(base)))
        }
    }

    /// As it is written to `target/bench/NAME.json`.
    #[must_use]
    pub fn json(&self) -> Value {
        let lowest = self.runs.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = self.runs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        json!({
            "what": self.what,
            "unit": self.unit,
            "runs": self.runs.iter().map(|run| rounded(*run, 6)).collect::<Vec<_>>(),
            "median": rounded(self.median(), 6),
            "spread": if self.runs.is_empty() { 0.0 } else { rounded(highest - lowest, 6) },
            "baseline": self.baseline.as_ref().map(|(name, _)| name),
            "ratio": self.ratio().map(|ratio| rounded(ratio, 4)),
        })
    }
}

/// Prints measurements as a table and writes them to `target/bench/NAME.json`.
///
/// # Errors
/// The file can't be written.
pub fn report(target: &Path, name: &str, measures: &[Measure]) -> Result<()> {
    println!(
        "{:<52} {:>12} {:>10}  {:<8} ratio",
        "what", "median", "spread", "unit"
    );
    for measure in measures {
        let value = measure.json();
        let ratio = value["ratio"]
            .as_f64()
            .map(|r| format!("{r:.3}"))
            .unwrap_or_default();
        println!(
            "{:<52} {:>12.3} {:>10.3}  {:<8} {ratio}",
            measure.what,
            measure.median(),
            value["spread"].as_f64().unwrap_or_default(),
            measure.unit
        );
    }
    let path = target.join("bench").join(format!("{name}.json"));
    write_json(&path, &measures.iter().map(Measure::json).collect())?;
    println!("written to {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_in_turn_are_compared_with_their_neighbours() {
        let mut measure = Measure {
            what: "a".into(),
            unit: "ms".into(),
            runs: vec![11.0, 22.0, 30.0],
            baseline: Some(("b".into(), vec![10.0, 20.0, 30.0])),
        };
        assert_eq!(measure.ratio(), Some(1.1));
        measure.baseline = Some(("b".into(), vec![20.0, 20.0]));
        assert_eq!(measure.ratio(), Some(1.1));
        measure.baseline = None;
        assert_eq!(measure.ratio(), None);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&values, 50.0), 50.0);
        assert_eq!(percentile(&values, 99.0), 99.0);
        assert_eq!(percentile(&[7.0], 99.0), 7.0);
        assert_eq!(percentile(&[], 50.0), 0.0);
    }
}

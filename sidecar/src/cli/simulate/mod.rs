//! `outdial simulate`: a team at work by one mode and another, on a model of callees and agents
//! that drives the engine itself.

mod chart;
mod like;
mod options;
mod report;
mod settings;
mod work;

use std::path::Path;

use crate::cli::{CliError, Context};

pub use options::Simulate;
use report::Report;

/// Works the shifts, writes the chart, prints the table.
pub fn run(options: &Simulate, context: &Context) -> Result<(), CliError> {
    // Before the work, not after it.
    if options.svg.exists() && !options.force {
        return Err(exists(&options.svg));
    }
    let task = options.task(context)?;
    let rows = work::work(&task, context.json)?;
    let report = Report { task, rows };
    let svg = chart::draw(&report)?;
    write(&options.svg, &svg, options.force)?;
    if context.json {
        println!("{:#}", report.json(&options.svg));
    } else {
        report.print(&options.svg);
    }
    Ok(())
}

fn exists(path: &Path) -> CliError {
    CliError::Refused(format!(
        "{} exists already: --force replaces it, --svg FILE writes another",
        path.display()
    ))
}

fn write(path: &Path, svg: &str, force: bool) -> Result<(), CliError> {
    use std::io::Write;

    let mut open = std::fs::File::options();
    open.write(true);
    match force {
        true => open.create(true).truncate(true),
        false => open.create_new(true),
    };
    let cant_write = |error| CliError::File(format!("can't write {}", path.display()), error);
    let mut file = open.open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            exists(path)
        } else {
            cant_write(error)
        }
    })?;
    file.write_all(svg.as_bytes()).map_err(cant_write)
}

//! `outdial config`.

use clap::Subcommand;
use serde_json::json;

use crate::cli::{CliError, Context, table};

#[derive(Subcommand)]
pub enum Command {
    /// Print every setting and where it comes from; secrets are masked
    #[command(after_help = "Example:\n  outdial config show")]
    Show,
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Show => {
            let rows = context.settings.shown.iter();
            let rows = rows.map(|(name, value, source)| json!({ "name": name, "value": value, "source": source.to_string() }));
            let columns = [
                ("setting", "name"),
                ("value", "value"),
                ("source", "source"),
            ];
            table::show(context.json, &columns, rows.collect());
            Ok(())
        }
    }
}

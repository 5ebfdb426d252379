//! `outdial leads`.

use clap::Subcommand;

use crate::cli::{CliError, Context};

#[derive(Subcommand)]
pub enum Command {
    /// Import
    Import,
}

pub fn run(command: Command, _: &Context) -> Result<(), CliError> {
    match command {
        Command::Import => Ok(()),
    }
}

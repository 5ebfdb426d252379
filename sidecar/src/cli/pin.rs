//! A PIN comes from the terminal or from standard input, never from the command line: whoever lists the
//! processes of a machine sees that.

use std::io::{BufRead, Read};

use clap::Args;
use serde_json::Value;

use crate::cli::CliError;

/// No PIN is longer.
const MOST_BYTES: u64 = 64;

/// What becomes of an agent's PIN.
#[derive(Args)]
#[group(multiple = false)]
pub struct Change {
    /// Ask for the PIN that OutdialAgent asks the agent for; it is not shown
    #[arg(long)]
    pin: bool,
    /// Read it from standard input instead
    #[arg(long)]
    pin_stdin: bool,
    /// OutdialAgent asks the agent for no PIN any more
    #[arg(long)]
    no_pin: bool,
}

impl Change {
    /// The PIN, null for none any more, or nothing.
    ///
    /// # Errors
    /// There is no terminal, or what was written there twice is not the same.
    pub fn read(&self, name: &str) -> Result<Option<Value>, CliError> {
        Ok(if self.no_pin {
            Some(Value::Null)
        } else if self.pin_stdin {
            Some(from_stdin()?.into())
        } else if self.pin {
            Some(from_terminal(name)?.into())
        } else {
            None
        })
    }
}

/// The first line of standard input.
///
/// # Errors
/// It can't be read.
pub fn from_stdin() -> Result<String, CliError> {
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .take(MOST_BYTES)
        .read_line(&mut line);
    read.map_err(|error| CliError::File("standard input".into(), error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn from_terminal(name: &str) -> Result<String, CliError> {
    let ask = |what: &str| {
        rpassword::prompt_password(what)
            .map_err(|error| CliError::File("no terminal to ask on (--pin-stdin)".into(), error))
    };
    let pin = ask(&format!("PIN of {name}: "))?;
    if ask("Again: ")? != pin {
        return Err(CliError::Refused("these are not the same".into()));
    }
    Ok(pin)
}

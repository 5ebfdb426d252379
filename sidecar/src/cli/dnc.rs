//! `outdial dnc`.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

use crate::cli::client::{ask, get, path};
use crate::cli::{CliError, Context, table};

#[derive(Subcommand)]
pub enum Command {
    /// Put numbers on the list; leads in hand are revoked within a second
    #[command(
        after_help = "Examples:\n  outdial dnc add +5511987654321 --reason 'asked on the phone'\n  outdial dnc add '(11) 98765-4321' --country BR --campaign spring"
    )]
    Add {
        #[command(flatten)]
        which: Which,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// List the newest entries
    List,
    /// Take numbers off the list
    Remove {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
pub struct Which {
    /// Numbers, with + or together with --country
    #[arg(required = true)]
    numbers: Vec<String>,
    /// For this campaign only
    #[arg(long)]
    campaign: Option<String>,
    /// Country of numbers without +, such as BR
    #[arg(long)]
    country: Option<String>,
}

impl Which {
    fn body(&self, reason: Option<&str>) -> Value {
        json!({
            "numbers": self.numbers, "campaign": self.campaign, "country": self.country, "reason": reason,
        })
    }
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add { which, reason } => {
            let body = which.body(reason.as_deref());
            let answer = ask(context, Method::POST, &path(&["dnc"]), Some(body))?;
            println!(
                "{} of {} numbers added",
                table::text(&answer["added"]),
                which.numbers.len()
            );
        }
        Command::List => {
            let columns = [
                ("number", "number"),
                ("campaign", "campaign"),
                ("reason", "reason"),
                ("added", "added_at"),
            ];
            table::show(context.json, &columns, get(context, &path(&["dnc"]))?);
        }
        Command::Remove { which } => {
            let answer = ask(
                context,
                Method::DELETE,
                &path(&["dnc"]),
                Some(which.body(None)),
            )?;
            println!(
                "{} of {} numbers removed",
                table::text(&answer["removed"]),
                which.numbers.len()
            );
        }
    }
    Ok(())
}

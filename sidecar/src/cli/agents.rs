//! `outdial agents`.

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use crate::cli::client::{ask, get, path};
use crate::cli::{CliError, Context, table};

#[derive(Subcommand)]
pub enum Command {
    /// Add agents, or give existing ones further campaigns
    #[command(after_help = "Example:\n  outdial agents add ana bruno --campaign spring")]
    Add {
        /// Names, as OutdialAgent() in the dialplan says them
        #[arg(required = true)]
        names: Vec<String>,
        /// Campaign whose calls they take; may be given several times
        #[arg(long = "campaign", value_name = "NAME")]
        campaigns: Vec<String>,
    },
    /// List agents
    List,
    /// Remove an agent
    Remove {
        /// Name
        name: String,
    },
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add { names, campaigns } => {
            let body = json!({ "names": names, "campaigns": campaigns });
            ask(context, Method::POST, &path(&["agents"]), Some(body))?;
            println!("{} agents added", names.len());
        }
        Command::List => {
            let columns = [("name", "name"), ("campaigns", "campaigns")];
            table::show(context.json, &columns, get(context, &path(&["agents"]))?);
        }
        Command::Remove { name } => {
            ask(context, Method::DELETE, &path(&["agents", &name]), None)?;
            println!("agent {name:?} removed");
        }
    }
    Ok(())
}

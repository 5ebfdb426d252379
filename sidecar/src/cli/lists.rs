//! `outdial lists`.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Map, Value, json};

use crate::cli::client::{ask, encode, get, path};
use crate::cli::{CliError, Context, table};

#[derive(Subcommand)]
pub enum Command {
    /// List the lists, with their leads
    #[command(after_help = "Example:\n  outdial lists list --campaign spring")]
    List {
        /// Of this campaign only
        #[arg(long)]
        campaign: Option<String>,
    },
    /// Change a list's weight or priority
    #[command(
        after_help = "Lists of a higher priority are dialed first. Lists of equal priority take turns by weight: with 3 and 1,\n\
        three leads of the one for each lead of the other.\n\n\
        Examples:\n  outdial lists set leads --campaign spring --weight 3\n  \
        outdial lists set vip --campaign spring --priority 10"
    )]
    Set {
        /// List; an import names it after the file
        name: String,
        /// Its campaign
        #[arg(long)]
        campaign: String,
        /// Share among the campaign's lists of equal priority, 1 to 1000 [default: 1]
        #[arg(long)]
        weight: Option<i32>,
        /// Higher first, -100 to 100; added to the leads' own [default: 0]
        #[arg(long, allow_hyphen_values = true)]
        priority: Option<i32>,
    },
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List { campaign } => {
            let columns = [
                ("list", "name"),
                ("campaign", "campaign"),
                ("priority", "priority"),
                ("weight", "weight"),
                ("leads", "leads"),
                ("ready", "ready"),
                ("done", "done"),
            ];
            let of = in_campaign(campaign.as_deref());
            let lists = get(context, &format!("{}{of}", path(&["lists"])))?;
            table::show(context.json, &columns, lists);
        }
        Command::Set {
            name,
            campaign,
            weight,
            priority,
        } => {
            let mut body = Map::new();
            for (key, value) in [("weight", weight), ("priority", priority)] {
                if let Some(value) = value {
                    body.insert(key.into(), json!(value));
                }
            }
            if body.is_empty() {
                return Err(CliError::Refused(
                    "nothing to change: give --weight or --priority".into(),
                ));
            }
            let path = path(&["lists", &campaign, &name]);
            ask(context, Method::PATCH, &path, Some(Value::Object(body)))?;
            println!("list {name:?} of campaign {campaign:?} changed");
        }
    }
    Ok(())
}

/// The part of a path that names a campaign.
pub fn in_campaign(campaign: Option<&str>) -> String {
    campaign.map_or_else(String::new, |name| format!("?campaign={}", encode(name)))
}

//! `outdial routes`.

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use crate::cli::client::{ask, get, path};
use crate::cli::{CliError, Context, table};

#[derive(Subcommand)]
pub enum Command {
    /// Add a route; the longest matching prefix wins, then the lower priority, then the weight
    #[command(
        after_help = "Examples:\n  outdial routes add --trunk carrier\n  outdial routes add --trunk backup --priority 2\n  outdial routes add --trunk brazil --prefix 55 --strip 2 --prepend 0"
    )]
    Add {
        /// Trunk
        #[arg(long)]
        trunk: String,
        /// Leading digits of the number; none matches every number
        #[arg(long, default_value = "")]
        prefix: String,
        /// For this campaign only
        #[arg(long)]
        campaign: Option<String>,
        /// Lower is tried first
        #[arg(long, default_value_t = 1)]
        priority: u32,
        /// Share among routes of equal prefix and priority
        #[arg(long, default_value_t = 1)]
        weight: u32,
        /// Leading digits taken off
        #[arg(long, default_value_t = 0)]
        strip: u32,
        /// Digits put in front
        #[arg(long, default_value = "")]
        prepend: String,
    },
    /// List routes in the order in which they are tried
    List,
    /// Remove a route
    Remove {
        /// Id, as listed
        id: u64,
    },
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add {
            trunk,
            prefix,
            campaign,
            priority,
            weight,
            strip,
            prepend,
        } => {
            let mut body = json!({
                "trunk": trunk, "prefix": prefix, "priority": priority, "weight": weight,
                "strip": strip, "prepend": prepend,
            });
            if let (Some(campaign), Some(body)) = (campaign, body.as_object_mut()) {
                body.insert("campaign".into(), json!(campaign));
            }
            let answer = ask(context, Method::POST, &path(&["routes"]), Some(body))?;
            println!("route {} added", table::text(&answer["id"]));
        }
        Command::List => {
            let columns = [
                ("id", "id"),
                ("prefix", "prefix"),
                ("trunk", "trunk"),
                ("campaign", "campaign"),
                ("priority", "priority"),
                ("weight", "weight"),
                ("strip", "strip"),
                ("prepend", "prepend"),
            ];
            table::show(context.json, &columns, get(context, &path(&["routes"]))?);
        }
        Command::Remove { id } => {
            ask(
                context,
                Method::DELETE,
                &path(&["routes", &id.to_string()]),
                None,
            )?;
            println!("route {id} removed");
        }
    }
    Ok(())
}

//! `outdial agents`.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

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
        /// Of the free agents those with the lowest rank get a call first [default: 0]
        #[arg(long)]
        rank: Option<u8>,
    },
    /// List agents
    List,
    /// Remove an agent
    Remove {
        /// Name
        name: String,
    },
    /// No more calls for an agent, once the one in hand is over
    #[command(after_help = "Example:\n  outdial agents pause ana --code lunch")]
    Pause {
        /// Name
        name: String,
        /// Why: one of your pause codes
        #[arg(long, default_value = "pause")]
        code: String,
    },
    /// Calls again
    Unpause {
        /// Name
        name: String,
    },
    /// End an agent's wrap-up
    Ready {
        /// Name
        name: String,
    },
    /// Say what came of an agent's call, the one in hand or the last one; ends its wrap-up
    #[command(after_help = "outdial dispositions list shows the codes.\n\n\
        Examples:\n  outdial agents dispose ana --code sale\n  \
        outdial agents dispose ana --code callback --callback-at 2026-12-01T15:00 --personal")]
    Dispose {
        /// Name
        name: String,
        /// Disposition
        #[arg(long)]
        code: String,
        /// When to call back, the lead's own time, with a code that is a callback
        #[arg(long, value_name = "TIME")]
        callback_at: Option<String>,
        /// This agent calls back, not anybody
        #[arg(long, requires = "callback_at")]
        personal: bool,
        /// What is worth knowing
        #[arg(long)]
        note: Option<String>,
        /// The attempt that is meant, if it is not the last one
        #[arg(long)]
        attempt: Option<u64>,
    },
    /// Log an agent off, once the call in hand is over
    LogOff {
        /// Name
        name: String,
        /// Drop the call in hand
        #[arg(long)]
        now: bool,
    },
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add {
            names,
            campaigns,
            rank,
        } => {
            let body = json!({ "names": names, "campaigns": campaigns, "rank": rank });
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
        Command::Pause { name, code } => {
            act(context, &name, "pause", json!({ "code": code }))?;
            println!("agent {name:?} takes no calls from now on, or once the one in hand is over");
        }
        Command::Unpause { name } => {
            act(context, &name, "unpause", json!({}))?;
            println!("agent {name:?} takes calls");
        }
        Command::Ready { name } => {
            act(context, &name, "ready", json!({}))?;
            println!("agent {name:?} is ready");
        }
        Command::Dispose {
            name,
            code,
            callback_at,
            personal,
            note,
            attempt,
        } => {
            let body = json!({
                "code": code, "callback_at": callback_at, "callback_personal": personal,
                "note": note, "attempt": attempt,
            });
            act(context, &name, "disposition", body)?;
            println!("the call of agent {name:?} is marked {code}");
        }
        Command::LogOff { name, now } => {
            act(context, &name, "log-off", json!({ "finish": !now }))?;
            println!("agent {name:?} is logged off, or will be once the call in hand is over");
        }
    }
    Ok(())
}

fn act(context: &Context, name: &str, what: &str, body: Value) -> Result<(), CliError> {
    let path = path(&["agents", name, what]);
    ask(context, Method::POST, &path, Some(body)).map(|_| ())
}

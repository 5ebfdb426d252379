//! `outdial dispositions`.

use clap::Subcommand;
use hyper::Method;
use serde_json::json;

use crate::cli::client::{ask, get, path};
use crate::cli::{CliError, Context, table};

#[derive(Subcommand)]
pub enum Command {
    /// List them
    List,
    /// Add one, or change the one of that code
    #[command(
        after_help = "Exactly one of --final, --callback and --retry-as says what becomes of the lead.\n\n\
        Examples:\n  outdial dispositions set sold_out --name 'Wants what we have no more of' --final\n  \
        outdial dispositions set gatekeeper --name 'Only the desk' --retry-as no_answer"
    )]
    Set {
        /// The word, as agents and reports use it: a-z 0-9 _
        code: String,
        /// For people
        #[arg(long)]
        name: String,
        /// The lead is over, and marked with the code
        #[arg(long = "final")]
        is_final: bool,
        /// The lead is called back when the agent says
        #[arg(long)]
        callback: bool,
        /// The lead is tried again by the rule of this outcome: machine, invalid, no_answer, ...
        #[arg(long, value_name = "OUTCOME")]
        retry_as: Option<String>,
        /// The number goes on the do-not-call list
        #[arg(long)]
        do_not_call: bool,
    },
    /// Remove one; calls that have it keep it
    Remove {
        /// Code
        code: String,
    },
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List => {
            let columns = [
                ("code", "code"),
                ("name", "name"),
                ("final", "final"),
                ("callback", "callback"),
                ("retry as", "retry_as"),
                ("do not call", "do_not_call"),
            ];
            let all = get(context, &path(&["dispositions"]))?;
            table::show(context.json, &columns, all);
        }
        Command::Set {
            code,
            name,
            is_final,
            callback,
            retry_as,
            do_not_call,
        } => {
            let body = json!({
                "name": name, "final": is_final, "callback": callback,
                "retry_as": retry_as.map(|outcome| outcome.replace('-', "_")),
                "do_not_call": do_not_call,
            });
            let path = path(&["dispositions", &code]);
            ask(context, Method::PUT, &path, Some(body))?;
            println!("disposition {code:?} is set");
        }
        Command::Remove { code } => {
            let path = path(&["dispositions", &code]);
            ask(context, Method::DELETE, &path, None)?;
            println!("disposition {code:?} removed");
        }
    }
    Ok(())
}

//! `outdial agents`.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Map, Value, json};

use crate::cli::client::{ask, get, path};
use crate::cli::{CliError, Context, pin, table};

#[derive(Subcommand)]
pub enum Command {
    /// Add agents, or give existing ones further campaigns
    #[command(
        after_help = "Examples:\n  outdial agents add ana bruno --campaign spring\n  \
                      outdial agents add carla --campaign spring --phone PJSIP/101"
    )]
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
        #[command(flatten)]
        fields: Fields,
        /// Read the PIN that OutdialAgent asks for from standard input; for one agent
        #[arg(long)]
        pin_stdin: bool,
    },
    /// Change an agent
    #[command(
        after_help = "Examples:\n  outdial agents set carla --phone PJSIP/102\n  \
                      outdial agents set ana --skill german=8 --skill vip=5\n  \
                      outdial agents set ana --pin"
    )]
    Set {
        /// Name
        name: String,
        #[command(flatten)]
        fields: Fields,
        /// The agent has no phone to ring any more, and calls OutdialAgent
        #[arg(long, conflicts_with = "phone")]
        no_phone: bool,
        /// The agent has no skills any more
        #[arg(long, conflicts_with = "skills")]
        no_skills: bool,
        #[command(flatten)]
        pin: pin::Change,
    },
    /// Let an agent say the PIN again who is locked after too many wrong ones
    Unlock {
        /// Name
        name: String,
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
    /// Log an agent in who has a phone: it is rung for each call
    LogIn {
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

#[derive(Args)]
pub struct Fields {
    /// Phone that is rung for each call, once the agent is logged in; without one the agent's
    /// channel waits in OutdialAgent
    #[arg(long, value_name = "TECHNOLOGY/ENDPOINT")]
    phone: Option<String>,
    /// The phone rings so long [default: 15000]; the campaign's connect limit may end it before
    #[arg(long, value_name = "MS")]
    ring_timeout_ms: Option<u32>,
    /// What the agent knows and how well, from 1 to 10; may be given several times, and replaces what
    /// was there. Leads that ask for the skill go to who has it, the best first
    #[arg(long = "skill", value_name = "NAME=LEVEL", value_parser = skill)]
    skills: Vec<(String, u8)>,
}

fn skill(text: &str) -> Result<(String, u8), String> {
    let read = |text: &str| {
        let (name, level) = text.split_once('=')?;
        let level = level
            .parse()
            .ok()
            .filter(|level| (1..=10).contains(level))?;
        (!name.is_empty()).then(|| (name.to_owned(), level))
    };
    read(text).ok_or_else(|| "write NAME=LEVEL with a level from 1 to 10, german=8".into())
}

impl Fields {
    fn body(&self) -> Map<String, Value> {
        let phone = self.phone.as_ref().map(|value| ("phone", json!(value)));
        let timeout = self.ring_timeout_ms;
        let timeout = timeout.map(|value| ("ring_timeout_ms", json!(value)));
        let all: Map<String, Value> = self
            .skills
            .iter()
            .map(|(name, level)| (name.clone(), json!(level)))
            .collect();
        let skills = (!all.is_empty()).then_some(("skills", Value::Object(all)));
        phone
            .into_iter()
            .chain(timeout)
            .chain(skills)
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add {
            names,
            campaigns,
            rank,
            fields,
            pin_stdin,
        } => {
            let mut body = fields.body();
            if pin_stdin {
                body.insert("pin".into(), pin::from_stdin()?.into());
            }
            body.insert("names".into(), json!(names));
            body.insert("campaigns".into(), json!(campaigns));
            body.insert("rank".into(), json!(rank));
            ask(context, Method::POST, &path(&["agents"]), Some(body.into()))?;
            println!("{} agents added", names.len());
        }
        Command::Set {
            name,
            fields,
            no_phone,
            no_skills,
            pin,
        } => {
            let mut body = fields.body();
            if let Some(pin) = pin.read(&name)? {
                body.insert("pin".into(), pin);
            }
            if no_phone {
                body.insert("phone".into(), Value::Null);
            }
            if no_skills {
                body.insert("skills".into(), json!({}));
            }
            let at = path(&["agents", &name]);
            ask(context, Method::PATCH, &at, Some(body.into()))?;
            println!("agent {name:?} changed");
        }
        Command::LogIn { name } => {
            act(context, &name, "log-in", json!({}))?;
            println!("agent {name:?} is logged in; the phone rings for each call");
        }
        Command::List => {
            let columns = [
                ("name", "name"),
                ("campaigns", "campaigns"),
                ("phone", "phone"),
                ("ring ms", "ring_timeout_ms"),
                ("skills", "skills"),
                ("pin", "pin"),
                ("locked until", "locked_until"),
            ];
            table::show(context.json, &columns, get(context, &path(&["agents"]))?);
        }
        Command::Unlock { name } => {
            let at = path(&["agents", &name, "unlock"]);
            let said = ask(context, Method::POST, &at, None)?;
            match said["was_locked"].as_bool() {
                Some(true) => println!("agent {name:?} may say the PIN again"),
                Some(false) | None => println!("agent {name:?} was not locked"),
            }
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

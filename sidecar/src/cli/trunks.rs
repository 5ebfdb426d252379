//! `outdial trunks`.

use bytes::Bytes;
use clap::{Args, Subcommand};
use http_body_util::{BodyExt, Empty};
use hyper::Method;
use serde_json::{Map, Value, json};

use crate::cli::client::{ask, block_on, encode, get, lines, path};
use crate::cli::{CliError, Context, table};

#[derive(Subcommand)]
pub enum Command {
    /// Add a trunk
    #[command(
        after_help = "Example:\n  outdial trunks add carrier --endpoint carrier --cps-limit 10 --max-channels 60\n  outdial routes add --trunk carrier"
    )]
    Add {
        /// Name
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change a trunk; it takes effect within a second
    #[command(after_help = "Example:\n  outdial trunks set carrier --cps-limit 5")]
    Set {
        /// Name
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// List trunks
    List,
    /// Show a trunk
    Show {
        /// Name
        name: String,
    },
    /// Remove a trunk and its routes
    Remove {
        /// Name
        name: String,
    },
    /// Place one call over a trunk, and show each answer of the carrier
    #[command(after_help = "Example:\n  outdial trunks test carrier +5511987654321")]
    Test {
        /// Name
        name: String,
        /// Number, with + or together with --country
        number: String,
        /// Number shown to the callee [default: the first one of any campaign]
        #[arg(long, value_name = "NUMBER")]
        caller_id: Option<String>,
        /// Country of a number without +, such as BR
        #[arg(long)]
        country: Option<String>,
    },
}

#[derive(Args)]
pub struct Fields {
    /// Name of the endpoint in the PBX
    #[arg(long)]
    endpoint: Option<String>,
    /// Channel technology [default: PJSIP]
    #[arg(long)]
    tech: Option<String>,
    /// New calls per second [default: 10]
    #[arg(long, value_name = "CPS")]
    cps_limit: Option<f64>,
    /// Calls that may start at once after a pause [default: 1]
    #[arg(long)]
    burst: Option<u32>,
    /// Calls at once [default: 100]
    #[arg(long)]
    max_channels: Option<u32>,
    /// Whether it may be used [default: true]
    #[arg(long)]
    enabled: Option<bool>,
}

impl Fields {
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let fields = [
            ("endpoint", self.endpoint.as_ref().map(|value| json!(value))),
            ("tech", self.tech.as_ref().map(|value| json!(value))),
            ("cps_limit", self.cps_limit.map(|value| json!(value))),
            ("burst", self.burst.map(|value| json!(value))),
            ("max_channels", self.max_channels.map(|value| json!(value))),
            ("enabled", self.enabled.map(|value| json!(value))),
        ];
        for (key, value) in fields {
            if let Some(value) = value {
                body.insert(key.to_owned(), value);
            }
        }
        body
    }
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add { name, fields } => {
            let mut body = fields.body();
            body.insert("name".into(), json!(name));
            body.entry("endpoint").or_insert_with(|| json!(name));
            ask(context, Method::POST, &path(&["trunks"]), Some(body.into()))?;
            println!(
                "trunk {name:?} added; a route sends calls there: outdial routes add --trunk '{name}'"
            );
        }
        Command::Set { name, fields } => {
            ask(
                context,
                Method::PATCH,
                &path(&["trunks", &name]),
                Some(fields.body().into()),
            )?;
            println!("trunk {name:?} changed");
        }
        Command::List => show(context, get(context, &path(&["trunks"]))?),
        Command::Show { name } => show(context, get(context, &path(&["trunks", &name]))?),
        Command::Remove { name } => {
            ask(context, Method::DELETE, &path(&["trunks", &name]), None)?;
            println!("trunk {name:?} removed");
        }
        Command::Test {
            name,
            number,
            caller_id,
            country,
        } => {
            let mut query = format!("?number={}", encode(&number));
            for (key, value) in [("caller_id", caller_id), ("country", country)] {
                if let Some(value) = value {
                    query.push_str(&format!("&{key}={}", encode(&value)));
                }
            }
            return test(
                context,
                &format!("{}{query}", path(&["trunks", &name, "test"])),
            );
        }
    }
    Ok(())
}

fn show(context: &Context, answer: Value) {
    let columns = [
        ("name", "name"),
        ("tech", "tech"),
        ("endpoint", "endpoint"),
        ("cps limit", "cps_limit"),
        ("burst", "burst"),
        ("channels", "max_channels"),
        ("enabled", "enabled"),
    ];
    table::show(context.json, &columns, answer);
}

fn test(context: &Context, path: &str) -> Result<(), CliError> {
    let body = Empty::<Bytes>::new()
        .map_err(|never| match never {})
        .boxed();
    let mut failed = None;
    let started = std::time::Instant::now();
    block_on(lines(context, path, "application/json", body, |line| {
        if context.json {
            println!("{line}");
        } else if let Some(step) = line.get("step") {
            let seconds = started.elapsed().as_secs_f64();
            let figure = |key: &str, name: &str| match line.get(key) {
                Some(value) if !value.is_null() => format!("  {name} {value}"),
                Some(_) | None => String::new(),
            };
            println!(
                "{seconds:7.2} s  {}{}{}",
                table::text(step),
                figure("sip", "SIP"),
                figure("q850", "Q.850 cause")
            );
        }
        if let Some(error) = line.get("error") {
            failed = Some(table::text(error));
        }
        Ok(())
    }))?;
    failed.map_or(Ok(()), |error| Err(CliError::Refused(error)))
}

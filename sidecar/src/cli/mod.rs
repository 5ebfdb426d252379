//! The command line: one thin file for each command.

mod agents;
mod campaign;
mod client;
mod config;
mod dispositions;
mod dnc;
mod doctor;
mod leads;
mod lists;
mod pin;
mod psql;
mod routes;
mod simulate;
mod status;
mod table;
mod trunks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::settings::{Flags, Settings, SettingsError};
use crate::{logging, serve};

/// An outbound dialer that lives inside the PBX.
#[derive(Parser)]
#[command(name = "outdial", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Settings that every command takes. Flags win over the environment, that wins over the file.
#[derive(Args)]
struct Options {
    /// Settings file [default: /etc/outdial/outdial.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
    /// Folder of the private PostgreSQL
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings")]
    data_dir: Option<String>,
    /// Folder of the sockets
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings")]
    run_dir: Option<String>,
    /// Address of health and status
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS:PORT",
        help_heading = "Settings"
    )]
    http: Option<String>,
    /// This node's name, as in outdial.conf
    #[arg(long, global = true, value_name = "NAME", help_heading = "Settings")]
    node: Option<String>,
    /// Group that may use the sockets
    #[arg(long, global = true, value_name = "GROUP", help_heading = "Settings")]
    socket_group: Option<String>,
    /// json, pretty or auto
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Settings")]
    log_format: Option<String>,
    /// trace, debug, info, warn or error
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Settings")]
    log_level: Option<String>,
    /// Print JSON
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
}

impl Options {
    fn flags(&self) -> Flags {
        let given = [
            ("data_dir", &self.data_dir),
            ("run_dir", &self.run_dir),
            ("http", &self.http),
            ("node", &self.node),
            ("socket_group", &self.socket_group),
            ("log_format", &self.log_format),
            ("log_level", &self.log_level),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }
}

#[derive(Subcommand)]
enum Command {
    /// Run the sidecar
    #[command(
        after_help = "Examples:\n  outdial serve\n  OUTDIAL_DATABASE_URL=postgresql://outdial@db/outdial outdial serve --node pbx1"
    )]
    Serve,
    /// Create, change, start, pause and stop campaigns
    #[command(subcommand)]
    Campaign(campaign::Command),
    /// Trunks: the PBX's endpoints towards carriers
    #[command(subcommand)]
    Trunks(trunks::Command),
    /// Routes: which trunk reaches which numbers
    #[command(subcommand)]
    Routes(routes::Command),
    /// Agents
    #[command(subcommand)]
    Agents(agents::Command),
    /// The do-not-call list
    #[command(subcommand)]
    Dnc(dnc::Command),
    /// Leads: import, callbacks
    #[command(subcommand)]
    Leads(leads::Command),
    /// Lists of leads: which comes first, and how they take turns
    #[command(subcommand)]
    Lists(lists::Command),
    /// Dispositions: what agents may say came of a call, and what becomes of the lead then
    #[command(subcommand)]
    Dispositions(dispositions::Command),
    /// What if: how busy agents would be, and how many calls abandoned, by mode and settings
    #[command(
        after_help = "Shifts are played through on a model of callees and agents, by the engine that dials in the PBX. Each starts\n\
        with an engine that has learned nothing yet. Nothing is called.\n\n\
        Examples:\n  outdial simulate --agents 20 --answer-rate 0.25 --hours 8\n  \
        outdial simulate --campaign spring.toml --agents 8 --talk 180 --mode predictive --mode power:2\n  \
        outdial simulate --like spring --agents 30 --svg spring.svg\n  \
        outdial simulate --json | jq '.modes[] | {mode, talk_share, abandon_rate}'"
    )]
    Simulate(Box<simulate::Simulate>),
    /// What is going on
    #[command(after_help = "Examples:\n  outdial status\n  outdial status --json | jq .campaigns")]
    Status,
    /// Check everything, and say how to mend what is wrong
    #[command(after_help = "Exit code 1 if anything is wrong.\n\nExample:\n  outdial doctor")]
    Doctor,
    /// Settings
    #[command(subcommand)]
    Config(config::Command),
    /// Open the database in psql
    #[command(
        after_help = "Examples:\n  outdial psql\n  outdial psql -c \"UPDATE trunk_config SET cps_limit = 5 WHERE name = 'carrier'\""
    )]
    Psql(psql::Psql),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Serve(#[from] serve::ServeError),
    #[error(
        "can't reach the sidecar at {path}: {error}. Is it running (outdial serve, or systemctl \
         start outdial), and is this user root or in the sockets' group?"
    )]
    NoSidecar {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{0}")]
    Refused(String),
    #[error("the connection to the sidecar broke: {0}")]
    Broken(String),
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// Everything has been said already.
    #[error("")]
    Silent,
}

/// What a command needs.
struct Context {
    settings: Settings,
    json: bool,
}

/// Reads the arguments and does what they say.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError::Silent) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("outdial: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    let settings = Settings::load(&cli.options.flags(), cli.options.config.as_deref())?;
    let context = Context {
        settings,
        json: cli.options.json,
    };
    match cli.command {
        Command::Serve => {
            logging::init(&context.settings);
            serve::run(&context.settings)
                .inspect_err(|error| tracing::error!(%error, "can't serve"))?;
            Ok(())
        }
        Command::Campaign(command) => campaign::run(command, &context),
        Command::Trunks(command) => trunks::run(command, &context),
        Command::Routes(command) => routes::run(command, &context),
        Command::Agents(command) => agents::run(command, &context),
        Command::Dnc(command) => dnc::run(command, &context),
        Command::Leads(command) => leads::run(command, &context),
        Command::Lists(command) => lists::run(command, &context),
        Command::Dispositions(command) => dispositions::run(command, &context),
        Command::Simulate(options) => simulate::run(&options, &context),
        Command::Status => status::run(&context),
        Command::Doctor => doctor::run(&context),
        Command::Config(command) => config::run(command, &context),
        Command::Psql(psql) => psql::run(&psql, &context),
    }
}

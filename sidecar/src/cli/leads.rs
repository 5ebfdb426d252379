//! `outdial leads`.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::{Args, Subcommand};
use http_body_util::{BodyExt, StreamBody};
use hyper::Method;
use hyper::body::Frame;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::cli::client::{Sent, ask, block_on, encode, get, lines, path};
use crate::cli::lists::in_campaign;
use crate::cli::{CliError, Context, table};
use crate::import::{Report, defused};

/// Bytes sent at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces read ahead of the socket.
const PIECES: usize = 4;

#[derive(Subcommand)]
pub enum Command {
    /// Import leads from a CSV file, all of it or nothing
    #[command(
        after_help = "The first line names the columns. Common words for phone, name, city and so on in English,\n\
        Portuguese and Spanish are understood; other columns are kept under their own name.\n\
        Rows that can't be taken go to FILE.rejects.csv with line and reason.\n\n\
        Examples:\n  outdial leads import leads.csv --campaign spring --country BR\n  \
        outdial leads import old.csv --campaign spring --country BR --map Rufnummer=phone --encoding latin1"
    )]
    Import(Import),
    /// Have a lead called back at a time, by anybody or by one agent
    #[command(
        after_help = "The time is the lead's own, or has an offset. One outside the campaign's hours is moved to their next\n\
        beginning. When it has come the lead goes before all others. A callback with an agent waits for the agent,\n\
        for as long as the campaign's --callback-hold-minutes say; then anybody has it.\n\n\
        Examples:\n  outdial leads callback 4711 --at 2026-12-01T15:00\n  \
        outdial leads callback +5511987654321 --at 2026-12-01T15:00-03:00 --agent ana --note 'about the offer'\n  \
        outdial leads callback 4711 --cancel"
    )]
    Callback {
        /// The lead's id, or one of its numbers with +
        lead: String,
        /// When
        #[arg(long, value_name = "TIME", required_unless_present = "cancel")]
        at: Option<String>,
        /// Agent who calls [default: whoever is free]
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
        /// What the one who calls should know
        #[arg(long)]
        note: Option<String>,
        /// The lead's campaign, if several have the number
        #[arg(long)]
        campaign: Option<String>,
        /// Take the callback back
        #[arg(long, conflicts_with_all = ["at", "agent", "note"])]
        cancel: bool,
    },
    /// List callbacks that are to come
    #[command(after_help = "Example:\n  outdial leads callbacks --campaign spring")]
    Callbacks {
        /// Of this campaign only
        #[arg(long)]
        campaign: Option<String>,
    },
}

#[derive(Args)]
pub struct Import {
    /// CSV file, UTF-8
    file: PathBuf,
    /// Campaign that gets the leads
    #[arg(long)]
    campaign: String,
    /// Country of numbers without +, such as BR
    #[arg(long)]
    country: Option<String>,
    /// List that the leads belong to; made if there is none [default: the file's name]
    #[arg(long)]
    list: Option<String>,
    /// What a column is: phone, time_zone, priority, owner (an agent who alone has the lead), skill
    /// (agents who have it are preferred), - (leave out), or a name for it
    #[arg(long, value_name = "HEADER=FIELD")]
    map: Vec<String>,
    /// Column with each lead's time zone, such as America/Sao_Paulo
    #[arg(long, value_name = "HEADER")]
    time_zone_column: Option<String>,
    /// Encoding, if it is not UTF-8: latin1, windows-1252, utf-16le, ...
    #[arg(long)]
    encoding: Option<String>,
    /// Delimiter, if it can't be guessed: a character, or tab
    #[arg(long)]
    delimiter: Option<String>,
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Import(import) => import.run(context),
        Command::Callback {
            lead,
            at,
            agent,
            note,
            campaign,
            cancel: _,
        } => {
            let of = in_campaign(campaign.as_deref());
            let path = format!("{}{of}", path(&["leads", &lead, "callback"]));
            let Some(at) = at else {
                let told = ask(context, Method::DELETE, &path, None)?;
                println!(
                    "callback of lead {} cancelled; the lead is {} now",
                    table::text(&told["lead"]),
                    table::text(&told["status"])
                );
                return Ok(());
            };
            let body = json!({ "at": at, "agent": agent, "note": note });
            let told = ask(context, Method::POST, &path, Some(body))?;
            let moved = match told["moved"].as_bool() {
                Some(true) => ", moved into the campaign's hours",
                Some(false) | None => "",
            };
            println!(
                "lead {} is called back at {} ({}){moved}",
                table::text(&told["lead"]),
                table::text(&told["at"]),
                table::text(&told["time_zone"]),
            );
            Ok(())
        }
        Command::Callbacks { campaign } => {
            let columns = [
                ("lead", "lead"),
                ("campaign", "campaign"),
                ("at", "at"),
                ("time zone", "time_zone"),
                ("agent", "agent"),
                ("tries", "tries"),
                ("status", "status"),
                ("note", "note"),
            ];
            let of = in_campaign(campaign.as_deref());
            let all = get(context, &format!("{}{of}", path(&["callbacks"])))?;
            table::show(context.json, &columns, all);
            Ok(())
        }
    }
}

impl Import {
    fn run(&self, context: &Context) -> Result<(), CliError> {
        let cant_read =
            |error| CliError::File(format!("can't read {}", self.file.display()), error);
        let file = File::open(&self.file).map_err(cant_read)?;
        let size = file.metadata().map_err(cant_read)?.len();
        let mut screen = Screen::new(&self.file, size, context.json);
        let outcome = block_on(lines(
            context,
            &self.path(),
            "text/csv",
            stream(file),
            |line| {
                let report = serde_json::from_value(line)
                    .map_err(|error| CliError::Broken(error.to_string()))?;
                screen.show(report)
            },
        ));
        screen.end(outcome)
    }

    fn path(&self) -> String {
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let list: String = stem
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "_-. ".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .take(80)
            .collect();
        let pairs = [
            ("campaign", Some(self.campaign.clone())),
            ("list", Some(self.list.clone().unwrap_or(list))),
            ("country", self.country.clone()),
            ("map", Some(self.map.join(","))),
            ("time_zone_column", self.time_zone_column.clone()),
            ("encoding", self.encoding.clone()),
            ("delimiter", self.delimiter.clone()),
        ];
        let query: Vec<String> = pairs
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}", encode(&value?))))
            .collect();
        format!("{}?{}", path(&["leads", "import"]), query.join("&"))
    }
}

/// The file as a body; a file that can't be read breaks it off, and nothing is imported.
fn stream(mut file: File) -> Sent {
    let (pieces, body) = mpsc::channel(PIECES);
    std::thread::spawn(move || {
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let read = file.read(&mut piece);
            let piece = read.map(|length| {
                piece.truncate(length);
                Bytes::from(piece)
            });
            let end = piece.as_ref().map_or(true, Bytes::is_empty);
            let fine = piece.is_ok();
            if (!end || !fine) && pieces.blocking_send(piece.map(Frame::data)).is_err() {
                return;
            }
            if end {
                return;
            }
        }
    });
    BodyExt::boxed(StreamBody::new(
        ReceiverStream::new(body).map(|piece| piece),
    ))
}

/// What is shown while it runs, and the file of rejects.
struct Screen {
    bar: ProgressBar,
    json: bool,
    rejects_path: PathBuf,
    rejects: Option<csv::Writer<File>>,
    headers: Vec<String>,
    done: bool,
}

impl Screen {
    fn new(file: &Path, size: u64, json: bool) -> Screen {
        let target = if json || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(size), target);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:40} {percent:>3}%  {msg}  {elapsed}, {eta} left")
        {
            bar.set_style(style);
        }
        Screen {
            bar,
            json,
            rejects_path: file.with_extension("rejects.csv"),
            rejects: None,
            headers: Vec::new(),
            done: false,
        }
    }

    fn show(&mut self, report: Report) -> Result<(), CliError> {
        match report {
            Report::Columns {
                headers,
                mapped,
                left_out,
            } => {
                if !self.json {
                    let pairs: Vec<String> = mapped
                        .iter()
                        .map(|(header, field)| format!("{header} = {field}"))
                        .collect();
                    self.bar
                        .suspend(|| println!("columns: {}", pairs.join(", ")));
                    for (header, why) in &left_out {
                        self.bar
                            .suspend(|| println!("column {header:?} is left out: {why}"));
                    }
                }
                self.headers = headers;
            }
            Report::Progress {
                bytes,
                imported,
                rejected,
            } => {
                self.bar.set_position(bytes);
                self.bar
                    .set_message(format!("{imported} leads, {rejected} rejected"));
            }
            Report::Reject {
                line,
                reason,
                fields,
            } => self.reject(line, &reason, &fields)?,
            done @ Report::Done { .. } => self.finish(&done),
            Report::Failed { error } => return Err(CliError::Refused(error)),
        }
        Ok(())
    }

    fn finish(&mut self, done: &Report) {
        let Report::Done {
            imported,
            rejected,
            duplicate_in_file,
            duplicate_in_campaign,
            numbers_left_out,
        } = done
        else {
            return;
        };
        self.done = true;
        self.bar.finish_and_clear();
        let rejects = self
            .rejects
            .as_ref()
            .map(|_| self.rejects_path.display().to_string());
        if self.json {
            let done = serde_json::json!({
                "imported": imported, "rejected": rejected, "duplicate_in_file": duplicate_in_file,
                "duplicate_in_campaign": duplicate_in_campaign, "numbers_left_out": numbers_left_out,
                "rejects_file": rejects,
            });
            println!("{done}");
            return;
        }
        println!(
            "{imported} leads imported, {rejected} rows rejected ({duplicate_in_file} twice in the \
             file, {duplicate_in_campaign} in the campaign before)"
        );
        if *numbers_left_out > 0 {
            println!("{numbers_left_out} numbers were left out because they are not valid");
        }
        if let Some(rejects) = rejects {
            println!("rejected rows with their reasons: {rejects}");
        }
    }

    fn reject(&mut self, line: u64, reason: &str, fields: &[String]) -> Result<(), CliError> {
        let path = self.rejects_path.clone();
        let failed = |error: csv::Error| {
            CliError::File(
                format!("can't write {}", path.display()),
                std::io::Error::other(error),
            )
        };
        let writer = match &mut self.rejects {
            Some(writer) => writer,
            empty => {
                let mut writer = csv::WriterBuilder::new()
                    .flexible(true)
                    .from_path(&self.rejects_path)
                    .map_err(failed)?;
                let header = ["line", "reason"].into_iter().map(str::to_owned);
                writer
                    .write_record(header.chain(self.headers.iter().map(|h| defused(h))))
                    .map_err(failed)?;
                empty.insert(writer)
            }
        };
        let first = [line.to_string(), defused(reason)];
        writer
            .write_record(
                first
                    .into_iter()
                    .chain(fields.iter().map(|field| defused(field))),
            )
            .map_err(failed)
    }

    fn end(mut self, outcome: Result<(), CliError>) -> Result<(), CliError> {
        self.bar.finish_and_clear();
        let outcome = match outcome {
            Ok(()) if !self.done => Err(CliError::Broken(
                "it ended early; nothing was imported".into(),
            )),
            other => other,
        };
        if let Some(mut writer) = self.rejects.take() {
            if outcome.is_ok() {
                let failed = |error| {
                    CliError::File(
                        format!("can't write {}", self.rejects_path.display()),
                        error,
                    )
                };
                writer.flush().map_err(failed)?;
            } else {
                // Nothing was imported, so nothing was rejected either.
                drop(writer);
                let _ = std::fs::remove_file(&self.rejects_path);
            }
        }
        outcome
    }
}

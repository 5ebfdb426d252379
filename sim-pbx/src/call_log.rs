//! What the carrier saw of each call: the other side of the table of attempts.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::json;

/// One thing that happened to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was placed.
    Dialed,
    /// The callee's phone rings.
    Ringing,
    /// Answered by a person, or by a machine.
    Answered {
        /// By a machine.
        machine: bool,
    },
    /// An agent talks to the callee.
    Bridged,
    /// It is over.
    Ended {
        /// Final SIP status of a call that nobody answered, else 0.
        sip: i32,
        /// `refused` by the carrier's own limits, `failed`, `cancelled` (by the caller before an
        /// answer), `given_up` (by the PBX), `bye_in` (the caller's side), `bye_out` (the callee).
        how: &'static str,
    },
}

/// The file.
pub struct CallLog(Option<BufWriter<File>>);

impl CallLog {
    /// Opens it, to append; `None`: nothing is written.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn open(path: Option<&Path>) -> Result<CallLog> {
        let Some(path) = path else {
            return Ok(CallLog(None));
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(|| format!("opening {}", path.display()))?;
        Ok(CallLog(Some(BufWriter::new(file))))
    }

    /// Writes a line.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, leg: &str, number: &str, seen: Seen) -> std::io::Result<()> {
        let Some(file) = &mut self.0 else {
            return Ok(());
        };
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let mut line = json!({ "at": at, "leg": leg, "number": number });
        match seen {
            Seen::Dialed => line["event"] = "dialed".into(),
            Seen::Ringing => line["event"] = "ringing".into(),
            Seen::Answered { machine } => {
                line["event"] = "answered".into();
                line["machine"] = machine.into();
            }
            Seen::Bridged => line["event"] = "bridged".into(),
            Seen::Ended { sip, how } => {
                line["event"] = "ended".into();
                line["sip"] = sip.into();
                line["how"] = how.into();
            }
        }
        writeln!(file, "{line}")
    }

    /// What was written outlives the process from here on.
    ///
    /// # Errors
    /// The disk is full.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

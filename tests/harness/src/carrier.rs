//! SIPp as carrier and callee: `tests/sipp/carrier.xml`, and others that log as it does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::ports;
use crate::process::Proc;
use crate::wait::wait_for;
use crate::workspace::Workspace;

/// A running carrier.
pub struct Carrier {
    /// Where it listens.
    pub port: u16,
    log: PathBuf,
    proc: Proc,
}

/// One call as the carrier saw it. Times in seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// SIP Call-ID.
    pub id: String,
    /// Number dialed.
    pub number: String,
    /// INVITE.
    pub invited: f64,
    /// Answered and acknowledged.
    pub answered: Option<f64>,
    /// Over.
    pub ended: Option<f64>,
    /// How: a final SIP status such as `486`, `cancelled`, `bye_in` or `bye_out`.
    pub ending: Option<String>,
}

impl Call {
    /// What the attempt's outcome must be, by the carrier's own knowledge; without agents and
    /// messages, which the carrier can't see: an answered call is `answered`.
    #[must_use]
    pub fn verdict(&self) -> &str {
        match (self.answered, self.ending.as_deref()) {
            (Some(_), _) => "answered",
            (None, Some(ending)) => ending,
            (None, None) => "live",
        }
    }
}

/// Something that the carrier saw in a call and that is not a step of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// What; the scenario's own words.
    pub what: String,
    /// When, in seconds since 1970.
    pub at: f64,
    /// Number dialed.
    pub number: String,
}

/// What a scenario says over RTP: a hum, loud enough to be no silence. One second of PCMU.
fn voice() -> Vec<u8> {
    // 0x10 and 0x90 are two loud samples of opposite sign; twenty of each make 200 Hz.
    [[0x10; 20], [0x90; 20]].concat().repeat(200)
}

/// Options that every SIPp here needs: quiet, and not upset by a busy machine.
pub(crate) fn sipp(logs: &Path, name: &str, port: u16) -> Command {
    let media = ports::run(4).unwrap_or(6000);
    let file = |what: &str| logs.join(format!("{name}.{what}")).display().to_string();
    let mut command = Command::new("sipp");
    command
        .args([
            "-i",
            "127.0.0.1",
            "-mi",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ])
        .args(["-mp", &media.to_string()])
        .args(["-cp", &ports::free().unwrap_or(8888).to_string()])
        .args(["-nostdin", "-aa", "-f", "3600"])
        .args(["-trace_logs", "-log_file", &file("log")])
        .args(["-trace_err", "-error_file", &file("err")])
        .args(["-watchdog_interval", "3600000"])
        .args([
            "-buff_size",
            "4194304",
            "-max_recv_loops",
            "5000",
            "-max_sched_loops",
            "5000",
        ])
        .current_dir(logs);
    command
}

impl Carrier {
    /// Starts it on a free port, or on the one given.
    ///
    /// # Errors
    /// SIPp does not start.
    pub fn start(
        workspace: &Workspace,
        logs: &Path,
        name: &str,
        port: Option<u16>,
    ) -> Result<Carrier> {
        Carrier::playing(workspace, logs, name, port, "carrier", &[])
    }

    /// As [`Carrier::start`], with another scenario of `tests/sipp` and values for its keys. Sounds
    /// are looked for in `logs`; `voice.ulaw` is put there.
    ///
    /// # Errors
    /// SIPp does not start.
    pub fn playing(
        workspace: &Workspace,
        logs: &Path,
        name: &str,
        port: Option<u16>,
        scenario: &str,
        keys: &[(&str, String)],
    ) -> Result<Carrier> {
        let port = match port {
            Some(port) => port,
            None => ports::free()?,
        };
        fs::write(logs.join("voice.ulaw"), voice()).context("writing voice.ulaw")?;
        let mut command = sipp(logs, name, port);
        // What arrives while a scenario is at a `send` would end the call; as it is, it comes again.
        command.args(["-default_behaviors", "none"]);
        for (key, value) in keys {
            command.args(["-key", key, value]);
        }
        let scenario = workspace.tests(&format!("sipp/{scenario}.xml"));
        command.arg("-sf").arg(scenario);
        let proc = Proc::spawn(name, command, &logs.join(format!("{name}.out")))?;
        let mut carrier = Carrier {
            port,
            log: logs.join(format!("{name}.log")),
            proc,
        };
        wait_for("the carrier's port", Duration::from_secs(10), || {
            let udp = fs::read_to_string("/proc/net/udp").context("reading /proc/net/udp")?;
            Ok(udp.contains(&format!("0100007F:{port:04X}")) || !carrier.proc.alive())
        })?;
        anyhow::ensure!(
            carrier.proc.alive(),
            "SIPp has ended:\n{}",
            carrier.proc.tail()
        );
        Ok(carrier)
    }

    /// All calls so far, in the order of their INVITEs.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn calls(&self) -> Result<Vec<Call>> {
        Ok(parse(&self.text()?))
    }

    /// All notes so far.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn notes(&self) -> Result<Vec<Note>> {
        Ok(self.text()?.lines().filter_map(note).collect())
    }

    fn text(&self) -> Result<String> {
        match fs::read_to_string(&self.log) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error).context("reading the carrier's log"),
        }
    }

    /// The process.
    pub fn process(&mut self) -> &mut Proc {
        &mut self.proc
    }
}

fn parse(text: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[what, time, number, id] = fields.as_slice() else {
            continue;
        };
        let at = seconds(time);
        if what == "I" {
            places.insert(id.to_owned(), calls.len());
            calls.push(Call {
                id: id.to_owned(),
                number: number.to_owned(),
                invited: at,
                answered: None,
                ended: None,
                ending: None,
            });
            continue;
        }
        let Some(call) = places.get(id).and_then(|place| calls.get_mut(*place)) else {
            continue;
        };
        if what == "A" {
            call.answered = Some(at);
        } else {
            call.ended = Some(at);
            call.ending = Some(what.to_owned());
        }
    }
    calls
}

fn note(line: &str) -> Option<Note> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &["note", what, time, number, _id] = fields.as_slice() else {
        return None;
    };
    Some(Note {
        what: what.to_owned(),
        at: seconds(time),
        number: number.to_owned(),
    })
}

/// SIPp prints both of its numbers with decimals: `1795254947.000000.385808.000000`.
pub(crate) fn seconds(text: &str) -> f64 {
    let parts: Vec<f64> = text
        .split('.')
        .map(|part| part.parse().unwrap_or(0.0))
        .collect();
    match parts.as_slice() {
        [whole, _, micros, ..] => whole + micros / 1e6,
        _ => 0.0,
    }
}

/// The most calls that began within any window of `seconds`.
#[must_use]
pub fn busiest(times: &[f64], seconds: f64) -> usize {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut first = 0;
    let mut most = 0;
    for (last, time) in sorted.iter().enumerate() {
        while time - sorted[first] >= seconds {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_read() {
        let calls = parse(
            "I 1795254947.000000.385808.000000 5511900200001 a\n\
             I 1795254947.000000.500000.000000 123 b\n\
             A 1795254947.000000.395151.000000 5511900200001 a\n\
             404 1795254947.000000.600000.000000 123 b\n\
             bye_out 1795254949.000000.398895.000000 5511900200001 a\n",
        );
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].verdict(), "answered");
        assert_eq!(calls[0].ending.as_deref(), Some("bye_out"));
        assert_eq!(calls[1].verdict(), "404");
        assert!((calls[1].invited - 1_795_254_947.5).abs() < 1e-6);
    }

    #[test]
    fn a_note_is_no_step_of_a_call() {
        let line = "note held 1795254947.000000.385808.000000 5511900200001 a";
        assert!(parse(line).is_empty());
        let noted = note(line).unwrap();
        assert_eq!(
            (noted.what.as_str(), noted.number.as_str()),
            ("held", "5511900200001")
        );
        assert_eq!(note("I 1.0.0.0 5511900200001 a"), None);
    }

    #[test]
    fn the_busiest_second_is_found() {
        assert_eq!(busiest(&[0.0, 0.5, 0.9, 1.0, 1.4, 5.0], 1.0), 4);
        assert_eq!(busiest(&[], 1.0), 0);
    }
}

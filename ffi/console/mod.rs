//! Console commands: the same words and tables in every PBX.

mod complete;
mod show;

use std::ffi::CString;
use std::time::Instant;

use crossbeam::channel::bounded;
use libc::{c_char, c_void, size_t};
use outdial_engine::AgentEvent;
use outdial_link::{CampaignAction, CampaignSnapshot, Request, Snapshot};

use crate::abi::{
    OUTDIAL_E_ARGUMENT, OUTDIAL_E_NOT_FOUND, OUTDIAL_E_POISONED, OUTDIAL_E_STATE,
    OUTDIAL_E_TIMEOUT, OUTDIAL_OK,
};
use crate::exports::{OutdialEngine, with};
use crate::pump::Input;
use crate::shared::Shared;

use crate::{agents, guard, limits, raw, requests};
use complete::Names;

/// Takes a line of output, without its line end. `text` is valid during the call only.
pub type OutdialWrite = Option<unsafe extern "C" fn(data: *mut c_void, text: *const c_char)>;

const USAGE: &str = "\
Usage: outdial show status|campaigns|calls|agents|trunks
       outdial show campaign|why NAME
       outdial campaign start|pause|stop NAME
       outdial agent pause NAME [CODE]
       outdial agent unpause|logout NAME
       outdial drain|undrain";

/// Runs a console command: `line` has the words behind `outdial`, `show status` for example.
/// Output goes to `write`, line by line.
///
/// Thread: any, without channel locks; `write` is called on the same thread, before the return.
/// Waits up to 2 s for the engine and up to 5 s for the sidecar.
/// Ownership: `line` and `data` stay the caller's.
/// Returns OUTDIAL_OK; OUTDIAL_E_ARGUMENT for words that are no command (the usage is written);
/// OUTDIAL_E_NOT_FOUND when the sidecar refused, a campaign that does not exist for example;
/// OUTDIAL_E_TIMEOUT; OUTDIAL_E_IO when the sidecar is needed and not connected;
/// OUTDIAL_E_STATE when the engine does not run; OUTDIAL_E_FULL; OUTDIAL_E_POISONED. Whatever it
/// is, it is said in words too. NULL for `engine`, `line` or `write`: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; `line` is NULL or ends in NUL; `write`
/// may be called with `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_cli(
    engine: *const OutdialEngine,
    line: *const c_char,
    write: OutdialWrite,
    data: *mut c_void,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_cli", |engine| {
            let (Some(line), Some(write)) = (raw::text(line, limits::LINE_BYTES), write) else {
                return OUTDIAL_E_ARGUMENT;
            };
            let (code, text) = run(engine.shared(), line);
            for line in text.lines() {
                let line = CString::new(line.replace('\0', " ")).unwrap_or_default();
                write(data, line.as_ptr());
            }
            code
        })
    })
}

/// Completes a console command. `line` has the words behind `outdial` as far as typed; the last
/// one is completed, an empty one after a space. Candidate number `n`, from 0, is written to
/// `buf`.
///
/// Thread: any, without channel locks; waits up to 2 s for the engine where names of campaigns
/// are asked for.
/// Ownership: `line` and `buf` stay the caller's; `buf` is written on success only.
/// Returns OUTDIAL_OK; OUTDIAL_E_NOT_FOUND when there is no such candidate. NULL for `engine`,
/// `line` or `buf`: OUTDIAL_E_ARGUMENT.
///
/// # Safety
/// `engine` is NULL or from `outdial_new` and not freed; `line` is NULL or ends in NUL; `buf` is
/// NULL or has room for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outdial_cli_complete(
    engine: *const OutdialEngine,
    line: *const c_char,
    n: u32,
    buf: *mut c_char,
    len: size_t,
) -> i32 {
    // SAFETY: the caller's promise is ours.
    guard::catch(OUTDIAL_E_POISONED, || unsafe {
        with(engine, "outdial_cli_complete", |engine| {
            let Some(line) = raw::text(line, limits::LINE_BYTES) else {
                return OUTDIAL_E_ARGUMENT;
            };
            if buf.is_null() {
                return OUTDIAL_E_ARGUMENT;
            }
            let names = |what| match (snapshot(engine.shared()), what) {
                (Ok(all), Names::Campaigns) => all.campaigns.into_iter().map(|c| c.name).collect(),
                (Ok(all), Names::Agents) => all.agents.into_iter().map(|a| a.name).collect(),
                (Err(_), _) => Vec::new(),
            };
            let n = usize::try_from(n).unwrap_or(usize::MAX);
            match complete::candidates(line, names).get(n) {
                Some(word) if word.len() < len => {
                    raw::write_text(buf, len, word);
                    OUTDIAL_OK
                }
                Some(_) | None => OUTDIAL_E_NOT_FOUND,
            }
        })
    })
}

type Output = (i32, String);

fn run(shared: &Shared, line: &str) -> Output {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["show", "status"] => (OUTDIAL_OK, status(shared)),
        ["show", "campaigns"] => table(shared, show::campaigns),
        ["show", "calls"] => table(shared, show::calls),
        ["show", "agents"] => table(shared, show::agents),
        ["show", "trunks"] => table(shared, show::trunks),
        ["show", "campaign", name @ ..] if !name.is_empty() => one(shared, name, show::campaign),
        ["show", "why", name @ ..] if !name.is_empty() => one(shared, name, show::why),
        ["agent", "pause", name @ ..] if !name.is_empty() => pause(shared, name),
        ["agent", "unpause", name @ ..] if !name.is_empty() => {
            let done = agents::perform(shared, &name.join(" "), AgentEvent::Unpause);
            said(done, "The agent takes calls again.")
        }
        ["agent", "logout", name @ ..] if !name.is_empty() => {
            let what = AgentEvent::LogOff { finish: true };
            let done = agents::perform(shared, &name.join(" "), what);
            said(
                done,
                "The agent is logged off as soon as the call in hand is over.",
            )
        }
        ["drain"] => drain(shared, true),
        ["undrain"] => drain(shared, false),
        ["campaign", "start", name @ ..] if !name.is_empty() => {
            campaign(shared, name, CampaignAction::Start)
        }
        ["campaign", "pause", name @ ..] if !name.is_empty() => {
            campaign(shared, name, CampaignAction::Pause)
        }
        ["campaign", "stop", name @ ..] if !name.is_empty() => {
            campaign(shared, name, CampaignAction::Stop)
        }
        _ => (OUTDIAL_E_ARGUMENT, USAGE.into()),
    }
}

/// Asks nobody, so that it also tells what a stuck or poisoned engine is at.
fn status(shared: &Shared) -> String {
    let totals = snapshot(shared).map(|snapshot| snapshot.totals);
    show::status(shared, totals.as_ref().map_err(|(_, text)| text.as_str()))
}

fn table(shared: &Shared, show: fn(&Snapshot) -> String) -> Output {
    match snapshot(shared) {
        Ok(snapshot) => (OUTDIAL_OK, show(&snapshot)),
        Err(output) => output,
    }
}

/// One campaign's page.
fn one(shared: &Shared, name: &[&str], show: fn(&CampaignSnapshot) -> String) -> Output {
    let snapshot = match snapshot(shared) {
        Ok(snapshot) => snapshot,
        Err(output) => return output,
    };
    let name = name.join(" ");
    let campaign = snapshot.campaigns.iter().find(|c| c.name == name);
    match campaign {
        Some(campaign) => (OUTDIAL_OK, show(campaign)),
        None => {
            let text = format!(
                "No campaign '{name}' here. `outdial show campaigns` lists those of this node."
            );
            (OUTDIAL_E_NOT_FOUND, text)
        }
    }
}

/// The last word is a pause code, unless it is part of the agent's name.
fn pause(shared: &Shared, words: &[&str]) -> Output {
    let pause = |name: &[&str], code: &str| {
        let what = AgentEvent::Pause { code: code.into() };
        agents::perform(shared, &name.join(" "), what)
    };
    let mut done = pause(words, "");
    if let (Err((OUTDIAL_E_NOT_FOUND, _)), [name @ .., code]) = (&done, words)
        && !name.is_empty()
    {
        done = pause(name, code);
    }
    said(
        done,
        "The agent takes no calls once the one in hand is over.",
    )
}

fn said(done: Result<(), agents::Refused>, text: &str) -> Output {
    match done {
        Ok(()) => (OUTDIAL_OK, text.into()),
        Err((code, text)) => (code, format!("Not done: {text}.")),
    }
}

fn snapshot(shared: &Shared) -> Result<Box<Snapshot>, Output> {
    check(shared)?;
    let (reply, answer) = bounded(1);
    let deadline = Instant::now() + limits::CONSOLE_PUMP;
    let asked = shared.mailbox.send_by(Input::Snapshot(reply), deadline);
    let timeout = (OUTDIAL_E_TIMEOUT, "The engine does not answer.".to_owned());
    if asked.is_err() {
        return Err(timeout);
    }
    answer
        .recv_timeout(limits::CONSOLE_PUMP)
        .map_err(|_| timeout)
}

pub(crate) fn check(shared: &Shared) -> Result<(), Output> {
    if shared.is_poisoned() {
        let text = "An internal error has stopped the engine; live calls go on. The log has the \
                    cause. Restart the PBX to dial again.";
        return Err((OUTDIAL_E_POISONED, text.into()));
    }
    if !shared.is_running() {
        return Err((OUTDIAL_E_STATE, "The engine does not run.".into()));
    }
    Ok(())
}

fn drain(shared: &Shared, on: bool) -> Output {
    if let Err(output) = check(shared) {
        return output;
    }
    let deadline = Instant::now() + limits::CONSOLE_PUMP;
    let sent = shared.mailbox.send_by(Input::Drain(on), deadline);
    if sent.is_err() {
        return (OUTDIAL_E_TIMEOUT, "The engine does not answer.".into());
    }
    let text = if on {
        "Draining: no new calls; agents are logged off when free. `outdial show status` shows \
         what is left, `outdial undrain` goes on."
    } else {
        "Dialing goes on."
    };
    (OUTDIAL_OK, text.into())
}

fn campaign(shared: &Shared, name: &[&str], action: CampaignAction) -> Output {
    let name = name.join(" ");
    match requests::ask(shared, Request::Campaign { name, action }) {
        Ok(text) => (OUTDIAL_OK, text),
        Err(output) => output,
    }
}

//! The engine in a C program, under AddressSanitizer or ThreadSanitizer, with a sidecar at the other
//! end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm
)]

#[path = "c_host/host.rs"]
mod host;
#[path = "c_host/peer.rs"]
mod peer;
#[path = "c_host/talk.rs"]
mod talk;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use outdial_link::{Ask, Down, LeadNext, Record, Request};
use peer::{Peer, Plan};
use talk::Host;
use tempfile::TempDir;

struct Place {
    _dir: TempDir,
    socket: PathBuf,
    journal: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    Place {
        socket: dir.path().join("link.sock"),
        journal: dir.path().join("journal"),
        _dir: dir,
    }
}

fn assert_good((status, log): (std::process::ExitStatus, Vec<String>)) -> Vec<String> {
    assert!(status.success(), "{status}\n{log:#?}");
    log
}

#[test]
fn a_hundred_lives_leak_nothing_and_every_attempt_has_one_end() {
    let at = place();
    let peer = Peer::listen(&at.socket, Plan::default());

    // ThreadSanitizer sees no leaks, and takes ten times as long.
    let lives = if talk::is_threads() { 10 } else { 100 };
    let more = lives.to_string();
    let log = assert_good(Host::start("life", &at.socket, &at.journal, &[&more]).finish());

    assert!(log.iter().all(|line| !line.contains("55110")), "{log:?}");
    let seen = peer.seen();
    assert_eq!(seen.hellos.len(), lives);
    assert!(seen.checked.iter().all(|(_, lacks)| lacks.is_none()));
    let (starts, ends) = (seen.starts(), seen.ends());
    assert!(starts.len() >= 10 * lives, "{}", starts.len());
    for (attempt, _) in starts.keys() {
        assert!(ends.contains_key(attempt), "attempt {attempt} has no end");
    }
    assert!(ends.values().all(|end| end.detail != "node lost"));
    let outcome = |name: &str| ends.values().filter(|end| end.outcome == name).count();
    assert!(outcome("completed") > 0 && outcome("busy") > 0);
}

#[test]
fn threads_that_ask_for_everything_at_once_do_not_disturb_the_engine() {
    let at = place();
    let peer = Peer::listen(&at.socket, Plan::default());

    let log = assert_good(Host::start("crowd", &at.socket, &at.journal, &["6"]).finish());

    let calls = log.iter().find_map(|line| line.strip_prefix("crowd "));
    let calls: u32 = calls.unwrap().parse().unwrap();
    println!("{calls} rounds of questions");
    assert!(calls > 100);
    assert!(peer.seen().starts().len() >= 60);
}

/// A sanitizer that sees nothing of the engine would be content with it.
#[test]
fn a_race_in_the_engine_is_found() {
    if !talk::is_threads() {
        return;
    }
    let at = place();
    let race = host::command("race", &at.socket, &at.journal, &[]).output();
    let race = race.unwrap();
    assert_eq!(race.status.code(), Some(talk::FOUND));
    let said = String::from_utf8_lossy(&race.stderr);
    assert!(
        said.contains("data race") && said.contains("ffi/fault.rs"),
        "{said}"
    );
}

fn done() -> LeadNext {
    let status = "node_lost".into();
    LeadNext::Done { status }
}

#[test]
fn what_must_be_refused_is() {
    let at = place();
    assert_good(Host::start("bad", &at.socket, &at.journal, &[]).finish());
}

#[test]
fn a_flood_of_events_is_bounded_and_terminal_events_still_fit() {
    let at = place();
    let log = assert_good(Host::start("flood", &at.socket, &at.journal, &[]).finish());
    let figures = log.iter().find(|line| line.starts_with("taken")).unwrap();
    println!("{figures}");
}

#[test]
fn a_panic_anywhere_poisons_the_engine_and_never_leaves_it() {
    for fault in ["0", "1", "2", "3"] {
        let at = place();
        let peer = Peer::listen(&at.socket, Plan::default());
        let log = assert_good(Host::start("fault", &at.socket, &at.journal, &[fault]).finish());
        assert_eq!(
            log.iter().filter(|line| *line == "fault").count(),
            1,
            "fault {fault}: {log:#?}"
        );
        if fault != "3" {
            let seen = peer.seen();
            assert!(seen.heartbeats.iter().any(|beat| beat.poisoned));
        }
    }
}

#[test]
fn the_console_shows_and_commands() {
    let at = place();
    let peer = Peer::listen(&at.socket, Plan::default());
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("campaign checked", |seen| !seen.checked.is_empty());
    host.say("agents 0");
    peer.wait("calls", |seen| seen.ends().len() > 20);

    let (code, text) = host.say("cli show campaigns");
    assert_eq!(code, 0);
    assert!(
        text.contains("autumn") && text.contains("running"),
        "{text}"
    );
    assert!(text.contains("outcomes:"), "{text}");
    println!("{text}");
    for what in ["status", "calls", "agents", "trunks"] {
        let (code, text) = host.say(&format!("cli show {what}"));
        assert_eq!(code, 0, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100));
        println!("{text}");
    }
    let (code, text) = host.say("cli campaign pause autumn");
    assert_eq!((code, text.as_str()), (0, "Campaign autumn: done.\n"));
    let (code, text) = host.say("cli campaign start nothing");
    assert_eq!((code, text.as_str()), (8, "No campaign nothing.\n"));
    let (code, text) = host.say("cli show campaign autumn");
    assert_eq!(code, 0);
    assert!(
        text.contains("Leads in hand") && text.contains("autumn is"),
        "{text}"
    );
    let (code, text) = host.say("cli show why autumn");
    assert_eq!(code, 0);
    assert!(
        text.starts_with("autumn is") && text.contains("Decisions"),
        "{text}"
    );
    assert_eq!(host.say("cli show why spring").0, 8);
    let (code, agents) = host.say("cli show agents");
    assert_eq!(code, 0);
    let agent = agents
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().next());
    let agent = agent.unwrap().to_owned();
    let (code, text) = host.say(&format!("cli agent pause {agent} lunch"));
    assert_eq!(code, 0, "{text}");
    let field = |host: &mut Host, of: u32, name: &str, field: &str| {
        host.say(&format!("field {of} {name} {field}"))
    };
    assert_eq!(field(&mut host, 2, &agent, "pause"), (0, "lunch\n".into()));
    assert_eq!(host.say(&format!("cli agent unpause {agent}")).0, 0);
    assert_eq!(field(&mut host, 2, &agent, "pause"), (0, "\n".into()));
    assert_eq!(field(&mut host, 2, "nobody", "pause").0, 8);
    assert_eq!(field(&mut host, 3, "autumn", "dialing").0, 0);
    assert_eq!(field(&mut host, 3, "autumn", "nonsense").0, 1);
    assert_eq!(host.say(&format!("dispose 2 {agent} sale")).0, 0);
    let (code, text) = host.say(&format!("dispose 2 {agent} nonsense"));
    assert_eq!(
        (code, text.as_str()),
        (8, "there is no disposition nonsense\n")
    );
    assert_eq!(host.say("dispose 1 other-1-1 sale").0, 6);
    assert_eq!(host.say("add autumn +5111").0, 0);
    assert_eq!(host.say("dnc 5111").0, 0);
    assert_eq!(field(&mut host, 2, peer::GUARDED, "pin"), (0, "1\n".into()));
    assert_eq!(field(&mut host, 2, &agent, "pin"), (0, "0\n".into()));
    assert_eq!(field(&mut host, 2, "nobody", "pin").0, 8);
    for (pin, code, said) in [
        ("4711", 0, ""),
        ("4712", 9, "wrong"),
        ("9999", 10, "unlock"),
        ("5000", 5, "PostgreSQL"),
    ] {
        let (answer, text) = host.say(&format!("pin {} {pin}", peer::GUARDED));
        assert!(
            answer == code && text.contains(said),
            "{pin}: {answer} {text}"
        );
    }
    let requests = peer.seen().requests.clone();
    assert!(
        requests.contains(&Request::Add {
            campaign: "autumn".into(),
            number: "+5111".into(),
            columns: vec![("city".into(), "Lima".into())],
        }),
        "{requests:?}"
    );
    let (code, text) = host.say("cli agent logout nobody");
    assert_eq!(code, 8, "{text}");
    let (code, text) = host.say("cli frobnicate");
    assert_eq!(code, 1);
    assert!(text.starts_with("Usage: outdial show"), "{text}");

    drop(peer.kill());
    let (code, text) = loop {
        let answer = host.say("cli campaign pause autumn");
        if answer.0 != 0 {
            break answer;
        }
    };
    assert_eq!(code, 5, "{text}");
    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
}

#[test]
fn questions_of_the_sidecar_are_answered() {
    let at = place();
    let peer = Peer::listen(&at.socket, Plan::default());
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("campaign checked", |seen| !seen.checked.is_empty());
    let ask = |request, ask| peer.say(Down::Ask { request, ask });
    ask(1, Ask::Check { campaign: 7 });
    ask(2, Ask::Check { campaign: 99 });
    let call = |number: &str| Ask::TestCall {
        trunk: 1,
        number: number.into(),
        caller_id: "551130000000".into(),
    };
    ask(3, call("551100000000"));
    ask(4, call("1&PJSIP/evil"));
    ask(5, Ask::Drain(true));

    peer.wait("five answers", |seen| {
        (1..=5).all(|n| {
            seen.answers
                .iter()
                .any(|(request, last, _)| *request == n && *last)
        })
    });

    {
        let seen = peer.seen();
        let last = |n: u64| {
            let mut all = seen.answers.iter().filter(|(r, last, _)| *r == n && *last);
            all.next().unwrap().2.clone()
        };
        assert!(last(1).is_ok());
        assert!(last(2).is_err());
        assert!(
            matches!(
                last(3),
                Ok(outdial_link::Answer::Ended { sip: Some(486), .. })
            ),
            "{:?}",
            last(3)
        );
        assert!(last(4).unwrap_err().contains("digits"));
        assert!(last(5).is_ok());
    }
    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
}

#[test]
fn a_call_that_comes_in_is_a_leg_with_one_end() {
    let at = place();
    let peer = Peer::listen(&at.socket, Plan::default());
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("campaign checked", |seen| !seen.checked.is_empty());
    assert_eq!(host.say("inbound 5511990000002").0, 8, "nobody's");
    let (code, text) = host.say("inbound 551199000000x");
    assert_eq!((code, text.as_str()), (1, "there is no such thing\n"));
    let (code, text) = host.say("inbound +5511990000001");
    assert_eq!((code, text.as_str()), (5, "no database\n"));
    let (code, text) = host.say("inbound 5511990000001");
    assert_eq!(code, 6, "{text}");
    assert!(text.contains("no agent of the campaign"), "{text}");
    peer.wait("the lease to come back", |seen| !seen.returned.is_empty());

    host.say("agents 0");
    peer.wait("agents", |seen| {
        seen.states.iter().any(|(_, state, _)| state == "available")
    });
    let (code, leg) = host.say("inbound 5511990000001");
    assert_eq!(code, 0, "{leg}");
    let leg = leg.trim();
    let (code, direction) = host.say(&format!("field 1 {leg} direction"));
    assert_eq!((code, direction.as_str()), (0, "inbound\n"));
    let (_, shown) = host.say("cli show calls");
    assert!(shown.contains("(inbound)"), "{shown}");
    assert_eq!(host.say(&format!("gone {leg}")).0, 0);
    assert_eq!(host.say(&format!("gone {leg}")).0, 8, "once");
    peer.wait("its row", |seen| {
        seen.ends().values().any(|end| end.inbound)
    });
    {
        let seen = peer.seen();
        let (starts, ends) = (seen.starts(), seen.ends());
        let (attempt, end) = ends.iter().find(|(_, end)| end.inbound).unwrap();
        assert!(leg.contains(&format!("-{attempt}-1")), "{leg}");
        assert!(starts.contains_key(&(*attempt, 1)));
        assert_eq!((end.outcome.as_str(), end.legs), ("abandoned", 0));
        assert_eq!(end.caller_id, "551130000000");
        assert!(matches!(end.next, LeadNext::Callback { .. }));
    }
    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
}

#[test]
fn phones_are_rung_for_answered_calls_and_put_on_hook_after_them() {
    const BUSY: u64 = 11;
    const SILENT: u64 = 12;
    const REFUSED: u64 = 13;
    const GOOD: u64 = 14;
    let at = place();
    let plan = Plan {
        phones: &["200", "201", "202", "205"],
        ..Plan::default()
    };
    let peer = Peer::listen(&at.socket, plan);
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("campaign checked", |seen| !seen.checked.is_empty());
    for agent in [BUSY, SILENT, REFUSED, GOOD] {
        let action = outdial_link::AgentAction::LogIn;
        let ask = Ask::Agent { agent, action };
        peer.say(Down::Ask {
            request: agent,
            ask,
        });
    }
    // Nobody has a channel, and yet calls are dialed and taken.
    peer.wait("calls taken by phone", |seen| {
        let taken = |end: &&outdial_link::AttemptResult| {
            end.agent == Some(GOOD) && end.outcome == "completed"
        };
        seen.ends().values().filter(taken).count() >= 20
    });
    {
        let seen = peer.seen();
        assert!(seen.answers.iter().all(|(.., result)| result.is_ok()));
        let others = [BUSY, SILENT, REFUSED].map(Some);
        assert!(seen.ends().values().all(|end| !others.contains(&end.agent)));
        for agent in [BUSY, SILENT, REFUSED] {
            let rang = |(who, state, _): &&(u64, String, _)| *who == agent && state == "ringing";
            assert!(seen.states.iter().any(|s| rang(&s)), "{agent} never rang");
        }
    }
    assert_eq!(host.say("cli drain").0, 0);
    peer.wait("all to be logged off", |seen| {
        [BUSY, SILENT, REFUSED, GOOD].iter().all(|agent| {
            let mut last = seen.states.iter().rev();
            last.find(|(who, ..)| who == agent).unwrap().1 == "logged_out"
        })
    });
    let (_, counts) = host.say("counts");
    assert!(counts.contains("broken 0"), "{counts}");
    println!("{counts}");
    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
}

#[test]
fn members_of_the_hosts_queue_take_calls_and_who_waits_in_vain_is_taken_out() {
    let at = place();
    let plan = Plan {
        digits: "5679",
        queue: Some("sales"),
        ..Plan::default()
    };
    let peer = Peer::listen(&at.socket, plan);
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("calls of both kinds", |seen| {
        let ends = seen.ends();
        let outcome = |name: &str| ends.values().filter(|end| end.outcome == name).count();
        outcome("completed") >= 30 && outcome("abandoned") >= 20
    });
    let (_, text) = host.say("cli show campaign autumn");
    assert!(
        text.contains("sales: 4 members logged in") && text.contains("outdial only paces"),
        "{text}"
    );
    assert_eq!(host.say("cli drain").0, 0);
    assert_eq!(host.say("stop").0, 0);
    {
        let seen = peer.seen();
        let ends = seen.ends();
        let nines = ends.values().filter(|end| end.number.ends_with('9'));
        assert!(nines.clone().all(|end| end.bridged_at_ms.is_none()));
        assert!(nines.filter(|end| end.detail == "no agent").count() >= 5);
        for end in ends.values().filter(|end| end.bridged_at_ms.is_some()) {
            assert_eq!((end.agent, &*end.outcome), (None, "completed"));
        }
        assert!(seen.starts().keys().all(|(n, _)| ends.contains_key(n)));
    }
    assert_good(host.finish());
}

#[test]
fn a_campaign_that_the_pbx_cannot_serve_does_not_dial() {
    let at = place();
    let plan = Plan {
        sound: "no-such-sound",
        ..Plan::default()
    };
    let peer = Peer::listen(&at.socket, plan);
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    host.say("agents 0");
    peer.wait("the check", |seen| {
        seen.checked.iter().any(|(_, lacks)| {
            lacks
                .as_ref()
                .is_some_and(|lacks| lacks.contains("no-such-sound"))
        })
    });
    assert_eq!(host.say("stop").0, 0);
    assert!(peer.seen().records.is_empty());
    assert_good(host.finish());
}

#[test]
fn a_killed_sidecar_costs_no_record_and_five_seconds_at_most() {
    let at = place();
    let peer = Peer::listen(&at.socket, Plan::default());
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("link", |seen| !seen.checked.is_empty());
    host.say("agents 0");
    peer.wait("calls", |seen| seen.starts().len() > 30);

    let seen = peer.kill();
    let before = seen.records.len();
    let back = Instant::now();
    let peer = Peer::again(&at.socket, Plan::default(), seen);
    peer.wait("calls again", |seen| {
        seen.records.len() > before && seen.hellos.len() == 2
    });
    assert!(back.elapsed() < Duration::from_secs(5));
    {
        let seen = peer.seen();
        assert_eq!(seen.hellos[0].instance, seen.hellos[1].instance);
    }

    assert_eq!(host.say("cli drain").0, 0);
    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
    let seen = peer.seen();
    let ends = seen.ends();
    for (attempt, _) in seen.starts().keys() {
        assert!(ends.contains_key(attempt), "attempt {attempt} has no end");
    }
}

#[test]
fn after_a_crash_every_attempt_has_one_end_and_who_talked_is_left_alone() {
    let at = place();
    let plan = Plan {
        acknowledge: false,
        digits: "156",
        ..Plan::default()
    };
    let peer = Peer::listen(&at.socket, plan.clone());
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("link", |seen| !seen.checked.is_empty());
    host.say("talk 60000");
    host.say("agents 0");
    peer.wait("talks and rings", |seen| {
        let is_bridged = |r: &&outdial_link::Numbered| matches!(r.record, Record::Bridged { .. });
        seen.records.iter().filter(is_bridged).count() >= 3
    });
    host.kill();

    let mut seen = peer.kill();
    let first = seen.records.clone();
    seen.records.clear();
    let peer = Peer::again(&at.socket, plan, seen);
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("replay", |seen| seen.replays.len() == 2);
    {
        let seen = peer.seen();
        let replayed = &seen.records[..seen.replays[1]];
        assert_eq!(
            &replayed[..first.len()],
            &first[..],
            "repeated as they were"
        );
        let ends = seen.ends();
        for (attempt, _) in seen.starts().keys() {
            assert!(ends.contains_key(attempt), "attempt {attempt} has no end");
        }
        let mut lost = 0;
        for end in ends.values().filter(|end| end.detail == "node lost") {
            lost += 1;
            let was_bridged = end.bridged_at_ms.is_some();
            match end.outcome.as_str() {
                "completed" => assert!(was_bridged && end.next == done()),
                "abandoned" => {
                    assert!(end.answered_at_ms.is_some() && end.next == done());
                }
                "failed" => {
                    assert!(end.answered_at_ms.is_none());
                    assert!(matches!(end.next, LeadNext::Retry { .. }), "{end:?}");
                }
                other => panic!("{other}"),
            }
        }
        assert!(lost >= 3);
    }
    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
}

#[test]
fn a_sealed_engine_dials_no_more_and_its_journal_is_whole() {
    let at = place();
    let peer = Peer::listen(&at.socket, Plan::default());
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("link", |seen| !seen.checked.is_empty());
    host.say("agents 0");
    peer.wait("calls", |seen| seen.starts().len() > 10);

    assert_eq!(host.say("seal").0, 0);
    host.kill();

    let host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("the next life", |seen| seen.replays.len() == 2);
    let (_, log) = host.finish();
    assert!(
        !log.iter()
            .any(|line| line.contains("cut off") || line.contains("damaged")),
        "{log:#?}"
    );
}

#[test]
fn a_stalled_pump_shows_in_the_heartbeat() {
    let at = place();
    let peer = Peer::listen(&at.socket, Plan::default());
    let mut host = Host::run(&at.socket, &at.journal, &[]);
    peer.wait("heartbeats", |seen| {
        seen.heartbeats.len() > 2 && seen.heartbeats.last().unwrap().pump_overdue_ms < 500
    });
    host.say("stall");
    peer.wait("overdue", |seen| {
        seen.heartbeats.last().unwrap().pump_overdue_ms > 2_000
    });
    host.say("unstall");
    peer.wait("on time", |seen| {
        seen.heartbeats.last().unwrap().pump_overdue_ms < 500
    });
    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
}

/// A file system of 1 MiB, unmounted in the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`: mounting is not permitted here.
    fn mount(at: &std::path::Path) -> Option<SmallDisk> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(at)
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| SmallDisk(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[test]
fn a_full_disk_stops_dialing_loses_nothing_and_dialing_resumes() {
    let at = place();
    let disk = at._dir.path().join("disk");
    let Some(_disk) = SmallDisk::mount(&disk) else {
        eprintln!("SKIPPED: no right to mount a small file system for the full disk");
        return;
    };
    let journal = disk.join("journal");
    let peer = Peer::listen(&at.socket, Plan::default());
    let mut host = Host::run(&at.socket, &journal, &[]);
    peer.wait("link", |seen| !seen.checked.is_empty());
    host.say("agents 0");
    peer.wait("calls", |seen| seen.starts().len() > 20);

    let ballast = disk.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 1024]).is_ok() {}
    peer.wait("unwritable", |seen| {
        !seen.heartbeats.last().unwrap().journal_writable
    });
    let (_, text) = host.say("cli show status");
    assert!(text.contains("CAN'T BE WRITTEN"), "{text}");
    peer.wait("every attempt to end", |seen| {
        let ends = seen.ends();
        seen.starts().keys().all(|(n, _)| ends.contains_key(n))
    });
    let (_, before) = host.say("counts");
    peer.wait("two more heartbeats", {
        let mut first = None;
        move |seen| seen.heartbeats.len() >= 3 + *first.get_or_insert(seen.heartbeats.len())
    });
    assert_eq!(host.say("counts").1, before, "dialed without a journal");
    let starts = peer.seen().starts().len();

    std::fs::remove_file(&ballast).unwrap();
    drop(file);
    peer.wait("calls again", |seen| seen.starts().len() > starts + 20);
    let (_, text) = host.say("cli show status");
    assert!(text.contains("writable,"), "{text}");

    assert_eq!(host.say("cli drain").0, 0);
    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
    let seen = peer.seen();
    let ends = seen.ends();
    assert!(seen.starts().keys().all(|(n, _)| ends.contains_key(n)));
    let seqs: Vec<u64> = seen.records.iter().map(|n| n.seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1));
}

#[test]
fn a_journal_at_its_limit_stops_dialing_until_the_sidecar_acknowledges() {
    let at = place();
    let silent = Plan {
        acknowledge: false,
        ..Plan::default()
    };
    let peer = Peer::listen(&at.socket, silent);
    let mut host = Host::run(&at.socket, &at.journal, &["65536"]);
    peer.wait("link", |seen| !seen.checked.is_empty());
    host.say("agents 0");
    peer.wait("the limit", |seen| {
        seen.heartbeats
            .last()
            .is_some_and(|beat| !beat.journal_writable)
    });

    let seen = peer.kill();
    let starts = seen.starts().len();
    let peer = Peer::again(&at.socket, Plan::default(), seen);
    peer.wait("calls again", |seen| seen.starts().len() > starts + 20);

    assert_eq!(host.say("stop").0, 0);
    assert_good(host.finish());
}

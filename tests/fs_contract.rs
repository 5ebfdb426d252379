//! The FreeSWITCH module in a C program that plays FreeSWITCH, under AddressSanitizer and
//! UndefinedBehaviorSanitizer, or ThreadSanitizer, with a sidecar at the other end.
//!
//! It shows that the module compiles, that it loads, unloads and leaks nothing, and that it keeps to the
//! ABI; no more: what FreeSWITCH does is played here. `fs_contract/host.h` says how.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm
)]

#[path = "fs_contract/build.rs"]
mod build;
#[allow(dead_code, reason = "c_host uses more of it")]
#[path = "c_host/peer.rs"]
mod peer;
#[allow(dead_code, reason = "c_host uses more of it")]
#[path = "c_host/talk.rs"]
mod talk;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use outdial_link::{Ask, Down};
use peer::{PATIENCE, Peer, Plan, Seen};
use talk::Host;
use tempfile::TempDir;

/// Calls that end by themselves.
fn short() -> Plan {
    Plan {
        digits: "0567834586",
        ..Plan::default()
    }
}

/// Calls that are answered and stay.
fn long() -> Plan {
    Plan {
        digits: "9",
        ..Plan::default()
    }
}

/// A machine that FreeSWITCH is played on: its configuration, and a sidecar's socket.
struct Place {
    dir: TempDir,
    socket: PathBuf,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let place = Place {
            socket: dir.path().join("link.sock"),
            dir,
        };
        place.configure(&[]);
        place.write(
            "dialplan.xml",
            &std::fs::read_to_string(
                build::root().join("freeswitch-mod/samples/outdial.xml.sample"),
            )
            .unwrap(),
        );
        place
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// Writes outdial.conf.xml, with these params besides the necessary ones.
    fn configure(&self, more: &[(&str, &str)]) {
        let journal = self.dir.path().join("journal");
        let mut params = vec![
            ("node", "pbx1"),
            ("socket", self.socket.to_str().unwrap()),
            ("journal", journal.to_str().unwrap()),
        ];
        params.extend(more);
        let params: String = params
            .iter()
            .map(|(name, value)| format!("<param name=\"{name}\" value=\"{value}\"/>"))
            .collect();
        self.write(
            "outdial.conf.xml",
            &format!(
                "<configuration name=\"outdial.conf\"><settings>{params}</settings></configuration>"
            ),
        );
    }

    fn start(&self) -> Host {
        let built = build::host();
        let mut command = Command::new(&built.program);
        command.arg(&built.module).arg(self.dir.path());
        talk::sanitize(&mut command);
        Host::of(command)
    }

    /// A sidecar whose trunk and phones are sofia's; FreeSWITCH has no AMD.
    fn listen(&self, plan: Plan) -> Peer {
        let plan = Plan {
            tech: "sofia",
            amd: None,
            ..plan
        };
        Peer::listen(&self.socket, plan)
    }
}

fn good(host: &mut Host, command: &str) -> String {
    let (code, text) = host.say(command);
    assert_eq!(code, 0, "{command}: {text}{:#?}", host.log);
    text
}

fn finish(host: Host) -> Vec<String> {
    let (status, log) = host.finish();
    assert!(status.success(), "{status}\n{log:#?}");
    log
}

/// Asks until it is so; what is asked for tells of nothing by itself.
fn until(host: &mut Host, command: &str, done: impl Fn(i32, &str) -> bool) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (code, text) = host.say(command);
        if done(code, &text) {
            return text;
        }
        assert!(
            Instant::now() < deadline,
            "{command}: {text}{:#?}",
            host.log
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the sidecar has seen it; says what the host said, if in vain.
fn seen(host: &mut Host, peer: &Peer, done: impl Fn(&Seen) -> bool) {
    until(host, "counts", |_, _| done(&peer.seen()));
}

/// One of the host's figures.
fn count(host: &mut Host, name: &str) -> u64 {
    let counts = good(host, "counts");
    let mut words = counts.split_whitespace();
    words.find(|word| *word == name).unwrap();
    words.next().unwrap().parse().unwrap()
}

/// Agents call in, and wait.
fn agents_come(host: &mut Host) {
    for i in 0..5 {
        good(host, &format!("call agent{i} outdial-agents *50"));
    }
}

/// The first leg of those shown.
fn leg_of(calls: &str) -> String {
    let line = calls.lines().nth(1).expect(calls);
    let words: Vec<&str> = line.split_whitespace().collect();
    format!("pbx1-{}-{}", words[0], words[1])
}

/// The engine drains, agents are let go, calls end.
fn drain(host: &mut Host) {
    good(host, "api outdial drain");
    until(host, "counts", |_, text| text.ends_with("live 0\n"));
}

/// Every attempt that was begun has its end, and no more legs than were taken by the module.
fn assert_books(peer: &Peer, legs: u64) {
    let seen = peer.seen();
    let (starts, ends) = (seen.starts(), seen.ends());
    assert_eq!(starts.len() as u64, legs);
    for (attempt, _) in starts.keys() {
        assert!(ends.contains_key(attempt), "attempt {attempt} has no end");
    }
    assert!(ends.values().all(|end| end.detail != "node lost"));
}

/// Nothing lives: the module goes, and the books are right.
fn end(mut host: Host, peer: &Peer) {
    let legs = count(&mut host, "legs");
    until(&mut host, "unload", |code, _| code == 0);
    finish(host);
    assert_books(peer, legs);
}

#[test]
fn calls_are_dialed_and_meet_agents_and_everything_ends_once() {
    let at = Place::new();
    at.configure(&[("events", "yes")]);
    let peer = at.listen(short());
    let mut host = at.start();
    good(&mut host, "load");
    seen(&mut host, &peer, |seen| !seen.checked.is_empty());
    agents_come(&mut host);
    seen(&mut host, &peer, |seen| {
        let completed = |end: &&outdial_link::AttemptResult| end.outcome == "completed";
        seen.ends().values().filter(completed).count() >= 100
    });

    // More are answered than agents are free.
    good(&mut host, "talk 500");
    until(&mut host, "counts", |_, text| !text.contains("played 0 "));
    let (code, text) = host.say("unload");
    assert_eq!((code, text.as_str()), (1, "Module in use.\n"));
    drain(&mut host);
    assert!(count(&mut host, "bridged") >= 100);
    assert!(count(&mut host, "fired") >= 500);
    let legs = count(&mut host, "legs");
    println!("{}", good(&mut host, "counts"));
    until(&mut host, "unload", |code, _| code == 0);
    let log = finish(host);

    assert!(log.iter().all(|line| !line.contains("55110")), "{log:#?}");
    assert!(peer.seen().checked.iter().all(|(_, lacks)| lacks.is_none()));
    assert_books(&peer, legs);
    let ends = peer.seen().ends();
    let outcome = |name: &str| ends.values().filter(|end| end.outcome == name).count();
    for name in ["completed", "busy"] {
        assert!(outcome(name) > 0, "{name}: {ends:#?}");
    }
}

#[test]
fn a_hundred_lives_leak_nothing() {
    let at = Place::new();
    let peer = at.listen(short());
    let mut host = at.start();
    // ThreadSanitizer takes ten times as long, and sees no leaks.
    let lives = if talk::is_threads() { 10 } else { 100 };
    for life in 0..lives {
        good(&mut host, "load");
        let before = count(&mut host, "bridged");
        if life % 10 == 0 {
            agents_come(&mut host);
            until(&mut host, "counts", |_, text| {
                let bridged = text.split("bridged ").nth(1).unwrap();
                let bridged = bridged.split(' ').next().unwrap();
                bridged.parse::<u64>().unwrap() > before
            });
        }
        drain(&mut host);
        until(&mut host, "unload", |code, _| code == 0);
    }
    let legs = count(&mut host, "legs");
    finish(host);
    assert_books(&peer, legs);
}

#[test]
fn phones_are_rung_for_answered_calls_and_put_on_hook_after_them() {
    const GOOD: u64 = 14;
    let at = Place::new();
    let peer = at.listen(Plan {
        phones: &["200", "201", "202", "205"],
        ..short()
    });
    let mut host = at.start();
    good(&mut host, "load");
    seen(&mut host, &peer, |seen| !seen.checked.is_empty());
    for agent in 11..=GOOD {
        let action = outdial_link::AgentAction::LogIn;
        let ask = Ask::Agent { agent, action };
        peer.say(Down::Ask {
            request: agent,
            ask,
        });
    }
    seen(&mut host, &peer, |seen| {
        let taken = |end: &&outdial_link::AttemptResult| {
            end.agent == Some(GOOD) && end.outcome == "completed"
        };
        seen.ends().values().filter(taken).count() >= 20
    });
    drain(&mut host);
    end(host, &peer);
}

#[test]
fn who_hangs_up_while_a_call_is_made_ends_it() {
    let at = Place::new();
    let peer = at.listen(short());
    let mut host = at.start();
    good(&mut host, "cancel 10");
    good(&mut host, "load");
    agents_come(&mut host);
    seen(&mut host, &peer, |seen| seen.ends().len() > 20);
    drain(&mut host);
    end(host, &peer);
}

#[test]
fn who_waits_goes_on_waiting_when_something_wakes_him_up() {
    let at = Place::new();
    let peer = at.listen(Plan { leads: 0, ..long() });
    let mut host = at.start();
    good(&mut host, "load");
    seen(&mut host, &peer, |seen| !seen.checked.is_empty());
    good(&mut host, "call agent0 outdial-agents *50");
    seen(&mut host, &peer, |seen| {
        seen.states.iter().any(|(_, state, _)| state == "available")
    });
    for _ in 0..5 {
        good(&mut host, "wake agent0");
        // Whatever came of it has come when some more packets were read.
        let read = count(&mut host, "read") + 5;
        while count(&mut host, "read") < read {}
    }
    good(&mut host, "press agent0 12");
    drain(&mut host);
    until(&mut host, "unload", |code, _| code == 0);
    finish(host);
}

#[test]
fn when_one_of_two_leaves_the_other_goes_on() {
    let at = Place::new();
    let peer = at.listen(long());
    let mut host = at.start();
    good(&mut host, "load");
    agents_come(&mut host);
    until(&mut host, "counts", |_, text| text.contains("bridged 5 "));
    // The customer goes on in the dialplan, which ends there.
    good(&mut host, "hangup agent0");
    until(&mut host, "hangup agent0", |code, _| code == 1);
    seen(&mut host, &peer, |seen| !seen.ends().is_empty());
    // The agent takes the next one.
    let bridged = count(&mut host, "bridged");
    let calls = until(&mut host, "api outdial calls", |_, text| {
        text.contains("bridged")
    });
    let leg = leg_of(&calls);
    good(&mut host, &format!("hangup {leg}"));
    until(&mut host, "counts", |_, text| {
        !text.contains(&format!("bridged {bridged} "))
    });
    // Somebody else gets the customer.
    let calls = until(&mut host, "api outdial calls", |_, text| {
        text.contains("bridged")
    });
    let leg = leg_of(&calls);
    good(&mut host, &format!("transfer {leg} *99 nowhere"));
    until(&mut host, &format!("hangup {leg}"), |code, _| code == 1);
    good(&mut host, "api outdial drain");
    for i in 1..5 {
        host.say(&format!("hangup agent{i}"));
    }
    until(&mut host, "counts", |_, text| text.ends_with("live 0\n"));
    let legs = count(&mut host, "legs");
    until(&mut host, "unload", |code, _| code == 0);
    let log = finish(host);
    assert_books(&peer, legs);
    let connected = |line: &String| line.ends_with("INFO CONNECTED");
    assert!(log.iter().any(connected), "{log:#?}");
}

#[test]
fn freeswitch_ends_while_calls_are_up() {
    let at = Place::new();
    let peer = at.listen(long());
    let mut host = at.start();
    good(&mut host, "load");
    agents_come(&mut host);
    until(&mut host, "counts", |_, text| text.contains("bridged 5"));
    good(&mut host, "shutdown");
    let legs = count(&mut host, "legs");
    finish(host);
    assert_books(&peer, legs);
}

#[test]
fn after_a_panic_in_the_engine_everybody_is_let_go_and_calls_go_on() {
    let at = Place::new();
    let peer = at.listen(long());
    let mut host = at.start();
    good(&mut host, "load");
    agents_come(&mut host);
    until(&mut host, "counts", |_, text| text.contains("bridged 5"));
    host.say("fault 0");
    seen(&mut host, &peer, |seen| {
        seen.heartbeats.iter().any(|beat| beat.poisoned)
    });
    let dialed = count(&mut host, "dialed");
    for i in 0..5 {
        good(&mut host, &format!("hangup agent{i}"));
    }
    until(&mut host, "counts", |_, text| text.ends_with("live 0\n"));
    assert_eq!(count(&mut host, "dialed"), dialed);
    until(&mut host, "unload", |code, _| code == 0);
    let log = finish(host);
    let told = |line: &&String| line.contains("outdial has stopped dialing");
    assert_eq!(log.iter().filter(told).count(), 1, "{log:#?}");
}

#[test]
fn mistakes_in_the_dialplan_say_so_and_the_channel_goes_on() {
    let at = Place::new();
    let _peer = at.listen(Plan {
        leads: 0,
        ..Plan::default()
    });
    let app = |name: &str, app: &str, data: &str| {
        format!(
            r#"<extension><condition field="destination_number" expression="^{name}$">
            <action application="{app}" data="{data}"/>
            <action application="log" data="INFO {name} ${{outdial_status}}"/></condition></extension>"#
        )
    };
    at.write(
        "dialplan.xml",
        &format!(
            "<include><context name=\"c\">{}{}{}{}</context></include>",
            app("connect", "outdial_connect", ""),
            app("agent", "outdial_agent", ""),
            app("nobody", "outdial_agent", "nobody"),
            app("options", "outdial_agent", "agent1,x"),
        ),
    );
    let mut host = at.start();
    good(&mut host, "load");
    for name in ["connect", "agent", "nobody", "options"] {
        good(&mut host, &format!("call u{name} c {name}"));
    }
    until(&mut host, "counts", |_, text| text.ends_with("live 0\n"));
    until(&mut host, "unload", |code, _| code == 0);
    let log = finish(host);
    for said in [
        "INFO connect NOT_OUTDIAL",
        "INFO agent ERROR",
        "INFO nobody UNKNOWN",
        "INFO options ERROR",
    ] {
        assert!(
            log.iter().any(|line| line.ends_with(said)),
            "{said}: {log:#?}"
        );
    }
}

#[test]
fn the_console_and_the_configuration() {
    let at = Place::new();
    let peer = at.listen(short());
    let mut host = at.start();
    at.configure(&[("frobnicate", "1")]);
    let (code, text) = host.say("load");
    assert_eq!(
        (code, text.as_str()),
        (1, "module load routine returned an error\n")
    );
    let unknown = |line: &String| line.contains("unknown param 'frobnicate'");
    assert!(host.log.iter().any(unknown), "{:#?}", host.log);
    at.configure(&[("context", "elsewhere")]);
    good(&mut host, "load");
    seen(&mut host, &peer, |seen| !seen.checked.is_empty());

    let status = good(&mut host, "api outdial status");
    assert!(
        status.contains("node pbx1") && status.contains("mod_outdial   ABI"),
        "{status}"
    );
    assert!(good(&mut host, "api outdial campaigns").contains("autumn"));
    assert!(good(&mut host, "api outdial").starts_with("-USAGE"));
    assert!(good(&mut host, "api outdial frobnicate").starts_with("-ERR"));
    assert!(good(&mut host, "complete outdial ca").contains("campaign"));
    at.configure(&[("context", "outdial"), ("max_calls", "7")]);
    let said = good(&mut host, "api outdial reload");
    assert!(
        said.contains("context: was elsewhere, is outdial now")
            && said.contains("max_calls: was 500, is 7 now"),
        "{said}"
    );
    until(&mut host, "unload", |code, _| code == 0);
    assert_eq!(host.say("unload"), (1, "No such module\n".into()));
    assert_eq!(host.say("api outdial status").0, 1);
    finish(host);
}

#[test]
fn the_contract_is_freeswitchs() {
    let Some(include) = build::freeswitch_include() else {
        // Past the test's own capture: it is to be seen.
        use std::io::Write;
        let text = "freeswitch contract: NOT COMPARED with FreeSWITCH's headers, none installed\n";
        std::io::stderr().write_all(text.as_bytes()).unwrap();
        return;
    };
    let compared = build::compare(&include, None);
    assert!(compared.is_ok(), "{}", compared.unwrap_err());
    println!("compared with {}", include.display());
    // What differs is found.
    for wrong in [
        "FUNCTION(int, switch_core_ready, (void))",
        "NUMBER(SWITCH_STATUS_FALSE, 2)",
        "TEXT(SWITCH_HANGUP_AFTER_BRIDGE_VARIABLE, \"hangup\")",
        "MEMBER(switch_frame_t, datalen, uint64_t)",
        "CALL(int, switch_channel_hangup, (switch_channel_t *c, switch_call_cause_t q), (c, q))",
        "FUNCTION(void, switch_no_such_thing, (void))",
    ] {
        assert!(build::compare(&include, Some(wrong)).is_err(), "{wrong}");
    }
}

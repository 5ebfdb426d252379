//! Who was dialed calls back: on the real PBX, with the real database.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);

/// The extension is the caller's number, after letters that say how he is asked for.
const DIALPLAN: &str = r#"
[callers]
exten => _X.,1,Set(CALLERID(num)=${EXTEN})
 same => n,OutdialInbound()
 same => n,Set(GLOBAL(S${EXTEN})=${OUTDIAL_STATUS}/${OUTDIAL(direction)}/${OUTDIAL(campaign)}/${OUTDIAL(agent)}/${OUTDIAL(trunk)})
 same => n,OutdialDisposition(sale)
 same => n,Set(GLOBAL(SAID)=${OUTDIAL_STATUS})
 same => n,OutdialInbound()
 same => n,Set(GLOBAL(AGAIN)=${OUTDIAL_STATUS})

exten => _s.,1,Set(CALLERID(num)=${EXTEN:1})
 same => n,OutdialInbound(back,sw(2))
 same => n,Set(GLOBAL(SHORT)=${OUTDIAL_STATUS}/${CHANNEL(state)})
 same => n,Wait(60)

exten => _u.,1,Set(CALLERID(num)=${EXTEN:1})
 same => n,OutdialInbound(back,u)
 same => n,Set(GLOBAL(ANYBODY)=${OUTDIAL_STATUS})

exten => _l.,1,Set(CALLERID(num)=${EXTEN:1})
 same => n,OutdialInbound(back,c(BR))
 same => n,Set(GLOBAL(NATIONAL)=${OUTDIAL_STATUS})

exten => wrong,1,Set(CALLERID(num)=5511930000001)
 same => n,OutdialInbound(nothing)
 same => n,Set(GLOBAL(NO_CAMPAIGN)=${OUTDIAL_STATUS})
 same => n,OutdialInbound(,u)
 same => n,Set(GLOBAL(WHOSE)=${OUTDIAL_STATUS})
 same => n,OutdialInbound(back,w(0))
 same => n,Set(GLOBAL(NO_WAIT)=${OUTDIAL_STATUS})
 same => n,OutdialInbound(back,c(XX))
 same => n,Set(GLOBAL(NO_COUNTRY)=${OUTDIAL_STATUS})
 same => n,OutdialInbound(back,m(default)s)
 same => n,Set(GLOBAL(BOTH)=${OUTDIAL_STATUS})
 same => n,Set(CALLERID(num)=anonymous)
 same => n,OutdialInbound()
 same => n,Set(GLOBAL(ANONYMOUS)=${OUTDIAL_STATUS})
 same => n,Set(CALLERID(num)=)
 same => n,OutdialInbound()
 same => n,Set(GLOBAL(NO_NUMBER)=${OUTDIAL_STATUS})

[ours]
exten => s,1,OutdialInbound()
 same => n,Set(GLOBAL(OURS)=${OUTDIAL_STATUS})
 same => n,OutdialConnect()
"#;

fn global(rig: &Rig, name: &str) -> String {
    rig.pbx.global(name, SOON).unwrap()
}

fn text(rig: &Rig, sql: &str) -> String {
    rig.sidecar.text(sql).unwrap()
}

/// Somebody calls, and stays until he is hung up.
fn call(rig: &Rig, exten: &str) {
    let line = format!("channel originate Local/{exten}@callers/n application Wait 120");
    rig.pbx.cli(&line).unwrap();
}

/// He hangs up.
fn hang_up(rig: &Rig, exten: &str) {
    let channels = rig.pbx.cli("core show channels concise").unwrap();
    let ours = format!("Local/{exten}@callers");
    let channel = channels
        .lines()
        .filter_map(|line| line.split('!').next())
        .find(|name| name.starts_with(&ours) && name.ends_with(";1"))
        .unwrap_or_else(|| panic!("no {ours} in {channels}"));
    rig.pbx
        .cli(&format!("channel request hangup {channel}"))
        .unwrap();
}

/// Leads who were dialed and were busy; their numbers.
fn dialed(rig: &Rig, serials: std::ops::Range<u32>) -> Vec<String> {
    let numbers: Vec<String> = serials.map(|n| Fate::Busy.number(0, n)).collect();
    rig.insert("back", &numbers).unwrap();
    rig.outdial(&["campaign", "start", "back"]).unwrap();
    let count = i64::try_from(numbers.len()).unwrap();
    wait_for("the dials", SOON, || {
        let sql = "SELECT count(*) FROM outdial.leads WHERE last_outcome = 'busy'";
        Ok(rig.sidecar.count(sql)? >= count)
    })
    .unwrap();
    rig.outdial(&["campaign", "pause", "back"]).unwrap();
    numbers
}

/// What the table has of the number's last call, once it is over.
fn attempt(rig: &Rig, number: &str, calls: i64) -> String {
    let sql =
        format!("SELECT count(*) FROM outdial.attempts WHERE number = '{number}' AND inbound");
    wait_for("the row", SOON, || Ok(rig.sidecar.count(&sql)? >= calls)).unwrap_or_else(|error| {
        let all = "SELECT string_agg(number || ' ' || outcome || ' ' || detail || inbound, '; ')
                   FROM outdial.attempts";
        panic!("{error:#}: {}", text(rig, all))
    });
    text(
        rig,
        &format!(
            "SELECT concat_ws('/', outcome, detail, legs, charged, trunk_id, caller_id)
             FROM outdial.attempts WHERE number = '{number}' AND inbound
             ORDER BY started_at DESC LIMIT 1"
        ),
    )
}

/// Status and reason of the number's lead, and in how many seconds it is called back.
fn lead(rig: &Rig, number: &str) -> String {
    text(
        rig,
        &format!(
            "SELECT concat_ws('/', l.status, l.reason, round(extract(epoch FROM l.callback_at - now()) / 60))
             FROM outdial.leads l JOIN outdial.lead_numbers n ON n.campaign_id = l.campaign_id AND n.lead_id = l.id
             WHERE n.number = '{number}'"
        ),
    )
}

fn wait_calls(rig: &Rig, words: &[&str]) {
    let mut said = String::new();
    wait_for(&format!("a call with {words:?}"), SOON, || {
        said = rig.pbx.cli("outdial show calls")?;
        Ok(said
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word))))
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{said}"));
}

#[test]
fn who_was_dialed_reaches_the_campaigns_agents() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let mut rig = Rig::start("inbound", options).unwrap();
    let recording = ["--wrap-up-ms", "0", "--recording", "{attempt}.wav"];
    rig.campaign("back", &recording).unwrap();
    rig.log_in("back", 1).unwrap();
    let numbers = dialed(&rig, 1..10);

    mistakes_have_a_status(&rig);
    he_talks_to_the_agent(&rig, &numbers[0]);
    the_agent_leaves_first(&rig, &numbers[1]);
    callers_wait_and_dialing_makes_room(&rig, &numbers[2..5]);
    who_is_not_served_is_called_back(&rig, &numbers[5..8]);
    whoever_calls_becomes_a_lead(&rig);
    an_outbound_call_is_none(&rig);
    nothing_is_taken_while_it_drains(&rig, &numbers[8]);
    nobody_is_there(&mut rig, &numbers[8]);
}

fn mistakes_have_a_status(rig: &Rig) {
    call(rig, "wrong");
    for (name, value) in [
        ("NO_CAMPAIGN", "ERROR"),
        ("WHOSE", "ERROR"),
        ("NO_WAIT", "ERROR"),
        ("NO_COUNTRY", "ERROR"),
        ("BOTH", "ERROR"),
        ("ANONYMOUS", "NOT_FOUND"),
        ("NO_NUMBER", "NOT_FOUND"),
    ] {
        assert_eq!(global(rig, name), value, "{name}");
    }
    let log = rig.pbx.log();
    for warning in [
        "OutdialInbound(nothing): there is no campaign",
        "got ',u'",
        "got 'back,w(0)'",
        "there is no country \"XX\"",
    ] {
        let said = |l: &str| l.contains("WARNING") && l.contains(warning);
        assert!(log.lines().any(said), "{warning}");
    }
    // Never dialed: the dialplan goes on.
    let stranger = "5511930099999";
    call(rig, stranger);
    assert_eq!(global(rig, &format!("S{stranger}")), "NOT_FOUND////");
    assert_eq!(global(rig, "SAID"), "NOT_OUTDIAL");
}

fn he_talks_to_the_agent(rig: &Rig, number: &str) {
    // As the carrier may write it: without the country's code.
    call(rig, &format!("l{}", &number[2..]));
    rig.wait_agents("on_call", 1, SOON).unwrap();
    wait_calls(rig, &["(inbound)", "back", "bridged"]);
    assert_eq!(lead(rig, number), "dialing");
    hang_up(rig, &format!("l{}", &number[2..]));
    let row = attempt(rig, number, 1);
    assert_eq!(row, "completed//0/f/0/551140000000");
    wait_for("the lead", SOON, || {
        Ok(lead(rig, number) == "done/completed")
    })
    .unwrap();
    rig.wait_agents("available", 1, SOON).unwrap();
    let who = format!(
        "SELECT concat_ws('/', a.name, t.recording = t.attempt_id || '.wav', answered_at <= bridged_at)
         FROM outdial.attempts t JOIN outdial.agents a ON a.id = t.agent_id WHERE number = '{number}' AND inbound"
    );
    assert_eq!(text(rig, &who), "1001/t/t");
    let days = "SELECT coalesce(sum(answered), 0)::text FROM outdial.campaign_days";
    assert_eq!(text(rig, days), "0", "no part of the abandon rate");
    let capped = format!(
        "SELECT concat_ws('/', l.attempts, n.attempts, g.total_attempts, coalesce(g.lease_id::text, 'free'))
         FROM outdial.lead_numbers n JOIN outdial.leads l ON l.campaign_id = n.campaign_id AND l.id = n.lead_id
         JOIN outdial.number_guard g ON g.number = n.number WHERE n.number = '{number}'"
    );
    assert_eq!(text(rig, &capped), "1/1/1/free", "only the dial counts");
}

/// The agent's channel is put out of the bridge: the caller stays.
fn kick_agent(rig: &Rig) {
    let bridges = rig.pbx.cli("bridge show all").unwrap();
    let with_two = bridges
        .lines()
        .find(|l| l.contains("basic") && l.split_whitespace().any(|w| w == "2"))
        .and_then(|l| l.split_whitespace().next())
        .unwrap_or_else(|| panic!("no bridge of two: {bridges}"));
    let inside = rig.pbx.cli(&format!("bridge show {with_two}")).unwrap();
    let agent = inside
        .lines()
        .filter_map(|l| l.trim().strip_prefix("Channel: "))
        .find(|c| !c.contains("@callers"))
        .unwrap_or_else(|| panic!("no agent in it: {inside}"));
    rig.pbx
        .cli(&format!("bridge kick {with_two} {agent}"))
        .unwrap();
}

fn the_agent_leaves_first(rig: &Rig, number: &str) {
    call(rig, number);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    kick_agent(rig);
    let said = global(rig, &format!("S{number}"));
    assert_eq!(said, "CONNECTED/inbound/back/1001/");
    wait_for("the disposition", SOON, || {
        Ok(rig.pbx.global("SAID", SOON)? == "OK")
    })
    .unwrap();
    assert_eq!(global(rig, "AGAIN"), "REPEATED");
    attempt(rig, number, 1);
    wait_for("the lead", SOON, || Ok(lead(rig, number) == "done/sale")).unwrap();
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn callers_wait_and_dialing_makes_room(rig: &Rig, numbers: &[String]) {
    let [first, second, fresh] = numbers else {
        panic!("three of them");
    };
    call(rig, first);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    call(rig, second);
    wait_calls(rig, &["(inbound)", "awaiting_agent"]);
    let music = rig.pbx.log();
    assert!(
        music
            .lines()
            .any(|l| l.contains("Started music on hold") && l.contains("@callers")),
        "he hears music"
    );
    // Somebody could be dialed as soon as the agent is free: the caller goes first.
    let waits = Fate::AnswerStay.number(0, 77);
    rig.insert("back", std::slice::from_ref(&waits)).unwrap();
    rig.outdial(&["campaign", "start", "back"]).unwrap();
    hang_up(rig, first);
    wait_for("the next caller's turn", SOON, || {
        let said = rig.pbx.cli("outdial show calls")?;
        let served = said.contains("(inbound)") && said.contains("bridged");
        Ok(served
            && !said.contains("awaiting_agent")
            && attempt(rig, first, 1).starts_with("completed"))
    })
    .unwrap();
    let dialed = format!("SELECT count(*) FROM outdial.attempts WHERE number = '{waits}'");
    assert_eq!(rig.sidecar.count(&dialed).unwrap(), 0, "dialing makes room");
    wait_for("nobody else", SOON, || Ok(rig.live()? == 1)).unwrap();
    rig.outdial(&["campaign", "stop", "back"]).unwrap();
    rig.sidecar
        .sql()
        .unwrap()
        .execute(
            "DELETE FROM outdial.leads l USING outdial.lead_numbers n
             WHERE n.campaign_id = l.campaign_id AND n.lead_id = l.id AND n.number = $1",
            &[&waits],
        )
        .unwrap();
    // A stopped campaign takes nobody new, and keeps who is there.
    call(rig, fresh);
    assert!(global(rig, &format!("S{fresh}")).starts_with("NOT_FOUND"));
    rig.outdial(&["campaign", "pause", "back"]).unwrap();
    hang_up(rig, second);
    assert!(attempt(rig, second, 1).starts_with("completed"));
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn who_is_not_served_is_called_back(rig: &Rig, numbers: &[String]) {
    let [late, gone, forbidden] = numbers else {
        panic!("three of them");
    };
    let busy = Fate::Busy.number(0, 3);
    call(rig, &busy);
    rig.wait_agents("on_call", 1, SOON).unwrap();

    call(rig, &format!("s{late}"));
    assert_eq!(global(rig, "SHORT"), "TIMEOUT/Up", "the dialplan goes on");
    assert!(attempt(rig, late, 1).starts_with("abandoned/no agent/0/f/0"));
    wait_for("the callback", SOON, || Ok(lead(rig, late) == "ready/0")).unwrap();
    hang_up(rig, &format!("s{late}"));

    call(rig, gone);
    wait_calls(rig, &["(inbound)", "awaiting_agent"]);
    hang_up(rig, gone);
    assert!(attempt(rig, gone, 1).starts_with("abandoned/hung up while waiting/0/f/0"));
    wait_for("the callback", SOON, || Ok(lead(rig, gone) == "ready/0")).unwrap();

    rig.outdial(&["dnc", "add", &format!("+{forbidden}")])
        .unwrap();
    call(rig, forbidden);
    wait_calls(rig, &["(inbound)", "awaiting_agent"]);
    hang_up(rig, forbidden);
    assert!(attempt(rig, forbidden, 1).starts_with("abandoned"));
    wait_for("no callback", SOON, || {
        Ok(lead(rig, forbidden) == "done/do_not_call")
    })
    .unwrap();
    hang_up(rig, &busy);
    rig.wait_agents("available", 1, SOON).unwrap();

    // They are called back by the rules, before everybody else.
    rig.outdial(&["campaign", "start", "back"]).unwrap();
    wait_for("the call back", SOON, || {
        let sql = format!(
            "SELECT count(*) FROM outdial.attempts WHERE number IN ('{late}', '{gone}') AND NOT inbound"
        );
        Ok(rig.sidecar.count(&sql)? >= 4)
    })
    .unwrap();
    rig.outdial(&["campaign", "pause", "back"]).unwrap();
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn whoever_calls_becomes_a_lead(rig: &Rig) {
    let number = "5511987650001";
    call(rig, &format!("u{number}"));
    rig.wait_agents("on_call", 1, SOON).unwrap();
    hang_up(rig, &format!("u{number}"));
    assert!(attempt(rig, number, 1).starts_with("completed"));
    let list = format!(
        "SELECT li.name || '/' || coalesce(l.dialed_at::text, 'never') FROM outdial.leads l JOIN outdial.lists li ON li.id = l.list_id
         JOIN outdial.lead_numbers n ON n.campaign_id = l.campaign_id AND n.lead_id = l.id WHERE n.number = '{number}'"
    );
    assert_eq!(text(rig, &list), "inbound/never");
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn an_outbound_call_is_none(rig: &Rig) {
    let target = ["--context", "ours", "--max-attempts", "1"];
    rig.agentless("ours", "continue", &target).unwrap();
    let number = Fate::Answer(1).number(0, 55);
    rig.insert("ours", std::slice::from_ref(&number)).unwrap();
    rig.outdial(&["campaign", "start", "ours"]).unwrap();
    assert_eq!(global(rig, "OURS"), "NOT_INBOUND");
    rig.wait_leads("ours", &["done"], SOON).unwrap();
    rig.outdial(&["campaign", "stop", "ours"]).unwrap();
}

fn nothing_is_taken_while_it_drains(rig: &Rig, number: &str) {
    let other = Fate::Busy.number(0, 3);
    call(rig, &other);
    rig.wait_agents("on_call", 1, SOON).unwrap();
    let refused = rig.pbx.cli("module unload res_outdial.so");
    let said = refused.unwrap_or_else(|error| format!("{error:#}"));
    assert!(said.contains("Unable to unload"), "{said}");
    rig.pbx.cli("outdial drain").unwrap();
    call(rig, number);
    assert!(global(rig, &format!("S{number}")).starts_with("NOT_NOW"));
    wait_for("the lead to come back", SOON, || {
        Ok(lead(rig, number).starts_with("ready"))
    })
    .unwrap();
    assert_eq!(rig.agents_in("on_call").unwrap(), 1, "who talks goes on");
    rig.pbx.cli("outdial undrain").unwrap();
    hang_up(rig, &other);
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn nobody_is_there(rig: &mut Rig, number: &str) {
    let cli = |line: &str| rig.pbx.cli(line).unwrap();
    cli("outdial agent logout 1001");
    rig.wait_agents("logged_out", 1, SOON).unwrap();
    cli(&format!("dialplan set global S{number} again"));
    call(rig, number);
    wait_for("nobody at work", SOON, || {
        let said = rig.pbx.global(&format!("S{number}"), SOON)?;
        Ok(said.starts_with("NOT_NOW"))
    })
    .unwrap();
    assert!(
        rig.pbx
            .log()
            .contains("no agent of the campaign is at work")
    );
    rig.sidecar.kill9().unwrap();
    wait_for("the link's end", SOON, || {
        Ok(rig.pbx.log().contains("no sidecar at"))
    })
    .unwrap();
    call(rig, number);
    wait_for("the sidecar's absence", SOON, || {
        let said = rig.pbx.global(&format!("S{number}"), SOON)?;
        Ok(said.starts_with("UNAVAILABLE"))
    })
    .unwrap();
}

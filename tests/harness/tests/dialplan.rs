//! Applications, functions and console commands, on the real PBX.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::wait::wait_for;
use outdial_harness::{Fate, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(40);

const DIALPLAN: &str = r#"
[ask]
exten => s,1,Set(GLOBAL(CALL)=${OUTDIAL(campaign)}/${OUTDIAL(number)}/${OUTDIAL(attempts)}/${OUTDIAL(trunk)}/${OUTDIAL(position)})
 same => n,Set(GLOBAL(NONSENSE)=[${OUTDIAL(nonsense)}])
 same => n,Set(GLOBAL(CAMPAIGN)=${OUTDIAL_CAMPAIGN(asked,state)}/${OUTDIAL_CAMPAIGN(asked,live)}/${OUTDIAL_CAMPAIGN(asked,abandon_rate)})
 same => n,OutdialConnect()
 same => n,Wait(1)

[survey]
exten => s,1,Set(GLOBAL(COLUMNS)=${OUTDIAL(first_name)}/${OUTDIAL(lead.city)}/${OUTDIAL(lead.state)}/[${OUTDIAL(lead.none)}])
 same => n,Set(GLOBAL(STATE)=${OUTDIAL(state)})
 same => n,OutdialConnect()
 same => n,OutdialDisposition(nonsense)
 same => n,Set(GLOBAL(NO_CODE)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(callback)
 same => n,Set(GLOBAL(NO_TIME)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(callback,soon)
 same => n,Set(GLOBAL(BAD_TIME)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(callback,+3h,p)
 same => n,Set(GLOBAL(NOBODYS)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(callback,+3h,n(likes the offer, really))
 same => n,Set(GLOBAL(CALLBACK)=${OUTDIAL_STATUS})
 same => n,OutdialDNC(,optin)
 same => n,Set(GLOBAL(DNC)=${OUTDIAL_STATUS})

[desk]
exten => add,1,OutdialAdd(optin,+5511900200077,first_name="Ana, B",city=Lima,state=SP,priority=7,list=web)
 same => n,Set(GLOBAL(ADDED)=${OUTDIAL_STATUS})
 same => n,OutdialAdd(optin,11900200077,country=BR)
 same => n,Set(GLOBAL(TWICE)=${OUTDIAL_STATUS})
 same => n,OutdialAdd(nothing,+5511900200077)
 same => n,Set(GLOBAL(NOWHERE)=${OUTDIAL_STATUS})
 same => n,OutdialAdd(optin,911)
 same => n,Set(GLOBAL(NO_NUMBER)=${OUTDIAL_STATUS})
 same => n,OutdialAdd(optin,+5511900200078,time_zone=Mars)
 same => n,Set(GLOBAL(NO_ZONE)=${OUTDIAL_STATUS})
 same => n,OutdialAdd(optin,+5511900200078,city)
 same => n,Set(GLOBAL(NO_VALUE)=${OUTDIAL_STATUS})
 same => n,OutdialAdd(optin)
 same => n,Set(GLOBAL(NO_ARGUMENT)=${OUTDIAL_STATUS})
 same => n,OutdialDNC(+55 11 99999-0001)
 same => n,Set(GLOBAL(DNC_ALL)=${OUTDIAL_STATUS})
 same => n,OutdialDNC(12x)
 same => n,Set(GLOBAL(DNC_WRONG)=${OUTDIAL_STATUS})
 same => n,OutdialDNC()
 same => n,Set(GLOBAL(DNC_NOBODY)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(sale)
 same => n,Set(GLOBAL(SAID_NOWHERE)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(sale,,a(1002))
 same => n,Set(GLOBAL(SAID_NOTHING)=${OUTDIAL_STATUS})
 same => n,OutdialDisposition(sale,,a())
 same => n,Set(GLOBAL(SAID_WRONGLY)=${OUTDIAL_STATUS})
exten => sold,1,OutdialDisposition(sale,,a(1001)n(two of them))
 same => n,Set(GLOBAL(SOLD)=${OUTDIAL_STATUS})
exten => late,1,OutdialDisposition(wrong_number,,a(1001))
 same => n,Set(GLOBAL(LATE)=${OUTDIAL_STATUS})
exten => gone,1,OutdialDNC(5511999990002)
 same => n,Set(GLOBAL(GONE)=${OUTDIAL_STATUS})
exten => pause,1,OutdialPause(1001,lunch)
 same => n,Set(GLOBAL(PAUSED)=${OUTDIAL_STATUS}/${OUTDIAL_AGENT(1001,state)}/${OUTDIAL_AGENT(1001,pause)})
exten => back,1,OutdialUnpause(1001)
 same => n,Set(GLOBAL(BACK)=${OUTDIAL_STATUS}/${OUTDIAL_AGENT(1001,state)}/${OUTDIAL_AGENT(1001,pause)})
exten => wrong,1,OutdialPause()
 same => n,Set(GLOBAL(NO_AGENT)=${OUTDIAL_STATUS})
 same => n,OutdialPause(nobody)
 same => n,Set(GLOBAL(NOBODY)=${OUTDIAL_STATUS}/${OUTDIAL_AGENT(nobody,state)})
 same => n,OutdialPause(1002)
 same => n,Set(GLOBAL(ABSENT)=${OUTDIAL_STATUS}/${OUTDIAL_AGENT(1002,state)})
 same => n,OutdialUnpause(1001,x)
 same => n,Set(GLOBAL(TOO_MANY)=${OUTDIAL_STATUS})
 same => n,Set(GLOBAL(STRANGER)=[${OUTDIAL(lead)}])
 same => n,Set(GLOBAL(NO_CAMPAIGN)=[${OUTDIAL_CAMPAIGN(nothing,state)}])
 same => n,OutdialConnect()
 same => n,Set(GLOBAL(CONNECT)=${OUTDIAL_STATUS})
 same => n,Set(GLOBAL(WENT_ON)=yes)
"#;

/// The value of a global variable, once it is there.
fn global(rig: &Rig, name: &str) -> String {
    rig.pbx.global(name, SOON).unwrap()
}

/// Runs an extension of the context `desk` on a channel that outdial has not dialed.
fn run(rig: &Rig, exten: &str) {
    let line = format!("channel originate Local/{exten}@desk application Wait 1");
    rig.pbx.cli(&line).unwrap();
}

#[test]
fn a_dialplan_asks_and_acts_and_errors_go_on_with_a_status() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let mut rig = Rig::start("dialplan", options).unwrap();
    let once = ["--max-attempts", "1", "--context", "ask"];
    rig.agentless("asked", "continue", &once).unwrap();
    rig.campaign("calm", &["--wrap-up-ms", "0"]).unwrap();
    rig.outdial(&["agents", "add", "1002", "--campaign", "calm"])
        .unwrap();
    rig.log_in("calm", 1).unwrap();

    a_call_knows_itself(&rig);
    an_agent_is_paused_by_dialplan_and_console(&rig);
    mistakes_have_a_status(&rig);
    a_lead_is_added_called_and_disposed_of(&rig);
    an_agent_disposes_from_any_phone(&rig);
    the_console_answers(&rig);
    without_a_sidecar_nothing_is_lost_unsaid(&mut rig);
}

/// The one row of a query, as text.
fn text(rig: &Rig, sql: &str) -> String {
    rig.sidecar.text(sql).unwrap()
}

fn a_lead_is_added_called_and_disposed_of(rig: &Rig) {
    let once = ["--context", "survey"];
    rig.agentless("optin", "continue", &once).unwrap();
    rig.outdial(&["campaign", "start", "optin"]).unwrap();
    run(rig, "add");
    for (name, value) in [
        ("ADDED", "OK"),
        ("TWICE", "REFUSED"),
        ("NOWHERE", "REFUSED"),
        ("NO_NUMBER", "REFUSED"),
        ("NO_ZONE", "REFUSED"),
        ("NO_VALUE", "ERROR"),
        ("NO_ARGUMENT", "ERROR"),
        ("DNC_ALL", "OK"),
        ("DNC_WRONG", "REFUSED"),
        ("DNC_NOBODY", "NOT_OUTDIAL"),
        ("SAID_NOWHERE", "NOT_OUTDIAL"),
        ("SAID_NOTHING", "REFUSED"),
        ("SAID_WRONGLY", "ERROR"),
        // On the call itself.
        ("COLUMNS", "Ana, B/Lima/SP/[]"),
        ("NO_CODE", "REFUSED"),
        ("NO_TIME", "REFUSED"),
        ("BAD_TIME", "REFUSED"),
        ("NOBODYS", "REFUSED"),
        ("CALLBACK", "OK"),
        ("DNC", "OK"),
    ] {
        assert_eq!(global(rig, name), value, "{name}");
    }
    assert!(!global(rig, "STATE").is_empty());
    assert_ne!(global(rig, "STATE"), "SP", "a field of ours goes first");
    let log = rig.pbx.log();
    for reason in [
        "the number is in the campaign already",
        "no country code",
        "there is no time zone",
        "'city' is no name=value",
        "there is no disposition",
        "callback_at is missing",
        "is no time; allowed",
        "nobody can have its callback alone",
    ] {
        assert!(log.contains(reason), "{reason}");
    }
    assert!(
        !log.contains("5511999990001"),
        "a number is no matter for the log"
    );
    wait_for("the result", SOON, || {
        Ok(rig.sidecar.count(
            "SELECT count(*) FROM outdial.attempts WHERE number = '5511900200077' AND disposition = 'callback'
               AND note = 'likes the offer, really'",
        )? == 1)
    })
    .unwrap();
    let hours = text(
        rig,
        "SELECT round(extract(epoch FROM l.callback_at - now()) / 3600)::text || '/' || li.name
         FROM outdial.leads l JOIN outdial.lists li ON li.id = l.list_id
         WHERE l.data->>'city' = 'Lima' AND l.status = 'ready'",
    );
    assert_eq!(hours, "3/web");
    let listed = text(
        rig,
        "SELECT string_agg(d.number || coalesce('@' || c.name, ''), ' ' ORDER BY d.number)
         FROM outdial.do_not_call d LEFT JOIN outdial.campaigns c ON c.id = d.campaign_id",
    );
    assert_eq!(listed, "5511900200077@optin 5511999990001");
}

/// In the wrap-up, which it ends, and later.
fn an_agent_disposes_from_any_phone(rig: &Rig) {
    rig.outdial(&["campaign", "set", "calm", "--wrap-up-ms", "60000"])
        .unwrap();
    rig.wait_agents("available", 1, SOON).unwrap();
    let number = Fate::Answer(1).number(0, 9);
    rig.insert("calm", std::slice::from_ref(&number)).unwrap();
    rig.outdial(&["campaign", "start", "calm"]).unwrap();
    rig.wait_agents("wrap_up", 1, LATER).unwrap();
    run(rig, "sold");
    assert_eq!(global(rig, "SOLD"), "OK");
    rig.wait_agents("available", 1, SOON).unwrap();
    rig.wait_leads("calm", &["done"], SOON).unwrap();
    let said = format!(
        "SELECT disposition || '/' || note FROM outdial.attempts WHERE number = '{number}'"
    );
    assert_eq!(text(rig, &said), "sale/two of them");
    // What is said next gives the lead back: its next call would keep the agent who logs off below.
    rig.outdial(&["campaign", "pause", "calm"]).unwrap();
    run(rig, "late");
    assert_eq!(global(rig, "LATE"), "OK");
    assert_eq!(text(rig, &said), "wrong_number/two of them");
}

fn without_a_sidecar_nothing_is_lost_unsaid(rig: &mut Rig) {
    rig.sidecar.kill9().unwrap();
    wait_for("the link's end", SOON, || {
        Ok(rig.pbx.log().contains("no sidecar at"))
    })
    .unwrap();
    run(rig, "gone");
    assert_eq!(global(rig, "GONE"), "UNAVAILABLE");
}

fn a_call_knows_itself(rig: &Rig) {
    let number = Fate::Answer(2).number(0, 7);
    rig.insert("asked", std::slice::from_ref(&number)).unwrap();
    rig.outdial(&["campaign", "start", "asked"]).unwrap();
    let call = format!("asked/{number}/0/carrier/0");
    assert_eq!(global(rig, "CALL"), call);
    assert_eq!(global(rig, "CAMPAIGN"), "running/1/0.00");
    assert_eq!(global(rig, "NONSENSE"), "[]");
    assert!(rig.pbx.log().contains("there is no field 'nonsense'"));
    rig.wait_leads("asked", &["done"], LATER).unwrap();
}

fn an_agent_is_paused_by_dialplan_and_console(rig: &Rig) {
    run(rig, "pause");
    assert_eq!(global(rig, "PAUSED"), "OK/paused/lunch");
    rig.wait_agents("paused", 1, SOON).unwrap();
    run(rig, "back");
    assert_eq!(global(rig, "BACK"), "OK/available/");
    let said = rig
        .pbx
        .cli("outdial agent pause 1001 coffee break")
        .unwrap_or_else(|error| format!("{error:#}"));
    assert!(said.contains("Usage"), "two codes: {said}");
    rig.pbx.cli("outdial agent pause 1001 coffee").unwrap();
    rig.wait_agents("paused", 1, SOON).unwrap();
    rig.pbx.cli("outdial agent unpause 1001").unwrap();
    rig.wait_agents("available", 1, SOON).unwrap();
}

fn mistakes_have_a_status(rig: &Rig) {
    run(rig, "wrong");
    assert_eq!(global(rig, "WENT_ON"), "yes");
    for (name, value) in [
        ("NO_AGENT", "ERROR"),
        ("NOBODY", "UNKNOWN/logged_out"),
        ("ABSENT", "NOT_NOW/logged_out"),
        ("TOO_MANY", "ERROR"),
        ("STRANGER", "[]"),
        ("NO_CAMPAIGN", "[]"),
        ("CONNECT", "NOT_OUTDIAL"),
    ] {
        assert_eq!(global(rig, name), value, "{name}");
    }
    let log = rig.pbx.log();
    for warning in [
        "OutdialPause(agent[,code]): got ''",
        "OutdialPause(nobody): no agent of that name is configured",
        "OutdialPause(1002): the agent is not logged in",
        "OutdialUnpause(agent): got '1001,x'",
        "OUTDIAL on channel",
        "OUTDIAL_CAMPAIGN: 'nothing'",
        "which outdial has not dialed",
    ] {
        assert!(
            log.lines()
                .any(|l| l.contains("WARNING") && l.contains(warning)),
            "{warning}"
        );
    }
}

fn the_console_answers(rig: &Rig) {
    let cli = |line: &str| {
        let said = rig.pbx.cli(line);
        said.unwrap_or_else(|error| format!("{error:#}"))
    };
    let said = cli("outdial show why asked");
    assert!(said.contains("asked is running"), "{said}");
    assert!(said.contains("no leads"), "{said}");
    let said = cli("outdial show campaign asked");
    assert!(
        said.contains("completed") && said.contains("Abandoned"),
        "{said}"
    );
    let said = cli("outdial show why nothing");
    assert!(said.contains("No campaign 'nothing'"), "{said}");
    cli("outdial agent logout 1001");
    rig.wait_agents("logged_out", 1, SOON).unwrap();
}

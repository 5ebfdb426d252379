//! outdial in FreeSWITCH: the cases that Asterisk has, and what the tests take for granted of FreeSWITCH
//! itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::cases::{agents, campaign, decisions, lifecycle, mistakes, on_hook};
use outdial_harness::freeswitch::{Installation, is_installed};
use outdial_harness::leads::ENDINGS;
use outdial_harness::wait::wait_for;
use outdial_harness::workspace::RunDir;
use outdial_harness::{
    Agents, Carrier, Fate, FreeSwitch, Pbx, PbxOptions, Rig, RigOptions, Workspace,
};

/// `scripts/test` asks for this one alone, to know whether there is one to test with.
#[test]
fn which_one_is_tested() {
    if is_installed().unwrap() {
        println!("{}", Installation::find().unwrap().unwrap());
    }
}

#[test]
fn each_number_meets_its_fate() {
    if !is_installed().unwrap() {
        return;
    }
    let workspace = Workspace::without_asterisk().unwrap();
    let logs = workspace.log_dir("e2e", "freeswitch-phones").unwrap();
    let run = RunDir::new(&workspace, "freeswitch-phones").unwrap();
    let carrier = Carrier::start(&workspace, &logs, "carrier", None).unwrap();
    let options = PbxOptions {
        carrier_port: carrier.port,
        carrier2_port: None,
        node: "pbx1".into(),
        socket: "/nowhere".into(),
        journal: None,
        load_outdial: false,
        load: Vec::new(),
        dialplan: String::new(),
        settings: String::new(),
        env: Vec::new(),
    };
    let freeswitch = FreeSwitch::start(&workspace, run.path(), &logs, options).unwrap();
    let phones: Vec<String> = (9001..=9005).map(|n: u32| n.to_string()).collect();
    let mut agents =
        Agents::start(&workspace, &logs, "agents", freeswitch.sip_port, &phones).unwrap();
    assert_eq!(freeswitch.channels().unwrap(), 5);

    for (serial, (fate, _)) in (0..).zip(ENDINGS) {
        let number = fate.number(1, serial);
        let line = format!(
            "bgapi originate {{outbound_redirect_fatal=true}}sofia/gateway/carrier/{number} &sleep(3000)"
        );
        freeswitch.cli(&line).unwrap();
    }
    let ringing = Fate::RingNoAnswer.number(1, 2);
    wait_for("the calls' ends", Duration::from_secs(20), || {
        let calls = carrier.calls()?;
        if calls.len() == ENDINGS.len() && calls.iter().filter(|c| c.ended.is_none()).count() == 1 {
            let name = format!("sofia/external/{ringing}");
            assert!(
                calls
                    .iter()
                    .any(|c| c.number == ringing && c.ended.is_none()),
                "{name}"
            );
            freeswitch.cli("fsctl hupall normal_clearing")?;
        }
        Ok(calls.len() == ENDINGS.len() && calls.iter().all(|call| call.ended.is_some()))
    })
    .unwrap();
    let calls = carrier.calls().unwrap();
    for (serial, (fate, ending)) in (0..).zip(ENDINGS) {
        let number = fate.number(1, serial);
        let seen: Vec<_> = calls.iter().filter(|c| c.number == number).collect();
        assert_eq!(seen.len(), 1, "{number}: {seen:?}");
        assert_eq!(seen[0].ending.as_deref(), Some(ending), "{seen:?}");
    }
    agents.hang_up().unwrap();
    wait_for("no channel", Duration::from_secs(10), || {
        Ok(freeswitch.channels()? == 0)
    })
    .unwrap();
}

/// `None`: there is no FreeSWITCH.
fn rig(name: &str, options: RigOptions) -> Option<Rig<FreeSwitch>> {
    is_installed()
        .unwrap()
        .then(|| Rig::on(&format!("fs-{name}"), options).unwrap())
}

#[test]
fn every_attempt_is_in_the_table_once_as_the_carrier_saw_it() {
    let Some(mut rig) = rig("campaign", RigOptions::default()) else {
        return;
    };
    campaign::every_attempt_is_in_the_table_once(&mut rig, 160, 12);
}

#[test]
fn customers_who_hang_up_at_once_lose_no_agent() {
    let Some(mut rig) = rig("agents", agents::hasty()) else {
        return;
    };
    agents::customers_who_hang_up_at_once_lose_no_agent(&mut rig, Duration::from_millis(50));
}

#[test]
fn an_agent_is_paused_comes_back_and_is_logged_off() {
    let Some(mut rig) = rig("desk", RigOptions::default()) else {
        return;
    };
    agents::an_agent_is_paused_comes_back_and_is_logged_off(&mut rig);
}

#[test]
fn a_phone_that_is_not_answered_yields_to_one_that_is() {
    let Some(rig) = rig("on-hook", RigOptions::default()) else {
        return;
    };
    on_hook::a_phone_that_is_not_answered_yields_to_one_that_is(&rig);
}

#[test]
fn agents_end_calls_by_hanging_up_and_customers_who_go_stop_the_phone() {
    let Some(rig) = rig("on-hook-ends", RigOptions::default()) else {
        return;
    };
    on_hook::agents_end_calls_by_hanging_up_and_customers_who_go_stop_the_phone(&rig);
}

#[test]
fn what_the_pbx_lacks_and_what_the_carrier_says() {
    let Some(rig) = rig("decisions", RigOptions::default()) else {
        return;
    };
    decisions::a_campaign_starts_only_with_all_it_needs(&rig);
    decisions::a_trunk_is_tested(&rig);
    decisions::another_trunk_is_tried(&rig);
}

#[test]
fn who_finds_no_agent_hears_the_message_after_two_seconds() {
    let Some(mut rig) = rig("abandoned", decisions::rush()) else {
        return;
    };
    decisions::who_finds_no_agent_hears_the_message_after_two_seconds(&mut rig);
}

#[test]
fn mistakes_have_a_warning_and_a_status_and_the_channel_goes_on() {
    let Some(mut rig) = rig("mistakes", mistakes::dialplan::<FreeSwitch>()) else {
        return;
    };
    mistakes::each_has_a_warning_and_a_status_and_the_channel_goes_on(&mut rig);
}

#[test]
fn a_reload_takes_new_settings_and_keeps_the_old_where_they_are_wrong() {
    let Some(mut rig) = rig("reload", RigOptions::default()) else {
        return;
    };
    lifecycle::a_reload_takes_new_settings_and_keeps_the_old_where_they_are_wrong(&mut rig);
    lifecycle::wrong_settings_keep_it_from_loading(&mut rig);
}

#[test]
fn a_hundred_rounds_of_load_and_unload_cost_little_memory() {
    let Some(mut rig) = rig("rounds", lifecycle::looped::<FreeSwitch>()) else {
        return;
    };
    let grown = lifecycle::rounds_of_load_and_unload(&mut rig, 100);
    // FreeSWITCH itself grows when modules come and go: 60 rounds of mod_hash took one from 65 to 246 MB.
    // With outdial 3.4 % were seen.
    assert!(grown < 5.0, "{grown:.2} %");
}

//! Calls that go over to another device or to somebody else by SIP: INVITE with Replaces, REFER, REFER
//! with Replaces, and Asterisk's own redirect; for customer and agent alike.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use outdial_harness::trunk::endpoint;
use outdial_harness::truth::{Attempt, attempts};
use outdial_harness::wait::{wait_for, wait_until};
use outdial_harness::{Line, Phone, Rig, RigOptions};

const SOON: Duration = Duration::from_secs(15);
/// The engine ends a call that nobody has any more after 5 s: one that goes on outlasts that.
const PARTED: Duration = Duration::from_secs(7);

const DIALPLAN: &str = r"
[agents]
exten => _70X,1,Answer()
 same => n,Wait(600)
exten => _71X,1,Dial(PJSIP/desk,20)
 same => n,Hangup()

[from-carrier](+)
exten => 200,1,Answer()
 same => n,Wait(600)

[elsewhere]
exten => s,1,Wait(600)
";

/// Who is there: a customer and an agent, each at a telephone of his own, and somebody at a desk.
struct Scene {
    rig: Rig,
    customer: Phone,
    agent: Phone,
    desk: Phone,
    /// Customers' calls so far.
    calls: usize,
    /// Calls to the desk so far.
    desks: usize,
}

/// A customer and an agent who talk.
struct Talk {
    number: String,
    customer: Line,
    agent: Line,
}

impl Scene {
    fn pbx(&self) -> u16 {
        self.rig.pbx.sip_port
    }

    fn agents(&self, state: &str) {
        self.rig.wait_agents(state, 1, SOON).unwrap();
    }

    /// The call is none of the agent's any more, who waits or has left.
    fn agent_is_free_of_it(&self) {
        wait_for("the agent to be free of the call", SOON, || {
            let rig = &self.rig;
            Ok(rig.agents_in("available")? + rig.agents_in("logged_out")? == 1)
        })
        .unwrap();
    }

    /// The agent calls in.
    fn log_in(&self) -> Line {
        let line = self.agent.call(self.pbx(), "8001", None).unwrap();
        self.agents("available");
        line
    }

    /// A customer is dialed and talks to the agent.
    fn dial(&mut self) -> (String, Line) {
        self.dial_over("5531")
    }

    fn dial_over(&mut self, trunk: &str) -> (String, Line) {
        let serial = self.calls;
        let number = format!("{trunk}9{serial:08}");
        self.rig
            .insert("move", std::slice::from_ref(&number))
            .unwrap();
        let customer = self.customer.incoming(serial).unwrap();
        self.calls += 1;
        self.agents("on_call");
        (number, customer)
    }

    fn talk(&mut self) -> Talk {
        let agent = self.log_in();
        let (number, customer) = self.dial();
        Talk {
            number,
            customer,
            agent,
        }
    }

    /// Whoever has the customer's call has it still when the engine would have ended it.
    fn goes_on(&self, number: &str) {
        let sql = format!("SELECT count(*) FROM outdial.attempts WHERE number = '{number}'");
        let over = wait_for("the end of a call that goes on", PARTED, || {
            Ok(self.rig.sidecar.count(&sql)? > 0)
        });
        assert!(over.is_err(), "{:?}", self.row(number));
        assert_eq!(self.rig.live().unwrap(), 1);
    }

    fn row(&self, number: &str) -> Attempt {
        wait_until(&format!("the row of {number}"), SOON, || {
            let rows = attempts(&mut self.rig.sidecar.sql()?)?;
            let own: Vec<Attempt> = rows
                .into_iter()
                .filter(|row| row.number == number)
                .collect();
            assert!(own.len() < 2, "{own:?}");
            Ok(own.into_iter().next())
        })
        .unwrap()
    }

    /// The call is over, and so is everything else: one row, no channel, no call, nobody logged in.
    fn nothing_is_left(&self, number: &str) -> Attempt {
        let row = self.row(number);
        assert_eq!(
            (row.outcome.as_str(), row.legs),
            ("completed", 1),
            "{row:?}"
        );
        assert!(row.agent.is_some() && row.bridged.is_some(), "{row:?}");
        self.agents("logged_out");
        let left = wait_for("the end of every channel", SOON, || {
            Ok(self.rig.live()? == 0 && self.rig.pbx.channels()? == 0)
        });
        left.unwrap_or_else(|error| {
            panic!(
                "{error:#}\n{}",
                self.rig.pbx.cli("core show channels").unwrap()
            )
        });
        row
    }

    fn channel(&self, of: &str) -> String {
        let list = self.rig.pbx.cli("core show channels concise").unwrap();
        let names = list.lines().filter_map(|line| line.split('!').next());
        let mut own = names.filter(|name| name.starts_with(of));
        own.next()
            .unwrap_or_else(|| panic!("no {of} in {list}"))
            .to_owned()
    }
}

fn wait_over(phone: &Phone, line: &Line, who: &str) {
    wait_for(&format!("the end of {who}"), SOON, || {
        Ok(phone.is_over(line))
    })
    .unwrap();
}

/// An attended transfer: who is at the other end of `line` shall talk to who is there of `second`.
fn transfer(pbx: u16, phone: &Phone, line: &Line, exten: &str, second: &Line) {
    assert_eq!(phone.refer(pbx, line, exten, Some(second)).unwrap(), 202);
    assert_eq!(phone.transferred(line).unwrap(), 200);
}

#[test]
fn calls_move_and_nothing_is_left_behind() {
    let options = RigOptions {
        dialplan: DIALPLAN.into(),
        ..RigOptions::default()
    };
    let rig = Rig::start("masquerade", options).unwrap();
    rig.pbx.cli("module load res_pjsip_refer.so").unwrap();
    rig.pbx.cli("module load app_dial.so").unwrap();
    let customer = Phone::start("far").unwrap();
    let desk = Phone::start("desk").unwrap();
    let agent = Phone::start("agents").unwrap();
    rig.pjsip("far", &endpoint("far", customer.port, "", ""))
        .unwrap();
    rig.pjsip("desk", &endpoint("desk", desk.port, "", ""))
        .unwrap();
    rig.trunk("far", "5531", &[]).unwrap();
    let shut = endpoint("shut", customer.port, "allow_transfer = no", "");
    rig.pjsip("shut", &shut).unwrap();
    rig.trunk("shut", "5532", &[]).unwrap();
    rig.campaign("move", &["--wrap-up-ms", "0", "--max-attempts", "1"])
        .unwrap();
    rig.add_agents("move", 1).unwrap();
    rig.outdial(&["campaign", "start", "move"]).unwrap();
    let mut scene = Scene {
        rig,
        customer,
        agent,
        desk,
        calls: 0,
        desks: 0,
    };

    the_customer_goes_on_at_another_device(&mut scene);
    a_waiting_agent_goes_on_at_another_phone(&mut scene);
    a_talking_agent_goes_on_at_another_phone(&mut scene);
    the_agent_transfers_to_an_application(&mut scene);
    the_agent_transfers_to_a_desk(&mut scene);
    the_customer_sends_the_agent_away(&mut scene);
    the_customer_hands_the_agent_over(&mut scene);
    they_are_redirected(&mut scene);
    a_trunk_that_allows_no_transfers_refuses_them(&mut scene);

    let status = scene.rig.pbx.cli("outdial show status").unwrap();
    let rows = attempts(&mut scene.rig.sidecar.sql().unwrap()).unwrap();
    assert_eq!(rows.len(), scene.calls, "one row for each call: {status}");
    scene.rig.pbx.cli("outdial drain").unwrap();
    wait_for("the unload", SOON, || {
        let said = scene.rig.pbx.cli("module unload res_outdial.so");
        Ok(said.is_ok_and(|said| said.contains("Unloaded")))
    })
    .unwrap();
}

/// The far end takes the call to another of its devices.
fn the_customer_goes_on_at_another_device(scene: &mut Scene) {
    let talk = scene.talk();
    let instead = Some((&scene.customer, &talk.customer));
    let moved = scene.customer.call(scene.pbx(), "100", instead).unwrap();
    wait_over(&scene.customer, &talk.customer, "the replaced call");
    scene.goes_on(&talk.number);
    assert_eq!(scene.rig.agents_in("on_call").unwrap(), 1);
    assert!(!scene.agent.is_over(&talk.agent));
    assert_eq!(scene.rig.pbx.channels().unwrap(), 2);

    scene.customer.hang_up(&moved).unwrap();
    scene.agents("available");
    scene.agent.hang_up(&talk.agent).unwrap();
    scene.nothing_is_left(&talk.number);
}

fn a_waiting_agent_goes_on_at_another_phone(scene: &mut Scene) {
    let old = scene.log_in();
    let instead = Some((&scene.agent, &old));
    let line = scene.agent.call(scene.pbx(), "8001", instead).unwrap();
    wait_over(&scene.agent, &old, "the replaced phone's call");
    scene.agents("available");
    assert_eq!(scene.rig.pbx.channels().unwrap(), 1);

    let (number, customer) = scene.dial();
    assert_eq!(scene.rig.pbx.channels().unwrap(), 2);
    scene.customer.hang_up(&customer).unwrap();
    scene.agents("available");
    scene.agent.hang_up(&line).unwrap();
    scene.nothing_is_left(&number);
}

fn a_talking_agent_goes_on_at_another_phone(scene: &mut Scene) {
    let talk = scene.talk();
    let instead = Some((&scene.agent, &talk.agent));
    let line = scene.agent.call(scene.pbx(), "8001", instead).unwrap();
    wait_over(&scene.agent, &talk.agent, "the replaced phone's call");
    scene.goes_on(&talk.number);
    assert_eq!(scene.rig.agents_in("on_call").unwrap(), 1);
    assert_eq!(scene.rig.pbx.channels().unwrap(), 2);

    scene.customer.hang_up(&talk.customer).unwrap();
    scene.agents("available");
    scene.agent.hang_up(&line).unwrap();
    scene.nothing_is_left(&talk.number);
}

/// His second call is in an application: the customer's channel takes its place there.
fn the_agent_transfers_to_an_application(scene: &mut Scene) {
    let talk = scene.talk();
    let second = scene.agent.call(scene.pbx(), "701", None).unwrap();
    transfer(scene.pbx(), &scene.agent, &talk.agent, "701", &second);
    wait_over(&scene.agent, &second, "the agent's second call");
    if !scene.agent.is_over(&talk.agent) {
        scene.agent.hang_up(&talk.agent).unwrap();
    }
    scene.agents("logged_out");
    scene.goes_on(&talk.number);
    assert!(!scene.customer.is_over(&talk.customer));
    scene.customer.hang_up(&talk.customer).unwrap();
    scene.nothing_is_left(&talk.number);
}

/// His second call is in a bridge with somebody: the two bridges become one.
fn the_agent_transfers_to_a_desk(scene: &mut Scene) {
    let talk = scene.talk();
    let second = scene.agent.call(scene.pbx(), "711", None).unwrap();
    let desk = scene.desk.incoming(scene.desks).unwrap();
    scene.desks += 1;
    transfer(scene.pbx(), &scene.agent, &talk.agent, "711", &second);
    wait_over(&scene.agent, &second, "the agent's second call");
    // Most phones hang up now. This one has told nobody, and takes the next call.
    if !scene.agent.is_over(&talk.agent) {
        scene.agents("available");
        scene.goes_on(&talk.number);
        scene.agent.hang_up(&talk.agent).unwrap();
    }
    scene.agents("logged_out");
    scene.goes_on(&talk.number);
    assert!(!scene.customer.is_over(&talk.customer) && !scene.desk.is_over(&desk));
    scene.desk.hang_up(&desk).unwrap();
    wait_over(&scene.customer, &talk.customer, "the customer's call");
    scene.nothing_is_left(&talk.number);
}

/// A REFER of the far end is obeyed where the trunk allows it: the agent's channel leaves. But the
/// customer's bridge ends as soon as he leaves it: if the agent has not left it by then he stays, and
/// takes the next call.
fn the_customer_sends_the_agent_away(scene: &mut Scene) {
    let talk = scene.talk();
    let said = scene
        .customer
        .refer(scene.pbx(), &talk.customer, "200", None);
    assert_eq!(said.unwrap(), 202);
    scene.agent_is_free_of_it();
    assert!(!scene.agent.is_over(&talk.agent), "he is in 200, or waits");
    if !scene.customer.is_over(&talk.customer) {
        scene.customer.hang_up(&talk.customer).unwrap();
    }
    scene.agent.hang_up(&talk.agent).unwrap();
    scene.nothing_is_left(&talk.number);
}

/// The same to somebody to whom the customer has spoken before.
fn the_customer_hands_the_agent_over(scene: &mut Scene) {
    let talk = scene.talk();
    let second = scene.customer.call(scene.pbx(), "200", None).unwrap();
    transfer(scene.pbx(), &scene.customer, &talk.customer, "200", &second);
    scene.row(&talk.number);
    scene.agent_is_free_of_it();
    for (phone, line) in [
        (&scene.customer, &talk.customer),
        (&scene.customer, &second),
        (&scene.agent, &talk.agent),
    ] {
        if !phone.is_over(line) {
            phone.hang_up(line).unwrap();
        }
    }
    scene.nothing_is_left(&talk.number);
}

/// By Asterisk's own redirect, as AMI and console have it.
fn they_are_redirected(scene: &mut Scene) {
    let talk = scene.talk();
    let redirect = |scene: &Scene, of: &str| {
        let channel = scene.channel(of);
        let line = format!("channel redirect {channel} elsewhere,s,1");
        scene.rig.pbx.cli(&line).unwrap();
    };
    redirect(scene, "PJSIP/far");
    scene.agents("available");
    scene.goes_on(&talk.number);
    scene.customer.hang_up(&talk.customer).unwrap();
    scene.row(&talk.number);

    let (number, customer) = scene.dial();
    redirect(scene, "PJSIP/agents");
    scene.agents("logged_out");
    wait_over(&scene.customer, &customer, "the customer's call");
    scene.agent.hang_up(&talk.agent).unwrap();
    scene.nothing_is_left(&number);
}

/// As the trunk of the sample.
fn a_trunk_that_allows_no_transfers_refuses_them(scene: &mut Scene) {
    let agent = scene.log_in();
    let (number, customer) = scene.dial_over("5532");
    let said = scene
        .customer
        .refer(scene.pbx(), &customer, "200", None)
        .unwrap();
    assert_eq!(said, 603);
    assert_eq!(scene.rig.agents_in("on_call").unwrap(), 1);
    scene.customer.hang_up(&customer).unwrap();
    scene.agents("available");
    scene.agent.hang_up(&agent).unwrap();
    scene.nothing_is_left(&number);
}

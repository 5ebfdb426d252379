//! A dialplan author's errors: each ends in a warning that names it and in a status, and the channel goes on.

use super::SOON;
use crate::pbx::Step::{Keep, Run};
use crate::wait::wait_for;
use crate::{Fate, Pbx, Rig, RigOptions};

/// With the dialplan that has the mistakes in it.
#[must_use]
pub fn dialplan<P: Pbx>() -> RigOptions {
    let agent = [
        Run("Agent", ""),
        Keep("NAMELESS"),
        Run("Agent", "1002,a(beep"),
        Keep("OPTION"),
        Run("Agent", "stranger"),
        Keep("STRANGER"),
        Run("Agent", "1001"),
        Keep("SECOND"),
        Run("Connect", ""),
        Keep("FOREIGN"),
    ];
    let customer = [
        Run("Connect", "now"),
        Keep("FIRST"),
        Run("Connect", ""),
        Keep("AGAIN"),
    ];
    RigOptions {
        dialplan: P::context("wrong", &[("agent", &agent)])
            + &P::context("twice", &[("s", &customer)]),
        ..RigOptions::default()
    }
}

fn statuses<P: Pbx>(rig: &Rig<P>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(rig.pbx.global(name, SOON).unwrap(), *value, "{name}");
    }
}

/// How many warnings have all of these words.
fn warnings<P: Pbx>(rig: &Rig<P>, words: &[&str]) -> usize {
    let log = rig.pbx.log();
    let lines = log.lines().filter(|line| line.contains("WARNING"));
    lines
        .filter(|line| words.iter().all(|word| line.contains(word)))
        .count()
}

/// Agents who can't log in, a customer whom outdial has not dialed, and one who is handed over twice.
pub fn each_has_a_warning_and_a_status_and_the_channel_goes_on<P: Pbx>(rig: &mut Rig<P>) {
    rig.campaign("calm", &[]).unwrap();
    rig.log_in("calm", 1).unwrap();
    rig.outdial(&["agents", "add", "1002", "--campaign", "calm"])
        .unwrap();
    let once = ["--max-attempts", "1", "--context", "twice"];
    rig.agentless("robot", "continue", &once).unwrap();

    rig.pbx.run("wrong", "agent").unwrap();
    statuses(
        rig,
        &[
            ("NAMELESS", "ERROR"),
            ("OPTION", "ERROR"),
            ("STRANGER", "UNKNOWN"),
            ("SECOND", "DUPLICATE"),
            ("FOREIGN", "NOT_OUTDIAL"),
        ],
    );
    let (agent, connect) = (P::application("Agent"), P::application("Connect"));
    let unknown = format!("{agent}(stranger): no agent of that name is configured");
    let second = format!("{agent}(1001): the agent is logged in on another channel");
    let malformed = "agent missing or too long, or wrong";
    assert_eq!(warnings(rig, &[&agent, malformed]), 2);
    assert_eq!(warnings(rig, &[&unknown]), 1);
    assert_eq!(warnings(rig, &[&second]), 1);
    assert_eq!(warnings(rig, &[&connect, "outdial has not dialed"]), 1);
    assert_eq!(rig.agents_in("available").unwrap(), 1, "1001 stays");

    let number = Fate::AnswerStay.number(0, 1);
    rig.insert("robot", std::slice::from_ref(&number)).unwrap();
    rig.outdial(&["campaign", "start", "robot"]).unwrap();
    statuses(rig, &[("FIRST", "RELEASED"), ("AGAIN", "REPEATED")]);
    // FreeSWITCH's log of a channel loses quotation marks.
    let ignored = ["takes no options", "now", "is ignored"];
    assert_eq!(warnings(rig, &[&[&*connect], &ignored[..]].concat()), 1);
    let before = format!("{connect} was called before on leg");
    assert_eq!(warnings(rig, &[&before]), 1);
    wait_for("the end of the call", SOON, || Ok(rig.live()? == 0)).unwrap();
}

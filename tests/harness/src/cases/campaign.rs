//! A campaign from a CSV file to the results, over a real trunk to agents.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::truth::{attempts, compare, outcomes, per_number};
use crate::wait::wait_for;
use crate::{Fate, Lead, Pbx, Rig};

/// What each fate must become; an answered one goes to an agent, or is abandoned if none is free.
fn expected(fate: Fate) -> &'static [&'static str] {
    match fate {
        Fate::Answer(_) | Fate::AnswerStay | Fate::EarlyThenAnswer | Fate::AnswerBriefly => {
            &["completed", "abandoned"]
        }
        Fate::RingNoAnswer | Fate::Unavailable => &["no_answer"],
        Fate::Busy | Fate::Decline => &["busy"],
        Fate::Unknown | Fate::Incomplete => &["invalid"],
        Fate::Congestion
        | Fate::Forbidden
        | Fate::Moved
        | Fate::ServerError
        | Fate::Unauthorized
        | Fate::Silence => &["congested"],
    }
}

/// `count` leads with every fate there is, dialed for `agents` agents: each attempt is in the table once, as
/// the carrier saw it. In the end the module is drained, unloaded and loaded again, and the PBX stops
/// gracefully.
///
/// # Panics
/// Where it is otherwise.
pub fn every_attempt_is_in_the_table_once<P: Pbx>(rig: &mut Rig<P>, count: u32, agents: u32) {
    let phones = usize::try_from(agents).unwrap();
    let fates = [
        Fate::Answer(1),
        Fate::Busy,
        Fate::Answer(2),
        Fate::RingNoAnswer,
        Fate::Answer(0),
        Fate::Unknown,
        Fate::Answer(1),
        Fate::Decline,
        Fate::EarlyThenAnswer,
        Fate::Congestion,
        Fate::Answer(1),
        Fate::Moved,
        Fate::Answer(2),
        Fate::Unavailable,
        Fate::Answer(1),
        Fate::Forbidden,
        Fate::Answer(0),
        Fate::Incomplete,
        Fate::Answer(1),
        Fate::ServerError,
    ];
    let lead = |serial: u32| {
        let fate = fates[usize::try_from(serial).unwrap() % fates.len()];
        // Without 100 Trying one who neither rings nor answers is nobody at all.
        let least = u32::from(fate == Fate::RingNoAnswer && !P::HEARS_TRYING);
        Lead {
            fate,
            ring_half_seconds: u8::try_from((serial % 3).max(least)).unwrap(),
            serial,
        }
    };
    let leads: Vec<Lead> = (0..count).map(lead).collect();
    // Busy numbers are tried once more; nothing else is.
    rig.power(
        "spring",
        "2",
        &[
            "--ring-timeout-ms",
            "3000",
            "--wrap-up-ms",
            "200",
            "--max-attempts",
            "2",
            "--retry",
            "busy=1s",
            "--retry",
            "no_answer=never",
            "--retry",
            "congested=never",
            "--retry",
            "invalid=never",
            "--retry",
            "abandoned=never",
            "--retry",
            "failed=never",
            "--retry",
            "cancelled=never",
            "--retry",
            "machine=never",
        ],
    )
    .unwrap();
    rig.import("spring", &leads).unwrap();
    rig.log_in("spring", agents).unwrap();

    super::unload_is_refused(rig);

    rig.outdial(&["campaign", "start", "spring"]).unwrap();
    rig.wait_leads("spring", &["done"], Duration::from_secs(120))
        .unwrap();
    wait_for("the last call's end", Duration::from_secs(10), || {
        Ok(rig.carrier.calls()?.iter().all(|call| call.ended.is_some()))
    })
    .unwrap();

    let rows = attempts(&mut rig.sidecar.sql().unwrap()).unwrap();
    let calls = rig.carrier.calls().unwrap();
    compare(&rows, &calls, None).unwrap();
    let dialed = per_number(&calls);
    for lead in &leads {
        let number = lead.number();
        let times = if matches!(lead.fate, Fate::Busy | Fate::Decline) {
            2
        } else {
            1
        };
        assert_eq!(dialed.get(&number), Some(&times), "{lead:?}");
        for row in rows.iter().filter(|row| row.number == number) {
            assert!(
                expected(lead.fate).contains(&row.outcome.as_str()),
                "{lead:?}: {row:?}"
            );
        }
    }
    assert_eq!(dialed.len(), leads.len(), "a 302 is not followed");
    let counts = outcomes(&rows);
    let completed = u32::try_from(counts["completed"]).unwrap();
    assert!(completed > count / 4, "{counts:?}");
    let busy: BTreeSet<_> = rows.iter().filter_map(|row| row.agent).collect();
    assert_eq!(busy.len(), phones, "every agent had calls");
    for row in rows.iter().filter(|row| row.outcome == "completed") {
        assert!(
            row.bridged.is_some() && row.agent.is_some() && row.connect_us.is_some(),
            "{row:?}"
        );
    }
    assert_eq!(
        rig.sidecar
            .count("SELECT count(*) FROM outdial.quarantine")
            .unwrap(),
        0
    );
    wait_for("no call live", Duration::from_secs(5), || {
        Ok(rig.live()? == 0)
    })
    .unwrap();

    super::drained_it_unloads_and_stops(rig, phones);
}

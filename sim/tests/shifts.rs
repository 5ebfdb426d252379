//! Whole shifts: what a mode promises, it keeps.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use outdial_engine::config::{AbandonRule, Mode};
use outdial_sim::{Change, Figures, Plan, Rival, Shift, SimError, Tells, World, rivals};

const PREDICTIVE: Mode = Mode::Predictive {
    max_ratio_milli: None,
};

fn hours(hours: u32, world: World, mode: Mode) -> Plan {
    Plan {
        seconds: hours * 3_600,
        ..Plan::new(world, mode, 1)
    }
}

fn work(plan: Plan) -> Figures {
    Shift::work(plan).unwrap()
}

#[test]
fn progressive_abandons_nobody() {
    let figures = work(hours(8, World::steady(10, 0.3), Mode::Progressive));
    assert_eq!(figures.abandoned, 0);
    assert!((0.65..0.78).contains(&figures.talk_share()), "{figures:?}");
}

#[test]
fn predictive_keeps_its_limit_and_agents_busier() {
    let figures = work(hours(16, World::steady(20, 0.2), PREDICTIVE));
    let rate = figures.abandon_rate();
    assert!(rate < 0.03 + figures.abandon_error(), "{rate}");
    assert!(figures.talk_share() > 0.84, "{}", figures.talk_share());
}

#[test]
fn a_lower_limit_is_kept_too() {
    let plan = Plan {
        abandon: AbandonRule {
            limit_milli: 10,
            daily: false,
        },
        ..hours(16, World::steady(20, 0.2), PREDICTIVE)
    };
    let figures = work(plan);
    let rate = figures.abandon_rate();
    assert!(rate < 0.01 + figures.abandon_error(), "{rate}");
}

#[test]
fn max_ratio_bounds_the_lines() {
    let capped = Mode::Predictive {
        max_ratio_milli: Some(1_200),
    };
    let figures = work(hours(4, World::steady(10, 0.2), capped));
    let free = work(hours(4, World::steady(10, 0.2), PREDICTIVE));
    assert!(
        figures.dials < free.dials,
        "{} {}",
        figures.dials,
        free.dials
    );
}

#[test]
fn the_same_seed_gives_the_same_shift() {
    let shift = || work(hours(2, World::steady(10, 0.3), PREDICTIVE));
    assert_eq!(shift(), shift());
    let other = Plan {
        seed: 2,
        ..hours(2, World::steady(10, 0.3), PREDICTIVE)
    };
    assert_ne!(shift(), work(other));
}

#[test]
fn agents_who_leave_are_not_dialed_for() {
    let change = |at_seconds, agents| Change {
        at_seconds,
        answers: 0.3,
        talk: 60.0,
        agents,
        ring: 1.0,
    };
    let world = World {
        changes: vec![change(0, 10), change(3_600, 0)],
        ..World::steady(10, 0.3)
    };
    let mut plan = hours(2, world, PREDICTIVE);
    plan.warm_up = 3_600 + 600;
    let figures = work(plan);
    assert_eq!((figures.dials, figures.answers), (0, 0));
}

#[test]
fn a_world_that_can_not_be_is_refused() {
    let world = World {
        ring: (9.0, 0.0),
        ..World::steady(5, 0.3)
    };
    let refused = Shift::work(hours(1, world, PREDICTIVE));
    assert_eq!(refused, Err(SimError::World));
    let mode = Mode::Power { ratio_milli: 9_000 };
    let refused = Shift::work(hours(1, World::steady(5, 0.3), mode));
    assert!(
        matches!(&refused, Err(SimError::Config(why)) if why.contains("ratio is 9000")),
        "{refused:?}"
    );
}

#[test]
fn a_rivals_fixed_ratio_abandons_more_in_a_small_team() {
    let plan = hours(40, World::steady(5, 0.5), Mode::Progressive);
    let figures = rivals::work(Rival::RatioLessBusy(3.0), plan).unwrap();
    assert!(figures.abandon_rate() > 0.05, "{}", figures.abandon_rate());
}

#[test]
fn issabels_overcommitment_abandons_a_fifth_in_a_small_team_and_few_in_a_large_one() {
    let rate = |agents, hours_| {
        let plan = hours(hours_, World::steady(agents, 0.3), Mode::Progressive);
        rivals::work(Rival::Issabel, plan).unwrap().abandon_rate()
    };
    let (small, large) = (rate(5, 40), rate(100, 4));
    assert!((0.15..0.30).contains(&small), "{small}");
    assert!(large < 0.02, "{large}");
}

#[test]
fn predictive_keeps_its_limit_whatever_the_carrier_tells_and_amd_takes() {
    let changes: [fn(&mut World); 3] = [
        |world| world.tells = Tells::Nothing,
        |world| world.tells = Tells::EarlyMedia,
        |world| world.amd_person = Some((1.5, 0.4)),
    ];
    for change in changes {
        let mut world = World::steady(10, 0.3);
        change(&mut world);
        let figures = work(hours(8, world, PREDICTIVE));
        let rate = figures.abandon_rate();
        assert!(rate < 0.03 + figures.abandon_error(), "{rate}");
        assert!(figures.talk_share() > 0.78, "{}", figures.talk_share());
    }
}

#[test]
fn the_time_of_each_decision_is_measured() {
    let plan = hours(1, World::steady(5, 0.3), PREDICTIVE);
    let calls = work(plan.clone()).connected;
    let decisions = Shift::decisions(plan).unwrap().len();
    assert!(
        u64::try_from(decisions).unwrap() > calls,
        "{decisions} {calls}"
    );
}

#[test]
fn what_is_connected_is_what_was_answered_and_not_abandoned() {
    let figures = work(Plan {
        warm_up: 0,
        ..hours(4, World::steady(5, 0.4), Mode::Power { ratio_milli: 3_000 })
    });
    let open = figures.answers - figures.abandoned - figures.connected;
    assert!(figures.abandoned > 0 && open <= 5, "{figures:?}");
    let busy: f64 = figures.quarters.iter().map(|quarter| quarter.busy).sum();
    assert!((busy - figures.busy).abs() < 1.0, "{busy} {}", figures.busy);
    assert!((figures.logged_in - 5.0 * 4.0 * 3_600.0).abs() < 1.0);
}

#[test]
fn wrap_up_may_take_all_its_time_or_none() {
    // Short talk that hardly varies, so that the mean time for a call shows the wrap-up.
    let busy_for_each = |wrap_up_ms: u32| {
        let mut world = World::steady(5, 0.5);
        world.wrap_up = (f64::from(wrap_up_ms) / 1e3, 0.0);
        world.talk_cv = 0.01;
        world.changes[0].talk = 30.0;
        let figures = work(Plan {
            wrap_up_ms,
            ..hours(4, world, Mode::Progressive)
        });
        figures.busy / f64::from(u32::try_from(figures.connected).unwrap())
    };
    for (wrap_up_ms, expected) in [(0, 30.0), (10_000, 40.0)] {
        let seconds = busy_for_each(wrap_up_ms);
        assert!((seconds - expected).abs() < 1.0, "{wrap_up_ms}: {seconds}");
    }
}

#[test]
fn the_trunks_rate_and_the_campaigns_lines_bound_the_dials() {
    let ratio_milli = 5_000;
    let plan = || hours(2, World::steady(20, 0.1), Mode::Power { ratio_milli });
    let free = work(plan());
    let slow = work(Plan {
        cps_milli: 100,
        burst: 1,
        ..plan()
    });
    // A tenth of a call each second, for the hour and a half after the warm-up.
    assert!((520..=541).contains(&slow.dials), "{}", slow.dials);
    let narrow = work(Plan {
        max_concurrent: 5,
        ..plan()
    });
    assert!(narrow.dials < free.dials, "{} {}", narrow.dials, free.dials);
    assert!(narrow.busy < 5.0 * 5_400.0, "{}", narrow.busy);
}

#[test]
fn what_the_engine_would_refuse_is_known_before() {
    let plan = |mode| hours(1, World::steady(5, 0.3), mode);
    assert_eq!(plan(PREDICTIVE).check(), Ok(()));
    let ratio_milli = 9_000;
    let refused = plan(Mode::Power { ratio_milli }).check().unwrap_err();
    assert_eq!(
        (refused.field, &*refused.allowed),
        ("ratio", "1000 to 5000")
    );
    let mut slow = plan(PREDICTIVE);
    slow.cps_milli = 0;
    assert_eq!(slow.check().unwrap_err().field, "cps_limit");
}

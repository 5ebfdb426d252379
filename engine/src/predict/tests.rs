use super::*;

fn at(seconds: u32) -> Tick {
    Tick(0) + Span::seconds(seconds)
}

fn calling(age: f64) -> Stage {
    Stage {
        phase: Phase::Calling,
        age,
        classifying: None,
        open: true,
    }
}

fn view(free: u32) -> View {
    View {
        free,
        limit: 2.0,
        min_ring: 15.0,
        most: 1_000,
        ..View::default()
    }
}

/// A predictor that has seen many dials, a tenth of them answered after 8 s.
fn learned() -> Predictor {
    let mut predictor = Predictor::new(20.0);
    for i in 0..4_000 {
        let end = if i % 10 == 0 {
            End::Answered
        } else {
            End::Other
        };
        predictor.resolved(at(i), calling(8.5), end);
        predictor.decide(at(i), &view(0));
    }
    predictor
}

#[test]
fn without_agents_nothing_is_dialed() {
    assert_eq!(Predictor::new(20.0).decide(at(0), &view(0)).calls, 0);
    assert_eq!(learned().decide(at(5_000), &view(0)).calls, 0);
}

#[test]
fn few_answers_mean_many_dials() {
    let mut predictor = learned();
    let dials = predictor.decide(at(4_001), &view(10)).calls;
    assert!((25..=80).contains(&dials), "{dials} for 10 agents at 10%");
    let few = Predictor::new(20.0).decide(at(0), &view(10)).calls;
    assert!((10..=20).contains(&few), "{few} for 10 agents at 50%");
}

#[test]
fn the_cap_is_kept() {
    let view = View {
        most: 3,
        ..view(10)
    };
    assert_eq!(learned().decide(at(4_001), &view).calls, 3);
}

#[test]
fn what_is_in_flight_is_not_dialed_again() {
    let mut predictor = learned();
    let first = predictor.decide(at(4_001), &view(10)).calls;
    let dials = vec![calling(0.0); usize::try_from(first).unwrap()];
    let again = predictor
        .decide(at(4_001), &View { dials, ..view(10) })
        .calls;
    assert_eq!(again, 0);
}

#[test]
fn after_too_many_abandoned_calls_it_is_one_for_one() {
    let mut predictor = learned();
    for _ in 0..200 {
        predictor.settled(1.0, true, 0.028);
    }
    assert!(predictor.is_strict());
    let view = View {
        waiting: 1,
        dials: vec![calling(3.0); 4],
        ..view(10)
    };
    assert_eq!(predictor.decide(at(4_001), &view).calls, 5);
}

#[test]
fn a_decision_for_500_agents_looks_at_every_dial_and_agent() {
    let mut predictor = learned();
    let age = |i: u32| f64::from(i % 200) / 10.0;
    let view = View {
        dials: (0..1_500).map(age).map(calling).collect(),
        talking: (0..400).map(age).collect(),
        wrapping: (0..80).map(age).collect(),
        ..view(20)
    };
    let busy = predictor.decide(at(4_001), &view).calls;
    let idle = View {
        talking: Vec::new(),
        wrapping: Vec::new(),
        ..view
    };
    assert!(busy > predictor.decide(at(4_002), &idle).calls);
}

#[test]
fn seconds_are_exact() {
    assert!((seconds(Span(1_500_000)) - 1.5).abs() < 1e-12);
    assert!((seconds(Span::seconds(4_000_000)) - 4e6).abs() < 1e-6);
}

#[test]
fn answers_that_came_while_another_mode_dialed_correct_nothing() {
    let mut looked = learned();
    let mut blind = Predictor::new(20.0);
    for i in 0..4_000 {
        let end = if i % 10 == 0 {
            End::Answered
        } else {
            End::Other
        };
        blind.resolved(at(i), calling(8.5), end);
    }
    let (seen, unseen) = (
        looked.decide(at(4_001), &view(10)).calls,
        blind.decide(at(4_001), &view(10)).calls,
    );
    assert!(seen.abs_diff(unseen) <= 3, "{seen} {unseen}");
}

fn ringing(age: f64) -> Stage {
    Stage {
        phase: Phase::Ringing,
        ..calling(age)
    }
}

/// A predictor that has seen dials ring at 2 s, a tenth of them answered up to 24 s later, and three
/// tenths by machines.
fn learned_ringing() -> Predictor {
    let mut predictor = Predictor::new(20.0);
    for i in 0..4_000 {
        predictor.moved(calling(2.5), Phase::Ringing);
        let machine = Stage {
            classifying: Some(3.0),
            ..ringing(8.0)
        };
        let (stage, end) = match i % 10 {
            0 => (ringing(f64::from(i / 10 % 24)), End::Answered),
            1..4 => (machine, End::Other),
            _ => (ringing(25.0), End::Other),
        };
        predictor.resolved(at(i), stage, end);
        predictor.decide(at(i), &view(0));
    }
    predictor
}

#[test]
fn a_dial_that_has_rung_long_enough_ends_when_nobody_would_be_free_for_it() {
    let mut predictor = learned_ringing();
    let busy = |dials| View {
        dials,
        talking: vec![5.0],
        ..view(0)
    };
    let mut end = |view: &View| predictor.decide(at(4_001), view).end;
    assert_eq!(end(&busy(vec![ringing(10.0), ringing(16.0)])), Some(1));
    assert_eq!(end(&busy(vec![calling(20.0)])), None, "it may ring, or not");
    let ending = Stage {
        open: false,
        ..ringing(16.0)
    };
    assert_eq!(end(&busy(vec![ending])), None);
    let one_free = View {
        free: 1,
        ..busy(vec![ringing(16.0)])
    };
    assert_eq!(end(&one_free), None);
    let soon = View {
        wrapping: vec![60.0; 6],
        ..busy(vec![ringing(16.0)])
    };
    assert_eq!(end(&soon), None, "somebody comes free in time");
}

#[test]
fn dials_that_ring_need_fewer_others_than_dials_that_may_fail_yet() {
    let mut predictor = learned_ringing();
    let mut calls = |stage| {
        let dials = vec![stage; 12];
        predictor
            .decide(at(4_001), &View { dials, ..view(4) })
            .calls
    };
    let (old, young) = (calls(ringing(23.0)), calls(ringing(1.0)));
    assert!(old > young, "{old} {young}");
    let told = Stage {
        classifying: Some(1.0),
        ..ringing(5.0)
    };
    assert!(calls(told) > young, "a machine");
}

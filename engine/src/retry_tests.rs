use super::*;
use crate::event::{LeadNumber, Owner};
use crate::ids::{LeadId, LeaseId, ListId};
use crate::number::Number;

fn lease(attempts: u16, per_number: &[u16]) -> Lease {
    Lease {
        id: LeaseId(1),
        lead: LeadId(1),
        list: ListId(1),
        weight: 1,
        priority: 0,
        owner: None,
        skill: None,
        attempts,
        last: None,
        callback: None,
        numbers: (0u8..)
            .zip(per_number)
            .map(|(position, attempts)| LeadNumber {
                number: Number::new(&format!("55119{position}")).unwrap(),
                position,
                attempts: *attempts,
                not_before: Wall(0),
                not_after: Wall(i64::MAX),
            })
            .collect(),
        expires_at: Wall(i64::MAX),
    }
}

fn in_a_row(outcome: Outcome, count: u16) -> Lease {
    Lease {
        last: Some(AttemptsInARow { outcome, count }),
        ..lease(0, &[0, 0])
    }
}

fn callback(tries: u16, agent: Option<u64>, until: Option<i64>) -> Lease {
    let agent = agent.map(AgentId);
    Lease {
        callback: Some(Box::new(Callback { agent, tries })),
        owner: agent.map(|agent| {
            let until = until.map(Wall);
            Box::new(Owner { agent, until })
        }),
        ..lease(9, &[5, 5])
    }
}

fn over(outcome: Outcome, lease: &Lease, index: usize) -> Over<'_> {
    Over {
        outcome,
        lease,
        index,
        charged: true,
        dialed: true,
        disposition: None,
        now: Wall(0),
    }
}

fn after(outcome: Outcome, lease: &Lease, index: usize) -> LeadNext {
    lead_next(&RetryPolicy::default(), &over(outcome, lease, index))
}

fn retry(seconds: i64, position: u8) -> LeadNext {
    let at = Wall(seconds * 1_000);
    LeadNext::Retry { at, position }
}

fn done(status: &str) -> LeadNext {
    let status = status.into();
    LeadNext::Done { status }
}

#[test]
fn a_busy_number_is_tried_again_and_an_unanswered_one_yields_to_the_next() {
    let lease = lease(0, &[0, 0]);
    assert_eq!(after(Outcome::Busy, &lease, 0), retry(600, 0));
    assert_eq!(after(Outcome::NoAnswer, &lease, 0), retry(3_600, 1));
    assert_eq!(after(Outcome::NoAnswer, &lease, 1), retry(3_600, 0));
}

#[test]
fn caps_and_invalid_numbers_end_a_lead() {
    let two = lease(0, &[0, 0]);
    assert_eq!(after(Outcome::Completed, &two, 0), done("completed"));
    let spent = lease(5, &[0]);
    assert_eq!(after(Outcome::Busy, &spent, 0), done("unreachable"));
    let spent = lease(2, &[2]);
    assert_eq!(after(Outcome::Busy, &spent, 0), done("unreachable"));
    let only = lease(0, &[0]);
    assert_eq!(after(Outcome::Invalid, &only, 0), done("invalid_number"));
    assert_eq!(after(Outcome::Busy, &lease(2, &[2, 0]), 0), retry(600, 1));
}

#[test]
fn what_is_not_charged_does_not_use_up_the_cap() {
    let lease = lease(5, &[2]);
    let over = Over {
        charged: false,
        ..over(Outcome::Congested, &lease, 0)
    };
    assert_eq!(lead_next(&RetryPolicy::default(), &over), retry(300, 0));
}

#[test]
fn delays_grow_with_the_attempts_in_a_row() {
    let busy = |count| after(Outcome::Busy, &in_a_row(Outcome::Busy, count), 0);
    assert_eq!(busy(1), retry(1_200, 0));
    assert_eq!(busy(2), retry(3_600, 0));
    assert_eq!(busy(3), retry(3_600, 0), "the last one holds on");
    let other = in_a_row(Outcome::NoAnswer, 3);
    assert_eq!(after(Outcome::Busy, &other, 0), retry(600, 0), "a new row");
}

#[test]
fn so_many_in_a_row_and_the_lead_is_over_with_the_rules_status() {
    let policy = RetryPolicy {
        busy: RetryRule {
            status: Some("line_busy".into()),
            ..RetryRule::same(60).at_most(3)
        },
        ..RetryPolicy::default()
    };
    let next = |lease: &Lease| lead_next(&policy, &over(Outcome::Busy, lease, 0));
    assert_eq!(next(&in_a_row(Outcome::Busy, 1)), retry(60, 0));
    assert_eq!(next(&in_a_row(Outcome::Busy, 2)), done("line_busy"));
    assert_eq!(next(&in_a_row(Outcome::NoAnswer, 2)), retry(60, 0));
    let lease = in_a_row(Outcome::Busy, 2);
    let undialed = Over {
        dialed: false,
        charged: false,
        ..over(Outcome::Busy, &lease, 0)
    };
    assert_eq!(lead_next(&policy, &undialed), retry(60, 0));
}

#[test]
fn a_fault_of_the_route_does_not_go_on_for_ever() {
    let lease = in_a_row(Outcome::Congested, 19);
    let over = Over {
        charged: false,
        ..over(Outcome::Congested, &lease, 0)
    };
    assert_eq!(lead_next(&RetryPolicy::default(), &over), done("congested"));
}

#[test]
fn a_callback_is_tried_again_by_its_own_rule_whatever_the_leads_caps() {
    let again = |seconds: i64, agent: Option<u64>, tries| LeadNext::Callback {
        at: Wall(seconds * 1_000),
        position: 0,
        agent: agent.map(AgentId),
        tries,
    };
    let anybodys = callback(0, None, None);
    assert_eq!(after(Outcome::NoAnswer, &anybodys, 0), again(300, None, 1));
    let hers = callback(1, Some(7), Some(1));
    assert_eq!(after(Outcome::Busy, &hers, 0), again(900, Some(7), 2));
    let no_more_hers = callback(1, Some(7), Some(0));
    assert_eq!(after(Outcome::Busy, &no_more_hers, 0), again(900, None, 2));
    let last = callback(2, Some(7), None);
    assert_eq!(after(Outcome::NoAnswer, &last, 0), done("unreachable"));
    assert_eq!(after(Outcome::Completed, &last, 0), done("completed"));
    assert_eq!(
        after(Outcome::Abandoned, &anybodys, 0),
        again(72 * 3_600, None, 1)
    );
    let refused = refused_by_pbx(&over(Outcome::Failed, &hers, 0));
    assert_eq!(refused, again(5, Some(7), 1));
}

#[test]
fn the_agents_word_decides() {
    let lease = lease(0, &[0, 0]);
    let said = |code: &str, next| {
        let said = Disposition {
            attempt: None,
            code: code.into(),
            after: next,
            do_not_call: false,
            note: None,
        };
        let over = Over {
            disposition: Some(&said),
            ..over(Outcome::Completed, &lease, 0)
        };
        lead_next(&RetryPolicy::default(), &over)
    };
    assert_eq!(said("sale", After::Final), done("sale"));
    let machine = After::RetryAs(Outcome::Machine);
    assert_eq!(said("answering_machine", machine), retry(4 * 3_600, 1));
    let at = Wall(77_000);
    let agent = Some(AgentId(7));
    assert_eq!(
        said("callback", After::Callback { at, agent }),
        LeadNext::Callback {
            at,
            position: 0,
            agent,
            tries: 0
        }
    );
}

#[test]
fn an_agents_word_that_ends_in_a_cap_is_what_the_lead_is_marked_with() {
    let lease = lease(0, &[0]);
    let said = Disposition {
        attempt: None,
        code: "wrong_number".into(),
        after: After::RetryAs(Outcome::Invalid),
        do_not_call: false,
        note: None,
    };
    let over = Over {
        disposition: Some(&said),
        ..over(Outcome::Completed, &lease, 0)
    };
    let next = lead_next(&RetryPolicy::default(), &over);
    assert_eq!(next, done("wrong_number"));
}

#[test]
fn what_is_out_of_range_is_named() {
    let with = |busy| RetryPolicy {
        busy,
        ..RetryPolicy::default()
    };
    let refused = |busy, field: &str| {
        let error = with(busy).validate().unwrap_err();
        assert_eq!(error.field, field, "{error}");
    };
    refused(RetryRule::same(60).at_most(0), "retry.busy.attempts");
    refused(RetryRule::same(400 * 86_400), "retry.busy.delay_seconds");
    refused(RetryRule::growing(&[1; 9]), "retry.busy.delay_seconds");
    let status = RetryRule {
        status: Some("".into()),
        ..RetryRule::NEVER
    };
    refused(status, "retry.busy.status");
    assert!(RetryPolicy::default().validate().is_ok());
}

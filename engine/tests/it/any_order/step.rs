//! One thing that happens, and how often.

use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Wait(u64),
    Lease(u64),
    Enter(u64),
    Waiting(u64),
    Gone(u64),
    /// Something about the n-th leg that was ever dialed.
    Leg(usize, u8, u16),
    Refuse(usize),
    Link(bool),
    Journal(bool),
    Drain(bool),
    Revoke(u64),
    Forbid(u64),
    State(u8),
    Ratio(u32),
    Predict,
    Preview,
    /// Something about the n-th phone that was last rung.
    Phone(usize, u8),
    /// It is picked up, and its agent brought to the customer.
    PickUp(usize),
    /// The n-th leg that was last dialed asks for an agent.
    Ready(usize),
    /// From now on calls go to the queue; this one does, and a member takes it.
    Member(usize),
    /// An agent does something at the desk.
    Desk(u64, u8),
    /// A lead that belongs to an agent.
    Own(u64, u64),
    Manual(u64, u64),
    /// The n-th lead calls; whether it was leased for that, is in hand, or neither.
    Call(u64, u8),
    /// Machines get a message, or none.
    Voicemail(bool),
    /// The campaign's calls go to a queue of the PBX, or not.
    Queue(bool),
    /// What the PBX says of that queue: members, free ones, callers.
    Counts(u32, u32, u32),
    /// An agent belongs to the campaign from now on, or does not.
    Assign(u64, bool),
    Reconcile,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u64..30_000).prop_map(Step::Wait),
        4 => (0u64..2_000).prop_map(Step::Wait),
        4 => (0u64..40).prop_map(Step::Lease),
        3 => (1u64..5).prop_map(Step::Enter),
        6 => (1u64..5).prop_map(Step::Waiting),
        1 => (1u64..5).prop_map(Step::Gone),
        30 => (0usize..60, 0u8..13, prop::sample::select(vec![0u16, 200, 302, 404, 486, 487, 503]))
            .prop_map(|(n, what, sip)| Step::Leg(n, what, sip)),
        1 => (0usize..60).prop_map(Step::Refuse),
        1 => any::<bool>().prop_map(Step::Link),
        1 => any::<bool>().prop_map(Step::Journal),
        1 => any::<bool>().prop_map(Step::Drain),
        1 => (0u64..40).prop_map(Step::Revoke),
        1 => (0u64..40).prop_map(Step::Forbid),
        1 => (0u8..4).prop_map(Step::State),
        1 => (1_000u32..5_000).prop_map(Step::Ratio),
        1 => Just(Step::Predict),
        1 => Just(Step::Preview),
        6 => (0usize..3).prop_map(Step::PickUp),
        4 => (0usize..4).prop_map(Step::Ready),
        6 => (0usize..3, 0u8..8).prop_map(|(n, what)| Step::Phone(n, what)),
        5 => (1u64..7, 0u8..28).prop_map(|(agent, what)| Step::Desk(agent, what)),
        2 => (0u64..40, 1u64..7).prop_map(|(n, agent)| Step::Own(n, agent)),
        2 => (0u64..40, 1u64..7).prop_map(|(n, agent)| Step::Manual(n, agent)),
        3 => (0u64..40, 0u8..6).prop_map(|(n, claim)| Step::Call(n, claim)),
        1 => any::<bool>().prop_map(Step::Voicemail),
        2 => prop::bool::weighted(0.2).prop_map(Step::Queue),
        2 => (0usize..4).prop_map(Step::Member),
        4 => (0u32..6, 0u32..6, 0u32..3)
            .prop_map(|(members, free, callers)| Step::Counts(members, free, callers)),
        1 => (1u64..7, prop::bool::weighted(0.8)).prop_map(|(agent, on)| Step::Assign(agent, on)),
        1 => Just(Step::Reconcile),
    ]
}

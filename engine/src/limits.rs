//! Every bound of the engine, in one place.

use std::ops::RangeInclusive;

use crate::time::Span;

/// Digits of a telephone number (E.164 section 6.2 sets the upper bound; short codes the lower).
pub const NUMBER_DIGITS: RangeInclusive<usize> = 2..=15;
/// Bytes of a name of a campaign, trunk, agent, context, sound.
pub const NAME_BYTES: usize = 80;
/// Campaigns that one engine knows.
pub const CAMPAIGNS: usize = 2_000;
/// Trunks that one engine knows.
pub const TRUNKS: usize = 500;
/// Routes over all campaigns.
pub const ROUTES: usize = 20_000;
/// Agents that one engine knows.
pub const AGENTS: usize = 5_000;
/// Attempts live at once; the host reserves an event slot for each of their legs.
pub const LIVE_ATTEMPTS: usize = 10_000;
/// Leases in hand over all campaigns.
pub const LEASES: usize = 100_000;
/// Leases in hand of one campaign.
pub const LEASES_PER_CAMPAIGN: u32 = 2_000;
/// Numbers of one lead.
pub const NUMBERS_PER_LEAD: usize = 10;
/// Skills of one agent.
pub const SKILLS: u32 = 100;
/// A wrap-up is extended to this at most.
pub const WRAP_UP_MOST: Span = Span::seconds(3_600);
/// An agent looks at a lead for so long at most; then it is skipped.
pub const PREVIEW_MOST: Span = Span::seconds(600);
/// Delays of one retry rule: after the first, second, third, ... attempt in a row.
pub const RETRY_DELAYS: usize = 8;
/// One of them, in seconds.
pub const RETRY_DELAY_SECONDS: RangeInclusive<u32> = 0..=366 * 86_400;
/// Attempts of a lead, of one of its numbers, or in a row.
pub const LEAD_ATTEMPTS: RangeInclusive<u32> = 1..=1_000;
/// A lead whose agent is away is looked at again after this many ms: the agent may be back, or at
/// another node.
pub const OWNER_RETRY_MS: i64 = 15_000;
/// Caller ids of one campaign.
pub const CALLER_IDS: usize = 1_000;
/// Legs of one attempt: the first trunk and its failovers.
pub const LEGS_PER_ATTEMPT: u8 = 5;
/// Numbers that were put on the do-not-call list a moment ago.
pub const DO_NOT_CALL: usize = 100_000;
/// Such a number is remembered this long: a lease that was granted just before may still be on
/// its way. Later leases were checked against the list themselves.
pub const DO_NOT_CALL_MEMORY: Span = Span::seconds(300);
/// A lease is remembered this long after it was granted or revoked, so that the same message once more,
/// or a grant that its revocation has overtaken, allows no second call.
pub const LEASE_MEMORY: Span = Span::seconds(300);
/// So many of them at most.
pub const LEASES_REMEMBERED: usize = 2 * LEASES;
/// Originates in flight (not yet answered) unless configured otherwise, and the range.
pub const CONCURRENT_ORIGINATES_DEFAULT: u32 = 50;
/// See [`CONCURRENT_ORIGINATES_DEFAULT`].
pub const CONCURRENT_ORIGINATES: RangeInclusive<u32> = 1..=2_000;

/// A lease is not used any more this long before it expires.
pub const LEASE_MARGIN_MS: i64 = 5_000;
/// Dialing goes on this long without a sidecar, then stops: a do-not-call entry made meanwhile
/// can't be known.
pub const LINK_DOWN_DIALING: Span = Span::seconds(30);
/// An originate that brings no answer of any kind is the route's fault after this long.
pub const SETUP_TIMEOUT: Span = Span::seconds(12);
/// Arguments of AMD() that a campaign can set.
pub const AMD_ARGUMENTS: usize = 9;
/// Each of them, most of them in ms, is at most so large.
pub const AMD_ARGUMENT: u32 = 60_000;
/// From answer to `OutdialConnect`: AMD and the operator's own dialplan run here.
pub const CLASSIFY_TIMEOUT: Span = Span::seconds(60);
/// A reserved agent is connected within this time, or another one is sought.
pub const CONNECT_TIMEOUT: Span = Span::seconds(2);
/// A message that has not ended by then is cut off. For a machine its greeting counts too.
pub const MESSAGE_TIMEOUT: Span = Span::seconds(180);
/// A connected call that lasts longer is taken for a fault and hung up.
pub const TALK_TIMEOUT: Span = Span::seconds(4 * 3600);
/// The host answers a hangup within this time, or is asked again.
pub const HANGUP_TIMEOUT: Span = Span::seconds(5);
/// So many unanswered hangups make a leg a ghost: it is given up and counted.
pub const HANGUP_TRIES: u8 = 6;
/// A probe that the host does not answer counts as failed after this long.
pub const PROBE_TIMEOUT: Span = Span::seconds(5);
/// An answered call that is over sooner is a short call: who was called hangs up, does not hear us, or
/// never answered at all (Anatel counts calls of up to 6 s).
pub const SHORT_CALL: Span = Span::seconds(6);
/// An answered call that is not with an agent sooner is being told apart by AMD: until then it may
/// just be on its way through the dialplan.
pub const TELLING_APART: Span = Span::ms(250);
/// An answer that comes sooner than this, before any ringing, may be false: the carrier's own and not
/// the callee's.
pub const FALSE_ANSWER: Span = Span::ms(1_000);
/// So many of them in a row, and the operator is told.
pub const FALSE_ANSWERS: u32 = 20;
/// A test call rings this long.
pub const TEST_RING_TIMEOUT_MS: u32 = 30_000;
/// An attempt waits this long for a trunk to fail over to.
pub const QUEUE_TIMEOUT: Span = Span::seconds(10);
/// So many failures in a row by the trunk's fault, and it is left alone for a while.
pub const TRUNK_FAULTS: u32 = 5;
/// A trunk that failed [`TRUNK_FAULTS`] times in a row is left alone this long; doubled with each
/// further failure.
pub const TRUNK_BACKOFF: Span = Span::ms(500);
/// The longest back-off of a trunk.
pub const TRUNK_BACKOFF_MAX: Span = Span::seconds(30);
/// After a refusal by the PBX nothing is dialed for this long.
pub const PBX_BACKOFF: Span = Span::ms(500);
/// A lead whose call the PBX refused is tried again after this many ms.
pub const PBX_RETRY_MS: i64 = 5_000;
/// Agents tried for one answered call before it gets the message.
pub const CONNECT_TRIES: u8 = 3;
/// Agent and customer have parted: within this time the host says that the customer's call goes on,
/// or it is ended.
pub const PARTING: Span = Span::seconds(5);
/// An agent whose call fell through is back in the waiting bridge within this time, or is
/// logged off.
pub const AGENT_RETURN: Span = Span::seconds(5);
/// How long an agent's phone rings unless configured otherwise, and the range.
pub const PHONE_RING_MS_DEFAULT: u32 = 15_000;
/// See [`PHONE_RING_MS_DEFAULT`].
pub const PHONE_RING_MS: RangeInclusive<u32> = 1_000..=120_000;
/// The host stops ringing a phone by itself this long after the engine should have.
pub const PHONE_RING_MARGIN_MS: u32 = 5_000;
/// An agent whose phone was not answered so many times in a row is paused, or every call would
/// wait for him first.
pub const MISSED_RINGS: u8 = 3;
/// A phone that was not answered, or was busy, is left alone this long.
pub const PHONE_BACKOFF: Span = Span::seconds(10);
/// A campaign that the PBX could not serve is checked again after this long.
pub const RECHECK: Span = Span::seconds(30);
/// A request for leads that brings no answer is repeated after this long.
pub const LEADS_TIMEOUT: Span = Span::seconds(5);
/// Leads looked at in one pacing decision to find one whose trunk is free.
pub const LOOK_AHEAD: usize = 32;
/// Calls that one pacing decision starts at most, so that one campaign can't hold up the others.
pub const DIALS_PER_DECISION: u32 = 100;
/// Leads are asked for again at the earliest after this long when the last request brought none.
pub const LEADS_RETRY: Span = Span::seconds(1);
/// A call is decided on at most this long before the trunk's limit lets it leave, so that an engine
/// that is called late loses no part of the rate.
pub const DIAL_AHEAD: Span = Span::ms(5);
/// Pacing is recomputed at the latest after this long while a campaign runs.
pub const PACING_INTERVAL: Span = Span::ms(250);

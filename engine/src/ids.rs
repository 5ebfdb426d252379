//! Identifiers. Each is a newtype, so that a lead can't be passed where an attempt belongs.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id!(
    /// A campaign, as numbered by the database.
    CampaignId
);
id!(
    /// A lead, as numbered by the database.
    LeadId
);
id!(
    /// A list of leads, as numbered by the database.
    ListId
);
id!(
    /// A trunk, as numbered by the database.
    TrunkId
);
id!(
    /// An agent, as numbered by the database.
    AgentId
);
id!(
    /// One lease of one lead to one engine. Never reused.
    LeaseId
);

impl LeaseId {
    /// Stands in for a lease that nobody has.
    pub const NONE: LeaseId = LeaseId(0);
}

id!(
    /// One attempt to reach a lead on one of its numbers. Unique over all nodes and restarts:
    /// the upper 31 bits are the [`Epoch`], the lower 32 a counter.
    AttemptId
);
id!(
    /// A question that the host or the sidecar answers later.
    RequestId
);

/// Numbers one life of one engine over all nodes; the sidecar draws it from a database sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The largest epoch for which [`AttemptId`] still fits a signed 64-bit column.
    pub const MAX: Epoch = Epoch(i32::MAX as u32);

    /// The id of the `counter`-th attempt of this epoch.
    #[must_use]
    pub fn attempt(self, counter: u32) -> AttemptId {
        AttemptId(u64::from(self.0) << 32 | u64::from(counter))
    }
}

impl AttemptId {
    /// The epoch in which the attempt began.
    #[must_use]
    pub fn epoch(self) -> Epoch {
        Epoch(u32::try_from(self.0 >> 32).unwrap_or(u32::MAX))
    }
}

/// One originate of an attempt. Its text form `<node>-<attempt>-<n>` is the channel's unique id;
/// the node's name is known to the shell only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId {
    /// The attempt that the leg belongs to.
    pub attempt: AttemptId,
    /// 1 for the first originate, 2 after the first failover, and so on.
    pub n: u8,
}

impl LegId {
    /// Reads the part of a leg's text form behind `<node>-`. Anything but the canonical form is
    /// refused, so that two texts never name one leg.
    #[must_use]
    pub fn parse(text: &str) -> Option<LegId> {
        let (attempt, n) = text.split_once('-')?;
        let canonical = |s: &str| s.bytes().all(|b| b.is_ascii_digit()) && !s.starts_with('0');
        if !canonical(attempt) || !canonical(n) {
            return None;
        }
        Some(LegId {
            attempt: AttemptId(attempt.parse().ok()?),
            n: n.parse().ok()?,
        })
    }
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.attempt, self.n)
    }
}

/// The unique id of an agent's channel: one that called in and waits (then it is his log-in), or one
/// that outdial rang; see [`SessionId::ring`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub Box<str>);

impl SessionId {
    /// The `counter`-th time that this engine rings an agent's phone: `ring-<epoch>-<counter>`.
    /// The epoch is unique over nodes and lives, so no other channel has this unique id.
    #[must_use]
    pub fn ring(epoch: Epoch, counter: u32) -> SessionId {
        SessionId(format!("ring-{}-{counter}", epoch.0).into())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_reads_back_as_it_was_written() {
        let leg = LegId {
            attempt: Epoch(3).attempt(17),
            n: 2,
        };
        assert_eq!(leg.to_string(), "12884901905-2");
        assert_eq!(LegId::parse("12884901905-2"), Some(leg));
    }

    #[test]
    fn only_the_canonical_text_of_a_leg_is_read() {
        for text in [
            "", "1", "1-", "-1", "01-1", "1-01", "1-0", "+1-1", "1-1-1", "1-1;2", "1-256",
        ] {
            assert_eq!(LegId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_attempt_knows_its_epoch() {
        assert_eq!(Epoch(7).attempt(u32::MAX).epoch(), Epoch(7));
    }

    #[test]
    fn the_largest_attempt_fits_a_signed_column() {
        assert!(i64::try_from(Epoch::MAX.attempt(u32::MAX).0).is_ok());
    }
}

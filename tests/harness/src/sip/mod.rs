//! SIP phones and callees of our own, with audio that can be told apart: where SIPp can't say when the
//! first packet of a call came, what a phone does next depends on the test, or one call of a phone takes
//! the place of another.
//!
//! As much of SIP (RFC 3261), SDP and RTP as a peer of Asterisk on this machine needs: UDP, PCMU,
//! digits by RFC 4733, and requests that are sent again until they are answered.

mod call;
mod heard;
mod message;
mod peer;
mod phone;
mod socket;
mod voice;

pub use call::{CallSeen, Plan, Status};
pub use heard::Heard;
pub use peer::{CallId, Peer};
pub use phone::{Line, Phone};

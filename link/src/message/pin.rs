//! The PIN that an agent says when he logs in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that nothing prints.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What came of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PinChecked {
    /// It is the agent's.
    Right,
    /// It is not, or there is no such agent, or he has none any more.
    Wrong,
    /// There were too many wrong ones; this one was not looked at.
    Locked,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Up;

    #[test]
    fn a_message_that_is_printed_does_not_show_the_pin() {
        let up = Up::Pin {
            request: 1,
            agent: "ana".into(),
            pin: Secret("4711".into()),
        };
        let printed = format!("{up:?}");
        assert!(
            printed.contains("ana") && !printed.contains("4711"),
            "{printed}"
        );
    }
}

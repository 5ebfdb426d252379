//! Completion of console commands.

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Agents,
    Campaigns,
}

/// The words that the last word of `line` may become.
pub(super) fn candidates(line: &str, names: impl FnOnce(Names) -> Vec<String>) -> Vec<String> {
    let (before, typed) = match line.rfind(char::is_whitespace) {
        Some(i) => line.split_at(i + 1),
        None => ("", line),
    };
    let before: Vec<&str> = before.split_whitespace().collect();
    let words: Vec<String> = match before.as_slice() {
        [] => owned(&["agent", "campaign", "drain", "show", "undrain"]),
        ["show"] => owned(&[
            "agents",
            "calls",
            "campaign",
            "campaigns",
            "status",
            "trunks",
            "why",
        ]),
        ["campaign"] => owned(&["pause", "start", "stop"]),
        ["agent"] => owned(&["logout", "pause", "unpause"]),
        ["campaign", "pause" | "start" | "stop"] | ["show", "campaign" | "why"] => {
            names(Names::Campaigns)
        }
        ["agent", "logout" | "pause" | "unpause"] => names(Names::Agents),
        _ => Vec::new(),
    };
    words
        .into_iter()
        .filter(|word| word.starts_with(typed))
        .collect()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_names_are_completed() {
        let names = |what| match what {
            Names::Campaigns => vec!["autumn".to_owned(), "spring".to_owned()],
            Names::Agents => vec!["1001".to_owned()],
        };
        assert_eq!(candidates("", names).len(), 5);
        assert_eq!(
            candidates("show c", names),
            ["calls", "campaign", "campaigns"]
        );
        assert_eq!(candidates("show why a", names), ["autumn"]);
        assert_eq!(candidates("agent pause ", names), ["1001"]);
        assert_eq!(candidates("campaign start s", names), ["spring"]);
        assert_eq!(candidates("campaign start ", names).len(), 2);
        assert!(candidates("nonsense x", names).is_empty());
    }
}

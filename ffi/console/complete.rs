//! Completion of console commands.

/// The words that the last word of `line` may become.
pub(super) fn candidates(line: &str, campaigns: impl FnOnce() -> Vec<String>) -> Vec<String> {
    let (before, typed) = match line.rfind(char::is_whitespace) {
        Some(i) => line.split_at(i + 1),
        None => ("", line),
    };
    let before: Vec<&str> = before.split_whitespace().collect();
    let words: Vec<String> = match before.as_slice() {
        [] => owned(&["campaign", "drain", "show", "undrain"]),
        ["show"] => owned(&["agents", "calls", "campaigns", "status", "trunks"]),
        ["campaign"] => owned(&["pause", "start", "stop"]),
        ["campaign", "pause" | "start" | "stop"] => campaigns(),
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
        let names = || vec!["autumn".to_owned(), "spring".to_owned()];
        assert_eq!(candidates("", names).len(), 4);
        assert_eq!(candidates("show c", names), ["calls", "campaigns"]);
        assert_eq!(candidates("campaign start s", names), ["spring"]);
        assert_eq!(candidates("campaign start ", names).len(), 2);
        assert!(candidates("nonsense x", names).is_empty());
    }
}

//! How recordings are named.

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::ConfigError;
use crate::limits;
use crate::time::Wall;

/// One part of a name.
type Value = fn(&Fields<'_>) -> String;

/// What a name can hold, in braces.
const FIELDS: &[(&str, Value)] = &[
    ("agent", |f| plain(f.agent)),
    (ATTEMPT, |f| f.attempt.to_string()),
    ("campaign", |f| plain(f.campaign)),
    ("date", |f| f.at_utc("%Y%m%d")),
    ("lead", |f| f.lead.to_string()),
    ("leg", |f| f.leg.to_string()),
    ("number", |f| f.number.to_owned()),
    ("time", |f| f.at_utc("%H%M%S")),
];
/// Without it two calls could have one name.
const ATTEMPT: &str = "attempt";
const ALLOWED: &str = "a relative path of A-Z a-z 0-9 _ - . / with {attempt} in it, and {agent}, \
     {campaign}, {date}, {lead}, {leg}, {number}, {time} where you like, for example \
     {date}/{campaign}-{attempt}.wav";

/// What stands in a name.
pub(crate) struct Fields<'a> {
    pub(crate) attempt: u64,
    pub(crate) leg: u8,
    pub(crate) lead: u64,
    pub(crate) campaign: &'a str,
    pub(crate) number: &'a str,
    /// Empty before there is one.
    pub(crate) agent: &'a str,
    /// The answer.
    pub(crate) at: Wall,
}

impl Fields<'_> {
    fn at_utc(&self, format: &str) -> String {
        let at = Timestamp::from_millisecond(self.at.0);
        // The clock of a host is never so far out.
        at.map_or_else(|_| String::new(), |at| at.strftime(format).to_string())
    }
}

fn value(field: &str) -> Option<Value> {
    let known = FIELDS.iter().find(|(name, _)| *name == field);
    known.map(|(_, value)| *value)
}

/// Whether names can be made by the pattern.
///
/// # Errors
/// What is wrong, and what is allowed.
pub(crate) fn check(pattern: &str) -> Result<(), ConfigError> {
    let wrong = |why: String| Err(ConfigError::new("recording", why, ALLOWED));
    if pattern.is_empty() || pattern.len() > limits::NAME_BYTES {
        return wrong(format!("has {} bytes", pattern.len()));
    }
    let mut has_attempt = false;
    for part in parts(pattern) {
        match part {
            Part::Text(text) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
                if !text.chars().all(plain) {
                    return wrong(format!("has a character that is not allowed: {text:?}"));
                }
            }
            Part::Field(field) if value(field).is_some() => has_attempt |= field == ATTEMPT,
            Part::Field(field) => return wrong(format!("has an unknown field {{{field}}}")),
        }
    }
    if pattern.starts_with('/') || pattern.contains("..") {
        return wrong("leaves its folder".into());
    }
    if !has_attempt {
        return wrong("has no {attempt}, so two calls could have one name".into());
    }
    Ok(())
}

/// The name of one recording; date and time are the answer's, in UTC. What names of campaigns and
/// agents have that a file's name should not becomes `_`.
pub(crate) fn name(pattern: &str, fields: &Fields<'_>) -> Arc<str> {
    let mut name = String::with_capacity(pattern.len() + 32);
    for part in parts(pattern) {
        match part {
            Part::Text(text) => name.push_str(text),
            // An unknown one was refused by `check`.
            Part::Field(field) => name.extend(value(field).map(|value| value(fields))),
        }
    }
    name.into()
}

enum Part<'a> {
    Text(&'a str),
    Field(&'a str),
}

fn parts(pattern: &str) -> impl Iterator<Item = Part<'_>> {
    pattern.split_inclusive('}').flat_map(|piece| {
        let (text, field) = match piece.strip_suffix('}').and_then(|p| p.rsplit_once('{')) {
            Some((text, field)) => (text, Some(Part::Field(field))),
            None => (piece, None),
        };
        [Some(Part::Text(text)), field].into_iter().flatten()
    })
}

fn plain(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(at: i64) -> Fields<'static> {
        Fields {
            attempt: 4_294_967_301,
            leg: 1,
            lead: 7,
            campaign: "spring 2026/b",
            number: "5511987654321",
            agent: "ana",
            at: Wall(at),
        }
    }

    #[test]
    fn a_name_has_the_calls_fields() {
        let pattern = "{date}/{time}-{campaign}-{agent}-{number}-{lead}-{attempt}-{leg}.wav";
        check(pattern).unwrap();
        assert_eq!(
            &*name(pattern, &fields(1_795_317_845_123)),
            "20261122/032405-spring_2026_b-ana-5511987654321-7-4294967301-1.wav"
        );
        let date = |ms: i64| name("{date}{attempt}", &fields(ms))[..8].to_owned();
        assert_eq!(date(0), "19700101");
        assert_eq!(date(951_782_400_000), "20000229");
        assert_eq!(date(4_107_542_399_999), "21000228");
    }

    #[test]
    fn what_could_leave_the_folder_or_meet_another_call_is_refused() {
        for (pattern, why) in [
            ("", "0 bytes"),
            ("/tmp/{attempt}.wav", "leaves"),
            ("../{attempt}.wav", "leaves"),
            ("{campaign}.wav", "no {attempt}"),
            ("{attempt}-{nonsense}.wav", "unknown field {nonsense}"),
            ("{attempt};rm.wav", "not allowed"),
            ("{attempt}-{campaign.wav", "not allowed"),
            ("{attempt}${x}.wav", "not allowed"),
        ] {
            let error = check(pattern).unwrap_err().to_string();
            assert!(
                error.contains(why) && error.contains("recording"),
                "{pattern}: {error}"
            );
        }
    }
}

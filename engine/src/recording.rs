//! How recordings are named.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::config::ConfigError;
use crate::limits;
use crate::time::Wall;

/// What a name can hold, in braces.
const FIELDS: [&str; 8] = [
    "agent", "attempt", "campaign", "date", "lead", "leg", "number", "time",
];
const ALLOWED: &str = "a relative path of A-Z a-z 0-9 _ - . / with {attempt} in it, and {agent}, \
     {campaign}, {date}, {lead}, {leg}, {number}, {time} where you like, for example \
     {date}/{campaign}-{attempt}.wav";
const MS_PER_DAY: i64 = 86_400_000;

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
            Part::Field(field) if FIELDS.contains(&field) => has_attempt |= field == "attempt",
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
        // Writing to memory does not fail.
        let _ = match part {
            Part::Text(text) => name.write_str(text),
            Part::Field("attempt") => write!(name, "{}", fields.attempt),
            Part::Field("leg") => write!(name, "{}", fields.leg),
            Part::Field("lead") => write!(name, "{}", fields.lead),
            Part::Field("campaign") => name.write_str(&plain(fields.campaign)),
            Part::Field("agent") => name.write_str(&plain(fields.agent)),
            Part::Field("number") => name.write_str(fields.number),
            Part::Field("date") => date(&mut name, fields.at),
            Part::Field("time") => time(&mut name, fields.at),
            // Refused by `check`.
            Part::Field(_) => Ok(()),
        };
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

/// Days since 1970 to a civil date, by Howard Hinnant's `civil_from_days`.
fn date(name: &mut String, at: Wall) -> std::fmt::Result {
    let days = at.0.div_euclid(MS_PER_DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    write!(name, "{year:04}{month:02}{day:02}")
}

fn time(name: &mut String, at: Wall) -> std::fmt::Result {
    let seconds = at.0.rem_euclid(MS_PER_DAY) / 1_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    write!(name, "{hours:02}{minutes:02}{:02}", seconds % 60)
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

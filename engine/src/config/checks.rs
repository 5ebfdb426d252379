//! What a field may hold.

use std::ops::RangeInclusive;

use super::ConfigError;
use crate::limits;

pub(crate) fn in_range(
    field: &'static str,
    value: u32,
    range: RangeInclusive<u32>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(ConfigError::new(
        field,
        format!("is {value}"),
        format!("{} to {}", range.start(), range.end()),
    ))
}

/// Names reach dial strings and dialplan look-ups: letters, digits and a few marks only.
pub(crate) fn name(field: &'static str, text: &str) -> Result<(), ConfigError> {
    marked_name(field, text, "_-./")
}

/// A name with these marks.
pub(crate) fn marked_name(field: &'static str, text: &str, marks: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == ' ' || marks.contains(c);
    let plain = !text.is_empty() && text.len() <= limits::NAME_BYTES && text.chars().all(allowed);
    if plain && !text.contains("..") {
        return Ok(());
    }
    let marks: Vec<String> = marks.chars().map(String::from).collect();
    Err(ConfigError::new(
        field,
        format!("is {text:?}"),
        format!(
            "1 to {} of A-Z a-z 0-9 {} and space",
            limits::NAME_BYTES,
            marks.join(" ")
        ),
    ))
}

/// Part of a dial string.
pub(super) fn dialable(field: &'static str, text: &str, marks: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    if (1..=limits::NAME_BYTES).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    Err(ConfigError::new(
        field,
        format!("is {text:?}"),
        format!("1 to {} of A-Z a-z 0-9 {marks}", limits::NAME_BYTES),
    ))
}

pub(super) fn digits(field: &'static str, text: &str) -> Result<(), ConfigError> {
    if text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(ConfigError::new(
        field,
        format!("is {text:?}"),
        "up to 15 digits",
    ))
}

pub(super) fn len_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

//! Members of a queue of the PBX: phones that are callees of the carrier, as customers are.

use anyhow::Result;

use crate::carrier::Call;
use crate::{Carrier, Fate};

/// Name, what its phone does when it rings, and after how many half seconds.
pub type Member<'a> = (&'a str, Fate, u8);

/// Their names and numbers.
pub fn numbers<'a>(members: &'a [Member<'a>]) -> impl Iterator<Item = (&'a str, String)> {
    let serials = 90_000..;
    members
        .iter()
        .zip(serials)
        .map(|((name, fate, ring), serial)| (*name, fate.number(*ring, serial)))
}

fn is_member(number: &str) -> bool {
    number.ends_with(|c: char| c.is_ascii_digit()) && number[number.len() - 5..].starts_with('9')
}

/// Calls of customers: whoever is no member.
///
/// # Errors
/// The carrier's log can't be read.
pub fn customers(carrier: &Carrier) -> Result<Vec<Call>> {
    let mut calls = carrier.calls()?;
    calls.retain(|call| !is_member(&call.number));
    Ok(calls)
}

/// The most calls at one time that had, or could still get, a member: those that were answered count
/// for `limit` seconds after it.
#[must_use]
pub fn most_at_once(calls: &[Call], limit: f64) -> usize {
    let end = |call: &Call| {
        let given_up = call.answered.map_or(f64::INFINITY, |at| at + limit);
        call.ended.unwrap_or(f64::INFINITY).min(given_up)
    };
    let at = |time: f64| {
        let live = |call: &&Call| call.invited <= time && end(call) > time;
        calls.iter().filter(live).count()
    };
    calls
        .iter()
        .map(|call| at(call.invited))
        .max()
        .unwrap_or_default()
}

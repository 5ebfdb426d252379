//! Retry rules as campaigns have them in JSON.

use outdial_link::{RetryPolicy, RetryRule};
use serde_json::Value;

/// Delays of one rule.
const DELAYS: usize = 8;
const YEAR_SECONDS: u64 = 366 * 86_400;
const OUTCOMES: [&str; 10] = [
    "completed",
    "no_answer",
    "busy",
    "congested",
    "invalid",
    "machine",
    "abandoned",
    "cancelled",
    "failed",
    "callback",
];

/// The engine's defaults, with what the campaign says on top.
pub fn policy(rules: &Value, max_attempts: u16, max_attempts_per_number: u16) -> RetryPolicy {
    let rule = |outcome: &str, delays: &[u32], next_number: bool, attempts: Option<u16>| {
        let given = rules.get(outcome);
        let flag = |name: &str, default: bool| {
            given
                .and_then(|rule| rule.get(name)?.as_bool())
                .unwrap_or(default)
        };
        RetryRule {
            retry: flag("retry", true),
            delays_seconds: given
                .and_then(|rule| seconds(rule.get("delay_seconds")?))
                .unwrap_or_else(|| delays.to_vec()),
            attempts: given
                .and_then(|rule| u16::try_from(rule.get("attempts")?.as_u64()?).ok())
                .or(attempts),
            next_number: flag("next_number", next_number),
            status: given.and_then(|rule| Some(rule.get("status")?.as_str()?.to_owned())),
        }
    };
    RetryPolicy {
        max_attempts,
        max_attempts_per_number,
        completed_status: rules
            .get("completed")
            .and_then(|rule| Some(rule.get("status")?.as_str()?.to_owned())),
        no_answer: rule("no_answer", &[3_600], true, None),
        busy: rule("busy", &[600, 1_200, 3_600], false, None),
        congested: rule("congested", &[300, 600, 1_800, 3_600], false, Some(20)),
        invalid: rule("invalid", &[0], true, None),
        machine: rule("machine", &[4 * 3_600], true, None),
        // 72 hours: Ofcom's persistent misuse policy, A1.60.
        abandoned: rule("abandoned", &[72 * 3_600], false, None),
        cancelled: rule("cancelled", &[300], false, None),
        failed: rule("failed", &[600], false, None),
        callback: rule("callback", &[300, 900, 3_600], false, Some(3)),
    }
}

/// The rule for an outcome; for one that has none, never again.
pub fn rule(policy: &RetryPolicy, outcome: &str) -> RetryRule {
    match outcome {
        "no_answer" => policy.no_answer.clone(),
        "busy" => policy.busy.clone(),
        "congested" => policy.congested.clone(),
        "invalid" => policy.invalid.clone(),
        "machine" => policy.machine.clone(),
        "abandoned" => policy.abandoned.clone(),
        "cancelled" => policy.cancelled.clone(),
        "failed" => policy.failed.clone(),
        _ => RetryRule {
            retry: false,
            delays_seconds: Vec::new(),
            attempts: None,
            next_number: false,
            status: None,
        },
    }
}

/// One delay, or several.
fn seconds(given: &Value) -> Option<Vec<u32>> {
    let one = |value: &Value| u32::try_from(value.as_u64()?).ok();
    match given {
        Value::Array(all) => all.iter().map(one).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Some(vec![one(given)?])
        }
    }
}

/// What is wrong with a campaign's rules: the field, what is there, and what is allowed.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(rules: &Value) -> Result<(), String> {
    let wrong = |field: &str, value: &Value, allowed: &str| {
        Err(format!("{field} is {value}; allowed: {allowed}"))
    };
    let Value::Object(all) = rules else {
        return wrong("retry", rules, "an object of rules by outcome");
    };
    for (outcome, rule) in all {
        let field = format!("retry.{outcome}");
        if !OUTCOMES.contains(&outcome.as_str()) {
            return Err(format!(
                "{field} is no rule; allowed: {}",
                OUTCOMES.join(", ")
            ));
        }
        let Value::Object(keys) = rule else {
            return wrong(&field, rule, "an object");
        };
        for (key, value) in keys {
            let field = format!("{field}.{key}");
            match key.as_str() {
                "status" if !is_status(value) => {
                    wrong(&field, value, "1 to 80 of A-Z a-z 0-9 _ - . / and space")?;
                }
                "status" => {}
                _ if outcome == "completed" => {
                    return Err(format!("{field} is no setting; allowed: status"));
                }
                "retry" | "next_number" if !value.is_boolean() => {
                    wrong(&field, value, "true or false")?;
                }
                "retry" | "next_number" => {}
                "attempts" if !value.as_u64().is_some_and(|n| (1..=1_000).contains(&n)) => {
                    wrong(&field, value, "1 to 1000")?;
                }
                "attempts" => {}
                "delay_seconds" if !is_delay(value) => {
                    let allowed =
                        format!("0 to {YEAR_SECONDS}, or a list of 1 to {DELAYS} of them");
                    wrong(&field, value, &allowed)?;
                }
                "delay_seconds" => {}
                _ => {
                    return Err(format!(
                        "{field} is no setting; allowed: retry, delay_seconds, attempts, next_number, status"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn is_delay(value: &Value) -> bool {
    seconds(value).is_some_and(|all| {
        (1..=DELAYS).contains(&all.len()) && all.iter().all(|s| u64::from(*s) <= YEAR_SECONDS)
    })
}

fn is_status(value: &Value) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    value.as_str().is_some_and(|text| {
        (1..=80).contains(&text.len()) && text.chars().all(plain) && !text.contains("..")
    })
}

#[cfg(test)]
mod tests {
    use outdial_engine::config as engine;
    use serde_json::json;

    use super::*;

    fn same(ours: &RetryRule, engines: &engine::RetryRule) {
        assert_eq!(ours.retry, engines.retry);
        assert_eq!(ours.delays_seconds, engines.delays_seconds);
        assert_eq!(ours.attempts, engines.attempts);
        assert_eq!(ours.next_number, engines.next_number);
        assert_eq!(ours.status.as_deref(), engines.status.as_deref());
    }

    #[test]
    fn the_defaults_are_the_engines() {
        let ours = policy(&json!({}), 6, 3);
        let engines = engine::RetryPolicy::default();
        assert_eq!(ours.max_attempts, engines.max_attempts);
        for (ours, engines) in [
            (&ours.no_answer, &engines.no_answer),
            (&ours.busy, &engines.busy),
            (&ours.congested, &engines.congested),
            (&ours.invalid, &engines.invalid),
            (&ours.machine, &engines.machine),
            (&ours.abandoned, &engines.abandoned),
            (&ours.cancelled, &engines.cancelled),
            (&ours.failed, &engines.failed),
            (&ours.callback, &engines.callback),
        ] {
            same(ours, engines);
        }
    }

    #[test]
    fn old_and_new_rules_are_read() {
        let rules = json!({
            "busy": { "retry": true, "delay_seconds": 60, "next_number": true },
            "machine": { "delay_seconds": [60, 120], "attempts": 4, "status": "voicemail" },
            "completed": { "status": "contacted" },
        });
        check(&rules).unwrap();
        let read = policy(&rules, 6, 3);
        assert_eq!(
            (
                read.busy.delays_seconds,
                read.busy.next_number,
                read.busy.attempts
            ),
            (vec![60], true, None)
        );
        assert_eq!(read.machine.delays_seconds, [60, 120]);
        assert_eq!(read.machine.attempts, Some(4));
        assert_eq!(read.machine.status.as_deref(), Some("voicemail"));
        assert_eq!(read.completed_status.as_deref(), Some("contacted"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_range() {
        for (rules, says) in [
            (json!([]), "retry is []; allowed: an object"),
            (
                json!({ "bussy": {} }),
                "retry.bussy is no rule; allowed: completed, no_answer",
            ),
            (json!({ "busy": 1 }), "retry.busy is 1; allowed: an object"),
            (
                json!({ "busy": { "attempts": 0 } }),
                "retry.busy.attempts is 0; allowed: 1 to 1000",
            ),
            (
                json!({ "busy": { "delay_seconds": [] } }),
                "retry.busy.delay_seconds is []; allowed: 0 to 31622400, or a list",
            ),
            (
                json!({ "busy": { "delay_seconds": -1 } }),
                "retry.busy.delay_seconds is -1; allowed: 0 to 31622400",
            ),
            (
                json!({ "busy": { "status": "" } }),
                "retry.busy.status is \"\"; allowed: 1 to 80",
            ),
            (
                json!({ "busy": { "retries": 3 } }),
                "retry.busy.retries is no setting",
            ),
            (
                json!({ "completed": { "retry": true } }),
                "retry.completed.retry is no setting",
            ),
        ] {
            let error = check(&rules).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
    }
}

//! What a campaign's recorded calls say about its callees and agents.

use postgres::Client;
use serde_json::Value;

use crate::limits;
use crate::store::fields::rows;
use crate::store::{StoreError, campaigns};

/// Dials of the last days by how they ended, mean durations in seconds, and the campaign's own
/// settings.
///
/// Left out of `dials` are those that say nothing about callees: cancelled by the dialer before
/// anybody could answer, failed inside the PBX, or placed by a simulated one; and calls that came in. `persons` are counted as the abandon rule counts
/// them. Plan: the index on campaign and time.
///
/// # Errors
/// [`StoreError::NotFound`], or what PostgreSQL says.
pub fn load(client: &mut Client, name: &str) -> Result<Value, StoreError> {
    campaigns::TABLE.id(client, name)?;
    let found = rows(
        client,
        "WITH seen AS (
           SELECT a.outcome, a.outcome IN ('completed', 'abandoned') AND a.answered_at IS NOT NULL AS person,
                  extract(epoch FROM a.ringing_at - a.started_at)::float8 AS set_up,
                  extract(epoch FROM a.answered_at - a.ringing_at)::float8 AS ring,
                  extract(epoch FROM a.ended_at - a.bridged_at)::float8 AS talk
           FROM outdial.attempts a JOIN outdial.campaigns c ON c.id = a.campaign_id
           WHERE c.name = $1 AND a.started_at > now() - make_interval(days => $2::integer)
             AND a.outcome NOT IN ('cancelled', 'failed') AND NOT a.test AND NOT a.inbound
         ), counted AS (
           SELECT count(*) AS dials,
                  count(*) FILTER (WHERE person) AS persons,
                  count(*) FILTER (WHERE outcome = 'machine') AS machines,
                  count(*) FILTER (WHERE outcome IN ('busy', 'congested', 'invalid')) AS failures,
                  avg(set_up) FILTER (WHERE set_up > 0) AS set_up_seconds,
                  avg(ring) FILTER (WHERE person AND ring > 0) AS ring_seconds,
                  avg(talk) FILTER (WHERE person AND talk > 0) AS talk_seconds,
                  stddev_samp(talk) FILTER (WHERE person AND talk > 0) AS talk_deviation_seconds
           FROM seen)
         SELECT to_jsonb(counted) || jsonb_build_object(
           'campaign', c.name, 'days', $2::integer,
           'agents', (SELECT count(*) FROM outdial.agent_campaigns ac WHERE ac.campaign_id = c.id),
           'settings', jsonb_strip_nulls(to_jsonb(c)))
         FROM counted, outdial.campaigns c WHERE c.name = $1",
        &[&name, &limits::STATISTICS_DAYS],
    )?;
    let none = || StoreError::NotFound(format!("there is no campaign {name:?}"));
    found.into_iter().next().ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Database, campaign};

    /// One attempt that started so many days ago; times in seconds after that.
    fn attempt(
        client: &mut Client,
        campaign: u64,
        outcome: &str,
        days: i32,
        [ringing, answered, bridged, ended]: [Option<f64>; 4],
    ) {
        client
            .execute(
                "WITH t AS (SELECT now() - make_interval(days => $3, secs => 3600) AS start)
                 INSERT INTO outdial.attempts (attempt_id, started_at, node, campaign_id, lead_id,
                   lease_id, trunk_id, number, position, legs, outcome, detail, ringing_at,
                   answered_at, bridged_at, ended_at, charged)
                 SELECT nextval('outdial.lead_seq'), start, 'pbx1', $1, 1, 1, 1, '5511900000001', 0,
                   1, $2, '', start + make_interval(secs => $4), start + make_interval(secs => $5),
                   start + make_interval(secs => $6), start + make_interval(secs => $7), true
                 FROM t",
                &[
                    &crate::clock::id(campaign),
                    &outcome,
                    &days,
                    &ringing,
                    &answered,
                    &bridged,
                    &ended,
                ],
            )
            .unwrap();
    }

    fn near(value: &Value, expected: f64) -> bool {
        value.as_f64().is_some_and(|v| (v - expected).abs() < 1e-6)
    }

    #[test]
    fn dials_are_told_apart_and_durations_averaged() {
        let mut client = Database::new().client();
        let spring = campaign(&mut client, "spring");
        let other = campaign(&mut client, "other");
        let talked = |seconds: f64| [Some(2.0), Some(10.0), Some(11.0), Some(11.0 + seconds)];
        attempt(&mut client, spring, "completed", 1, talked(60.0));
        attempt(&mut client, spring, "completed", 29, talked(180.0));
        let waited = [Some(4.0), Some(16.0), None, Some(18.0)];
        attempt(&mut client, spring, "abandoned", 1, waited);
        let machine = [Some(3.0), Some(30.0), None, Some(33.0)];
        attempt(&mut client, spring, "machine", 1, machine);
        let rang = [Some(3.0), None, None, Some(28.0)];
        attempt(&mut client, spring, "no_answer", 1, rang);
        for outcome in ["busy", "invalid", "cancelled", "failed"] {
            attempt(
                &mut client,
                spring,
                outcome,
                1,
                [None, None, None, Some(1.0)],
            );
        }
        // Too long ago, and another campaign's.
        attempt(&mut client, spring, "completed", 31, talked(999.0));
        attempt(&mut client, other, "completed", 1, talked(999.0));

        let found = load(&mut client, "spring").unwrap();
        for (key, expected) in [
            ("dials", 7),
            ("persons", 3),
            ("machines", 1),
            ("failures", 2),
        ] {
            assert_eq!(found[key], expected, "{key}: {found}");
        }
        assert!(
            near(&found["ring_seconds"], (8.0 + 8.0 + 12.0) / 3.0),
            "{found}"
        );
        assert!(
            near(
                &found["set_up_seconds"],
                (2.0 + 2.0 + 4.0 + 3.0 + 3.0) / 5.0
            ),
            "{found}"
        );
        assert!(near(&found["talk_seconds"], 120.0), "{found}");
        let deviation = (2.0 * 60.0_f64 * 60.0).sqrt();
        assert!(near(&found["talk_deviation_seconds"], deviation), "{found}");
        assert_eq!(found["settings"]["mode"], "progressive");
    }

    #[test]
    fn a_campaign_that_never_dialed_has_counts_of_zero_and_no_means() {
        let mut client = Database::new().client();
        campaign(&mut client, "spring");
        let found = load(&mut client, "spring").unwrap();
        assert_eq!(
            (&found["dials"], &found["talk_seconds"]),
            (&0.into(), &Value::Null)
        );
        let nobody = load(&mut client, "nope");
        assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
    }
}

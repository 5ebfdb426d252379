//! Calling windows: from hours of the day where the lead lives to instants.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Disambiguation, TimeZone};
use jiff::{Timestamp, ToSpan};

/// The hours in which a campaign may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    start_seconds: i32,
    end_seconds: i32,
    days: [bool; 7],
}

impl Schedule {
    /// `days` are 1 (Monday) to 7 (Sunday); an end of 86,400 is the end of the day.
    pub fn new(start_seconds: i32, end_seconds: i32, days: &[i16]) -> Schedule {
        let mut on = [false; 7];
        for day in days {
            if let Some(on) = usize::try_from(*day - 1)
                .ok()
                .and_then(|day| on.get_mut(day))
            {
                *on = true;
            }
        }
        Schedule {
            start_seconds,
            end_seconds,
            days: on,
        }
    }

    fn on(&self, date: Date) -> bool {
        usize::try_from(date.weekday().to_monday_zero_offset())
            .ok()
            .and_then(|day| self.days.get(day))
            .copied()
            .unwrap_or(false)
    }
}

/// Whether calls are allowed in a zone at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// Yes.
    Open {
        /// Since then, in ms.
        since_ms: i64,
        /// Not any more from then on, in ms.
        until_ms: i64,
        /// The local date, `2026-03-29`.
        day: String,
    },
    /// No.
    Closed {
        /// Again from then on, in ms; `None`: never.
        opens_ms: Option<i64>,
    },
}

/// The windows of one schedule at one instant, computed once for each zone.
pub struct Zones {
    schedule: Schedule,
    now_ms: i64,
    known: BTreeMap<String, Option<Window>>,
}

impl Zones {
    /// At `now_ms`.
    pub fn new(schedule: Schedule, now_ms: i64) -> Zones {
        Zones {
            schedule,
            now_ms,
            known: BTreeMap::new(),
        }
    }

    /// The window in `zone`; `None` where there is no such zone.
    pub fn window(&mut self, zone: &str) -> Option<&Window> {
        if !self.known.contains_key(zone) {
            let window = TimeZone::get(zone)
                .ok()
                .and_then(|zone| window(self.schedule, &zone, self.now_ms));
            self.known.insert(zone.to_owned(), window);
        }
        self.known.get(zone)?.as_ref()
    }
}

/// Whether `name` is a time zone that this host knows.
pub fn is_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// The window in `zone` at `now_ms`; `None` for an instant that no calendar has.
fn window(schedule: Schedule, zone: &TimeZone, now_ms: i64) -> Option<Window> {
    let now = Timestamp::from_millisecond(now_ms).ok()?;
    let today = zone.to_datetime(now).date();
    // A week back and two ahead reach over any run of whole days that join at midnight.
    let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
    for offset in -8..=15 {
        let date = today.checked_add(offset.days()).ok()?;
        if !schedule.on(date) {
            continue;
        }
        let (start, end) = (opens(schedule, zone, date)?, closes(schedule, zone, date)?);
        match spans.last_mut() {
            Some((_, last)) if *last >= start => *last = end.max(*last),
            _ if start < end => spans.push((start, end)),
            _ => {}
        }
    }
    if let Some((start, end)) = spans
        .iter()
        .find(|(start, end)| *start <= now && now < *end)
    {
        return Some(Window::Open {
            since_ms: start.as_millisecond(),
            until_ms: end.as_millisecond(),
            day: today.to_string(),
        });
    }
    let next = spans
        .iter()
        .map(|(start, _)| *start)
        .find(|start| *start > now);
    Some(Window::Closed {
        opens_ms: next.map(Timestamp::as_millisecond),
    })
}

/// An hour that the clocks show twice opens the second time, and one that they skip when they have
/// skipped it.
fn opens(schedule: Schedule, zone: &TimeZone, date: Date) -> Option<Timestamp> {
    // Midnight joins the day before, so both sides must mean the same instant.
    let which = if schedule.start_seconds == 0 {
        Disambiguation::Compatible
    } else {
        Disambiguation::Later
    };
    at(zone, date, schedule.start_seconds, which)
}

/// An hour that the clocks show twice closes the first time.
fn closes(schedule: Schedule, zone: &TimeZone, date: Date) -> Option<Timestamp> {
    at(zone, date, schedule.end_seconds, Disambiguation::Compatible)
}

fn at(zone: &TimeZone, date: Date, seconds: i32, which: Disambiguation) -> Option<Timestamp> {
    let midnight = DateTime::from_parts(date, Time::midnight());
    let local = midnight.checked_add(seconds.seconds()).ok()?;
    zone.to_ambiguous_zoned(local)
        .disambiguate(which)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKDAYS: &[i16] = &[1, 2, 3, 4, 5, 6];
    const ALL: &[i16] = &[1, 2, 3, 4, 5, 6, 7];

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn hours(start: i32, end: i32, days: &[i16]) -> Schedule {
        Schedule::new(start * 3600, end * 3600, days)
    }

    fn see(schedule: Schedule, zone: &str, now: &str) -> Window {
        Zones::new(schedule, ms(now)).window(zone).unwrap().clone()
    }

    fn open(since: &str, until: &str, day: &str) -> Window {
        Window::Open {
            since_ms: ms(since),
            until_ms: ms(until),
            day: day.into(),
        }
    }

    fn closed(opens: &str) -> Window {
        Window::Closed {
            opens_ms: Some(ms(opens)),
        }
    }

    #[test]
    fn the_leads_own_clock_decides() {
        let nine_to_eight = hours(9, 20, WORKDAYS);
        let noon_utc = "2026-03-04T12:00:00Z";
        assert_eq!(
            see(nine_to_eight, "America/Sao_Paulo", noon_utc),
            open("2026-03-04T12:00:00Z", "2026-03-04T23:00:00Z", "2026-03-04")
        );
        assert_eq!(
            see(nine_to_eight, "America/Manaus", noon_utc),
            closed("2026-03-04T13:00:00Z")
        );
        assert_eq!(
            see(nine_to_eight, "Asia/Tokyo", noon_utc),
            closed("2026-03-05T00:00:00Z")
        );
    }

    #[test]
    fn a_window_is_open_at_its_start_and_shut_at_its_end() {
        let schedule = hours(9, 20, WORKDAYS);
        let zone = "Europe/London";
        assert!(matches!(
            see(schedule, zone, "2026-01-05T09:00:00Z"),
            Window::Open { .. }
        ));
        assert_eq!(
            see(schedule, zone, "2026-01-05T08:59:59.999Z"),
            closed("2026-01-05T09:00:00Z")
        );
        assert_eq!(
            see(schedule, zone, "2026-01-05T20:00:00Z"),
            closed("2026-01-06T09:00:00Z")
        );
    }

    #[test]
    fn sunday_is_skipped() {
        let saturday_night = "2026-01-10T23:00:00Z";
        assert_eq!(
            see(hours(9, 20, WORKDAYS), "Europe/London", saturday_night),
            closed("2026-01-12T09:00:00Z")
        );
    }

    #[test]
    fn the_change_to_summer_time_moves_the_window_by_an_hour() {
        // London: 2026-03-29, 01:00 GMT becomes 02:00 BST.
        let schedule = hours(9, 20, ALL);
        let zone = "Europe/London";
        assert_eq!(
            see(schedule, zone, "2026-03-28T12:00:00Z"),
            open("2026-03-28T09:00:00Z", "2026-03-28T20:00:00Z", "2026-03-28")
        );
        assert_eq!(
            see(schedule, zone, "2026-03-29T12:00:00Z"),
            open("2026-03-29T08:00:00Z", "2026-03-29T19:00:00Z", "2026-03-29")
        );
    }

    #[test]
    fn an_hour_shown_twice_is_read_to_the_callees_advantage() {
        // New York: 2026-11-01, 02:00 EDT becomes 01:00 EST.
        let zone = "America/New_York";
        let half = |start: i32, end: i32| Schedule::new(start * 1800, end * 1800, ALL);
        // 01:30 to 10:00 opens the second time that the clock shows 01:30.
        assert_eq!(
            see(half(3, 20), zone, "2026-11-01T05:45:00Z"),
            closed("2026-11-01T06:30:00Z")
        );
        // 00:30 to 01:30 closes the first time.
        assert_eq!(
            see(half(1, 3), zone, "2026-11-01T05:00:00Z"),
            open("2026-11-01T04:30:00Z", "2026-11-01T05:30:00Z", "2026-11-01")
        );
    }

    #[test]
    fn an_hour_that_is_skipped_opens_behind_the_gap() {
        // New York: 2026-03-08, 02:00 EST becomes 03:00 EDT.
        assert_eq!(
            see(
                hours(2, 10, ALL),
                "America/New_York",
                "2026-03-08T06:59:00Z"
            ),
            closed("2026-03-08T07:00:00Z")
        );
    }

    #[test]
    fn whole_days_join_at_midnight() {
        for (zone, now) in [
            ("America/Sao_Paulo", "2026-06-10T02:59:00Z"),
            // Here midnight itself was skipped (2018-11-04) and shown twice (2018-02-18, 00:00).
            ("America/Sao_Paulo", "2018-11-04T02:59:00Z"),
            ("America/Sao_Paulo", "2018-02-18T02:30:00Z"),
            ("Asia/Beirut", "2022-03-26T21:59:00Z"),
            ("America/Havana", "2026-11-01T04:30:00Z"),
        ] {
            let Window::Open {
                since_ms, until_ms, ..
            } = see(hours(0, 24, ALL), zone, now)
            else {
                panic!("{zone} is closed at {now}");
            };
            assert!(since_ms < ms(now) - 86_400_000, "{zone} {now}");
            assert!(until_ms > ms(now) + 5 * 86_400_000, "{zone} {now}");
        }
    }

    #[test]
    fn a_schedule_without_days_never_opens() {
        let window = see(hours(9, 20, &[]), "Europe/London", "2026-01-05T12:00:00Z");
        assert_eq!(window, Window::Closed { opens_ms: None });
    }

    #[test]
    fn there_is_no_window_in_a_zone_that_does_not_exist() {
        assert_eq!(
            Zones::new(hours(9, 20, ALL), 0).window("Mars/Olympus"),
            None
        );
    }
}

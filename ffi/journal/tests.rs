use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use outdial_link::{AttemptResult, LeadNext, Numbered, Record, Started};
use tempfile::TempDir;

use super::file::{Found, JournalError, Store};
use crate::limits;

const CAP: u64 = 1024 * 1024;

fn open(dir: &Path) -> (Store, Found) {
    Store::open(dir, "pbx1", CAP).unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("a/b/journal");
    (dir, journal)
}

fn done() -> LeadNext {
    let status = "node_lost".into();
    LeadNext::Done { status }
}

fn started(attempt: u64) -> Record {
    Record::Started(Started {
        attempt,
        leg: 1,
        lease: attempt,
        lead: attempt,
        campaign: 7,
        trunk: 1,
        number: "5511987654321".into(),
        position: 0,
        caller_id: "551130001000".into(),
        started_at_ms: 1_000,
        if_lost: LeadNext::Retry {
            at_ms: 9_000,
            position: 0,
        },
        inbound: false,
    })
}

fn answered(attempt: u64) -> Record {
    Record::Answered {
        attempt,
        at_ms: 2_000,
    }
}

/// The agent of this one came too late.
const LATE: u64 = 5;

fn bridged(attempt: u64) -> Record {
    Record::Bridged {
        attempt,
        at_ms: 3_000,
        agent: Some(5),
        late: attempt == LATE,
    }
}

fn message(attempt: u64) -> Record {
    Record::MessageStarted {
        attempt,
        at_ms: 4_000,
    }
}

fn write(store: &mut Store, records: Vec<Record>) {
    let numbered: Vec<Numbered> = (store.next_seq()..)
        .zip(records)
        .map(|(seq, record)| Numbered { seq, record })
        .collect();
    store.write(&numbered).unwrap();
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "journal"))
        .collect();
    all.sort();
    all
}

fn end(found: &Found, attempt: u64) -> AttemptResult {
    let mut ends = found.records.iter().filter_map(|n| match &n.record {
        Record::Ended(result) if result.attempt == attempt => Some((**result).clone()),
        Record::Started(_)
        | Record::Answered { .. }
        | Record::Bridged { .. }
        | Record::MessageStarted { .. }
        | Record::Ended(_) => None,
    });
    let end = ends.next().unwrap();
    assert!(ends.next().is_none(), "one end for each attempt");
    end
}

fn ended(attempt: u64) -> Record {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(attempt), answered(attempt)]);
    drop(store);
    Record::Ended(Box::new(end(&open(&journal).1, attempt)))
}

#[test]
fn a_lost_attempt_ends_as_the_table_says() {
    let (_dir, journal) = folder();
    let (mut store, found) = open(&journal);
    assert!(found.records.is_empty());
    write(
        &mut store,
        vec![
            started(1),
            started(2),
            answered(2),
            started(3),
            answered(3),
            bridged(3),
            started(4),
            answered(4),
            message(4),
            started(5),
            answered(5),
            bridged(5),
            message(5),
        ],
    );
    drop(store);

    let (store, found) = open(&journal);

    assert_eq!(found.lost, 5);
    assert_eq!(store.next_seq(), 19);
    let seqs: Vec<u64> = found.records.iter().map(|n| n.seq).collect();
    assert_eq!(seqs, (1..=18).collect::<Vec<_>>());
    let outcomes: Vec<String> = (1..=5).map(|n| end(&found, n).outcome).collect();
    assert_eq!(
        outcomes,
        ["failed", "abandoned", "completed", "abandoned", "completed"]
    );
    assert_eq!(
        end(&found, 1).next,
        LeadNext::Retry {
            at_ms: 9_000,
            position: 0
        }
    );
    for attempt in 2..=5 {
        assert_eq!(end(&found, attempt).next, done());
    }
    let talked = end(&found, 3);
    assert_eq!(talked.detail, "node lost");
    assert_eq!((talked.agent, talked.ended_at_ms), (Some(5), 3_000));
    let late: Vec<bool> = (1..=5).map(|n| end(&found, n).late).collect();
    assert_eq!(late, [false, false, false, false, true]);
    assert!(talked.charged);
}

#[test]
fn a_second_recovery_repeats_the_first() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(1), started(2), answered(2)]);
    drop(store);
    let first = open(&journal).1.records;
    let second = open(&journal).1;
    assert_eq!(second.records, first);
    assert_eq!(second.lost, 0);
}

#[test]
fn a_torn_tail_is_cut_wherever_it_tears() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(1)]);
    let segment = segments(&journal).pop().unwrap();
    let good = fs::metadata(&segment).unwrap().len();
    write(&mut store, vec![answered(1)]);
    drop(store);
    let whole = fs::read(&segment).unwrap();
    for cut in good + 1..whole.len() as u64 {
        let (_dir, copy) = folder();
        fs::create_dir_all(&copy).unwrap();
        let bytes = &whole[..usize::try_from(cut).unwrap()];
        fs::write(copy.join(segment.file_name().unwrap()), bytes).unwrap();

        let (_, found) = open(&copy);

        assert_eq!(end(&found, 1).outcome, "failed", "cut at {cut}");
        assert!(matches!(end(&found, 1).next, LeadNext::Retry { .. }));
        assert!(found.warnings[0].contains("cut off"));
        // Seen once, and never again.
        assert!(open(&copy).1.warnings.is_empty());
    }
}

#[test]
fn a_tail_of_zeros_is_cut() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(1)]);
    drop(store);
    let segment = segments(&journal).pop().unwrap();
    let mut file = OpenOptions::new().append(true).open(segment).unwrap();
    file.write_all(&[0; 4096]).unwrap();

    let (_, found) = open(&journal);

    assert_eq!(found.records.len(), 2);
    assert!(found.warnings[0].contains("cut off"));
}

#[test]
fn damage_costs_what_stands_behind_it_in_one_file_only_and_nobody_is_called_again() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(1)]);
    let segment = segments(&journal).pop().unwrap();
    let at = fs::metadata(&segment).unwrap().len() + 20;
    write(&mut store, vec![started(2), answered(2)]);
    drop(store);
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(3)]);
    drop(store);
    let file = OpenOptions::new().write(true).open(&segment).unwrap();
    file.write_all_at(&[0xff; 3], at).unwrap();

    let (_, found) = open(&journal);

    assert!(
        found.warnings[0].contains("damaged at byte"),
        "{:?}",
        found.warnings
    );
    assert!(found.records.iter().any(|n| n.record == started(1)));
    assert!(found.records.iter().any(|n| n.record == started(3)));
    assert_eq!(end(&found, 3).next, done());
    let aside: Vec<_> = fs::read_dir(&journal)
        .unwrap()
        .filter(|e| {
            let name = e.as_ref().unwrap().file_name();
            name.to_str().unwrap().contains("damaged")
        })
        .collect();
    assert_eq!(aside.len(), 1);
    assert!(open(&journal).1.warnings.is_empty());
}

#[test]
fn a_damaged_header_sets_the_file_aside() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(1)]);
    drop(store);
    let segment = segments(&journal).pop().unwrap();
    let file = OpenOptions::new().write(true).open(&segment).unwrap();
    file.write_all_at(b"X", 0).unwrap();
    let (_, found) = open(&journal);
    assert!(found.warnings[0].contains("header"));
    assert!(found.records.is_empty());
}

#[test]
fn a_file_that_was_never_finished_is_deleted() {
    let (_dir, journal) = folder();
    fs::create_dir_all(&journal).unwrap();
    fs::write(journal.join("0000000000000001-0000.journal"), b"OUTD").unwrap();
    fs::write(journal.join("0000000000000001-0001.journal"), [0; 56]).unwrap();
    let (_, found) = open(&journal);
    assert_eq!(found.warnings.len(), 2);
    assert_eq!(segments(&journal).len(), 1);
}

#[test]
fn one_engine_at_a_time() {
    let (_dir, journal) = folder();
    let (store, _) = open(&journal);
    let Err(error) = Store::open(&journal, "pbx1", CAP) else {
        panic!("opened twice");
    };
    let pid = format!("process {}", std::process::id());
    assert!(error.to_string().contains(&pid), "{error}");
    drop(store);
    open(&journal);
}

#[test]
fn the_journal_of_another_node_is_refused() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(1)]);
    drop(store);
    let Err(error) = Store::open(&journal, "pbx2", CAP) else {
        panic!("opened");
    };
    assert!(matches!(error, JournalError::OtherNode { .. }));
    assert!(error.to_string().contains("pbx1"), "{error}");
}

#[test]
fn nobody_else_can_read_it() {
    let (_dir, journal) = folder();
    let (_store, _) = open(&journal);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&journal), 0o700);
    assert_eq!(mode(&segments(&journal)[0]), 0o600);
}

#[test]
fn acknowledged_segments_go_and_live_attempts_stay() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(1), answered(1), bridged(1)]);
    let end_of_2 = ended(2);
    for _ in 0..3_000 {
        write(&mut store, vec![started(2), end_of_2.clone()]);
    }
    assert!(segments(&journal).len() > 2);

    store.acknowledge(store.next_seq() - 1).unwrap();

    assert_eq!(segments(&journal).len(), 1);
    let next = store.next_seq();
    drop(store);
    let (store, found) = open(&journal);
    assert_eq!(end(&found, 1).outcome, "completed");
    assert_eq!(found.lost, 1);
    assert!(store.next_seq() > next, "places go on");
}

#[test]
fn places_go_on_after_everything_was_acknowledged() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    let end_of_2 = ended(2);
    // One that holds little is kept until it holds more.
    let current = || fs::metadata(segments(&journal).last().unwrap()).unwrap();
    while segments(&journal).len() < 2 || current().len() < limits::SEGMENT_IDLE_BYTES {
        write(&mut store, vec![started(2), end_of_2.clone()]);
    }
    let next = store.next_seq();
    store.acknowledge(next - 1).unwrap();
    drop(store);
    for _ in 0..3 {
        assert_eq!(open(&journal).0.next_seq(), next);
    }
    assert_eq!(segments(&journal).len(), 1);
}

#[test]
fn it_is_full_at_its_limit_until_a_tenth_is_free() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    let end_of_2 = ended(2);
    while !store.is_full(true) {
        write(&mut store, vec![started(2), end_of_2.clone()]);
    }
    assert!(store.is_full(false));
    // It still takes the end of what was begun.
    write(&mut store, vec![end_of_2]);
    store.acknowledge(store.next_seq() - 1).unwrap();
    assert!(!store.is_full(false));
}

#[test]
fn a_failed_write_leaves_the_file_as_it_was() {
    let (_dir, journal) = folder();
    let (mut store, _) = open(&journal);
    write(&mut store, vec![started(1)]);
    let segment = segments(&journal).pop().unwrap();
    let before = fs::read(&segment).unwrap();
    let Record::Started(mut start) = started(2) else {
        unreachable!()
    };
    start.number = "1".repeat(crate::limits::RECORD_BYTES);
    let too_long = Numbered {
        seq: 2,
        record: Record::Started(start),
    };

    assert!(store.write(&[too_long]).is_err());

    assert_eq!(fs::read(&segment).unwrap(), before);
    assert_eq!(store.next_seq(), 2);
    store.probe().unwrap();
    assert_eq!(fs::read(&segment).unwrap(), before);
}

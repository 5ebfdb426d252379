//! The journal's files: segments of records in one locked folder.
//!
//! Segments are deleted from the oldest on, once acknowledged whole. Records of attempts that
//! still live are copied forward first, so that a crash finds each live attempt whole.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use outdial_link::lock_file::{LockError, LockFile};
use outdial_link::{Numbered, Record};

use super::recover;
use super::scan::{SUFFIX, Scan};
use super::segment::{HEADER, Header, VERSION, frame};
use crate::limits;

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// A file or folder.
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    /// Somebody else has it.
    #[error(
        "the journal in {dir} is in use by process {holder}; two engines can't share it: end the \
         other one, or give this one another folder"
    )]
    Locked { dir: PathBuf, holder: String },
    /// It is another node's.
    #[error(
        "{path} belongs to node {theirs}, this is node {ours}; set node = {theirs}, or move the \
         folder away once the sidecar has its results"
    )]
    OtherNode {
        path: PathBuf,
        theirs: String,
        ours: String,
    },
    /// A later release wrote it.
    #[error("{path} has version {version}; this library reads version {VERSION}: upgrade it")]
    Newer { path: PathBuf, version: u16 },
}

/// What opening found.
pub(crate) struct Found {
    /// Records that may not have been acknowledged, in order, ends of lost attempts included.
    pub(crate) records: Vec<Numbered>,
    /// Attempts that had no end.
    pub(crate) lost: usize,
    /// What an operator must know: files set aside, tails cut.
    pub(crate) warnings: Vec<String>,
}

/// One file of the journal.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Highest place in it; 0 when empty.
    pub(super) last_seq: u64,
}

/// Where the segment that is being written ends.
#[derive(Clone, Copy, Default)]
struct Tail {
    bytes: u64,
    last_seq: u64,
}

/// The open journal.
pub(crate) struct Store {
    dir: PathBuf,
    node: Box<str>,
    cap: u64,
    /// Oldest first; the last one is being written.
    segments: VecDeque<Segment>,
    current: File,
    /// As it was at the last sync.
    synced: Tail,
    /// Appended since.
    unsynced: Vec<Numbered>,
    /// Records on their way to the file.
    buffer: Vec<u8>,
    next_seq: u64,
    acknowledged: u64,
    /// Records of attempts without an end.
    live: BTreeMap<u64, Vec<Numbered>>,
    _lock: LockFile,
}

impl Store {
    /// Opens the folder, makes it if missing, reads what is there and ends lost attempts.
    ///
    /// # Errors
    /// [`JournalError`] names the file and what to do.
    pub(crate) fn open(dir: &Path, node: &str, cap: u64) -> Result<(Store, Found), JournalError> {
        let io_at = |path: &Path| {
            let path = path.to_owned();
            move |error| JournalError::Io { path, error }
        };
        make_dir(dir).map_err(io_at(dir))?;
        let lock = lock(dir)?;
        let mut scan = Scan::folder(dir, node)?;
        let next_seq = scan.next_seq.max(1);
        let (segment, current) = create(dir, node, next_seq).map_err(io_at(dir))?;
        scan.segments.push_back(segment);
        for path in &scan.empty {
            fs::remove_file(path).map_err(io_at(path))?;
        }
        let mut store = Store {
            dir: dir.to_owned(),
            node: node.into(),
            cap,
            segments: scan.segments,
            current,
            synced: Tail::default(),
            unsynced: Vec::new(),
            buffer: Vec::new(),
            next_seq,
            acknowledged: 0,
            live: BTreeMap::new(),
            _lock: lock,
        };
        store.note_synced();
        let ends = recover::missing_ends(&scan.records, scan.damaged);
        let ends = recover::number(ends, next_seq);
        store.write(&ends).map_err(io_at(dir))?;
        let lost = ends.len();
        let mut records: Vec<Numbered> = scan
            .records
            .into_iter()
            .map(|(seq, record)| Numbered { seq, record })
            .collect();
        records.extend(ends);
        Ok((
            store,
            Found {
                records,
                lost,
                warnings: scan.warnings,
            },
        ))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn cap(&self) -> u64 {
        self.cap
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// At its limit; one that `was_writable` not is so until it has a tenth of it free again.
    pub(crate) fn is_full(&self, was_writable: bool) -> bool {
        let limit = if was_writable {
            self.cap
        } else {
            self.cap / 10 * 9
        };
        self.segments.iter().map(|s| s.bytes).sum::<u64>() >= limit
    }

    /// Writes and syncs. On an error the file is as before.
    ///
    /// # Errors
    /// What the disk said.
    pub(crate) fn write(&mut self, records: &[Numbered]) -> io::Result<()> {
        self.append(records)?;
        self.sync()
    }

    /// Writes: this survives the end of the process. On an error the file is as before.
    ///
    /// # Errors
    /// What the disk said.
    pub(crate) fn append(&mut self, records: &[Numbered]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let limit = limits::SEGMENT_BYTES.min(self.cap / 8);
        if self.unsynced.is_empty() && self.segments.back().is_some_and(|s| s.bytes >= limit) {
            self.rotate()?;
        }
        self.append_records(records)?;
        self.unsynced.extend_from_slice(records);
        Ok(())
    }

    /// Makes what was appended survive the end of the machine. On an error the file is as after
    /// the last sync.
    ///
    /// # Errors
    /// What the disk said.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        let records = std::mem::take(&mut self.unsynced);
        self.sync_file()?;
        for record in records {
            self.next_seq = self.next_seq.max(record.seq + 1);
            self.follow(&record);
        }
        Ok(())
    }

    /// On an error what came after the last sync is cut off.
    fn sync_file(&mut self) -> io::Result<()> {
        let synced = self.current.sync_data();
        match &synced {
            Ok(()) => self.note_synced(),
            Err(_) => self.cut_back(self.synced),
        }
        synced
    }

    fn note_synced(&mut self) {
        self.synced = self.tail();
    }

    /// Whether the disk takes something again; leaves nothing behind.
    ///
    /// # Errors
    /// What the disk said.
    pub(crate) fn probe(&mut self) -> io::Result<()> {
        let tail = self.tail();
        let written = self
            .current
            .write_all_at(&[0; limits::JOURNAL_PROBE_BYTES], tail.bytes)
            .and_then(|()| self.current.sync_data());
        self.cut_back(tail);
        written
    }

    /// The sidecar has everything up to `seq`: deletes what that makes superfluous. Called when
    /// nothing is unsynced.
    ///
    /// # Errors
    /// What the disk said; nothing that is needed is gone.
    pub(crate) fn acknowledge(&mut self, seq: u64) -> io::Result<()> {
        self.acknowledged = self.acknowledged.max(seq);
        let idle = self.segments.back().is_some_and(|s| {
            s.last_seq <= self.acknowledged && s.bytes >= limits::SEGMENT_IDLE_BYTES
        });
        if idle {
            self.rotate()?;
        }
        while self.segments.len() > 1 {
            let Some(oldest) = self.segments.front() else {
                break;
            };
            if oldest.last_seq > self.acknowledged {
                break;
            }
            self.carry(oldest.last_seq)?;
            if let Some(oldest) = self.segments.pop_front() {
                fs::remove_file(&oldest.path)?;
            }
        }
        Ok(())
    }

    /// Copies records of live attempts with places up to `last_seq` to the current segment.
    fn carry(&mut self, last_seq: u64) -> io::Result<()> {
        let records: Vec<Numbered> = self
            .live
            .values()
            .flatten()
            .filter(|numbered| numbered.seq <= last_seq)
            .cloned()
            .collect();
        if records.is_empty() {
            return Ok(());
        }
        self.append_records(&records)?;
        self.sync_file()
    }

    fn follow(&mut self, numbered: &Numbered) {
        let attempt = numbered.record.attempt();
        match numbered.record {
            Record::Ended(_) => {
                self.live.remove(&attempt);
            }
            Record::Started(_)
            | Record::Answered { .. }
            | Record::Bridged { .. }
            | Record::MessageStarted { .. } => {
                self.live.entry(attempt).or_default().push(numbered.clone());
            }
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        let (segment, file) = create(&self.dir, &self.node, self.next_seq)?;
        self.segments.push_back(segment);
        self.current = file;
        self.note_synced();
        Ok(())
    }

    fn append_records(&mut self, records: &[Numbered]) -> io::Result<()> {
        self.buffer.clear();
        for record in records {
            frame(record, &mut self.buffer)?;
        }
        let tail = self.tail();
        if let Err(error) = self.current.write_all_at(&self.buffer, tail.bytes) {
            self.cut_back(tail);
            return Err(error);
        }
        if let Some(current) = self.segments.back_mut() {
            current.bytes += self.buffer.len() as u64;
            let last = records.iter().map(|r| r.seq).max().unwrap_or(0);
            current.last_seq = current.last_seq.max(last);
        }
        Ok(())
    }

    fn tail(&self) -> Tail {
        self.segments
            .back()
            .map_or(Tail::default(), |current| Tail {
                bytes: current.bytes,
                last_seq: current.last_seq,
            })
    }

    /// Takes off what was written behind `tail`. What is left in spite of that is overwritten by
    /// the next record, or cut off at the next start.
    fn cut_back(&mut self, tail: Tail) {
        if let Some(current) = self.segments.back_mut() {
            current.bytes = tail.bytes;
            current.last_seq = tail.last_seq;
        }
        if self.current.set_len(tail.bytes).is_ok() {
            drop(self.current.sync_data());
        }
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn lock(dir: &Path) -> Result<LockFile, JournalError> {
    let path = dir.join("lock");
    LockFile::take(&path, 0o600).map_err(|error| match error {
        LockError::Held { holder } => JournalError::Locked {
            dir: dir.to_owned(),
            holder,
        },
        LockError::Io(error) => JournalError::Io { path, error },
    })
}

fn create(dir: &Path, node: &str, first_seq: u64) -> io::Result<(Segment, File)> {
    // Two segments may begin at one place: one that stayed empty and its successor.
    for n in 0..u16::MAX {
        let path = dir.join(format!("{first_seq:016x}-{n:04x}{SUFFIX}"));
        let file = match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
        {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        let header = Header::write(node, first_seq);
        let written = file
            .write_all_at(&header, 0)
            .and_then(|()| file.sync_all())
            .and_then(|()| File::open(dir)?.sync_all());
        if let Err(error) = written {
            drop(fs::remove_file(&path));
            return Err(error);
        }
        let segment = Segment {
            path,
            bytes: HEADER as u64,
            last_seq: 0,
        };
        return Ok((segment, file));
    }
    Err(io::Error::other("too many segments; move the folder away"))
}

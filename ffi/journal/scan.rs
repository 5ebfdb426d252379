//! Reading the segments that a former life left.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use outdial_link::Record;

use super::file::{JournalError, Segment};
use super::segment::{End, HEADER, Header, VERSION, read_records};

/// How the name of a segment ends.
pub(super) const SUFFIX: &str = ".journal";

/// What reading the segments yields.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) segments: VecDeque<Segment>,
    pub(super) records: BTreeMap<u64, Record>,
    pub(super) next_seq: u64,
    pub(super) damaged: bool,
    /// Segments without records: superfluous once a new one keeps the next place.
    pub(super) empty: Vec<PathBuf>,
    pub(super) warnings: Vec<String>,
}

impl Scan {
    /// All segments of a folder, oldest first.
    pub(super) fn folder(dir: &Path, node: &str) -> Result<Scan, JournalError> {
        let mut scan = Scan::default();
        let paths = list(dir).map_err(|error| JournalError::Io {
            path: dir.to_owned(),
            error,
        })?;
        for path in paths {
            scan.segment(&path, node)?;
        }
        Ok(scan)
    }

    fn segment(&mut self, path: &Path, node: &str) -> Result<(), JournalError> {
        let io_at = |error| JournalError::Io {
            path: path.to_owned(),
            error,
        };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(io_at)?;
        if bytes.len() < HEADER || bytes.iter().all(|byte| *byte == 0) {
            // Made, but never used: a record is only written behind a synced header.
            self.warnings.push(format!(
                "{}: an unfinished file was deleted",
                path.display()
            ));
            return fs::remove_file(path).map_err(io_at);
        }
        let Some(header) = Header::read(&bytes) else {
            return self.set_aside(path, "its header is damaged").map_err(io_at);
        };
        if header.version > VERSION {
            return Err(JournalError::Newer {
                path: path.to_owned(),
                version: header.version,
            });
        }
        if header.node != node {
            return Err(JournalError::OtherNode {
                path: path.to_owned(),
                theirs: header.node,
                ours: node.to_owned(),
            });
        }
        self.next_seq = self.next_seq.max(header.first_seq);
        let (records, good, end) = read_records(&bytes);
        if records.is_empty() && matches!(end, End::Clean) {
            self.empty.push(path.to_owned());
            return Ok(());
        }
        let mut last_seq = 0;
        for numbered in &records {
            last_seq = last_seq.max(numbered.seq);
            self.next_seq = self.next_seq.max(numbered.seq + 1);
            self.records.insert(numbered.seq, numbered.record.clone());
        }
        match end {
            End::Clean => {}
            End::Torn => {
                self.warnings.push(format!(
                    "{}: {} bytes of an unfinished record were cut off",
                    path.display(),
                    bytes.len() - good
                ));
                cut(path, good as u64).map_err(io_at)?;
            }
            End::Damaged => {
                let what = format!("it is damaged at byte {good}");
                self.set_aside(path, &what).map_err(io_at)?;
                write_new(path, &bytes[..good]).map_err(io_at)?;
            }
        }
        self.segments.push_back(Segment {
            path: path.to_owned(),
            bytes: good as u64,
            last_seq,
        });
        Ok(())
    }

    fn set_aside(&mut self, path: &Path, what: &str) -> io::Result<()> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".damaged");
        let aside = (0..1_000)
            .map(|n| {
                let mut name = aside.clone();
                name.push(format!(".{n}"));
                PathBuf::from(name)
            })
            .find(|name| !name.exists())
            .ok_or_else(|| io::Error::other("too many damaged files; move them away"))?;
        fs::rename(path, &aside)?;
        self.damaged = true;
        self.warnings.push(format!(
            "{}: {what}. It was kept as {}; what stands before the damage and in the other files \
             is in use. Leads of calls whose end is unknown are not called again.",
            path.display(),
            aside.display()
        ));
        Ok(())
    }
}

/// The segments, oldest first.
fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.ends_with(SUFFIX)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn cut(path: &Path, len: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(len)?;
    file.sync_all()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

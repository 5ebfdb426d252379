//! One import: a thread that reads rows, and one that writes them.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::import::columns::Columns;
use crate::import::decode::Utf8;
use crate::import::lines::{Row, Rows, guess_delimiter};
use crate::import::numbers::Numbers;
use crate::import::row::Leads;
use crate::import::{ImportError, Options, Report};
use crate::limits;
use crate::store::connect::Connector;
use crate::store::import::{Chunk, Lead, Writer};

/// A piece of an upload. A channel that closes without [`Piece::End`] broke off.
pub enum Piece {
    /// Bytes of the file.
    Bytes(Bytes),
    /// The file is complete.
    End,
}

/// Imports what comes in over `pieces`; the report goes out line by line, its last one says how it
/// went. Blocks.
pub fn run(
    options: &Options,
    connector: &Connector,
    pieces: mpsc::Receiver<Piece>,
    reports: &mpsc::Sender<Report>,
) {
    let (chunks, waiting) = sync_channel(1);
    let written = std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("import".into())
            .spawn_scoped(scope, move || read(options, pieces, &chunks, reports));
        let written = write(options, connector, &waiting, reports);
        drop(waiting);
        let read = match reader.map(std::thread::ScopedJoinHandle::join) {
            Err(error) => Err(ImportError::Refused(format!(
                "can't start a thread: {error}"
            ))),
            Ok(Ok(read)) => read,
            // A panic has been reported by its hook; the transaction was rolled back.
            Ok(Err(_)) => Err(ImportError::BrokenOff),
        };
        // When writing fails, reading fails too, but only because nobody takes the rows.
        written.and_then(|done| read.map(|()| done))
    });
    let last = match written {
        Ok(Some(done)) => done,
        Ok(None) => Report::Failed {
            error: ImportError::BrokenOff.to_string(),
        },
        Err(error) => Report::Failed {
            error: error.to_string(),
        },
    };
    // Whoever went away does not read it.
    let _ = reports.blocking_send(last);
}

/// What the reader hands to the writer.
enum Work {
    Chunk(Chunk),
    End {
        rejected: u64,
        numbers_left_out: u64,
    },
}

/// `None`: the reader stopped before the end; nothing is kept.
fn write(
    options: &Options,
    connector: &Connector,
    waiting: &Receiver<Work>,
    reports: &mpsc::Sender<Report>,
) -> Result<Option<Report>, ImportError> {
    let mut client = connector.connect()?;
    let mut writer = Writer::start(&mut client, &options.campaign, &options.list)?;
    while let Ok(work) = waiting.recv() {
        match work {
            Work::Chunk(chunk) => {
                let (bytes, rejected) = (chunk.bytes, chunk.rejected);
                for report in writer.write(chunk)? {
                    send(reports, report)?;
                }
                let rejected = rejected + writer.left_out();
                send(
                    reports,
                    Report::Progress {
                        bytes,
                        imported: writer.imported,
                        rejected,
                    },
                )?;
            }
            Work::End {
                rejected,
                numbers_left_out,
            } => {
                let done = Report::Done {
                    imported: writer.imported,
                    rejected: rejected + writer.left_out(),
                    duplicate_in_file: writer.in_file,
                    duplicate_in_campaign: writer.in_campaign,
                    numbers_left_out,
                };
                writer.commit()?;
                return Ok(Some(done));
            }
        }
    }
    Ok(None)
}

fn send(reports: &mpsc::Sender<Report>, report: Report) -> Result<(), ImportError> {
    reports
        .blocking_send(report)
        .map_err(|_| ImportError::BrokenOff)
}

struct Rowwise<'a> {
    options: &'a Options,
    numbers: Numbers,
    leads: Option<Leads>,
    chunk: Chunk,
    rejected: u64,
    bytes: u64,
    chunks: &'a SyncSender<Work>,
    reports: &'a mpsc::Sender<Report>,
}

fn read(
    options: &Options,
    mut pieces: mpsc::Receiver<Piece>,
    chunks: &SyncSender<Work>,
    reports: &mpsc::Sender<Report>,
) -> Result<(), ImportError> {
    let numbers = Numbers::new(options.country.as_deref())
        .map_err(|e| ImportError::Refused(e.to_string()))?;
    let mut rowwise = Rowwise {
        options,
        numbers,
        leads: None,
        chunk: Chunk::default(),
        rejected: 0,
        bytes: 0,
        chunks,
        reports,
    };
    let mut utf8 = Utf8::new(options.encoding.as_deref())?;
    let mut rows = None;
    let mut text = Vec::new();
    loop {
        let piece = pieces.blocking_recv().ok_or(ImportError::BrokenOff)?;
        let (bytes, last) = match piece {
            Piece::Bytes(bytes) => (bytes, false),
            Piece::End => (Bytes::new(), true),
        };
        rowwise.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        utf8.push(&bytes, last, &mut text)?;
        if rows.is_none() {
            rows = begin(options, &text, last)?;
        }
        if let Some(rows) = &mut rows {
            if !text.is_empty() {
                rows.push(&text, |row| rowwise.row(row))?;
            }
            text.clear();
        }
        if last {
            if let Some(rows) = &mut rows {
                rows.push(&[], |row| rowwise.row(row))?;
            }
            return rowwise.end();
        }
    }
}

/// The rows, once the first line is there to tell the delimiter.
fn begin(options: &Options, text: &[u8], last: bool) -> Result<Option<Rows>, ImportError> {
    if let Some(given) = &options.delimiter {
        return match given.as_str() {
            "tab" | "\t" | "\\t" => Ok(Some(Rows::new(b'\t'))),
            one if one.len() == 1 => Ok(one.bytes().next().map(Rows::new)),
            _ => Err(ImportError::Refused(
                "--delimiter is one character, or tab".into(),
            )),
        };
    }
    let line = match text.iter().position(|b| *b == b'\n') {
        Some(end) => &text[..end],
        None if last => text,
        None if text.len() > limits::IMPORT_LINE_BYTES => {
            return Err(ImportError::Refused(format!(
                "the first line is longer than {} bytes; is this a CSV file?",
                limits::IMPORT_LINE_BYTES
            )));
        }
        None => return Ok(None),
    };
    Ok(Some(Rows::new(guess_delimiter(&String::from_utf8_lossy(
        line,
    )))))
}

impl Rowwise<'_> {
    fn row(&mut self, row: Row) -> Result<(), ImportError> {
        match row {
            Row::TooLong(line, start) if self.leads.is_none() => {
                Err(ImportError::Refused(format!(
                    "line {line} ({start:?}...) has more than {} bytes or {} columns; is this a CSV file?",
                    limits::IMPORT_LINE_BYTES,
                    limits::IMPORT_COLUMNS
                )))
            }
            Row::TooLong(line, start) => {
                let reason = format!(
                    "the row has more than {} bytes or {} columns",
                    limits::IMPORT_LINE_BYTES,
                    limits::IMPORT_COLUMNS
                );
                self.reject(line, reason, vec![start])
            }
            Row::Fields(_, headers) if self.leads.is_none() => self.header(&headers),
            Row::Fields(line, fields) => match self.lead(line, fields) {
                Ok(lead) => self.add(lead),
                Err((reason, fields)) => self.reject(line, reason, fields),
            },
        }
    }

    fn header(&mut self, headers: &[String]) -> Result<(), ImportError> {
        let columns = Columns::read(
            headers,
            &self.options.map,
            self.options.time_zone_column.as_deref(),
        )?;
        let (mapped, left_out) = columns.report();
        send(
            self.reports,
            Report::Columns {
                headers: headers.to_vec(),
                mapped,
                left_out,
            },
        )?;
        self.leads = Some(Leads::new(self.numbers, columns));
        Ok(())
    }

    fn lead(&mut self, line: u64, fields: Vec<String>) -> Result<Lead, (String, Vec<String>)> {
        match &mut self.leads {
            Some(leads) => leads.read(line, fields),
            None => Err(("there is no header".into(), fields)),
        }
    }

    fn add(&mut self, lead: Lead) -> Result<(), ImportError> {
        self.chunk.size += lead.data.len() + lead.fields.iter().map(String::len).sum::<usize>();
        self.chunk.leads.push(lead);
        if self.chunk.leads.len() >= limits::IMPORT_CHUNK_ROWS
            || self.chunk.size >= limits::IMPORT_CHUNK_BYTES
        {
            self.flush()?;
        }
        Ok(())
    }

    fn reject(
        &mut self,
        line: u64,
        reason: String,
        fields: Vec<String>,
    ) -> Result<(), ImportError> {
        self.rejected += 1;
        send(
            self.reports,
            Report::Reject {
                line,
                reason,
                fields,
            },
        )
    }

    fn flush(&mut self) -> Result<(), ImportError> {
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.bytes = self.bytes;
        chunk.rejected = self.rejected;
        // The writer is gone only when it failed, and it says why.
        self.chunks
            .send(Work::Chunk(chunk))
            .map_err(|_| ImportError::BrokenOff)
    }

    fn end(mut self) -> Result<(), ImportError> {
        if self.leads.is_none() {
            return Err(ImportError::Refused("the file is empty".into()));
        }
        self.flush()?;
        let end = Work::End {
            rejected: self.rejected,
            numbers_left_out: self.leads.map_or(0, |leads| leads.numbers_left_out),
        };
        self.chunks.send(end).map_err(|_| ImportError::BrokenOff)
    }
}

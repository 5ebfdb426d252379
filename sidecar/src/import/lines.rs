//! Rows of a CSV file, with a bound on each.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::limits;

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub enum Row {
    /// Its fields.
    Fields(u64, Vec<String>),
    /// It is longer than the bound; its beginning.
    TooLong(u64, String),
}

/// Cuts text into rows.
pub struct Rows {
    reader: Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    written: usize,
    ended: usize,
    line: u64,
    breaks: u64,
    skipping: bool,
    begun: bool,
}

/// The most likely delimiter of a header line.
pub fn guess_delimiter(header: &str) -> u8 {
    let count = |delimiter: char| {
        let mut quoted = false;
        header
            .chars()
            .filter(|c| {
                if *c == '"' {
                    quoted = !quoted;
                }
                *c == delimiter && !quoted
            })
            .count()
    };
    [
        (b',', count(',')),
        (b';', count(';')),
        (b'\t', count('\t')),
        (b'|', count('|')),
    ]
    .into_iter()
    .rev()
    .max_by_key(|(_, count)| *count)
    .map_or(b',', |(delimiter, _)| delimiter)
}

impl Rows {
    /// With this delimiter.
    pub fn new(delimiter: u8) -> Rows {
        Rows {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            output: vec![0; limits::IMPORT_LINE_BYTES],
            ends: vec![0; limits::IMPORT_COLUMNS + 1],
            written: 0,
            ended: 0,
            line: 1,
            breaks: 0,
            skipping: false,
            begun: false,
        }
    }

    /// Reads `input` and hands each whole row to `each`; an empty input ends the file.
    ///
    /// # Errors
    /// What `each` says.
    pub fn push<E>(
        &mut self,
        mut input: &[u8],
        mut each: impl FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = input.is_empty();
        loop {
            if self.skipping {
                // What is left of a row that is too long, up to the line's end: quotes in it may
                // be unbalanced, so only the line break counts.
                let Some(at) = input.iter().position(|b| *b == b'\n') else {
                    return Ok(());
                };
                input = &input[at + 1..];
                self.breaks += 1;
                (self.skipping, self.begun) = (false, false);
                self.reader.reset();
            }
            if !self.begun {
                let blank = input
                    .iter()
                    .take_while(|b| matches!(b, b'\r' | b'\n'))
                    .count();
                self.breaks += breaks(&input[..blank]);
                input = &input[blank..];
                self.line = self.breaks + 1;
                self.begun = !input.is_empty();
            }
            if !end && input.is_empty() {
                return Ok(());
            }
            let (result, read, wrote, ends) = self.reader.read_record(
                input,
                &mut self.output[self.written..],
                &mut self.ends[self.ended..],
            );
            self.breaks += breaks(&input[..read]);
            input = &input[read..];
            self.written += wrote;
            self.ended += ends;
            match result {
                ReadRecordResult::InputEmpty if end => {}
                ReadRecordResult::InputEmpty => return Ok(()),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    let start =
                        String::from_utf8_lossy(&self.output[..self.written.min(60)]).into_owned();
                    each(Row::TooLong(self.line, start))?;
                    self.skipping = true;
                    (self.written, self.ended) = (0, 0);
                }
                ReadRecordResult::Record => {
                    let row = self.take();
                    each(row)?;
                }
                ReadRecordResult::End => return Ok(()),
            }
        }
    }

    fn take(&mut self) -> Row {
        let mut start = 0;
        let mut fields = Vec::with_capacity(self.ended);
        for end in &self.ends[..self.ended] {
            fields.push(String::from_utf8_lossy(&self.output[start..*end]).into_owned());
            start = *end;
        }
        let line = self.line;
        (self.written, self.ended, self.begun) = (0, 0, false);
        Row::Fields(line, fields)
    }
}

fn breaks(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.iter().filter(|b| **b == b'\n').count()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, cut: usize) -> Vec<Row> {
        let mut rows = Rows::new(b',');
        let mut found = Vec::new();
        let mut keep = |row| {
            found.push(row);
            Ok::<(), ()>(())
        };
        for piece in text.as_bytes().chunks(cut) {
            rows.push(piece, &mut keep).unwrap();
        }
        rows.push(&[], &mut keep).unwrap();
        found
    }

    fn fields(line: u64, fields: &[&str]) -> Row {
        Row::Fields(line, fields.iter().map(|f| (*f).to_owned()).collect())
    }

    #[test]
    fn rows_know_their_line() {
        for cut in 1..40 {
            assert_eq!(
                rows("a,b\r\n1,\"x\ny\"\n\n2,z", cut),
                [
                    fields(1, &["a", "b"]),
                    fields(2, &["1", "x\ny"]),
                    fields(5, &["2", "z"])
                ],
                "{cut}"
            );
        }
    }

    #[test]
    fn a_row_without_end_is_cut_off_and_the_next_one_read() {
        let giant = "x".repeat(10 * 1024 * 1024);
        let found = rows(&format!("a,b\n1,{giant}\n2,z\n"), 64 * 1024);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], fields(1, &["a", "b"]));
        assert!(
            matches!(&found[1], Row::TooLong(2, start) if start.starts_with("1xxx") && start.len() == 60)
        );
        assert_eq!(found[2], fields(3, &["2", "z"]));
    }

    #[test]
    fn the_delimiter_is_guessed() {
        assert_eq!(guess_delimiter("phone,name"), b',');
        assert_eq!(guess_delimiter("phone;\"last, first, middle\""), b';');
        assert_eq!(guess_delimiter("phone\tname\tcity"), b'\t');
        assert_eq!(guess_delimiter("phone"), b',');
    }
}

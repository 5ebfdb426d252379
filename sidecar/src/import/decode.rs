//! Bytes of a file to UTF-8.

use encoding_rs::{Decoder, Encoding, UTF_8};

use crate::import::ImportError;

/// Turns pieces of a file into pieces of UTF-8, and names the place of what is wrong.
pub struct Utf8 {
    decoder: Option<Decoder>,
    pending: Vec<u8>,
    line: u64,
    offset: u64,
    first: bool,
}

impl Utf8 {
    /// For a file in `encoding`; none is UTF-8.
    ///
    /// # Errors
    /// There is no such encoding.
    pub fn new(encoding: Option<&str>) -> Result<Utf8, ImportError> {
        let label = encoding.unwrap_or("utf-8");
        let found = Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            ImportError::Refused(format!(
                "there is no encoding {label:?}; known are utf-8, latin1, windows-1252, utf-16le and others"
            ))
        })?;
        let decoder = (found != UTF_8).then(|| found.new_decoder_with_bom_removal());
        Ok(Utf8 {
            decoder,
            pending: Vec::new(),
            line: 1,
            offset: 0,
            first: true,
        })
    }

    /// Appends what `bytes` says to `out`; `last` when nothing follows.
    ///
    /// # Errors
    /// Names line and offset of the first byte that is not UTF-8.
    pub fn push(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), ImportError> {
        if let Some(decoder) = &mut self.decoder {
            let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(0);
            let mut text = String::with_capacity(room);
            // With room for the longest outcome, all of the input is read.
            let _ = decoder.decode_to_string(bytes, &mut text, last);
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        self.pending.extend_from_slice(bytes);
        if self.first && (self.pending.len() >= 3 || last) {
            self.first = false;
            if self.pending.starts_with(b"\xef\xbb\xbf") {
                self.pending.drain(..3);
                self.offset = 3;
            } else if self.pending.starts_with(b"\xff\xfe") || self.pending.starts_with(b"\xfe\xff")
            {
                return Err(ImportError::Refused(
                    "the file is UTF-16, not UTF-8: save it as \"CSV UTF-8\", or add --encoding utf-16le \
                     (or utf-16be)"
                        .into(),
                ));
            }
        }
        let good = match std::str::from_utf8(&self.pending) {
            Ok(_) => self.pending.len(),
            Err(error) if error.error_len().is_none() && !last => error.valid_up_to(),
            Err(error) => return Err(self.wrong(error.valid_up_to())),
        };
        let lines = self.pending[..good].iter().filter(|b| **b == b'\n').count();
        self.line += u64::try_from(lines).unwrap_or(0);
        self.offset += u64::try_from(good).unwrap_or(0);
        out.extend_from_slice(&self.pending[..good]);
        self.pending.drain(..good);
        Ok(())
    }

    fn wrong(&self, at: usize) -> ImportError {
        let lines = self.pending[..at].iter().filter(|b| **b == b'\n').count();
        let line = self.line + u64::try_from(lines).unwrap_or(0);
        let offset = self.offset + u64::try_from(at).unwrap_or(0);
        let byte = self.pending.get(at).copied().unwrap_or(0);
        ImportError::Refused(format!(
            "line {line} is not UTF-8 (byte 0x{byte:02x} at offset {offset}); nothing was imported. \
             Save the file as UTF-8, or name its encoding, for example --encoding latin1"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoding: Option<&str>, bytes: &[u8], cut: usize) -> Result<String, String> {
        let mut utf8 = Utf8::new(encoding).map_err(|e| e.to_string())?;
        let mut out = Vec::new();
        for piece in bytes.chunks(cut) {
            utf8.push(piece, false, &mut out)
                .map_err(|e| e.to_string())?;
        }
        utf8.push(&[], true, &mut out).map_err(|e| e.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_byte_order_mark_is_taken_off() {
        for cut in 1..6 {
            assert_eq!(
                decode(None, "\u{feff}naïve;ção\n".as_bytes(), cut).unwrap(),
                "naïve;ção\n"
            );
        }
    }

    #[test]
    fn the_place_of_a_wrong_byte_is_named() {
        for cut in 1..20 {
            let error = decode(None, b"phone\n123\nJos\xe9,1\n", cut).unwrap_err();
            assert!(
                error.contains("line 3") && error.contains("offset 13") && error.contains("latin1"),
                "{error}"
            );
        }
        assert!(
            decode(None, b"phone\n\xc3", 3)
                .unwrap_err()
                .contains("line 2")
        );
        assert!(
            decode(None, b"\xff\xfep\0h\0", 4)
                .unwrap_err()
                .contains("UTF-16")
        );
    }

    #[test]
    fn another_encoding_is_converted() {
        assert_eq!(decode(Some("latin1"), b"Jos\xe9\n", 2).unwrap(), "José\n");
        assert_eq!(
            decode(Some("utf-16le"), b"\xff\xfep\0\xe9\0", 3).unwrap(),
            "pé"
        );
        assert!(decode(Some("klingon"), b"", 1).is_err());
    }
}

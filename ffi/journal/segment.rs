//! The bytes of a segment.
//!
//! A segment is a header and then records. Header: `OUTDJRNL`, version (u16), length of the
//! node's name (u16), the name (32 bytes), first place (u64), CRC32 of all that (u32). Record:
//! length (u32), CRC32 (u32) of what follows, a `link::Numbered` in postcard's encoding. All
//! numbers are little endian.

use std::io;

use outdial_link::Numbered;

use crate::limits;

const MAGIC: &[u8; 8] = b"OUTDJRNL";
/// The version that this build writes, and the newest that it reads.
pub(super) const VERSION: u16 = 1;
/// Bytes of the header.
pub(super) const HEADER: usize = 8 + 2 + 2 + limits::NODE_BYTES + 8 + 4;

/// What stands first in a segment.
pub(super) struct Header {
    pub(super) version: u16,
    pub(super) node: String,
    pub(super) first_seq: u64,
}

impl Header {
    pub(super) fn write(node: &str, first_seq: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        let len = u16::try_from(node.len()).unwrap_or(0);
        out.extend_from_slice(&len.to_le_bytes());
        let mut name = [0; limits::NODE_BYTES];
        for (to, from) in name.iter_mut().zip(node.bytes()) {
            *to = from;
        }
        out.extend_from_slice(&name);
        out.extend_from_slice(&first_seq.to_le_bytes());
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let (head, _) = bytes.split_at_checked(HEADER)?;
        let (head, crc) = head.split_last_chunk::<4>()?;
        let rest = head.strip_prefix(MAGIC)?;
        if crc32fast::hash(head) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let (len, rest) = rest.split_first_chunk::<2>()?;
        let (name, rest) = rest.split_first_chunk::<{ limits::NODE_BYTES }>()?;
        let first_seq = rest.first_chunk::<8>()?;
        let name = name.get(..usize::from(u16::from_le_bytes(*len)))?;
        Some(Header {
            version: u16::from_le_bytes(*version),
            node: String::from_utf8(name.to_vec()).ok()?,
            first_seq: u64::from_le_bytes(*first_seq),
        })
    }
}

/// How a segment ends.
pub(super) enum End {
    Clean,
    /// The last write was cut short by a crash.
    Torn,
    /// Something else.
    Damaged,
}

/// The records behind the header, how many bytes are good, and how it ends.
pub(super) fn read_records(bytes: &[u8]) -> (Vec<Numbered>, usize, End) {
    let mut records = Vec::new();
    let mut at = HEADER;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let Some((numbered, len)) = record(rest) else {
            let end = if is_torn(rest) {
                End::Torn
            } else {
                End::Damaged
            };
            return (records, at, end);
        };
        records.push(numbered);
        at += len;
    }
    (records, at, End::Clean)
}

fn record(bytes: &[u8]) -> Option<(Numbered, usize)> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
    let body = rest.get(..len)?;
    if len == 0 || len > limits::RECORD_BYTES || crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    Some((postcard::from_bytes(body).ok()?, 8 + len))
}

/// A bad record is the torn tail of the last group when no good record stands behind it: a group
/// is written at once, and nothing follows it before it is synced.
fn is_torn(rest: &[u8]) -> bool {
    (1..rest.len()).all(|at| record(&rest[at..]).is_none())
}

/// Appends one record to `out`.
pub(super) fn frame(numbered: &Numbered, out: &mut Vec<u8>) -> io::Result<()> {
    let body = postcard::to_stdvec(numbered).map_err(io::Error::other)?;
    let len = u32::try_from(body.len())
        .ok()
        .filter(|_| body.len() <= limits::RECORD_BYTES)
        .ok_or_else(|| io::Error::other("a record is too long"))?;
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    out.extend_from_slice(&body);
    Ok(())
}

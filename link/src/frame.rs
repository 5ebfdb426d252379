//! Framing: a length, then a message.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest message. A peer that announces more is cut off.
pub const FRAME_BYTES: usize = 8 * 1024 * 1024;

const HEADER: usize = 4;

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`FRAME_BYTES`].
    #[error("a frame of {0} bytes; the limit is {FRAME_BYTES}")]
    TooLong(usize),
    /// Not a message of the expected kind.
    #[error("a frame that is no message: {0}")]
    Malformed(#[from] postcard::Error),
}

/// Appends `message` as one frame to `out`.
///
/// # Errors
/// [`FrameError::TooLong`] leaves `out` as it was.
pub fn encode<M: Serialize>(message: &M, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let body = postcard::to_stdvec(message)?;
    if body.len() > FRAME_BYTES {
        return Err(FrameError::TooLong(body.len()));
    }
    let len = u32::try_from(body.len()).map_err(|_| FrameError::TooLong(body.len()))?;
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&body);
    Ok(())
}

/// Cuts a stream of bytes into messages.
#[derive(Default)]
pub struct Reader {
    bytes: Vec<u8>,
    start: usize,
}

impl Reader {
    /// Takes in what was read from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` until more bytes come.
    ///
    /// # Errors
    /// After any error the stream is out of step: close it.
    // Not an iterator: each call may ask for another kind of message.
    #[expect(clippy::should_implement_trait)]
    pub fn next<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        let rest = &self.bytes[self.start..];
        let Some((header, body)) = rest.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let len = u32::from_le_bytes(*header) as usize;
        if len > FRAME_BYTES {
            return Err(FrameError::TooLong(len));
        }
        let Some(body) = body.get(..len) else {
            return Ok(None);
        };
        let message = postcard::from_bytes(body)?;
        self.start += HEADER + len;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_survive_any_cut_of_the_stream(
            texts in proptest::collection::vec(".{0,40}", 0..20),
            cut in 1usize..17,
        ) {
            let mut bytes = Vec::new();
            for text in &texts {
                encode(text, &mut bytes).unwrap();
            }
            let mut reader = Reader::default();
            let mut read = Vec::new();
            for piece in bytes.chunks(cut) {
                reader.push(piece);
                while let Some(text) = reader.next::<String>().unwrap() {
                    read.push(text);
                }
            }
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut reader = Reader::default();
            reader.push(&bytes);
            while let Ok(Some(_)) = reader.next::<crate::Up>() {}
        }
    }

    #[test]
    fn an_announced_giant_is_refused_before_it_is_read() {
        let mut reader = Reader::default();
        reader.push(&u32::MAX.to_le_bytes());
        assert!(matches!(
            reader.next::<String>(),
            Err(FrameError::TooLong(_))
        ));
    }
}

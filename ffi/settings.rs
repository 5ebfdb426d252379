//! `struct outdial_settings`, checked.

use std::mem::offset_of;
use std::path::PathBuf;

use crate::abi::{OUTDIAL_E_ABI, OUTDIAL_E_ARGUMENT, OutdialSettings};
use crate::{limits, raw};

/// What the operator configured.
pub(crate) struct Settings {
    pub(crate) node: Box<str>,
    pub(crate) socket: PathBuf,
    pub(crate) journal: PathBuf,
    pub(crate) pbx: Box<str>,
    pub(crate) journal_bytes: u64,
    pub(crate) test_host: bool,
}

/// A code for the host, and words for its operator.
pub(crate) type Refusal = (i32, String);

impl Settings {
    /// # Errors
    /// The code, and which setting is wrong and what is allowed.
    ///
    /// # Safety
    /// `settings` is NULL or valid: as large as its `struct_size` says, its texts NULL or ended
    /// by NUL.
    pub(crate) unsafe fn read(settings: *const OutdialSettings) -> Result<Settings, Refusal> {
        // SAFETY: every version of the struct begins with its size.
        let size = unsafe { raw::struct_size(settings) };
        // ABI 1.0 ended here.
        let needed = offset_of!(OutdialSettings, test_host);
        let whole = size_of::<OutdialSettings>();
        match size {
            None => return Err(bad("settings: NULL or not aligned")),
            Some(size) if usize::try_from(size).is_ok_and(|size| size < needed) => {
                let text = format!(
                    "struct outdial_settings has {size} bytes in the module, liboutdial {} needs \
                     {needed}",
                    env!("CARGO_PKG_VERSION")
                );
                return Err((OUTDIAL_E_ABI, text));
            }
            Some(_) => {}
        }
        let given = size.and_then(|size| usize::try_from(size).ok());
        let given = given.unwrap_or(needed).min(whole);
        let mut copy = std::mem::MaybeUninit::<OutdialSettings>::zeroed();
        // SAFETY: not NULL, aligned, and `given` bytes long, as just checked; `copy` has room for
        // `whole` bytes, which are no fewer.
        unsafe {
            std::ptr::copy_nonoverlapping(
                settings.cast::<u8>(),
                copy.as_mut_ptr().cast::<u8>(),
                given,
            );
        }
        // SAFETY: numbers and pointers, for all of which zero is a value.
        let settings = unsafe { copy.assume_init() };
        let test_host = match settings.test_host {
            0 => false,
            1 => true,
            other => return Err(bad(format!("test_host = {other}: 0 or 1"))),
        };
        let text = |name: &str, value, max: usize| {
            // SAFETY: the texts of valid settings end in NUL.
            unsafe { raw::text(value, max) }.ok_or_else(|| {
                bad(format!(
                    "{name}: missing, no UTF-8, or longer than {max} bytes"
                ))
            })
        };
        let node = text("node", settings.node, limits::NODE_BYTES)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
        if node.is_empty() || !node.bytes().all(allowed) {
            return Err(bad(format!(
                "node = {node:?}: 1 to {} of A-Z a-z 0-9 _ . are allowed",
                limits::NODE_BYTES
            )));
        }
        let path = |name: &str, value| {
            let path = PathBuf::from(text(name, value, limits::PATH_BYTES)?);
            if path.is_absolute() {
                Ok(path)
            } else {
                Err(bad(format!(
                    "{name} = {}: must begin with /",
                    path.display()
                )))
            }
        };
        let journal_bytes = match settings.journal_bytes {
            0 => limits::JOURNAL_BYTES,
            bytes if bytes < limits::JOURNAL_BYTES_MIN => {
                return Err(bad(format!(
                    "journal_bytes = {bytes}: at least {} are needed",
                    limits::JOURNAL_BYTES_MIN
                )));
            }
            bytes => bytes,
        };
        Ok(Settings {
            node: node.into(),
            socket: path("socket", settings.socket)?,
            journal: path("journal", settings.journal)?,
            pbx: text("pbx", settings.pbx, limits::PATH_BYTES)?.into(),
            journal_bytes,
            test_host,
        })
    }
}

fn bad(text: impl Into<String>) -> Refusal {
    (OUTDIAL_E_ARGUMENT, text.into())
}

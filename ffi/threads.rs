//! Starting threads inside somebody else's process.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

use crate::guard;
use crate::shared::Shared;

/// Starts a thread that takes no signal and lets no panic out. `name` has at most 15 bytes.
///
/// # Errors
/// The system has no room for another thread.
pub(crate) fn spawn(
    shared: &Arc<Shared>,
    name: &'static str,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    // The new thread inherits the mask, so that no signal reaches it before its first line.
    let mut before = SigSet::empty();
    pthread_sigmask(
        SigmaskHow::SIG_SETMASK,
        Some(&SigSet::all()),
        Some(&mut before),
    )?;
    let shared = Arc::clone(shared);
    let thread = Builder::new().name(name.into()).spawn(move || {
        guard::thread(&shared, name, body);
    });
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    thread
}

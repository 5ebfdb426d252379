//! The panic boundary. Nothing unwinds out of this library: every function that C calls and every
//! thread body runs inside [`catch`], [`engine`] or [`thread`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::shared::Shared;

/// Runs `body`; a panic becomes `on_panic`. For functions that have no engine.
pub(crate) fn catch<T>(on_panic: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            dispose(payload);
            on_panic
        }
    }
}

/// Runs `body` for an engine. A panic poisons the engine and becomes `on_panic`.
pub(crate) fn engine<T>(
    shared: &Shared,
    what: &'static str,
    on_panic: T,
    body: impl FnOnce() -> T,
) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            let text = message(payload.as_ref()).to_owned();
            dispose(payload);
            catch((), || shared.poison(what, &text));
            on_panic
        }
    }
}

/// Runs the body of a thread. A panic poisons the engine.
pub(crate) fn thread(shared: &Shared, what: &'static str, body: impl FnOnce()) {
    engine(shared, what, (), body);
}

/// Dropping a payload of a type of its own may panic again: such a one is left in memory.
fn dispose(payload: Box<dyn Any + Send>) {
    if !payload.is::<&'static str>() && !payload.is::<String>() {
        std::mem::forget(payload);
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "no message"
    }
}

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
            // Dropping a payload may panic again.
            std::mem::forget(payload);
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
            std::mem::forget(payload);
            catch((), || shared.poison(what, &text));
            on_panic
        }
    }
}

/// Runs the body of a thread. A panic poisons the engine.
pub(crate) fn thread(shared: &Shared, what: &'static str, body: impl FnOnce()) {
    engine(shared, what, (), body);
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

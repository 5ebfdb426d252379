//! Raw pointers become Rust values here, and nowhere else but in `host.rs`.

use libc::{c_char, size_t};

/// A text from C, of at most `max` bytes.
///
/// `None`: NULL, longer, or no UTF-8.
///
/// # Safety
/// `text` is NULL or ends in NUL, and stays as it is during `'a`.
pub(crate) unsafe fn text<'a>(text: *const c_char, max: usize) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL; the caller guarantees that it ends in NUL, so `strnlen` stays inside.
    let len = unsafe { libc::strnlen(text, max + 1) };
    if len > max {
        return None;
    }
    // SAFETY: `len` bytes before the NUL were just read; the caller keeps them for 'a.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    std::str::from_utf8(bytes).ok()
}

/// A reference to what `pointer` points at.
///
/// `None`: NULL, or not aligned.
///
/// # Safety
/// `pointer` is NULL or points at a `T` that outlives `'a` and that nobody changes meanwhile.
pub(crate) unsafe fn reference<'a, T>(pointer: *const T) -> Option<&'a T> {
    if !pointer.is_aligned() {
        return None;
    }
    // SAFETY: the caller guarantees a T or NULL.
    unsafe { pointer.as_ref() }
}

/// Reads the size that stands first in a struct from C, whatever else the struct has.
///
/// # Safety
/// `pointer` is NULL or points at a struct that begins with a `u32`.
pub(crate) unsafe fn struct_size<T>(pointer: *const T) -> Option<u32> {
    // SAFETY: the caller guarantees that a u32 stands first.
    unsafe { reference(pointer.cast::<u32>()) }.copied()
}

/// Writes `message`, cut to fit and ended by NUL, to the caller's buffer.
///
/// # Safety
/// `buffer` is NULL or points at `len` writable bytes.
pub(crate) unsafe fn write_text(buffer: *mut c_char, len: size_t, message: &str) {
    if buffer.is_null() || len == 0 {
        return;
    }
    let mut end = message.len().min(len - 1);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    // SAFETY: the caller guarantees `len` writable bytes; `end` + 1 of them are written, and a
    // Rust string never overlaps the caller's buffer.
    unsafe {
        std::ptr::copy_nonoverlapping(message.as_ptr(), buffer.cast::<u8>(), end);
        buffer.add(end).write(0);
    }
}

//! Telephone numbers as they may reach a dial string.

use std::fmt;

use crate::limits::NUMBER_DIGITS;

/// An E.164 number: digits only, without the leading `+`. Nothing else can be built, so nothing
/// else can reach a dial string.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number {
    /// ASCII, filled up with zeros: ordered as the text is. In place, because every waiting lead and
    /// every live attempt has some.
    digits: [u8; DIGITS],
    len: u8,
}

/// The longest number.
const DIGITS: usize = *NUMBER_DIGITS.end();

/// Why a text is no telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It holds something besides digits and a leading `+`.
    #[error("a number has digits and at most a leading +")]
    NotDigits,
    /// It is too short or too long (E.164 allows 15 digits).
    #[error("a number has 2 to 15 digits")]
    Length,
}

impl Number {
    /// Reads `text`, which is digits with an optional leading `+`.
    ///
    /// # Errors
    /// [`NumberError`] names what is wrong.
    pub fn new(text: &str) -> Result<Number, NumberError> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NumberError::NotDigits);
        }
        if !NUMBER_DIGITS.contains(&digits.len()) {
            return Err(NumberError::Length);
        }
        let mut number = Number {
            digits: [0; DIGITS],
            len: u8::try_from(digits.len()).map_err(|_| NumberError::Length)?,
        };
        number.digits[..digits.len()].copy_from_slice(digits.as_bytes());
        Ok(number)
    }

    /// The digits, without `+`.
    #[must_use]
    pub fn digits(&self) -> &str {
        // Digits are UTF-8.
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    fn bytes(&self) -> &[u8] {
        &self.digits[..usize::from(self.len)]
    }

    /// Whether it begins with these digits.
    pub(crate) fn starts_with(&self, prefix: &str) -> bool {
        let digits = self.bytes().iter();
        prefix.len() <= usize::from(self.len) && digits.zip(prefix.bytes()).all(|(a, b)| *a == b)
    }

    /// Without the first `strip` digits, and with those of `prepend` before the rest; `None` if that
    /// is no number.
    pub(crate) fn changed(&self, strip: usize, prepend: &str) -> Option<Number> {
        let rest = self.bytes().get(strip..)?;
        let len = prepend.len() + rest.len();
        if !NUMBER_DIGITS.contains(&len) || !prepend.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut digits = [0; DIGITS];
        digits[..prepend.len()].copy_from_slice(prepend.as_bytes());
        digits[prepend.len()..len].copy_from_slice(rest);
        Some(Number {
            digits,
            len: u8::try_from(len).ok()?,
        })
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Number").field(&self.digits()).finish()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_a_leading_plus_are_a_number() {
        assert_eq!(
            Number::new("+5511987654321").unwrap().digits(),
            "5511987654321"
        );
        assert_eq!(Number::new("190").unwrap().digits(), "190");
    }

    #[test]
    fn anything_that_could_act_in_a_dial_string_is_refused() {
        for text in [
            "1&PJSIP/evil",
            "12,34",
            "1\"2",
            "12 34",
            "1;2",
            "++12",
            "12+",
            "١٢٣",
            "12@x",
            "12\n",
        ] {
            assert_eq!(Number::new(text), Err(NumberError::NotDigits), "{text}");
        }
        for text in ["", "+", "1", "1234567890123456"] {
            assert_eq!(Number::new(text), Err(NumberError::Length), "{text}");
        }
    }
}

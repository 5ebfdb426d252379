//! Telephone numbers as people write them, to the digits that are dialed.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// Why a text is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// There is no such country.
    #[error("there is no country {0:?}; use a two-letter code such as BR")]
    Country(String),
    /// Nothing there.
    #[error("the number is empty")]
    Empty,
    /// Characters that no telephone number has.
    #[error("no telephone number: only digits, spaces, ( ) - . / and a leading + may be in it")]
    Characters,
    /// A national number, and no country is known.
    #[error(
        "no country code: write the number with + in front, or name the country with --country"
    )]
    NoCountry,
    /// The numbering plan has no such number.
    #[error("no valid number of its country")]
    Invalid,
    /// Too short or too long.
    #[error("a number has 2 to 15 digits")]
    Length,
}

/// The longest text that is looked at; E.164 allows 15 digits.
const TEXT_BYTES: usize = 40;

/// Reads numbers, those without a country code as numbers of one country.
#[derive(Clone, Copy)]
pub struct Numbers {
    region: Option<Region>,
}

impl Numbers {
    /// `country` is a two-letter code such as `BR`.
    ///
    /// # Errors
    /// [`NumberError::Country`].
    pub fn new(country: Option<&str>) -> Result<Numbers, NumberError> {
        let region = country
            .map(|country| {
                country
                    .to_ascii_uppercase()
                    .parse::<Region>()
                    .ok()
                    .filter(|region| {
                        PHONE_NUMBER_UTIL
                            .get_country_code_for_region(*region)
                            .is_some()
                    })
                    .ok_or_else(|| NumberError::Country(country.to_owned()))
            })
            .transpose()?;
        Ok(Numbers { region })
    }

    /// Those of the countries that these E.164 digits are of, so many at most.
    #[must_use]
    pub fn of_countries(digits: &[String], most: usize) -> Vec<Numbers> {
        let mut regions: Vec<Region> = Vec::new();
        for digits in digits {
            let number = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok();
            let region = number
                .and_then(|n| PHONE_NUMBER_UTIL.get_region_for_country_code(n.country_code))
                .filter(|region| !regions.contains(region));
            regions.extend(region);
        }
        let countries = regions.into_iter().take(most);
        countries
            .map(|region| Numbers {
                region: Some(region),
            })
            .collect()
    }

    /// E.164 digits, without `+`, of a number that exists by its country's numbering plan.
    ///
    /// # Errors
    /// [`NumberError`] says what is wrong.
    pub fn digits(&self, text: &str) -> Result<String, NumberError> {
        let text = text.trim();
        characters(text)?;
        if self.region.is_none() && !text.starts_with('+') {
            return Err(NumberError::NoCountry);
        }
        let number = PHONE_NUMBER_UTIL
            .parse(text, self.region)
            .map_err(|_| NumberError::Invalid)?;
        if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
            return Err(NumberError::Invalid);
        }
        let digits = PHONE_NUMBER_UTIL
            .format(&number, PhoneNumberFormat::E164)
            .trim_start_matches('+')
            .to_owned();
        length(&digits)?;
        Ok(digits)
    }

    /// As [`Numbers::digits`] where a country is known; else the digits as they stand, so that
    /// short codes and test numbers can be named too.
    ///
    /// # Errors
    /// [`NumberError`] says what is wrong.
    pub fn loose(&self, text: &str) -> Result<String, NumberError> {
        if self.region.is_some() {
            return self.digits(text);
        }
        characters(text.trim())?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        length(&digits)?;
        Ok(digits)
    }
}

fn characters(text: &str) -> Result<(), NumberError> {
    if text.is_empty() {
        return Err(NumberError::Empty);
    }
    let rest = text.strip_prefix('+').unwrap_or(text);
    let allowed =
        |b: u8| b.is_ascii_digit() || matches!(b, b' ' | b'(' | b')' | b'-' | b'.' | b'/');
    if text.len() > TEXT_BYTES || !rest.bytes().all(allowed) {
        return Err(NumberError::Characters);
    }
    Ok(())
}

fn length(digits: &str) -> Result<(), NumberError> {
    if (2..=15).contains(&digits.len()) {
        Ok(())
    } else {
        Err(NumberError::Length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_formats_become_e164() {
        for (country, text, digits) in [
            ("BR", "(11) 98765-4321", "5511987654321"),
            ("BR", "011 98765-4321", "5511987654321"),
            ("br", "+55 11 3070 1234", "551130701234"),
            ("BR", "+1 (212) 555-2368", "12125552368"),
            ("US", "212.555.2368", "12125552368"),
            ("GB", "020 7183 8750", "442071838750"),
            ("DE", "030/901820", "4930901820"),
            ("ES", "912 345 678", "34912345678"),
            ("IT", "06 6982 1234", "390669821234"),
        ] {
            let numbers = Numbers::new(Some(country)).unwrap();
            assert_eq!(
                numbers.digits(text).as_deref(),
                Ok(digits),
                "{country} {text}"
            );
        }
    }

    #[test]
    fn what_could_act_in_a_dial_string_is_refused() {
        let numbers = Numbers::new(Some("BR")).unwrap();
        for text in [
            "1&PJSIP/evil",
            "11987654321,22",
            "\"11987654321\"",
            "11987654321;ext=1",
            "=11987654321",
            "11987654321 x22",
            "1198765432\u{0661}",
            "11987654321\n",
            "++5511987654321",
            "0800FLOWERS",
        ] {
            let trimmed = text.trim();
            if trimmed == text {
                assert_eq!(numbers.digits(text), Err(NumberError::Characters), "{text}");
            }
            assert!(numbers.loose(text).is_err() || text != trimmed, "{text}");
        }
    }

    #[test]
    fn what_the_numbering_plan_lacks_is_refused() {
        let numbers = Numbers::new(Some("BR")).unwrap();
        for text in ["98765-4321", "123", "(00) 98765-4321", "5511987654321987"] {
            assert_eq!(numbers.digits(text), Err(NumberError::Invalid), "{text}");
        }
        assert_eq!(numbers.digits("  "), Err(NumberError::Empty));
    }

    #[test]
    fn without_a_country_only_the_plus_tells() {
        let numbers = Numbers::new(None).unwrap();
        assert_eq!(numbers.digits("11987654321"), Err(NumberError::NoCountry));
        assert_eq!(
            numbers.digits("+5511987654321").as_deref(),
            Ok("5511987654321")
        );
        assert_eq!(numbers.loose("100").as_deref(), Ok("100"));
        assert!(matches!(
            Numbers::new(Some("XX")),
            Err(NumberError::Country(_))
        ));
    }
}

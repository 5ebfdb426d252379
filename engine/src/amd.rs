//! Arguments of Asterisk's AMD(), as a campaign has them: up to nine numbers with commas between, in
//! the order of its documentation (initial silence, greeting, silence after greeting, total time,
//! shortest word, silence between words, most words, silence threshold, longest word). An empty one is
//! the PBX's own setting; so are those that are left out, and all of an empty text.

use crate::config::ConfigError;
use crate::limits;

/// Whether AMD() can have these.
///
/// # Errors
/// What is wrong, and what is allowed.
pub(crate) fn check(arguments: &str) -> Result<(), ConfigError> {
    let wrong = |problem: String| {
        let allowed = format!(
            "up to {} numbers from 0 to {}, with commas between, as AMD() takes them",
            limits::AMD_ARGUMENTS,
            limits::AMD_ARGUMENT
        );
        Err(ConfigError::new("amd", problem, allowed))
    };
    let all: Vec<&str> = arguments.split(',').collect();
    if all.len() > limits::AMD_ARGUMENTS {
        return wrong(format!("has {} arguments", all.len()));
    }
    for argument in all.into_iter().filter(|argument| !argument.is_empty()) {
        let digits = argument.bytes().all(|b| b.is_ascii_digit());
        let number = argument
            .parse()
            .ok()
            .filter(|n: &u32| *n <= limits::AMD_ARGUMENT);
        if !digits || number.is_none() {
            return wrong(format!("has {argument:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_and_nothing_else() {
        for good in [
            "",
            "2500",
            "2500,1500,800",
            ",,,5000",
            "1,2,3,4,5,6,7,8,9",
            "60000",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "x",
            "2500, 1500",
            "-1",
            "+1",
            "1.5",
            "60001",
            "99999999999",
            "1,2,3,4,5,6,7,8,9,10",
            "2500)&System(reboot",
            "${SHELL(id)}",
        ] {
            let error = check(bad).unwrap_err().to_string();
            assert!(
                error.contains("amd") && error.contains("up to 9 numbers"),
                "{bad}: {error}"
            );
        }
    }
}

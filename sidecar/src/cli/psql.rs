//! `outdial psql`.

use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;

use crate::cli::{CliError, Context};
use crate::private_pg::{ROLE, find_binaries, socket_dir};

#[derive(Args)]
pub struct Psql {
    /// Arguments for psql
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Becomes psql. The connection goes through the environment, where no other user sees it.
pub fn run(psql: &Psql, context: &Context) -> Result<(), CliError> {
    let bin = find_binaries(context.settings.pg_bin.as_deref(), None)
        .map(|dir| dir.join("psql"))
        .ok()
        .filter(|path| path.is_file())
        .unwrap_or_else(|| "psql".into());
    let mut command = Command::new(&bin);
    command
        .args(&psql.arguments)
        .env("PGOPTIONS", "-c search_path=outdial,public");
    match &context.settings.database_url {
        None => {
            command
                .env("PGHOST", socket_dir(&context.settings.data_dir))
                .env("PGUSER", ROLE)
                .env("PGDATABASE", ROLE);
        }
        Some(url) => {
            let (url, password) = split_password(url);
            command.arg("-d").arg(url);
            if let Some(password) = password {
                command.env("PGPASSWORD", password);
            }
        }
    }
    Err(CliError::File(
        format!("can't run {}", bin.display()),
        command.exec(),
    ))
}

/// The URL without its password, and the password.
fn split_password(url: &str) -> (String, Option<String>) {
    let split = || {
        let (scheme, rest) = url.split_once("://")?;
        let (login, host) = rest.split_once('@')?;
        let (user, password) = login.split_once(':')?;
        Some((format!("{scheme}://{user}@{host}"), password.to_owned()))
    };
    match split() {
        Some((url, password)) => (url, Some(decode(&password))),
        None => (url.to_owned(), None),
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits: Option<String> =
            (byte == b'%').then(|| rest.by_ref().take(2).map(char::from).collect());
        match digits.and_then(|digits| u8::from_str_radix(&digits, 16).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_reaches_the_arguments() {
        let (url, password) = split_password("postgresql://app:s%40cret@db:5432/x");
        assert_eq!(url, "postgresql://app@db:5432/x");
        assert_eq!(password.as_deref(), Some("s@cret"));
        assert_eq!(
            split_password("postgresql://db/x"),
            ("postgresql://db/x".into(), None)
        );
    }
}

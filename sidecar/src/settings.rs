//! Settings: flags over environment over file over defaults.
//!
//! One table names every setting; `outdial config show` prints what was found and where.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The file read when none is named and it exists.
pub const DEFAULT_FILE: &str = "/etc/outdial/outdial.toml";

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("can't read the settings file {path}: {error}")]
    Unreadable {
        /// File.
        path: PathBuf,
        /// Reason.
        error: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the settings file {path} is not valid TOML: {error}")]
    NotToml {
        /// File.
        path: PathBuf,
        /// Reason.
        error: Box<toml::de::Error>,
    },
    /// The file has a key that means nothing.
    #[error("the settings file {path} has an unknown key `{key}`; known keys: {known}")]
    UnknownKey {
        /// File.
        path: PathBuf,
        /// The key.
        key: String,
        /// All keys.
        known: String,
    },
    /// A value that can't be.
    #[error("{name} (from {source_name}): {problem}")]
    Invalid {
        /// Setting.
        name: &'static str,
        /// Where it came from.
        source_name: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// `SUPABASE_URL` names an API, not a database.
    #[error(
        "SUPABASE_URL is the address of Supabase's API, not of its database. Set \
         OUTDIAL_DATABASE_URL to the connection string: in the Supabase dashboard, open the \
         project, press Connect, and copy the URI under \"Session pooler\" or \"Direct \
         connection\" (it starts with postgresql://)"
    )]
    SupabaseUrlOnly,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A command-line flag.
    Flag,
    /// This environment variable.
    Env(&'static str),
    /// The settings file.
    File(PathBuf),
    /// Built in.
    Default,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Flag => f.write_str("flag"),
            Source::Env(name) => write!(f, "environment ({name})"),
            Source::File(path) => write!(f, "file ({})", path.display()),
            Source::Default => f.write_str("default"),
        }
    }
}

struct Key {
    name: &'static str,
    env: &'static [&'static str],
    secret: bool,
}

const KEYS: &[Key] = &[
    Key {
        name: "database_url",
        env: &["OUTDIAL_DATABASE_URL", "DATABASE_URL"],
        secret: true,
    },
    Key {
        name: "data_dir",
        env: &["OUTDIAL_DATA_DIR"],
        secret: false,
    },
    Key {
        name: "run_dir",
        env: &["OUTDIAL_RUN_DIR"],
        secret: false,
    },
    Key {
        name: "http",
        env: &["OUTDIAL_HTTP"],
        secret: false,
    },
    Key {
        name: "node",
        env: &["OUTDIAL_NODE"],
        secret: false,
    },
    Key {
        name: "socket_group",
        env: &["OUTDIAL_SOCKET_GROUP"],
        secret: false,
    },
    Key {
        name: "log_format",
        env: &["OUTDIAL_LOG_FORMAT"],
        secret: false,
    },
    Key {
        name: "log_level",
        env: &["OUTDIAL_LOG_LEVEL"],
        secret: false,
    },
    Key {
        name: "pg_bin",
        env: &["OUTDIAL_PG_BIN"],
        secret: false,
    },
    Key {
        name: "pg_user",
        env: &["OUTDIAL_PG_USER"],
        secret: false,
    },
];

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, as pino writes them.
    Json,
    /// For people.
    Pretty,
}

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `None`: a private cluster in [`Settings::data_dir`].
    pub database_url: Option<String>,
    /// Private PostgreSQL and lock file.
    pub data_dir: PathBuf,
    /// Sockets.
    pub run_dir: PathBuf,
    /// Health and status.
    pub http: SocketAddr,
    /// This node's name, as in the module's configuration.
    pub node: String,
    /// Group that may use the sockets.
    pub socket_group: Option<String>,
    /// `None`: pretty on a terminal, JSON otherwise.
    pub log_format: Option<LogFormat>,
    /// trace, debug, info, warn or error.
    pub log_level: tracing::Level,
    /// Folder with `initdb` and `postgres`; `None`: the newest installed.
    pub pg_bin: Option<PathBuf>,
    /// User that the private cluster runs as when started by root.
    pub pg_user: Option<String>,
    /// Name, value as shown, source.
    pub shown: Vec<(&'static str, String, Source)>,
}

/// Values given as flags, by setting name.
pub type Flags = BTreeMap<&'static str, String>;

impl Settings {
    /// The library listens to nobody: it connects here.
    pub fn link_socket(&self) -> PathBuf {
        self.run_dir.join("link.sock")
    }

    /// Where the command line reaches the sidecar.
    pub fn control_socket(&self) -> PathBuf {
        self.run_dir.join("control.sock")
    }

    /// Reads flags, the process's environment, and the file.
    ///
    /// # Errors
    /// Names the setting, where it came from and what is allowed.
    pub fn load(flags: &Flags, file: Option<&Path>) -> Result<Settings, SettingsError> {
        let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let named = file
            .map(Path::to_path_buf)
            .or_else(|| env("OUTDIAL_CONFIG").map(PathBuf::from));
        let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let values = match std::fs::read_to_string(&path) {
            Ok(text) => parse_file(&path, &text)?,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                BTreeMap::new()
            }
            Err(error) => return Err(SettingsError::Unreadable { path, error }),
        };
        Settings::resolve(flags, &env, &path, &values)
    }

    fn resolve(
        flags: &Flags,
        env: &dyn Fn(&str) -> Option<String>,
        path: &Path,
        file: &BTreeMap<String, String>,
    ) -> Result<Settings, SettingsError> {
        let mut found = BTreeMap::new();
        for key in KEYS {
            let from_env = || {
                let name = key.env.iter().find(|name| env(name).is_some())?;
                Some((env(name)?, Source::Env(name)))
            };
            let from_file = || {
                let value = file.get(key.name)?;
                Some((value.clone(), Source::File(path.to_path_buf())))
            };
            let value = flags
                .get(key.name)
                .map(|value| (value.clone(), Source::Flag))
                .or_else(from_env)
                .or_else(from_file)
                .or_else(|| Some((default_of(key.name)?, Source::Default)));
            if let Some(value) = value {
                found.insert(key.name, value);
            }
        }
        if !found.contains_key("database_url") && env("SUPABASE_URL").is_some() {
            return Err(SettingsError::SupabaseUrlOnly);
        }
        build(&found)
    }
}

fn build(found: &BTreeMap<&'static str, (String, Source)>) -> Result<Settings, SettingsError> {
    let text = |name: &str| found.get(name).map(|(value, _)| value.clone());
    let invalid = |name: &'static str, problem: &str| SettingsError::Invalid {
        name,
        source_name: found
            .get(name)
            .map_or_else(String::new, |(_, source)| source.to_string()),
        problem: problem.to_owned(),
    };
    let http = text("http").unwrap_or_default();
    let node = text("node").unwrap_or_default();
    if !is_node_name(&node) {
        return Err(invalid(
            "node",
            &format!("{node:?}; allowed: 1 to 32 of A-Z a-z 0-9 _ ."),
        ));
    }
    if let Some(url) = text("database_url")
        && !url.starts_with("postgres://")
        && !url.starts_with("postgresql://")
    {
        let problem = "must look like postgresql://user:password@host:5432/database";
        return Err(invalid("database_url", problem));
    }
    let log_format = match text("log_format").as_deref() {
        None | Some("auto") => None,
        Some("json") => Some(LogFormat::Json),
        Some("pretty") => Some(LogFormat::Pretty),
        Some(_) => return Err(invalid("log_format", "allowed: json, pretty, auto")),
    };
    Ok(Settings {
        database_url: text("database_url"),
        data_dir: text("data_dir").unwrap_or_default().into(),
        run_dir: text("run_dir").unwrap_or_default().into(),
        http: http
            .parse()
            .map_err(|_| invalid("http", &format!("{http:?}; must look like 127.0.0.1:3000")))?,
        node,
        socket_group: text("socket_group"),
        log_format,
        log_level: text("log_level")
            .unwrap_or_default()
            .parse()
            .map_err(|_| invalid("log_level", "allowed: trace, debug, info, warn, error"))?,
        pg_bin: text("pg_bin").map(PathBuf::from),
        pg_user: text("pg_user"),
        shown: KEYS
            .iter()
            .map(|key| match found.get(key.name) {
                Some((value, source)) => (key.name, shown(key, value), source.clone()),
                None => (key.name, String::from("(not set)"), Source::Default),
            })
            .collect(),
    })
}

fn shown(key: &Key, value: &str) -> String {
    if key.secret {
        mask_url(value)
    } else {
        value.to_owned()
    }
}

/// A URL without its password: `postgresql://user:****@host/db`. Parameters are left out, since
/// they may hold a password too.
pub fn mask_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgresql", "****"));
    let rest = rest.split('?').next().unwrap_or_default();
    match rest.rsplit_once('@') {
        None => format!("{scheme}://{rest}"),
        Some((login, host)) => match login.split_once(':') {
            None => format!("{scheme}://{login}@{host}"),
            Some((user, _)) => format!("{scheme}://{user}:****@{host}"),
        },
    }
}

fn default_of(name: &str) -> Option<String> {
    match name {
        "data_dir" => Some("/var/lib/outdial".into()),
        "run_dir" => Some("/run/outdial".into()),
        "http" => Some("127.0.0.1:3000".into()),
        "node" => Some(node_from_hostname(&hostname())),
        "log_format" => Some("auto".into()),
        "log_level" => Some("info".into()),
        _ => None,
    }
}

/// This host's name, or `localhost`.
pub fn hostname() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".into())
}

/// What of a host name may stand in a node name.
fn node_from_hostname(host: &str) -> String {
    host.chars()
        .take(32)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

fn is_node_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
    (1..=32).contains(&name.len()) && name.bytes().all(allowed)
}

fn parse_file(path: &Path, text: &str) -> Result<BTreeMap<String, String>, SettingsError> {
    let table: toml::Table = text.parse().map_err(|error| SettingsError::NotToml {
        path: path.to_path_buf(),
        error: Box::new(error),
    })?;
    let mut values = BTreeMap::new();
    for (key, value) in table {
        if !KEYS.iter().any(|known| known.name == key) {
            let known: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
            return Err(SettingsError::UnknownKey {
                path: path.to_path_buf(),
                key,
                known: known.join(", "),
            });
        }
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        values.insert(key, value);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        flags: &[(&'static str, &str)],
        env: &[(&str, &str)],
        file: &str,
    ) -> Result<Settings, SettingsError> {
        let path = Path::new("/tmp/x.toml");
        let flags = flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        let env = |name: &str| {
            env.iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| (*v).to_owned())
        };
        Settings::resolve(&flags, &env, path, &parse_file(path, file)?)
    }

    fn source(settings: &Settings, name: &str) -> Source {
        settings
            .shown
            .iter()
            .find(|(n, ..)| *n == name)
            .unwrap()
            .2
            .clone()
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let file = "node = \"file\"\ndata_dir = \"/file\"\nrun_dir = \"/file\"";
        let env = [("OUTDIAL_NODE", "env"), ("OUTDIAL_DATA_DIR", "/env")];
        let settings = resolve(&[("node", "flag")], &env, file).unwrap();
        assert_eq!(settings.node, "flag");
        assert_eq!(settings.data_dir, Path::new("/env"));
        assert_eq!(settings.run_dir, Path::new("/file"));
        assert_eq!(settings.http.port(), 3000);
        assert_eq!(source(&settings, "node"), Source::Flag);
        assert_eq!(
            source(&settings, "data_dir"),
            Source::Env("OUTDIAL_DATA_DIR")
        );
        assert_eq!(source(&settings, "http"), Source::Default);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = resolve(&[], &[], "databse_url = \"x\"")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`databse_url`") && error.contains("database_url"),
            "{error}"
        );
    }

    #[test]
    fn secrets_are_masked() {
        let env = [(
            "DATABASE_URL",
            "postgresql://app:hunter2@db/x?password=hunter3",
        )];
        let settings = resolve(&[], &env, "").unwrap();
        let shown = format!("{:?}", settings.shown);
        assert!(
            !shown.contains("hunter") && shown.contains("app:****@db/x"),
            "{shown}"
        );
        assert_eq!(
            source(&settings, "database_url"),
            Source::Env("DATABASE_URL")
        );
    }

    #[test]
    fn the_address_of_an_api_is_no_database() {
        let env = [("SUPABASE_URL", "https://x.supabase.co")];
        let error = resolve(&[], &env, "").unwrap_err().to_string();
        assert!(
            error.contains("OUTDIAL_DATABASE_URL") && error.contains("Connect"),
            "{error}"
        );
        assert!(resolve(&[], &[env[0], ("DATABASE_URL", "postgres://h/d")], "").is_ok());
    }

    #[test]
    fn a_node_name_fits_into_a_channel_id() {
        assert!(is_node_name(&node_from_hostname("pbx-1.example.org")));
        assert!(resolve(&[("node", "a b")], &[], "").is_err());
    }
}

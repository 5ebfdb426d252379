//! The life of the private cluster.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use nix::unistd::User;

use crate::limits;
use crate::private_pg::{PrivatePgError, binaries};

/// The database, and the role that owns it.
pub const ROLE: &str = "outdial";

/// The folder of the cluster's socket under a data folder.
pub fn socket_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres").join("socket")
}

/// A cluster that is kept running.
pub struct Cluster {
    shape: Arc<Shape>,
    stopping: Arc<AtomicBool>,
    watch: Option<JoinHandle<()>>,
}

struct Shape {
    bin: PathBuf,
    home: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    /// Whom to run as when we are root.
    user: Option<User>,
    own_name: String,
}

impl Cluster {
    /// Makes the cluster if there is none, starts it if it does not run, and keeps it running.
    ///
    /// # Errors
    /// See [`PrivatePgError`].
    pub fn start(
        data_dir: &Path,
        bin: Option<&Path>,
        user: Option<&str>,
    ) -> Result<Cluster, PrivatePgError> {
        let home = data_dir.join("postgres");
        let data = home.join("data");
        let major = std::fs::read_to_string(data.join("PG_VERSION")).ok();
        let major = major.as_deref().map(str::trim);
        let bin = binaries::find(bin, major)?;
        let socket = socket_dir(data_dir);
        // `.s.PGSQL.5432` and its lock file.
        if socket.as_os_str().len() + 20 > 107 {
            return Err(PrivatePgError::PathTooLong(socket));
        }
        let shape = Shape {
            bin,
            home,
            data,
            socket,
            user: choose_user(user)?,
            own_name: own_name(),
        };
        if let Some(major) = major {
            shape.check_major(major)?;
        }
        shape.prepare(major.is_none())?;
        if shape.running() {
            tracing::info!("the private PostgreSQL is running already");
        } else {
            shape.launch()?;
        }
        let shape = Arc::new(shape);
        let stopping = Arc::new(AtomicBool::new(false));
        let watch = std::thread::Builder::new()
            .name("private-pg".into())
            .spawn({
                let (shape, stopping) = (Arc::clone(&shape), Arc::clone(&stopping));
                move || shape.watch(&stopping)
            })
            .ok();
        Ok(Cluster {
            shape,
            stopping,
            watch,
        })
    }

    /// How to connect.
    pub fn config(&self) -> postgres::Config {
        let mut config = postgres::Config::new();
        config.host_path(&self.shape.socket).user(ROLE).dbname(ROLE);
        config
    }

    /// Stops the server, as at a clean exit.
    pub fn stop(mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(watch) = self.watch.take() {
            // A panicked watcher has been reported by the panic hook already.
            let _ = watch.join();
        }
        let stopped = self.shape.pg_ctl(&["stop", "-m", "fast", "-w", "-t", "20"]);
        if let Err(error) = stopped {
            tracing::warn!(%error, "the private PostgreSQL did not stop");
        }
    }
}

impl Shape {
    fn check_major(&self, major: &str) -> Result<(), PrivatePgError> {
        let version = self.run("postgres", &["--version".as_ref()])?;
        let installed = version
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        if installed.is_some_and(|version| version.split('.').next() == Some(major)) {
            return Ok(());
        }
        Err(PrivatePgError::OtherMajor {
            data: self.data.clone(),
            major: major.to_owned(),
        })
    }

    /// Folders, cluster, database and configuration. The configuration is written every time, so
    /// that a new release can change it.
    fn prepare(&self, new: bool) -> Result<(), PrivatePgError> {
        for dir in [&self.home, &self.socket] {
            self.own_dir(dir)?;
        }
        if new {
            tracing::info!(folder = %self.home.display(), "making a private PostgreSQL cluster");
            let args = [
                "--pgdata".as_ref(),
                self.data.as_os_str(),
                "--username".as_ref(),
                ROLE.as_ref(),
                "--encoding=UTF8".as_ref(),
                "--locale=C".as_ref(),
                "--auth=peer".as_ref(),
                "--data-checksums".as_ref(),
            ];
            if let Err(error) = self.run("initdb", &args) {
                // Half a cluster would be taken for a whole one next time.
                let _ = std::fs::remove_dir_all(&self.data);
                return Err(error);
            }
        }
        let users = [
            Some(self.own_name.as_str()),
            self.user.as_ref().map(|user| user.name.as_str()),
            Some("root"),
        ];
        let mut names: Vec<&str> = users.into_iter().flatten().collect();
        names.sort_unstable();
        names.dedup();
        let map: String = names
            .iter()
            .map(|name| format!("outdial {name} {ROLE}\n"))
            .collect();
        self.write("pg_ident.conf", &map)?;
        self.write("pg_hba.conf", "# Unix socket only, and only those whom pg_ident.conf maps.\nlocal all all peer map=outdial\n")?;
        self.write("postgresql.auto.conf", &self.settings())
    }

    fn settings(&self) -> String {
        format!(
            "# Written by outdial at each start.\n\
             listen_addresses = ''\n\
             unix_socket_directories = '{}'\n\
             unix_socket_permissions = 0700\n\
             max_connections = 40\n\
             shared_buffers = '128MB'\n\
             max_wal_size = '2GB'\n\
             wal_compression = on\n\
             jit = off\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             logging_collector = on\n\
             log_directory = '{}'\n\
             log_filename = 'postgresql-%a.log'\n\
             log_truncate_on_rotation = on\n\
             log_rotation_age = '1d'\n\
             # DETAIL and CONTEXT hold the values of rows: numbers and names.\n\
             log_error_verbosity = terse\n\
             log_parameter_max_length_on_error = 0\n",
            quoted(&self.socket),
            quoted(&self.home.join("log"))
        )
    }

    fn launch(&self) -> Result<(), PrivatePgError> {
        self.pg_ctl(&["start", "-w", "-t", "30"])?;
        // A cluster whose first start was cut short has no database yet.
        let exists = self.psql(
            "postgres",
            &format!("SELECT 1 FROM pg_database WHERE datname = '{ROLE}'"),
        )?;
        if exists.trim() != "1" {
            self.psql("postgres", &format!("CREATE DATABASE {ROLE}"))?;
        }
        self.psql(
            "postgres",
            &format!("ALTER DATABASE {ROLE} SET search_path = {ROLE}, public"),
        )?;
        Ok(())
    }

    fn psql(&self, database: &str, sql: &str) -> Result<String, PrivatePgError> {
        let args = [
            "-X".as_ref(),
            "-q".as_ref(),
            "-A".as_ref(),
            "-t".as_ref(),
            "-v".as_ref(),
            "ON_ERROR_STOP=1".as_ref(),
            "-h".as_ref(),
            self.socket.as_os_str(),
            "-U".as_ref(),
            ROLE.as_ref(),
            "-d".as_ref(),
            database.as_ref(),
            "-c".as_ref(),
            sql.as_ref(),
        ];
        self.run("psql", &args)
    }

    fn pg_ctl(&self, words: &[&str]) -> Result<String, PrivatePgError> {
        let log = self.home.join("start.log");
        let mut args: Vec<&std::ffi::OsStr> = words.iter().map(AsRef::as_ref).collect();
        args.extend(["-D".as_ref(), self.data.as_os_str()]);
        if words.first() == Some(&"start") {
            args.extend(["-l".as_ref(), log.as_os_str()]);
        }
        self.run("pg_ctl", &args)
    }

    fn run(
        &self,
        program: &'static str,
        args: &[&std::ffi::OsStr],
    ) -> Result<String, PrivatePgError> {
        let mut command = Command::new(self.bin.join(program));
        command
            .args(args)
            .current_dir("/")
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/bin:/bin");
        if let Some(user) = &self.user {
            // Also gives up root's supplementary groups.
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let output = command.output().map_err(|error| PrivatePgError::File {
            path: self.bin.join(program),
            error,
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = [output.stderr, output.stdout].concat();
        Err(PrivatePgError::Program {
            program,
            output: String::from_utf8_lossy(&said).trim().replace('\n', "; "),
            hint: match &self.user {
                Some(user) => format!(
                    " (it runs as user {}, who must be able to reach {}; the server's log is in {}/log)",
                    user.name,
                    self.home.display(),
                    self.home.display()
                ),
                None => format!(" (the server's log is in {}/log)", self.home.display()),
            },
        })
    }

    fn watch(&self, stopping: &AtomicBool) {
        let mut failing = false;
        while !stopping.load(Ordering::Relaxed) {
            std::thread::sleep(limits::PRIVATE_PG_CHECK);
            if stopping.load(Ordering::Relaxed) || self.running() {
                continue;
            }
            if !failing {
                tracing::warn!("the private PostgreSQL is gone; starting it again");
            }
            match self.pg_ctl(&["start", "-w", "-t", "30"]) {
                Ok(_) => failing = false,
                Err(error) => {
                    if !failing {
                        tracing::error!(%error, "the private PostgreSQL does not start");
                    }
                    failing = true;
                    std::thread::sleep(limits::RECONNECT_MAX);
                }
            }
        }
    }

    /// Whether the process that the lock file names is there and is a PostgreSQL.
    fn running(&self) -> bool {
        let Ok(lock) = std::fs::read_to_string(self.data.join("postmaster.pid")) else {
            return false;
        };
        let Some(Ok(pid)) = lock.lines().next().map(str::trim).map(str::parse::<u32>) else {
            return false;
        };
        std::fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| name.trim() == "postgres")
            && std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
    }

    fn own_dir(&self, dir: &Path) -> Result<(), PrivatePgError> {
        let file = |error| PrivatePgError::File {
            path: dir.to_path_buf(),
            error,
        };
        std::fs::create_dir_all(dir).map_err(file)?;
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).map_err(file)?;
        self.give(dir)
    }

    fn give(&self, path: &Path) -> Result<(), PrivatePgError> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(
            |error| PrivatePgError::File {
                path: path.to_path_buf(),
                error,
            },
        )
    }

    fn write(&self, name: &str, text: &str) -> Result<(), PrivatePgError> {
        let path = self.data.join(name);
        let file = |error| PrivatePgError::File {
            path: path.clone(),
            error,
        };
        std::fs::write(&path, text).map_err(file)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(file)?;
        self.give(&path)
    }
}

fn quoted(path: &Path) -> String {
    path.display().to_string().replace('\'', "''")
}

fn own_name() -> String {
    User::from_uid(nix::unistd::geteuid())
        .ok()
        .flatten()
        .map_or_else(|| "root".into(), |user| user.name)
}

fn choose_user(named: Option<&str>) -> Result<Option<User>, PrivatePgError> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    let find = |name: &str| {
        User::from_name(name)
            .ok()
            .flatten()
            .filter(|user| !user.uid.is_root())
    };
    let found = match named {
        Some(name) => find(name),
        None => find("outdial").or_else(|| find("postgres")),
    };
    match found {
        Some(user) => Ok(Some(user)),
        None => Err(PrivatePgError::NoUser(
            named.unwrap_or("outdial").to_owned(),
        )),
    }
}

//! A sidecar with a private PostgreSQL in a folder of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

pub struct Sidecar {
    pub dir: PathBuf,
    pub node: String,
    pub port: u16,
    database_url: Option<String>,
    child: Child,
}

/// Waits until `f` gives something.
pub fn wait<T>(what: &str, limit: Duration, mut f: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = f() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub const LONG: Duration = Duration::from_secs(60);

impl Sidecar {
    pub fn start() -> Sidecar {
        Sidecar::with("pbx1", None)
    }

    /// Another node on the database of this one.
    pub fn second_node(&self, node: &str) -> Sidecar {
        Sidecar::with(node, Some(self.url()))
    }

    pub fn url(&self) -> String {
        let socket = self.socket_dir().display().to_string().replace('/', "%2F");
        format!("postgresql://outdial@{socket}/outdial")
    }

    fn with(node: &str, database_url: Option<String>) -> Sidecar {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("outdial-it-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = spawn(&dir, node, port, database_url.as_deref());
        let sidecar = Sidecar {
            dir,
            node: node.into(),
            port,
            database_url,
            child,
        };
        sidecar.wait_ready();
        sidecar
    }

    pub fn wait_ready(&self) {
        wait("the sidecar", LONG, || self.get("/health/live"));
    }

    /// As a crash.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.child = spawn(
            &self.dir,
            &self.node,
            self.port,
            self.database_url.as_deref(),
        );
        self.wait_ready();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn socket_dir(&self) -> PathBuf {
        self.dir.join("data/postgres/socket")
    }

    pub fn link_socket(&self) -> PathBuf {
        self.dir.join("run/link.sock")
    }

    pub fn client(&self) -> postgres::Client {
        let mut config = postgres::Config::new();
        config
            .host_path(self.socket_dir())
            .user("outdial")
            .dbname("outdial");
        config.connect(postgres::NoTls).unwrap()
    }

    /// One figure from the database.
    pub fn count(&self, what: &str) -> i64 {
        self.client()
            .query_one(&format!("SELECT count(*) FROM outdial.{what}"), &[])
            .unwrap()
            .get(0)
    }

    /// Runs a command.
    pub fn run(&self, args: &[&str]) -> Output {
        command(&self.dir, &self.node, self.port)
            .args(args)
            .output()
            .unwrap()
    }

    /// Runs a command that must succeed; its output.
    pub fn good(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail; what it complains of.
    pub fn bad(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Status code and body of a GET.
    pub fn get(&self, path: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let code = text.split(' ').nth(1)?.parse().ok()?;
        let body = text.split_once("\r\n\r\n")?.1;
        Some((code, serde_json::from_str(body).ok()?))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap()
    }

    /// A campaign that lacks nothing but the PBX, with its trunk and route.
    pub fn campaign(&self, name: &str) -> u64 {
        self.good(&[
            "campaign",
            "create",
            name,
            "--caller-id",
            "551140001000",
            "--time-zone",
            "UTC",
            "--window",
            "00:00-24:00",
            "--days",
            "all",
        ]);
        if self.count("trunk_config") == 0 {
            self.good(&["trunks", "add", "carrier"]);
            self.good(&["routes", "add", "--trunk", "carrier"]);
        }
        let row = self
            .client()
            .query_one("SELECT id FROM outdial.campaigns WHERE name = $1", &[&name])
            .unwrap();
        row.get::<_, i64>(0).try_into().unwrap()
    }

    /// Imports leads with one number each.
    pub fn leads(&self, campaign: &str, numbers: impl Iterator<Item = u64>) {
        let file = self.dir.join("leads.csv");
        let rows: String = numbers
            .map(|number| format!("+{number},Ana Secreta\n"))
            .collect();
        std::fs::write(&file, format!("phone,name\n{rows}")).unwrap();
        self.good(&[
            "leads",
            "import",
            file.to_str().unwrap(),
            "--campaign",
            campaign,
        ]);
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.dir.display(), self.log());
        }
        let pid = nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn spawn(dir: &Path, node: &str, port: u16, database_url: Option<&str>) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .unwrap();
    let mut command = command(dir, node, port);
    if let Some(url) = database_url {
        command.env("OUTDIAL_DATABASE_URL", url);
    }
    command
        .args(["serve", "--log-format", "json"])
        .stderr(log)
        .spawn()
        .unwrap()
}

fn command(dir: &Path, node: &str, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outdial"));
    command
        .env_remove("DATABASE_URL")
        .env_remove("OUTDIAL_DATABASE_URL")
        .env("OUTDIAL_CONFIG", write_settings(dir, node, port));
    command
}

fn write_settings(dir: &Path, node: &str, port: u16) -> PathBuf {
    let path = dir.join("outdial.toml");
    let dir = dir.display();
    let text = format!(
        "data_dir = \"{dir}/data\"\nrun_dir = \"{dir}/run\"\nhttp = \"127.0.0.1:{port}\"\nnode = \"{node}\"\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

//! How long an import of a million leads takes, and how much memory the sidecar and the command
//! line need: `cargo run --release -p outdial-sidecar --example import_million`.
//!
//! Uses the `outdial` binary beside it, with a private PostgreSQL in a temporary folder, and
//! `psql \copy` of the same rows into an equal table as the baseline.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

type Failed = Box<dyn std::error::Error>;

const LEADS: u32 = 1_000_000;
const LIMIT_SECONDS: f64 = 60.0;
const LIMIT_KB: u64 = 150 * 1024;

fn main() -> Result<(), Failed> {
    let dir = std::env::temp_dir().join(format!("outdial-import-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755))?;
    let bench = Bench {
        binary: binary()?,
        dir: dir.clone(),
    };
    let measured = bench.run();
    std::fs::remove_dir_all(&dir)?;
    report(&measured?)
}

struct Measured {
    import_seconds: f64,
    copy_seconds: f64,
    sidecar_kb: u64,
    command_kb: u64,
}

struct Bench {
    binary: PathBuf,
    dir: PathBuf,
}

fn binary() -> Result<PathBuf, Failed> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent).ok_or("no folder")?;
    let binary = folder.join("outdial");
    if binary.is_file() {
        return Ok(binary);
    }
    Err(format!(
        "{} is missing: cargo build --release -p outdial-sidecar",
        binary.display()
    )
    .into())
}

impl Bench {
    fn outdial(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env_remove("OUTDIAL_DATABASE_URL")
            .env_remove("DATABASE_URL")
            .env("OUTDIAL_DATA_DIR", self.dir.join("data"))
            .env("OUTDIAL_RUN_DIR", self.dir.join("run"))
            .env("OUTDIAL_HTTP", "127.0.0.1:0");
        command
    }

    fn run(&self) -> Result<Measured, Failed> {
        let file = self.dir.join("million.csv");
        write_leads(&file)?;
        let mut sidecar = self
            .outdial()
            .arg("serve")
            .stderr(File::create(self.dir.join("log"))?)
            .spawn()?;
        let measured = self.measure(&file, &sidecar);
        terminate(&mut sidecar)?;
        measured
    }

    fn measure(&self, file: &Path, sidecar: &Child) -> Result<Measured, Failed> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self
            .outdial()
            .args(["campaign", "create", "bench"])
            .output()?
            .status
            .success()
        {
            if Instant::now() > deadline {
                return Err(std::fs::read_to_string(self.dir.join("log"))?.into());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let copy = format!(
            "CREATE TABLE copied (phone text, name text, city text, contract text);
             CREATE INDEX ON copied (phone);
             \\copy copied FROM '{}' WITH (FORMAT csv, HEADER)",
            file.display()
        );
        let script = self.dir.join("copy.sql");
        std::fs::write(&script, copy)?;
        let script = script.display().to_string();
        let started = Instant::now();
        succeed(
            self.outdial()
                .args(["psql", "--", "-q", "-v", "ON_ERROR_STOP=1", "-f", &script])
                .spawn()?,
        )?;
        let copy_seconds = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let command = self
            .outdial()
            .args(["leads", "import"])
            .arg(file)
            .args(["--campaign", "bench", "--country", "BR"])
            .spawn()?;
        let (command_kb, import_seconds) = watch(command, started)?;
        Ok(Measured {
            import_seconds,
            copy_seconds,
            sidecar_kb: peak_kb(sidecar.id()).unwrap_or(0),
            command_kb,
        })
    }
}

fn write_leads(path: &Path) -> Result<(), Failed> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "phone,name,city,contract")?;
    for n in 0..LEADS {
        let (high, low) = (n / 10_000, n % 10_000);
        writeln!(
            file,
            "(11) 98{high:03}-{low:04},Cliente {n},São Paulo,C{n:08}"
        )?;
    }
    file.flush()?;
    Ok(())
}

/// Memory at its highest, and the time until the end.
fn watch(mut child: Child, started: Instant) -> Result<(u64, f64), Failed> {
    let mut peak = 0;
    loop {
        peak = peak_kb(child.id()).unwrap_or(peak).max(peak);
        if let Some(status) = child.try_wait()? {
            if !status.success() {
                return Err("the import failed".into());
            }
            return Ok((peak, started.elapsed().as_secs_f64()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn peak_kb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn succeed(mut child: Child) -> Result<(), Failed> {
    if child.wait()?.success() {
        Ok(())
    } else {
        Err("a command failed".into())
    }
}

fn terminate(child: &mut Child) -> Result<(), Failed> {
    let pid = nix::unistd::Pid::from_raw(child.id().try_into()?);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
    child.wait()?;
    Ok(())
}

fn report(measured: &Measured) -> Result<(), Failed> {
    let ratio = measured.import_seconds / measured.copy_seconds;
    println!(
        "{LEADS} leads       import {:8.1} s",
        measured.import_seconds
    );
    println!(
        "psql \\copy          the same {:6.1} s, ratio {ratio:.2}",
        measured.copy_seconds
    );
    println!(
        "peak memory         sidecar {} kB, command {} kB",
        measured.sidecar_kb, measured.command_kb
    );
    let json = serde_json::json!({
        "what": "import of 1,000,000 leads from CSV through the command line",
        "unit": "seconds",
        "runs": [measured.import_seconds],
        "median": measured.import_seconds,
        "spread": 0.0,
        "baseline": { "what": "psql \\copy of the same file into one table with one index", "seconds": measured.copy_seconds },
        "ratio": ratio,
        "sidecar_peak_kb": measured.sidecar_kb,
        "command_peak_kb": measured.command_kb,
    });
    std::fs::create_dir_all("target/bench")?;
    std::fs::write("target/bench/import.json", format!("{json:#}\n"))?;
    let within = measured.import_seconds < LIMIT_SECONDS
        && measured.sidecar_kb < LIMIT_KB
        && measured.command_kb < LIMIT_KB;
    if within {
        Ok(())
    } else {
        Err("slower than 60 s, or more than 150 MB".into())
    }
}

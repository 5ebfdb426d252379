//! Asterisk's console over its socket, as `asterisk -rx` uses it, without a process for each line.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::asterisk::Asterisk;

/// No answer takes this long.
const LIMIT: Duration = Duration::from_secs(30);

impl Asterisk {
    /// Runs a command of the console; tells how long the answer took.
    ///
    /// # Errors
    /// Asterisk does not run, or does not answer.
    pub fn ask(&self, line: &str) -> Result<(String, Duration)> {
        let socket = self.run_dir().join("run/asterisk.ctl");
        let stream = UnixStream::connect(&socket)
            .with_context(|| format!("connecting to {}", socket.display()))?;
        stream.set_read_timeout(Some(LIMIT))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut greeting = String::new();
        reader.read_line(&mut greeting).context("a greeting")?;
        let mut stream = stream;
        let start = Instant::now();
        stream.write_all(format!("cli quit after {line}\0").as_bytes())?;
        let mut said = Vec::new();
        reader.read_to_end(&mut said).context("an answer")?;
        let took = start.elapsed();
        // Lines that are for the console's screen have marks in them.
        let text: String = String::from_utf8_lossy(&said)
            .chars()
            .filter(|c| !c.is_control() || *c == '\n')
            .collect();
        Ok((text, took))
    }
}

//! The tests' own commands to FreeSWITCH, over its event socket: what `fs_cli -x` does, without a process
//! for each command.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// No answer takes this long.
const LIMIT: Duration = Duration::from_secs(30);

/// A connection of the event socket that has been let in.
pub(super) struct EventSocket {
    reader: BufReader<TcpStream>,
}

impl EventSocket {
    /// Connects and gives the password.
    pub(super) fn open(port: u16, password: &str) -> Result<EventSocket> {
        let stream =
            TcpStream::connect(("127.0.0.1", port)).context("connecting to the event socket")?;
        stream.set_read_timeout(Some(LIMIT))?;
        let mut socket = EventSocket {
            reader: BufReader::new(stream),
        };
        socket.message()?;
        let said = socket.ask(&format!("auth {password}"))?;
        if !said.head.contains("+OK") {
            bail!("the event socket says {}", said.head.trim());
        }
        Ok(socket)
    }

    /// Runs a command of the console and gives what it printed.
    pub(super) fn api(mut self, line: &str) -> Result<String> {
        Ok(self.ask(&format!("api {line}"))?.body)
    }

    /// From here on the socket tells of these custom events.
    pub(super) fn subscribe(&mut self, names: &[&str]) -> Result<()> {
        let said = self.ask(&format!("event json CUSTOM {}", names.join(" ")))?;
        if !said.head.contains("+OK") {
            bail!("the event socket says {}", said.head.trim());
        }
        Ok(())
    }

    /// What it tells next, however long that takes.
    pub(super) fn next(&mut self) -> Result<String> {
        Ok(self.message()?.body)
    }

    /// Another end of the same connection; nothing is read for ever from now on.
    pub(super) fn handle(&self) -> Result<TcpStream> {
        let stream = self.reader.get_ref();
        stream.set_read_timeout(None)?;
        stream.try_clone().context("the event socket")
    }

    fn ask(&mut self, line: &str) -> Result<Message> {
        self.reader
            .get_mut()
            .write_all(format!("{line}\n\n").as_bytes())
            .with_context(|| format!("asking for {line}"))?;
        self.message().with_context(|| line.to_owned())
    }

    /// Header lines up to an empty one, then as many bytes as Content-Length says.
    fn message(&mut self) -> Result<Message> {
        let mut head = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).context("an answer")? == 0 {
                bail!("the event socket was closed");
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(bytes) = line.strip_prefix("Content-Length:") {
                length = bytes.trim().parse().context("a length")?;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).context("an answer")?;
        Ok(Message {
            head,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

struct Message {
    head: String,
    body: String,
}

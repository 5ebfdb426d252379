//! A client of Asterisk's manager interface that listens, as a wallboard does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::asterisk::Asterisk;
use crate::wait::wait_until;

/// One event: its lines by name.
pub type AmiEvent = BTreeMap<String, String>;

type Heard = Arc<Mutex<Vec<AmiEvent>>>;

/// A client that is logged in.
pub struct Ami {
    stream: TcpStream,
    heard: Heard,
    reader: Option<JoinHandle<()>>,
}

impl Ami {
    /// Switches the manager interface on, for one user who may read events of calls and agents.
    ///
    /// # Errors
    /// Something can't be written, or Asterisk does not let the user in.
    pub fn open(asterisk: &Asterisk) -> Result<Ami> {
        let port = crate::ports::free()?;
        asterisk.write_etc(
            "manager.conf",
            &format!(
                "[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = {port}\n\n\
                 [wallboard]\nsecret = board\nread = call,agent\nwrite =\n"
            ),
        )?;
        asterisk.cli("manager reload")?;
        let stream = wait_until("the manager's port", Duration::from_secs(5), || {
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        })?;
        let mut ami = Ami {
            stream,
            heard: Heard::default(),
            reader: None,
        };
        let mut reader = BufReader::new(ami.stream.try_clone()?);
        let heard = Arc::clone(&ami.heard);
        ami.reader = Some(std::thread::spawn(move || listen(&mut reader, &heard)));
        let login = "Action: Login\r\nUsername: wallboard\r\nSecret: board\r\n\r\n";
        ami.stream.write_all(login.as_bytes()).context("a log-in")?;
        wait_until("the log-in", Duration::from_secs(5), || {
            let answered = |e: &AmiEvent| e.get("Response").is_some_and(|r| r == "Success");
            Ok(ami.heard().iter().any(answered).then_some(()))
        })?;
        Ok(ami)
    }

    fn heard(&self) -> MutexGuard<'_, Vec<AmiEvent>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events of that name so far, in order.
    #[must_use]
    pub fn events(&self, name: &str) -> Vec<AmiEvent> {
        let heard = self.heard();
        let named = heard
            .iter()
            .filter(|e| e.get("Event").is_some_and(|n| n == name));
        named.cloned().collect()
    }
}

impl Drop for Ami {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn listen(reader: &mut BufReader<TcpStream>, heard: &Heard) {
    let mut event = AmiEvent::new();
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
        let text = line.trim_end();
        if let Some((name, value)) = text.split_once(':') {
            event.insert(name.to_owned(), value.trim_start().to_owned());
        } else if text.is_empty() && !event.is_empty() {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(std::mem::take(&mut event));
        }
        line.clear();
    }
}

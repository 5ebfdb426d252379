//! A client of the event socket that listens, as a wallboard does.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Result;

use super::FreeSwitch;
use super::socket::EventSocket;

/// One event: its headers by name.
pub type Event = BTreeMap<String, String>;

/// A client that has subscribed.
pub struct Events {
    stream: TcpStream,
    heard: Arc<Mutex<Vec<Event>>>,
    reader: Option<JoinHandle<()>>,
}

impl FreeSwitch {
    /// Listens to these custom events from now on.
    ///
    /// # Errors
    /// The event socket does not take the client.
    pub fn listen(&self, names: &[&str]) -> Result<Events> {
        let mut socket = EventSocket::open(self.command_port, &self.password)?;
        socket.subscribe(names)?;
        let stream = socket.handle()?;
        let heard = Arc::new(Mutex::default());
        let into = Arc::clone(&heard);
        let reader = std::thread::spawn(move || read(&mut socket, &into));
        Ok(Events {
            stream,
            heard,
            reader: Some(reader),
        })
    }
}

fn read(socket: &mut EventSocket, into: &Mutex<Vec<Event>>) {
    while let Ok(text) = socket.next() {
        if let Ok(event) = serde_json::from_str(&text) {
            let mut heard = into.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(event);
        }
    }
}

impl Events {
    /// The events of that name so far, in order.
    #[must_use]
    pub fn of(&self, name: &str) -> Vec<Event> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let named = heard
            .iter()
            .filter(|e| e.get("Event-Subclass").is_some_and(|n| n == name));
        named.cloned().collect()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

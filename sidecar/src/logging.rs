//! Log lines: JSON with the fields that pino writes, or pretty.

use std::fmt;
use std::io::IsTerminal;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::settings::{LogFormat, Settings};

/// Sets this process's logging up; lines go to standard error.
pub fn init(settings: &Settings) {
    let format = settings
        .log_format
        .unwrap_or(if std::io::stderr().is_terminal() {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        });
    let builder = tracing_subscriber::fmt()
        .with_max_level(settings.log_level)
        .with_writer(std::io::stderr);
    // A second call (in tests) finds a subscriber in place; the first one stays.
    let _ = match format {
        LogFormat::Json => builder.event_format(Pino::new()).try_init(),
        LogFormat::Pretty => builder.with_target(false).try_init(),
    };
}

struct Pino {
    pid: u32,
    hostname: String,
}

impl Pino {
    fn new() -> Pino {
        Pino {
            pid: std::process::id(),
            hostname: crate::settings::hostname(),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Pino
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        line.insert("level".into(), json!(number_of(*event.metadata().level())));
        line.insert("time".into(), json!(crate::clock::now_ms()));
        line.insert("pid".into(), json!(self.pid));
        line.insert("hostname".into(), json!(self.hostname));
        line.insert("name".into(), json!("outdial"));
        line.insert("msg".into(), json!(""));
        event.record(&mut Fields(&mut line));
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// pino's numbers.
fn number_of(level: Level) -> u8 {
    match level {
        Level::TRACE => 10,
        Level::DEBUG => 20,
        Level::INFO => 30,
        Level::WARN => 40,
        Level::ERROR => 50,
    }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "message" => "msg",
            other => other,
        };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }
}

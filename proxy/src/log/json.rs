//! One flat JSON object per line.
//!
//! tracing-subscriber's own JSON writes of an error only its outermost text; the cause is what operators need.

use std::error::Error;
use std::fmt::{self, Debug, Write as _};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::Chain;

/// Writes events as `{"timestamp":…,"level":…,"message":…,FIELDS…,"target":…}`.
#[derive(Debug)]
pub(super) struct JsonLines<T>(pub(super) T);

impl<S, N, T> FormatEvent<S, N> for JsonLines<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    T: FormatTime,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut timestamp = String::new();
        self.0.format_time(&mut Writer::new(&mut timestamp))?;
        let mut line = Line(String::from("{"));
        line.push("timestamp", timestamp);
        line.push("level", event.metadata().level().as_str());
        event.record(&mut line);
        line.push("target", event.metadata().target());
        writeln!(writer, "{}}}", line.0)
    }
}

/// An object that is not closed yet.
struct Line(String);

impl Line {
    fn push(&mut self, name: &str, value: impl Into<Value>) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{}:{}", Value::from(name), Into::<Value>::into(value));
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.push(field.name(), Chain(value).to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.push(field.name(), format!("{value:?}"));
    }
}

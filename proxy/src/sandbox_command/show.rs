//! What a person at the terminal sees.

use std::fmt;
use std::net::SocketAddr;

use proxy_core::pipeline::{Observer, RequestRecord};
use sandbox::{Outcome, VerifiedRequest};
use tokio::sync::mpsc;

use super::demo::{Commands, Places};
use crate::log::Escaped;

/// One line: what the sandbox or the proxy did.
#[derive(Debug)]
pub(super) enum Shown {
    /// The sandbox verified or rejected a request.
    Verified(VerifiedRequest),
    /// The proxy responded to one.
    Responded(Box<RequestRecord>),
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified(event) => verified(f, event),
            Self::Responded(record) => responded(f, record),
        }
    }
}

fn verified(f: &mut fmt::Formatter<'_>, event: &VerifiedRequest) -> fmt::Result {
    let word = if event.is_accepted() { "verified" } else { "rejected" };
    write!(f, "  sandbox  {word}  {}", event.service)?;
    match &event.operation {
        Some(operation) => write!(f, " {}", Escaped(operation))?,
        None => write!(f, " {} {}", event.method, Escaped(&event.path))?,
    }
    if let Some(principal) = &event.principal {
        let by = if event.is_accepted() {
            "signed by"
        } else {
            "with the key of"
        };
        write!(f, " {by} {}", Escaped(principal))?;
    }
    if let Some(region) = &event.region {
        write!(f, " for {}", Escaped(region))?;
    }
    if let Outcome::Rejected { code, why, .. } = &event.outcome {
        write!(f, ": {}: {}", Escaped(code), Escaped(why))?;
    }
    Ok(())
}

fn responded(f: &mut fmt::Formatter<'_>, record: &RequestRecord) -> fmt::Result {
    let word = if record.connection.is_some() && record.error.is_none() {
        "signed  "
    } else {
        "rejected"
    };
    write!(f, "  proxy    {word}  {} {}", record.method, Escaped(&record.path))?;
    match record.status {
        Some(status) => write!(f, " -> {}", status.as_u16())?,
        None => f.write_str(" -> the client disconnected")?,
    }
    write!(f, " in {:.1} ms", record.timings.total.as_secs_f64() * 1000.0)?;
    if let Some(connection) = &record.connection {
        write!(f, ", connection {connection}")?;
    }
    if let Some(error) = record.error {
        write!(f, ", {}", error.name())?;
    }
    Ok(())
}

/// Sends the proxy's records to the terminal. One that does not take them misses some.
#[derive(Debug)]
pub(super) struct RecordSender(mpsc::Sender<Shown>);

impl RecordSender {
    pub(super) fn new(shown: mpsc::Sender<Shown>) -> Self {
        Self(shown)
    }
}

impl Observer for RecordSender {
    fn finished(&self, record: &RequestRecord) {
        let _ = self.0.try_send(Shown::Responded(Box::new(record.clone())));
    }
}

/// What is shown at the start.
#[derive(Debug)]
pub(super) struct Banner<'a> {
    pub(super) notes: &'a [String],
    pub(super) places: &'a Places,
    pub(super) admin: Option<SocketAddr>,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "An embedded AWS verifies every signature; the proxy in front of it signs. Nothing leaves this machine.\n"
        )?;
        if let Some(proxy) = self.places.proxy {
            writeln!(f, "  proxy   http://{proxy}")?;
        }
        if let Some(admin) = self.admin {
            writeln!(f, "  admin   http://{admin}/readyz and /metrics")?;
        }
        writeln!(
            f,
            "  S3      http://{} (the sandbox itself; it takes signed requests only)\n",
            self.places.s3
        )?;
        for note in self.notes {
            writeln!(f, "  Note: {note}\n")?;
        }
        writeln!(f, "Paste these into another terminal:\n\n{}", Commands(self.places))?;
        writeln!(
            f,
            "Each request shows here as it is verified and responded to. Ctrl-C ends everything.\n"
        )
    }
}

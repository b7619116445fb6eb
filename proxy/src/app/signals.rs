//! The signals that stop the process, or have it load its configuration again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From now on these signals no longer end the process by themselves.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// SIGHUP, on which the configuration is loaded again.
#[derive(Debug)]
pub(super) struct ReloadSignal(Signal);

impl ReloadSignal {
    /// From now on the signal no longer ends the process.
    pub(super) fn new() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// The next signal; several that came meanwhile count as one.
    pub(super) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // There will never be one.
            std::future::pending::<()>().await;
        }
    }
}

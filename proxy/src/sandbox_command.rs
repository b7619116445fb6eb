//! `signing-proxy sandbox`: an embedded AWS, a proxy in front of it, and commands to paste.
//!
//! One table (`demo.rs`) says what is printed as `curl` commands and what the self test sends, so that what is printed
//! is what works. Every request shows twice: as the sandbox verified it and as the proxy responded to it.

mod demo;
mod self_test;
mod setup;
mod show;

use std::io::{self, Write};

use proxy_config::ConfigError;
use sandbox::{Sandbox, SandboxError, SandboxSettings};
use tokio::sync::mpsc;

use self::demo::Places;
use self::show::Shown;
use crate::app::StartError;

/// The pause between two frames of a streamed response: long enough to see that it streams.
const STREAM_PAUSE: std::time::Duration = std::time::Duration::from_millis(150);

/// Lines that may wait for the terminal; a terminal that is stopped loses further ones, the proxy does not wait.
const LINES: usize = 1024;

/// What can be chosen.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// The proxy's shared listener; `None`: 127.0.0.1:8080, or a free port where that is taken.
    pub listen: Option<String>,
    /// The admin listener, or `off`; `None`: 127.0.0.1:9901, or a free port where that is taken.
    pub admin: Option<String>,
    /// Send every request of the table, say how it went, and end.
    pub self_test: bool,
}

/// Why the sandbox ended before its time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxCommandError {
    /// The embedded AWS does not start.
    #[error("the embedded AWS cannot start")]
    Sandbox(#[from] SandboxError),
    /// An address cannot be used.
    #[error("the proxy's configuration cannot be used")]
    Config(#[from] ConfigError),
    /// The proxy does not start.
    #[error(transparent)]
    Proxy(#[from] StartError),
    /// Signals or the output do not work.
    #[error("the terminal cannot be used")]
    Terminal(#[from] io::Error),
    /// Requests of the self test did not go as they should.
    #[error("{failed} of {all} requests failed")]
    SelfTest {
        /// How many failed.
        failed: usize,
        /// How many there were.
        all: usize,
    },
}

/// Runs until Ctrl-C, or until the self test is over.
///
/// # Errors
///
/// [`SandboxCommandError`]
pub async fn run(options: SandboxOptions) -> Result<(), SandboxCommandError> {
    let mut signals = crate::app::StopSignals::new()?;
    let settings = SandboxSettings {
        stream_pause: STREAM_PAUSE,
        ..SandboxSettings::default()
    };
    let sandbox = Sandbox::start(settings).await?;
    let (shown, mut lines) = mpsc::channel(LINES);
    let (proxy, notes) = setup::proxy(&sandbox, &options, shown.clone()).await?;
    let places = Places {
        proxy: proxy.addr(),
        s3: sandbox.s3(),
    };
    let result = if options.self_test {
        self_test::run(&places, &mut io::stdout()).await
    } else {
        write!(
            io::stdout(),
            "{}",
            show::Banner {
                notes: &notes,
                places: &places,
                admin: proxy.admin_addr()
            }
        )?;
        let mut events = sandbox.events();
        loop {
            let line = tokio::select! {
                _ = signals.next() => break Ok(()),
                Some(event) = events.next() => Shown::Verified(event),
                Some(line) = lines.recv() => line,
            };
            // The sandbox verifies before the proxy responds; it shows in that order as well.
            let earlier = events.drain().into_iter().map(Shown::Verified);
            let lines = if matches!(line, Shown::Responded(_)) {
                earlier.chain([line]).collect::<Vec<_>>()
            } else {
                [line].into_iter().chain(earlier).collect()
            };
            for line in lines {
                // Whoever closed the output still has the sandbox.
                let _ = writeln!(io::stdout(), "{line}");
            }
        }
    };
    proxy.cut().await;
    sandbox.stop().await;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_printed_command_works() {
        let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
        let (shown, mut lines) = mpsc::channel(LINES);
        let options = SandboxOptions {
            listen: Some("127.0.0.1:0".to_owned()),
            admin: Some("off".to_owned()),
            self_test: true,
        };
        let (proxy, _) = setup::proxy(&sandbox, &options, shown).await.unwrap();
        let places = Places {
            proxy: proxy.addr(),
            s3: sandbox.s3(),
        };
        let mut output = Vec::new();
        let result = self_test::run(&places, &mut output).await;
        result.unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&output)));
        let first = lines.recv().await.unwrap().to_string();
        assert!(
            first.starts_with("  proxy    signed    PUT /@reports/sandbox-bucket/hello.txt -> 200 in "),
            "{first}"
        );
    }

    #[tokio::test]
    async fn a_taken_port_is_replaced_unless_it_was_chosen() {
        let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
        let (shown, _lines) = mpsc::channel(LINES);
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let chosen = SandboxOptions {
            listen: Some(address),
            admin: Some("off".to_owned()),
            self_test: false,
        };
        let error = setup::proxy(&sandbox, &chosen, shown.clone()).await.unwrap_err();
        assert!(error.to_string().contains("server.listen"), "{error}");
        let (proxy, _) = setup::proxy(&sandbox, &SandboxOptions::default(), shown.clone())
            .await
            .unwrap();
        let (second, notes) = setup::proxy(&sandbox, &SandboxOptions::default(), shown).await.unwrap();
        assert_ne!(proxy.addr(), second.addr());
        assert!(notes.iter().any(|note| note.contains("127.0.0.1:8080")), "{notes:?}");
    }
}

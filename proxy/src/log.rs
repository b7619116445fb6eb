//! Logging: what is let through, in which form, and the line that every request leaves.
//!
//! Contracts, each with a test:
//! - Everything goes to standard error: text on a terminal, one JSON object per line otherwise.
//! - Other crates' events never get below their cap, whatever the configured level: the AWS SDK, hyper and rustls
//!   write heads, bodies and keys at `debug` and `trace`.
//! - What a client sent cannot break a line or drive a terminal: control characters are escaped, lengths bounded.
//! - An error is written with its whole chain of causes, once.

mod cap;
mod json;
mod request;
mod text;

use std::fmt;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

use self::cap::Cap;

pub use self::request::request;
pub use self::text::{Chain, Escaped};
use proxy_config::{LogConfig, LogFormat, LogLevel};

/// Sends this process's events to standard error from now on. Only the first call has an effect, and only what it
/// returns changes anything later.
pub fn init(config: LogConfig) -> Control {
    let is_terminal = std::io::stderr().is_terminal();
    let form = Form::choose(config.format, is_terminal);
    let (subscriber, control) = subscriber(form, config.level, is_terminal, SystemTime, std::io::stderr);
    if subscriber.try_init().is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    control
}

/// Changes what is logged, and in which form, while the program runs.
#[derive(Clone)]
pub struct Control {
    is_terminal: bool,
    json: Gate<Registry>,
    text: Gate<Inner>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Control")
    }
}

/// Lets the events of one form through, or none.
type Gate<S> = reload::Handle<Cap, S>;

impl Control {
    /// As the configuration says from now on.
    pub fn change(&self, config: LogConfig) {
        let (json, text) = Form::choose(config.format, self.is_terminal).gates(config.level);
        // An error says that the subscriber is gone: then nobody reads the log.
        let _ = self.json.reload(json);
        let _ = self.text.reload(text);
    }
}

/// How lines look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Json,
    Text,
}

impl Form {
    fn choose(format: LogFormat, is_terminal: bool) -> Self {
        match (format, is_terminal) {
            (LogFormat::Json, _) | (LogFormat::Auto, false) => Self::Json,
            (LogFormat::Text, _) | (LogFormat::Auto, true) => Self::Text,
        }
    }

    /// What gets through to JSON, and to text.
    fn gates(self, level: LogLevel) -> (Cap, Cap) {
        match self {
            Self::Json => (Cap::at(level), Cap::shut()),
            Self::Text => (Cap::shut(), Cap::at(level)),
        }
    }
}

/// The subscriber that the gate for text stands in.
type Inner = Layered<Box<dyn Layer<Registry> + Send + Sync>, Registry>;

/// Both forms, one of them shut: which one may change later.
fn subscriber<T, W>(
    form: Form,
    level: LogLevel,
    is_terminal: bool,
    timer: T,
    writer: W,
) -> (impl Subscriber + Send + Sync, Control)
where
    T: FormatTime + Clone + Send + Sync + 'static,
    W: for<'a> MakeWriter<'a> + Clone + Send + Sync + 'static,
{
    let (json, text) = form.gates(level);
    let (json, json_gate) = reload::Layer::new(json);
    let (text, text_gate) = reload::Layer::new(text);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer.clone())
        .with_ansi(false)
        .event_format(json::JsonLines(timer.clone()))
        .with_filter(json)
        .boxed();
    let text_lines = tracing_subscriber::fmt::layer().with_writer(writer).with_timer(timer);
    // Colours for a terminal, unless NO_COLOR is set.
    let text_lines = if is_terminal {
        text_lines.with_filter(text).boxed()
    } else {
        text_lines.with_ansi(false).with_filter(text).boxed()
    };
    let control = Control {
        is_terminal,
        json: json_gate,
        text: text_gate,
    };
    (tracing_subscriber::registry().with(lines).with(text_lines), control)
}

/// A panic is a defect: it is logged like everything else. Only a literal message is shown, since a formatted one may
/// hold whatever the code was working on.
fn log_panic(info: &PanicHookInfo<'_>) {
    let message = info
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(formatted message left out)");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(location, message, "panicked");
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::format::Writer;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Clone)]
    struct NoTime;

    impl FormatTime for NoTime {
        fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
            w.write_str("NOW")
        }
    }

    /// What `events` leaves in the log.
    pub(crate) fn captured(form: Form, level: LogLevel, events: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let (subscriber, _) = subscriber(form, level, false, NoTime, move || writer.clone());
        tracing::subscriber::with_default(subscriber, events);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_terminal_gets_text_and_everything_else_json() {
        assert_eq!(Form::choose(LogFormat::Auto, true), Form::Text);
        assert_eq!(Form::choose(LogFormat::Auto, false), Form::Json);
        assert_eq!(Form::choose(LogFormat::Text, false), Form::Text);
        assert_eq!(Form::choose(LogFormat::Json, true), Form::Json);
    }

    #[test]
    fn json_is_one_flat_object_per_line() {
        let text = captured(Form::Json, LogLevel::Info, || {
            tracing::info!(port = 80, "listening\non");
        });
        assert_eq!(
            text,
            "{\"timestamp\":\"NOW\",\"level\":\"INFO\",\"message\":\"listening\\non\",\"port\":80,\
             \"target\":\"signing_proxy::log::tests\"}\n"
        );
    }

    #[test]
    fn an_error_is_written_with_its_causes_in_either_form() {
        let cause = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let error = http_server::BindError {
            addr: "127.0.0.1:80".parse().unwrap(),
            key: "server.listen".to_owned(),
            source: cause,
        };
        for form in [Form::Json, Form::Text] {
            let text = captured(form, LogLevel::Info, || {
                tracing::warn!(error = &error as &dyn std::error::Error, "no listener");
            });
            assert!(text.contains("cannot listen on 127.0.0.1:80"), "{text}");
            assert!(text.contains("address in use"), "{text}");
            assert_eq!(text.lines().count(), 1);
        }
    }

    #[test]
    fn levels_below_the_configured_one_are_left_out() {
        let events = || {
            tracing::warn!("shown");
            tracing::info!("hidden");
        };
        let text = captured(Form::Text, LogLevel::Warn, events);
        assert_eq!(text, "NOW  WARN signing_proxy::log::tests: shown\n");
    }

    #[test]
    fn level_and_form_change_while_it_runs() {
        let captured = Captured::default();
        let writer = captured.clone();
        let (subscriber, control) = subscriber(Form::Text, LogLevel::Warn, false, NoTime, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            let events = || {
                tracing::info!("an event");
                tracing::info!(target: "aws_config::profile", "SECRET");
            };
            events();
            for (format, level) in [
                (LogFormat::Text, LogLevel::Info),
                (LogFormat::Json, LogLevel::Trace),
                (LogFormat::Json, LogLevel::Error),
            ] {
                control.change(LogConfig { format, level });
                events();
            }
        });
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "NOW  INFO signing_proxy::log::tests: an event\n{\"timestamp\":\"NOW\",\"level\":\"INFO\",\
             \"message\":\"an event\",\"target\":\"signing_proxy::log::tests\"}\n"
        );
    }

    #[test]
    fn other_crates_stay_above_their_cap_at_trace() {
        let text = captured(Form::Text, LogLevel::Trace, || {
            tracing::trace!(target: "aws_sigv4::http_request::sign", "SECRET");
            tracing::debug!(target: "aws_smithy_runtime::client::http", "SECRET");
            tracing::info!(target: "aws_config::profile", "SECRET");
            tracing::trace!(target: "hyper::proto::h1::io", "SECRET");
            tracing::debug!(target: "h2::codec::framed_write", "SECRET");
            tracing::debug!(target: "rustls::client::hs", "SECRET");
            tracing::trace!(target: "signing_proxyish", "SECRET");
            tracing::warn!(target: "aws_config::profile", "a warning");
            tracing::trace!(target: "sts_client::cache", "ours");
        });
        assert_eq!(
            text,
            "NOW  WARN aws_config::profile: a warning\nNOW TRACE sts_client::cache: ours\n"
        );
    }
}

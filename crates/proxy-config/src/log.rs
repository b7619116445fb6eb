//! `[log]`: what is logged and how.

/// `[log]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogConfig {
    /// The form of a line.
    pub format: LogFormat,
    /// The least severity that is logged.
    pub level: LogLevel,
}

/// The form of a log line: `log.format`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// `auto`: text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// `text`.
    Text,
    /// `json`.
    Json,
}

/// The least severity that is logged: `log.level`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogLevel {
    /// `error`.
    Error,
    /// `warn`.
    Warn,
    /// `info`: one line per request.
    #[default]
    Info,
    /// `debug`.
    Debug,
    /// `trace`: release builds have nothing below `debug`.
    Trace,
}

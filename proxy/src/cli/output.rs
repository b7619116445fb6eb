//! What the program says and exits with.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use proxy_config::ConfigError;

/// Running failed.
const RUNTIME: u8 = 1;
/// The command line, the configuration or a command's input cannot be used.
const USAGE: u8 = 2;
/// A command that compares or checks found something.
const FINDINGS: u8 = 3;

/// Requests were cut when the program was stopped. Not 4 to 7, for which systemd has other names.
const CUT: u8 = 8;

/// Why the program ends before its time.
#[derive(Debug)]
pub(super) enum Failure {
    /// Wrong arguments; also `--help` and `--version`, which are none.
    Arguments(clap::Error),
    /// Everything that is wrong with the configuration.
    Config(ConfigError),
    /// The credential assets that cannot be read, each a line.
    Assets(Vec<String>),
    /// What a command was given to read.
    Input(String),
    /// What a command that compares or checks found, in one line.
    Findings(String),
    /// Running failed.
    Running(Box<dyn Error + Send + Sync>),
    /// A check failed, and has said why.
    Failed,
    /// Requests were cut when the program was stopped, which the log reports.
    Cut,
}

impl Failure {
    pub(super) fn running(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Running(error.into())
    }

    /// Says why, and gives the exit code. Whoever closed the output does not want to hear it.
    pub(super) fn report(&self) -> ExitCode {
        let code = match self {
            Self::Arguments(error) => {
                let _ = error.print();
                u8::try_from(error.exit_code()).unwrap_or(USAGE)
            }
            Self::Config(_) | Self::Assets(_) | Self::Input(_) => {
                let _ = writeln!(io::stderr().lock(), "{self}");
                USAGE
            }
            Self::Findings(_) => {
                let _ = writeln!(io::stderr().lock(), "{self}");
                FINDINGS
            }
            Self::Failed => RUNTIME,
            Self::Cut => CUT,
            Self::Running(_) => {
                let _ = writeln!(io::stderr().lock(), "{self}");
                RUNTIME
            }
        };
        ExitCode::from(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(error) => error.fmt(f),
            Self::Config(error) => {
                f.write_str("error: the configuration cannot be used")?;
                error
                    .problems()
                    .iter()
                    .try_for_each(|problem| write!(f, "\n  {problem}"))
            }
            Self::Assets(problems) => {
                f.write_str("error: not every credential asset can be read")?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
            Self::Input(problem) => write!(f, "error: the input cannot be used\n  {problem}"),
            Self::Findings(what) => write!(f, "found: {what}"),
            Self::Failed | Self::Cut => Ok(()),
            Self::Running(error) => {
                write!(f, "error: {error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
        }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Arguments(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Prints a warning to standard error, so that standard output holds the document alone.
pub(super) fn warn(text: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(io::stderr().lock(), "warning: {text}");
}

/// Writes to standard output. A reader that has left, such as `head`, has seen enough.
pub(super) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::running(error)),
        _ => Ok(()),
    }
}

//! Runs the program of an `exec:` asset.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::{Zeroize as _, Zeroizing};

use super::command_line::CommandLine;
use crate::asset_cache::Passing;
use crate::environment::Environment;
use crate::error::{AssetProblem, Outlook};

/// The most that is read of a program's output, in bytes: as of a file.
pub const MAX_OUTPUT_BYTES: u64 = 64 * 1024;

/// Variables that all programs get.
const ALL_GET: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"];
/// How the names of others begin.
const ALL_GET_FROM: [&str; 3] = ["LC_", "XDG_", "SSL_CERT_"];

/// How programs of `exec:` assets are run.
///
/// # Environment
///
/// All programs get `PATH`, `HOME`, `USER`, `LANG`, `TZ`, `TMPDIR`, `LC_*`, `XDG_*`, `SSL_CERT_*` and `*_PROXY` in both cases,
/// as far as they are set: what finds programs, files, certificates and the HTTP proxy. Nothing else: an environment is
/// where the secrets of other connections are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandSettings {
    /// How long a program may run; it is killed then.
    pub timeout: Duration,
    /// How long its output is used before it is run again; zero runs it at each read.
    pub cache: Duration,
    /// Names of variables that programs get besides [those that all get](crate::CommandSettings#environment).
    pub environment: Vec<String>,
}

impl Default for CommandSettings {
    /// 10 s and 30 s.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            cache: Duration::from_secs(30),
            environment: Vec::new(),
        }
    }
}

/// Why a program gave no secret. What it wrote is in none of them.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandProblem {
    /// There is no such program, or it may not be run.
    #[error("the program cannot be started: {reason}")]
    NotStarted {
        /// What the system says.
        reason: io::ErrorKind,
    },
    /// It ran for too long and was killed.
    #[error("the program did not end within {} s", limit.as_secs_f64())]
    TimedOut {
        /// The time it had.
        limit: Duration,
    },
    /// It ended with an error.
    #[error("the program ended with {}", code.map_or("a signal".to_owned(), |code| format!("exit code {code}")))]
    Failed {
        /// Its exit code; `None` where a signal ended it.
        code: Option<i32>,
    },
    /// Its output is hardly a secret.
    #[error("the program wrote more than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: u64,
    },
    /// Its output is no text.
    #[error("the program's output is not UTF-8")]
    NotUtf8,
    /// The pipe from the program broke.
    #[error("the program's output cannot be read: {reason}")]
    Unreadable {
        /// What the system says.
        reason: io::ErrorKind,
    },
}

impl AssetProblem for CommandProblem {
    fn outlook(&self) -> Outlook {
        match self {
            Self::TimedOut { .. } | Self::Failed { .. } | Self::Unreadable { .. } => Outlook::Passing,
            Self::NotStarted { .. } | Self::TooLarge { .. } | Self::NotUtf8 => Outlook::Local,
        }
    }

    fn remedy(&self) -> &'static str {
        "run the program as the user that the proxy runs as: it has to print the secret within assets.exec.timeout, and to \
         end with 0."
    }

    fn is_of_server(&self) -> bool {
        false
    }
}

impl Passing for CommandProblem {
    fn is_passing(&self) -> bool {
        self.outlook() == Outlook::Passing
    }
}

/// The variables that programs get: those that all get, and these.
pub(super) fn variables(environment: &dyn Environment, more: &[String]) -> Vec<(String, OsString)> {
    let passes = |name: &str| {
        ALL_GET.contains(&name)
            || ALL_GET_FROM.iter().any(|start| name.starts_with(start))
            || name.ends_with("_PROXY")
            || name.ends_with("_proxy")
            || more.iter().any(|more| more == name)
    };
    let names = environment.names().into_iter().filter(|name| passes(name));
    names
        .filter_map(|name| environment.variable(&name).map(|value| (name, value)))
        .collect()
}

/// Runs the program to its end.
///
/// It has no input, its standard error is thrown away, and these variables are its environment. Dropping the future
/// kills it.
pub(super) async fn run(
    command: &CommandLine,
    limit: Duration,
    variables: Vec<(String, OsString)>,
) -> Result<Zeroizing<String>, CommandProblem> {
    let mut child = Command::new(command.program())
        .args(command.arguments())
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| CommandProblem::NotStarted { reason: error.kind() })?;
    let course = async {
        let output = match child.stdout.take() {
            Some(stdout) => text(stdout).await?,
            None => Zeroizing::default(),
        };
        let status = child.wait().await.map_err(unreadable)?;
        if status.success() {
            Ok(output)
        } else {
            Err(CommandProblem::Failed { code: status.code() })
        }
    };
    timeout(limit, course)
        .await
        .unwrap_or(Err(CommandProblem::TimedOut { limit }))
}

async fn text(stdout: impl AsyncRead + Unpin) -> Result<Zeroizing<String>, CommandProblem> {
    // One byte more than the limit shows that there is more, and the full capacity at once keeps the vector from
    // leaving copies of the secret behind as it grows.
    let most = MAX_OUTPUT_BYTES + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(most).unwrap_or(usize::MAX)));
    stdout.take(most).read_to_end(&mut bytes).await.map_err(unreadable)?;
    if bytes.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(CommandProblem::TooLarge {
            limit: MAX_OUTPUT_BYTES,
        });
    }
    String::from_utf8(std::mem::take(&mut *bytes))
        .map(Zeroizing::new)
        .map_err(|error| {
            error.into_bytes().zeroize();
            CommandProblem::NotUtf8
        })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn unreadable(error: io::Error) -> CommandProblem {
    CommandProblem::Unreadable { reason: error.kind() }
}

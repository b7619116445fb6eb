//! Reports to the service manager: the datagrams of `sd_notify(3)`, for units of systemd with `Type=notify`.
//!
//! The protocol is one datagram of `NAME=VALUE` lines to the socket that `$NOTIFY_SOCKET` names. Where there is none, nothing is
//! reported. The crate `sd-notify` knows no abstract sockets and blocks while the manager's queue is full, so this is our own.

use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram as StdDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proxy_config::Environment;
use rustix::time::{ClockId, clock_gettime};
use tokio::net::UnixDatagram;
use tokio::time::timeout;

/// How long one report may take where the manager's queue is full, as it may be while a machine starts.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// The service manager that started this process, if it wants reports.
#[derive(Debug)]
pub(crate) struct ServiceManager {
    socket: Option<ManagerSocket>,
    watchdog: Option<Duration>,
}

/// What is reported.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ServiceState<'a> {
    /// The listeners are open and the configuration is in effect; also after a reload, whatever its outcome.
    Ready,
    /// The configuration is being loaded again.
    Reloading,
    /// The shutdown has begun.
    Stopping,
    /// One line for people, which `systemctl status` shows.
    Status(&'a str),
    /// The process and each of its threads respond.
    Watchdog,
}

#[derive(Debug)]
struct ManagerSocket {
    address: SocketAddr,
    connected: UnixDatagram,
    has_failed: AtomicBool,
}

impl ServiceManager {
    /// The one that the environment names. Needs a tokio runtime with I/O. A socket that cannot be used is logged.
    pub(crate) fn of(environment: &Environment) -> Self {
        let socket = environment.get("NOTIFY_SOCKET").and_then(|name| {
            let socket = address(name).and_then(ManagerSocket::connect);
            let logged = socket.inspect_err(|error| {
                tracing::warn!(
                    socket = name,
                    error = error as &dyn std::error::Error,
                    "the service manager cannot be reached: it will not know when the proxy is ready"
                );
            });
            logged.ok()
        });
        let variable = |name| environment.get(name).map(str::trim);
        Self {
            watchdog: watchdog_interval(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id())
                .filter(|_| socket.is_some()),
            socket,
        }
    }

    /// How often [`ServiceState::Watchdog`] is due: half of the time after which the manager ends the process without it. `None` where it
    /// does not watch.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Reports these states at once. A failure is logged, and changes nothing.
    pub(crate) async fn report(&self, states: &[ServiceState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let message: Vec<_> = states.iter().map(ToString::to_string).collect();
        let message = message.join("\n");
        let outcome = timeout(SEND_TIMEOUT, socket.send(message.as_bytes())).await;
        let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match outcome {
            Ok(()) => socket.has_failed.store(false, Ordering::Relaxed),
            // Once is enough: the watchdog reports all the while.
            Err(error) if !socket.has_failed.swap(true, Ordering::Relaxed) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the service manager takes no reports"
            ),
            Err(_) => {}
        }
    }
}

impl ManagerSocket {
    fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            connected: connected(&address)?,
            address,
            has_failed: AtomicBool::new(false),
        })
    }

    /// Connected, so that the kernel reports when a full queue has room. A manager that has opened its socket again has another
    /// one behind the same name.
    async fn send(&self, message: &[u8]) -> io::Result<()> {
        let sent = match self.connected.send(message).await {
            Err(error) if is_gone(error.kind()) => connected(&self.address)?.send(message).await,
            outcome => outcome,
        };
        sent.map(drop)
    }
}

fn connected(address: &SocketAddr) -> io::Result<UnixDatagram> {
    let socket = StdDatagram::unbound()?;
    socket.connect_addr(address)?;
    socket.set_nonblocking(true)?;
    UnixDatagram::from_std(socket)
}

fn is_gone(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotConnected | io::ErrorKind::ConnectionReset
    )
}

/// A path, or after `@` a name of Linux's abstract namespace. Machines report to their host by `vsock:`, services do not.
fn address(name: &str) -> io::Result<SocketAddr> {
    match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None if name.starts_with('/') => SocketAddr::from_pathname(name),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "NOTIFY_SOCKET must begin with / or @",
        )),
    }
}

/// Half of `$WATCHDOG_USEC`, where that is for this process.
fn watchdog_interval(microseconds: Option<&str>, process: Option<&str>, own: u32) -> Option<Duration> {
    let limit = Duration::from_micros(microseconds?.parse().ok()?);
    let is_ours = process.is_none_or(|process| process.parse() == Ok(own));
    Some(limit / 2).filter(|interval| is_ours && !interval.is_zero())
}

impl fmt::Display for ServiceState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("READY=1"),
            // systemd 253 and later compare this with the time at which they sent SIGHUP, to know that it was noticed.
            Self::Reloading => write!(f, "RELOADING=1\nMONOTONIC_USEC={}", monotonic_microseconds()),
            Self::Stopping => f.write_str("STOPPING=1"),
            // A line of its own would be another variable.
            Self::Status(text) => {
                let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                write!(f, "STATUS={line}")
            }
            Self::Watchdog => f.write_str("WATCHDOG=1"),
        }
    }
}

fn monotonic_microseconds() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(microseconds: Option<&str>, process: Option<&str>, want: Option<u64>) {
        let want = want.map(Duration::from_micros);
        assert_eq!(watchdog_interval(microseconds, process, 7), want);
    }

    #[test]
    fn the_watchdog_is_due_in_half_of_its_time_for_the_process_that_it_is_for() {
        check(Some("30000000"), None, Some(15_000_000));
        check(Some("4"), Some("7"), Some(2));
        check(Some("30000000"), Some("8"), None);
        check(Some("30000000"), Some(""), None);
        for none in [Some("0"), Some("-5"), Some("soon"), None] {
            check(none, None, None);
        }
    }

    #[test]
    fn sockets_are_paths_or_abstract_names() {
        let path = address("/run/systemd/notify").unwrap();
        assert_eq!(path.as_pathname().unwrap().to_str(), Some("/run/systemd/notify"));
        let name = address("@/org/freedesktop/systemd1/notify").unwrap();
        assert_eq!(name.as_abstract_name(), Some(&b"/org/freedesktop/systemd1/notify"[..]));
        let long = format!("/{}", "x".repeat(200));
        for bad in ["vsock:2:1234", "notify", "", &long] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(ServiceState::Status("a\nREADY=1\tb").to_string(), "STATUS=a READY=1 b");
        let reloading = ServiceState::Reloading.to_string();
        let (first, second) = reloading.split_once('\n').unwrap();
        assert_eq!(first, "RELOADING=1");
        let at: i64 = second.strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
        assert!(at > 0 && at <= monotonic_microseconds());
    }
}

//! `signing-proxy healthcheck`: one probe of the admin listener, for containers that have no shell and no other program.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use proxy_config::{Environment, Overrides, admin_address};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::block_on;
use super::output::{Failure, print, warn};

/// More than the first line of a response has.
const MAX_HEAD_BYTES: u64 = 4096;

/// Where the probe may take at most.
const LONGEST: Duration = Duration::from_mins(1);

/// What `healthcheck` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit codes: 0 where the listener responds with 200, 1 where it does not, or not in time, 2 where the command line is wrong.

Without --admin the address is $SIGNING_PROXY_SERVER__ADMIN, else server.admin of the file that serve would read, of which
nothing else is read; of a file that is broken, the first line that gives it one.

Examples:
  signing-proxy healthcheck --config /etc/signing-proxy/signing-proxy.toml
  signing-proxy healthcheck --admin 127.0.0.1:9901 --live")]
pub struct HealthcheckArgs {
    /// The configuration file of `serve`.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The address of the admin listener.
    #[arg(long, value_name = "IP:PORT", value_parser = admin)]
    pub admin: Option<String>,
    /// Request /livez, whether the process responds, instead of /readyz, whether it wants requests.
    #[arg(long)]
    pub live: bool,
    /// Request /readyz of this connection: whether it has valid credentials.
    #[arg(long, value_name = "NAME", conflicts_with = "live")]
    pub connection: Option<String>,
    /// How long it may take, at most a minute.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = duration)]
    pub timeout: Duration,
}

/// As it is written.
fn admin(text: &str) -> Result<String, String> {
    let is_address = text == "off" || text.parse::<SocketAddr>().is_ok();
    let allowed = || r#"must be an IP address and a port, such as "127.0.0.1:9901""#.to_owned();
    is_address.then(|| text.to_owned()).ok_or_else(allowed)
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() || duration > LONGEST {
        return Err("must be from 1ms to 1m".to_owned());
    }
    Ok(duration)
}

pub(super) fn run(args: &HealthcheckArgs, environment: &Environment) -> Result<(), Failure> {
    let overrides = Overrides {
        file: args.config.clone(),
        admin: args.admin.clone(),
        ..Overrides::default()
    };
    let written = admin_address(&overrides, environment);
    if let Some(problem) = &written.problem {
        // A file that was broken after the start is no reason to have a proxy killed that serves.
        warn(&format!("{problem}; requesting {}", written.address));
    }
    let address = reachable(&written.address).map_err(Failure::running)?;
    let target = match &args.connection {
        _ if args.live => "/livez".to_owned(),
        Some(name) => format!("/readyz?connection={name}"),
        None => "/readyz".to_owned(),
    };
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::running("--connection is no name of a connection"));
    }
    let probe = async {
        let probe = timeout(args.timeout, probe(address, &target)).await;
        probe.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    };
    match block_on(Builder::new_current_thread(), probe)? {
        Ok(200) => print(format!("{target}: 200\n").as_bytes()),
        Ok(status) => Err(Failure::running(format!("http://{address}{target}: {status}"))),
        Err(error) => Err(Failure::running(format!("http://{address}{target}: {error}"))),
    }
}

/// Where the listener can be reached from this machine: one for all addresses by IPv4's loopback, which `[::]` serves as well.
fn reachable(written: &str) -> Result<SocketAddr, String> {
    if written == "off" {
        return Err("server.admin is off: there is no listener to request".to_owned());
    }
    let mut address: SocketAddr = written
        .parse()
        .map_err(|_| format!("server.admin is {written}, which is no IP address with a port: give --admin"))?;
    if address.port() == 0 {
        return Err("server.admin has port 0: give --admin with the one that was taken".to_owned());
    }
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(address)
}

/// The status of the response.
async fn probe(address: SocketAddr, target: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    let version = env!("CARGO_PKG_VERSION");
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: signing-proxy-healthcheck/{version}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    let mut response = stream.take(MAX_HEAD_BYTES);
    while !head.contains(&b'\n') {
        if response.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    status(&head).ok_or_else(|| io::Error::other("the response is not HTTP"))
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(b"HTTP/1.1 ")?;
    std::str::from_utf8(line.get(..3)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_is_reached_where_it_is_open_for_this_machine() {
        for (written, want) in [
            ("127.0.0.1:9901", Ok("127.0.0.1:9901")),
            ("0.0.0.0:9901", Ok("127.0.0.1:9901")),
            ("[::]:9901", Ok("127.0.0.1:9901")),
            ("[::1]:9901", Ok("[::1]:9901")),
            ("10.0.0.7:1", Ok("10.0.0.7:1")),
            ("off", Err("server.admin is off: there is no listener to request")),
            (
                "127.0.0.1:0",
                Err("server.admin has port 0: give --admin with the one that was taken"),
            ),
            (
                "localhost:9901",
                Err("server.admin is localhost:9901, which is no IP address with a port: give --admin"),
            ),
        ] {
            let found = reachable(written);
            let found = found.as_ref().map(ToString::to_string).map_err(String::as_str);
            assert_eq!(found.as_deref().map_err(|error| *error), want, "{written}");
        }
    }

    #[test]
    fn a_status_is_that_of_a_first_line_of_http() {
        assert_eq!(status(b"HTTP/1.1 200 OK\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.1 503 Service Unavailable\r\n"), Some(503));
        for other in [&b"HTTP/1.1 2"[..], b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 abc\r\n"] {
            assert_eq!(status(other), None);
        }
    }

    #[test]
    fn a_probe_takes_a_minute_at_most() {
        assert_eq!(duration("3s"), Ok(Duration::from_secs(3)));
        for bad in ["0s", "61s", "3", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}

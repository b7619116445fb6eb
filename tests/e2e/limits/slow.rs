//! Clients that take their responses too slowly, or not at all.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// A socket that does not hide how fast it is read.
async fn small_buffer(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a socket option");
    socket.connect(to).await.expect("somebody listens")
}

/// Reads pieces at this interval to the end; how many bytes, and whether the end was one.
async fn read_slowly(socket: &mut TcpStream, interval: Duration) -> (usize, std::io::Result<()>) {
    let (mut piece, mut all) = ([0; 16 * 1024], 0);
    loop {
        sleep(interval).await;
        match socket.read(&mut piece).await {
            Ok(0) => return (all, Ok(())),
            Ok(read) => all += read,
            Err(error) => return (all, Err(error)),
        }
    }
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_is_ended() {
    let slow = "limits.min_download_rate = \"4MiB\"\ntimeouts.body_idle = \"1s\"";
    let (proxy, _upstream) = start("", slow).await;
    for version in ["HTTP/1.1", "HTTP/1.0"] {
        let mut socket = small_buffer(listener(&proxy, "a")).await;
        socket.write_all(get_on(version, LONG).as_bytes()).await.unwrap();
        let reading = read_slowly(&mut socket, Duration::from_millis(50));
        let (read, ended) = timeout(LONGEST_WAIT, reading).await.expect("it ends");
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset, "{version}");
        assert!(read < LARGE, "{read}");
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_ended() {
    let (proxy, _upstream) = start("write_timeout = \"1s\"", "").await;
    for (number, version) in (1..).zip(["HTTP/1.1", "HTTP/1.0"]) {
        let mut socket = small_buffer(listener(&proxy, "a")).await;
        socket.write_all(get_on(version, LONG).as_bytes()).await.unwrap();
        reaches(
            &proxy,
            "signing_proxy_client_connections_ended_total{reason=\"write-timeout\"}",
            number,
        )
        .await;
        let (read, ended) = read_slowly(&mut socket, Duration::ZERO).await;
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset, "{version}");
        assert!(read < LARGE, "{read}");
    }
}

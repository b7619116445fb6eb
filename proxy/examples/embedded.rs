//! The proxy as a library: a program that signs its own plain HTTP requests by a proxy inside itself.
//!
//! ```sh
//! cargo run --release -- sandbox                                          # in another terminal; prints the address of its S3
//! cargo run -p signing-proxy --example embedded -- http://127.0.0.1:PORT AKIA… SECRET /BUCKET/KEY
//! ```

use std::error::Error;

use proxy_config::{Config, Environment};
use signing_proxy::app::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example prints what it did")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, access_key_id, secret_access_key, path] = arguments.as_slice() else {
        return Err("usage: embedded ENDPOINT ACCESS_KEY_ID SECRET_ACCESS_KEY PATH".into());
    };
    let proxy = start(endpoint, access_key_id, secret_access_key).await?;
    println!("{}", get(&proxy, path).await?);
    // Requests that run are served to their end.
    proxy.shutdown().await;
    Ok(())
}

/// A proxy with one connection for S3 at `endpoint`, on a port that the system chooses. It reads no file and no variable, opens no
/// other listener and installs no signal handler.
pub(crate) async fn start(endpoint: &str, access_key_id: &str, secret_access_key: &str) -> Outcome<Proxy> {
    let toml = format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        admin = "off"

        [connections.store]
        service = "s3"
        region = "us-east-1"
        endpoint = "{endpoint}"

        [connections.store.auth]
        method = "access-key"
        access_key_id = "{access_key_id}"
        secret_access_key = "literal:{secret_access_key}"
        "#
    );
    let config = Config::from_toml(&toml, &Environment::empty().with_schemes(sts_client::asset_schemes()))?;
    Ok(Proxy::start(config).await?)
}

/// The whole response, head and body, to a request that nobody has signed yet.
pub(crate) async fn get(proxy: &Proxy, path: &str) -> Outcome<String> {
    let address = proxy.addr().ok_or("there is a listener for all connections")?;
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

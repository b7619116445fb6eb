//! Both ends of a load test: the service, and the client that sends requests at a constant rate. And what signing a
//! body takes at least: its SHA-256.
//!
//! `load_tool upstream FOLDER`, `load_tool rate URL PER_SECOND SECONDS CONNECTIONS` and `load_tool sha256 BYTES`;
//! `tests/load/run` starts them. `load_tool soak-service FOLDER SEED FAULTS SESSION_SECONDS` and
//! `load_tool soak HOST:PORT PER_SECOND SECONDS CONNECTIONS SEED FAULTS`; `tests/load/soak` does. FAULTS is of 1,000.

mod rate;
mod soak;
mod upstream;

use std::error::Error;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["upstream", folder] => upstream::serve(folder.as_ref()).await,
        ["rate", url, per_second, seconds, connections] => {
            let plan = rate::Plan {
                url: url.parse()?,
                per_second: per_second.parse()?,
                seconds: seconds.parse()?,
                connections: connections.parse()?,
            };
            rate::run(plan).await
        }
        ["soak-service", folder, seed, faults, session] => {
            let settings = soak::Settings {
                folder: folder.into(),
                seed: seed.parse()?,
                faults: faults.parse()?,
                session: Duration::from_secs(session.parse()?),
            };
            soak::serve(settings).await
        }
        ["soak", authority, per_second, seconds, connections, seed, faults] => {
            let load = soak::Load {
                authority: (*authority).to_owned(),
                per_second: per_second.parse()?,
                seconds: seconds.parse()?,
                connections: connections.parse()?,
                seed: seed.parse()?,
                faults: faults.parse()?,
            };
            soak::run(load).await
        }
        ["sha256", bytes] => {
            hash(bytes.parse()?);
            Ok(())
        }
        _ => Err("usage: see the first lines of tests/load/tool/main.rs".into()),
    }
}

/// Hashes so many bytes, as the proxy does: with aws-lc, from a buffer that stays in the processor's cache.
fn hash(bytes: u64) {
    let block = vec![b'x'; 64 * 1024];
    let mut context = Context::new(&SHA256);
    let mut left = bytes;
    while left > 0 {
        let length = left.min(block.len() as u64);
        context.update(&block[..usize::try_from(length).unwrap_or(block.len())]);
        left -= length;
    }
    std::hint::black_box(context.finish());
}

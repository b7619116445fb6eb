//! Both ends of a load test: the service that is asked, and the client that asks at a constant rate.
//!
//! `load_tool upstream FOLDER` and `load_tool rate URL PER_SECOND SECONDS CONNECTIONS`; `tests/load/run` starts them.

mod rate;
mod upstream;

use std::error::Error;

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
        _ => Err("usage: load_tool upstream FOLDER | load_tool rate URL PER_SECOND SECONDS CONNECTIONS".into()),
    }
}

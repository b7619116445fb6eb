//! Requests at a constant rate, whatever the responses take: a late response delays no other request, and its time counts
//! from when it should have been sent, so that a stall is seen by every request that falls into it.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::Outcome;

/// What is requested, and how often.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) url: Uri,
    pub(super) per_second: u32,
    pub(super) seconds: u32,
    /// The requests take turns on so many connections.
    pub(super) connections: u32,
}

/// Runs the plan and prints what came of it, in microseconds, as JSON.
pub(super) async fn run(plan: Plan) -> Outcome {
    // Time to connect before the first is due.
    let begin = Instant::now() + Duration::from_millis(500);
    let mut workers = JoinSet::new();
    for worker in 0..plan.connections {
        workers.spawn(drive(plan.clone(), worker, begin));
    }
    let mut times = Vec::new();
    let mut failed = 0_u64;
    while let Some(worker) = workers.join_next().await {
        let (took, errors) = worker??;
        times.extend(took);
        failed += errors;
    }
    times.sort_unstable();
    let at = |per_mille: usize| times.get((times.len() * per_mille / 1000).min(times.len().saturating_sub(1)));
    let report = serde_json::json!({
        "requests": times.len(),
        "failed": failed,
        "p50_us": at(500),
        "p90_us": at(900),
        "p99_us": at(990),
        "p999_us": at(999),
        "max_us": times.last(),
    });
    println!("{report}");
    Ok(())
}

/// One connection's share of the requests: how long each took, and how many failed.
async fn drive(plan: Plan, worker: u32, begin: Instant) -> Outcome<(Vec<u64>, u64)> {
    let authority = plan.url.authority().ok_or("the URL has no host")?.to_string();
    let mut sender = connect(&authority).await?;
    let (mut times, mut failed) = (Vec::new(), 0);
    let total = plan.per_second * plan.seconds;
    for number in (worker..total).step_by(plan.connections as usize) {
        let due = begin + Duration::from_secs(1) * number / plan.per_second;
        sleep_until(due).await;
        match request(&mut sender, &plan.url, &authority).await {
            Ok(()) => times.push(u64::try_from(due.elapsed().as_micros())?),
            Err(_) => {
                failed += 1;
                sender = connect(&authority).await?;
            }
        }
    }
    Ok((times, failed))
}

async fn connect(authority: &str) -> Outcome<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn request(sender: &mut SendRequest<Empty<Bytes>>, url: &Uri, authority: &str) -> Outcome {
    let request = Request::get(url.path()).header("host", authority).body(Empty::new())?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let is_success = response.status().is_success();
    response.into_body().collect().await?;
    if is_success {
        Ok(())
    } else {
        Err("an error status".into())
    }
}

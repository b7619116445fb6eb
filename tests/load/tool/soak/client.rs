//! The client of the soak: requests at a constant rate whatever comes of those before, each compared with what has to come of it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::NUMBER;
use super::content::{Content, sha256};
use super::fault::{Expected, Fault};
use super::mixture::Mixture;
use super::plan::{Operation, Plan};
use super::pool::{Body, NoResponse, Pool};
use super::service::UNAVAILABLE;
use super::tally::{Seen, Tally};
use crate::Outcome;

/// So many requests are under way at most, which the share of one client allows. Beyond it the rate is not held, and the
/// report shows that.
const UNDER_WAY: u32 = 500;
const LONGEST: Duration = Duration::from_secs(60);
/// Pieces of a body without a length.
const PIECE: usize = 16 << 10;

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// The proxy's, with its port.
    pub(crate) authority: String,
    pub(crate) per_second: u32,
    pub(crate) seconds: u32,
    pub(crate) connections: usize,
    pub(crate) seed: u64,
    /// So many of 1,000 requests meet a fault.
    pub(crate) faults: u64,
}

#[derive(Debug)]
struct Client {
    authority: String,
    content: Content,
    pool: Pool,
    tally: Mutex<Tally>,
}

/// Sends all of it, and prints what came of it as JSON.
pub(crate) async fn run(load: Load) -> Outcome {
    let mixture = Mixture {
        seed: load.seed,
        faults: load.faults,
    };
    let client = Arc::new(Client {
        content: Content::new(load.seed),
        pool: Pool::new(load.authority.clone(), load.connections),
        authority: load.authority,
        tally: Mutex::default(),
    });
    let places = Arc::new(Semaphore::new(UNDER_WAY as usize));
    let total = u64::from(load.per_second) * u64::from(load.seconds);
    let begin = Instant::now();
    let mut ticks = interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut sent = 0;
    while sent < total {
        ticks.tick().await;
        let due = begin.elapsed().as_micros() * u128::from(load.per_second) / 1_000_000;
        let due = u64::try_from(due).unwrap_or(u64::MAX).min(total);
        for number in sent..due {
            let place = Arc::clone(&places).acquire_owned().await?;
            let client = Arc::clone(&client);
            let since = begin + Duration::from_micros(number * 1_000_000 / u64::from(load.per_second));
            tokio::spawn(async move {
                client.one(&mixture.plan(number), since).await;
                drop(place);
            });
        }
        sent = due;
    }
    let seconds = begin.elapsed().as_secs_f64();
    drop(places.acquire_many(UNDER_WAY).await?);
    let mut tally = client.tally.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{}", tally.report(seconds, client.pool.opened()));
    Ok(())
}

impl Client {
    async fn one(&self, plan: &Plan, since: Instant) {
        let seen = match timeout(LONGEST, self.exchange(plan)).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(error)) => Seen::Other(error.0),
            Err(_) => Seen::Other("nothing within a minute".to_owned()),
        };
        let took = since.elapsed().as_micros();
        self.tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .note(plan, &seen, took);
    }

    async fn exchange(&self, plan: &Plan) -> Result<Seen, NoResponse> {
        let request = self.request(plan).map_err(|error| NoResponse(error.to_string()))?;
        let (response, sender) = self.pool.send(request, plan.is_http2).await?;
        let (seen, is_whole) = self.outcome(plan, response).await;
        if let Some(sender) = sender.filter(|_| is_whole && plan.fault != Fault::Early) {
            self.pool.give_back(sender);
        }
        Ok(seen)
    }

    fn request(&self, plan: &Plan) -> Result<Request<Body>, http::Error> {
        let (scheme, version) = if plan.is_http2 {
            ("http://", Version::HTTP_2)
        } else {
            ("", Version::HTTP_11)
        };
        let authority = if plan.is_http2 { self.authority.as_str() } else { "" };
        let mut request = Request::builder()
            .method(plan.operation.method())
            .version(version)
            .uri(format!(
                "{scheme}{authority}/@{}{}",
                plan.connection.name(),
                plan.target
            ))
            .header(NUMBER, plan.number);
        if !plan.is_http2 {
            request = request.header("host", &self.authority);
        }
        request = match plan.operation {
            Operation::GetItem => json(request).header("x-amz-target", "DynamoDB_20120810.GetItem"),
            Operation::PutItem => json(request).header("x-amz-target", "DynamoDB_20120810.PutItem"),
            Operation::Invoke | Operation::InvokeStream => request.header("content-type", "application/json"),
            Operation::PutOnce => request.header("if-none-match", "*"),
            Operation::Put => request.header("x-amz-meta-soak", "a value, with  two spaces"),
            Operation::Get | Operation::Head | Operation::Delete => request,
        };
        request.body(body(plan.body(&self.content), plan.is_chunked))
    }

    /// What the client sees, and whether it has seen all of it.
    async fn outcome(&self, plan: &Plan, response: Response<Incoming>) -> (Seen, bool) {
        let (head, body) = response.into_parts();
        let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            let seen = if head.status == plan.status() {
                Seen::As(Expected::Broken)
            } else {
                Seen::Other("broken".to_owned())
            };
            return (seen, false);
        };
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let is_head = plan.operation == Operation::Head;
        let error = text("x-signing-proxy-error");
        let seen = match (head.status.as_u16(), error) {
            (status, None) if status == plan.status() => {
                if text(NUMBER) != Some(plan.number.to_string().as_str()) {
                    Seen::Mixed
                } else if self.is_intact(plan, text("content-length"), &body) {
                    Seen::As(Expected::Success)
                } else {
                    Seen::As(Expected::Corrupted)
                }
            }
            (503, None) if is_head || body == UNAVAILABLE.as_bytes() => Seen::As(Expected::Unavailable),
            (502, Some(_)) => Seen::As(Expected::Failed),
            (status, error) => {
                let start = String::from_utf8_lossy(&body).chars().take(300).collect::<String>();
                Seen::Other(format!("{status}, {error:?}: {start}"))
            }
        };
        (seen, true)
    }

    fn is_intact(&self, plan: &Plan, length: Option<&str>, body: &Bytes) -> bool {
        match plan.operation {
            Operation::Head => length == Some(plan.response.length.to_string().as_str()) && body.is_empty(),
            Operation::Delete => body.is_empty(),
            _ => sha256(body) == sha256(&self.content.part(plan.response)),
        }
    }
}

fn json(request: http::request::Builder) -> http::request::Builder {
    request.header("content-type", "application/x-amz-json-1.0")
}

fn body(content: Bytes, is_chunked: bool) -> Body {
    if !is_chunked {
        return Full::new(content).boxed_unsync();
    }
    let mut pieces = VecDeque::new();
    let mut content = content;
    while !content.is_empty() {
        pieces.push_back(content.split_to(PIECE.min(content.len())));
    }
    let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

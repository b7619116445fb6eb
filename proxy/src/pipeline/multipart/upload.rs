//! The requests of one multipart upload, and its end in any case.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderValue, Method, Response, StatusCode, Uri, response};
use http_body_util::BodyExt;
use signer::WireTarget;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::plan::{self, Kind, MAX_PARTS};
use super::{memory, xml};
use crate::body::{BodyErrorKind, Content, Part, PartReader};
use crate::config::ConnectionConfig;
use crate::error::{ERROR_HEADER, ErrorCode, ProxyError};
use crate::pipeline::Pipeline;
use crate::pipeline::payload::Framed;
use crate::pipeline::sign::Exchanged;
use crate::pipeline::steps::Ready;
use crate::share::ClientKey;
use crate::strip;

/// Parts under way at a time, besides the one that is being filled.
const PARALLEL: usize = 2;

/// The answers to all of these requests are short.
const MAX_ANSWER: usize = 64 * 1024;

/// How often an abort is tried.
const ABORTS: u32 = 3;

/// One upload. Shared by the tasks that send its parts.
pub(super) struct Upload {
    pipeline: Arc<Pipeline>,
    /// The client's `PutObject`.
    ready: Ready,
    /// Who sends it.
    client: ClientKey,
}

/// Why there is no object.
pub(super) enum Failure {
    /// The store says so; this is for the client.
    Refused(Box<Response<Bytes>>),
    /// The proxy does.
    Failed(ProxyError),
}

impl From<ProxyError> for Failure {
    fn from(error: ProxyError) -> Self {
        Self::Failed(error)
    }
}

/// A store's answer, read to its end.
struct Answer {
    head: response::Parts,
    body: Bytes,
}

/// A part that was stored: its number and its tag.
type Stored = (u16, String);

impl Upload {
    pub(super) fn new(pipeline: Arc<Pipeline>, ready: Ready, client: ClientKey) -> Arc<Self> {
        Arc::new(Self {
            pipeline,
            ready,
            client,
        })
    }

    /// The whole upload, whose first part is here already. Counts the `attempts` of all its requests.
    pub(super) async fn run(
        self: &Arc<Self>,
        reader: &mut PartReader,
        first: Part,
        attempts: &mut u8,
    ) -> Result<Response<Bytes>, Failure> {
        let created = self.ask(Kind::Create, "uploads", Content::Empty, attempts).await?;
        let id = created.text("UploadId").ok_or_else(|| unexpected("no UploadId"))?;
        let mut started = Started {
            upload: Arc::clone(self),
            id: percent_encoded(&id).into(),
            is_complete: false,
        };
        let stored = self.send_parts(&started.id, reader, first, attempts).await?;
        let query = format!("uploadId={}", started.id);
        let document = Content::from(Bytes::from(xml::completion(&stored)));
        let completed = self.ask(Kind::Complete, &query, document, attempts).await?;
        // S3 says 200 before it has put the parts together, and may still fail.
        let Some(tag) = completed.text("ETag") else {
            return Err(Failure::Refused(Box::new(completed.into_late_refusal())));
        };
        started.is_complete = true;
        let tag = HeaderValue::try_from(tag).map_err(|_| unexpected("an ETag that is no header"))?;
        Ok(completed.into_stored(tag))
    }

    /// Sends the parts as they come; gives them in their order.
    async fn send_parts(
        self: &Arc<Self>,
        id: &Arc<str>,
        reader: &mut PartReader,
        first: Part,
        attempts: &mut u8,
    ) -> Result<Vec<Stored>, Failure> {
        let mut under_way = JoinSet::new();
        let mut stored = Vec::new();
        let mut note = |outcome: Result<(Result<Stored, Failure>, u8), JoinError>| {
            let (part, tries) = outcome.map_err(|error| ProxyError::new(ErrorCode::Internal).with_cause(error))?;
            *attempts = attempts.saturating_add(tries);
            stored.push(part?);
            Ok::<_, Failure>(())
        };
        let mut part = first;
        for number in 1..=MAX_PARTS {
            while under_way.len() >= PARALLEL {
                if let Some(outcome) = under_way.join_next().await {
                    note(outcome)?;
                }
            }
            let is_last = part.is_last;
            let (upload, id) = (Arc::clone(self), Arc::clone(id));
            under_way.spawn(async move { upload.send_part(number, &id, part.content, part.sha256).await });
            if is_last {
                while let Some(outcome) = under_way.join_next().await {
                    note(outcome)?;
                }
                stored.sort_unstable_by_key(|(number, _)| *number);
                return Ok(stored);
            }
            let size = plan::part_size(self.ready.route.config.part_size, number.saturating_add(1));
            let storage = self.pipeline.storage.of(&self.client);
            let reading = reader.part(size, memory(&self.ready), &storage);
            tokio::pin!(reading);
            part = loop {
                tokio::select! {
                    part = &mut reading => break part.map_err(ProxyError::from)?,
                    Some(outcome) = under_way.join_next() => note(outcome)?,
                }
            };
        }
        let max = self.ready.route.config.limits.max_body;
        Err(ProxyError::from(BodyErrorKind::TooLarge { max }).into())
    }

    async fn send_part(
        self: Arc<Self>,
        number: u16,
        id: &str,
        content: Content,
        sha256: [u8; 32],
    ) -> (Result<Stored, Failure>, u8) {
        let mut attempts = 0;
        let query = format!("partNumber={number}&uploadId={id}");
        if let Content::Spooled { length, .. } = content {
            self.pipeline.spooled.add(length);
        }
        let answer = self.send(Kind::Part, &query, content, sha256, &mut attempts).await;
        let stored = answer.and_then(|answer| {
            let tag = answer.head.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
            let tag = tag.ok_or_else(|| unexpected("a part without an ETag"))?;
            Ok((number, tag.to_owned()))
        });
        (stored, attempts)
    }

    /// As [`send`](Self::send), with a body that is not hashed yet.
    async fn ask(&self, kind: Kind, query: &str, content: Content, attempts: &mut u8) -> Result<Answer, Failure> {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, content.as_slice().unwrap_or_default()).as_ref());
        self.send(kind, query, content, sha256, attempts).await
    }

    /// One request; an answer that is none of success is a failure.
    async fn send(
        &self,
        kind: Kind,
        query: &str,
        content: Content,
        sha256: [u8; 32],
        attempts: &mut u8,
    ) -> Result<Answer, Failure> {
        let lanes = &self.pipeline.lanes;
        let lane = lanes
            .get(self.ready.route.name())
            .ok_or(ProxyError::from(ErrorCode::Internal))?;
        let method = match kind {
            Kind::Create | Kind::Complete => Method::POST,
            Kind::Part => Method::PUT,
            Kind::Abort => Method::DELETE,
        };
        let mut ready = self.ready.clone();
        ready.head.method = method;
        ready.head.uri = self.target(query)?;
        ready.head.headers = plan::headers_for(kind, &self.ready.head.headers);
        if kind == Kind::Complete {
            let xml = HeaderValue::from_static("application/xml");
            ready.head.headers.insert(CONTENT_TYPE, xml);
        }
        let framed = Framed::whole(ready, content, sha256, 0);
        // Each of the requests has its own: between them it is the client that is waited for.
        let _permit = lane.upstream.permit(&self.client).await?;
        let exchanged = self.pipeline.exchange(lane, &framed, &self.client, attempts).await?;
        let answer = Answer::read(exchanged, &self.ready.route.config).await?;
        if answer.head.status.is_success() {
            Ok(answer)
        } else {
            Err(Failure::Refused(Box::new(answer.into_response())))
        }
    }

    /// The object's own target with this query.
    fn target(&self, query: &str) -> Result<Uri, ProxyError> {
        let internal =
            |error: &dyn std::fmt::Display| ProxyError::new(ErrorCode::Internal).with_cause(error.to_string());
        let uri = &self.ready.head.uri;
        let text = format!("{}?{query}", uri.path());
        let wire = WireTarget::parse(&text, self.ready.route.traits.path_encoding).map_err(|error| internal(&error))?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(wire.to_path_and_query());
        Uri::from_parts(parts).map_err(|error| internal(&error))
    }

    /// Tells the store to forget the parts.
    async fn abort(&self, id: &str) {
        for _ in 0..ABORTS {
            let answer = self
                .ask(Kind::Abort, &format!("uploadId={id}"), Content::Empty, &mut 0)
                .await;
            match answer {
                Ok(_) => return,
                // It was never there, or is gone already.
                Err(Failure::Refused(answer)) if answer.status() == StatusCode::NOT_FOUND => return,
                Err(_) => sleep(Duration::from_secs(1)).await,
            }
        }
        tracing::warn!(
            connection = %self.ready.route.name(),
            "a multipart upload could not be aborted; a lifecycle rule of the bucket should remove its parts"
        );
    }
}

/// An upload that the store knows of. Dropped before it is complete, it is aborted.
struct Started {
    upload: Arc<Upload>,
    /// As it stands in a query.
    id: Arc<str>,
    is_complete: bool,
}

impl Drop for Started {
    fn drop(&mut self) {
        // Without a runtime the process is ending.
        if let (false, Ok(runtime)) = (self.is_complete, Handle::try_current()) {
            let (upload, id) = (Arc::clone(&self.upload), Arc::clone(&self.id));
            runtime.spawn(async move { upload.abort(&id).await });
        }
    }
}

impl Answer {
    async fn read(exchanged: Exchanged, config: &ConnectionConfig) -> Result<Self, ProxyError> {
        let idle = config.timeouts.body_idle;
        let (mut head, mut body) = exchanged.response.into_parts();
        strip::response_headers(&mut head.headers, config.pass_fields);
        if let Some(notice) = exchanged.notice {
            head.headers
                .insert(ERROR_HEADER, HeaderValue::from_static(notice.name()));
        }
        head.headers.remove(CONTENT_LENGTH);
        let mut bytes = BytesMut::new();
        loop {
            let frame = timeout(idle, body.frame())
                .await
                .map_err(|_| ErrorCode::UpstreamTimeout)?;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| ProxyError::new(ErrorCode::UpstreamFailed).with_cause(error))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > MAX_ANSWER {
                return Err(unexpected("an answer of more than 64 KiB"));
            }
            bytes.extend_from_slice(&data);
        }
        let body = bytes.freeze();
        Ok(Self { head, body })
    }

    /// The text of an element of the body.
    fn text(&self, name: &str) -> Option<String> {
        xml::text(std::str::from_utf8(&self.body).ok()?, name)
    }

    /// For the client, as it is.
    fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.head.status;
        *response.headers_mut() = self.head.headers;
        response
    }

    /// An error that came after a `200`.
    fn into_late_refusal(mut self) -> Response<Bytes> {
        self.head.status = match self.text("Code").as_deref() {
            Some("PreconditionFailed") => StatusCode::PRECONDITION_FAILED,
            Some("ConditionalRequestConflict") => StatusCode::CONFLICT,
            Some("NoSuchUpload") => StatusCode::NOT_FOUND,
            Some("SlowDown" | "ServiceUnavailable") => StatusCode::SERVICE_UNAVAILABLE,
            Some("AccessDenied") => StatusCode::FORBIDDEN,
            Some("EntityTooSmall" | "InvalidPart" | "InvalidPartOrder" | "InvalidRequest") => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        self.into_response()
    }

    /// As S3 answers a `PutObject`.
    fn into_stored(mut self, tag: HeaderValue) -> Response<Bytes> {
        self.head.headers.remove(CONTENT_TYPE);
        self.head.headers.insert(ETAG, tag);
        self.body = Bytes::new();
        self.into_response()
    }
}

fn unexpected(what: &'static str) -> ProxyError {
    ProxyError::new(ErrorCode::UpstreamFailed).with_cause(what)
}

/// Every byte but unreserved characters as `%XX`.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

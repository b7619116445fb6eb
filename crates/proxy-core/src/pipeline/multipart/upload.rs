//! The requests of one multipart upload, and its end in any case.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderValue, Response, StatusCode, response};
use http_body_util::BodyExt;
use proxy_config::ConnectionConfig;
use request_body::{BodyContent, BodyErrorKind, BodyPart, PartReader};
use resource_limits::ClientKey;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::{part_memory, xml};
use crate::authorize::AuthorizedHead;
use crate::error::{ERROR_HEADER, ErrorCode, ProxyError};
use crate::pipeline::exchange::Exchanged;
use crate::pipeline::limits::SharedLimits;
use crate::pipeline::runtime::ConnectionRuntime;
use crate::plan::{MAX_PARTS, UploadRequest, WholeBody, part_size};
use crate::strip;

/// Parts in flight at a time, besides the one that is being filled.
const PARALLEL: usize = 2;

/// The responses to all of these requests are short.
const MAX_RESPONSE: usize = 64 * 1024;

/// How often an abort is tried.
const ABORTS: u32 = 3;

/// One upload. Shared by the tasks that send its parts.
pub(super) struct Upload {
    runtime: Arc<ConnectionRuntime>,
    limits: SharedLimits,
    /// The client's `PutObject`: that it may be sent holds for all requests of the upload.
    put: AuthorizedHead,
    client: ClientKey,
}

/// Why there is no object.
pub(super) enum Failure {
    /// The store has rejected a request; this is for the client.
    Rejected(Box<Response<Bytes>>),
    /// The proxy does.
    Failed(ProxyError),
}

impl From<ProxyError> for Failure {
    fn from(error: ProxyError) -> Self {
        Self::Failed(error)
    }
}

/// A store's response, read to its end.
struct StoreResponse {
    head: response::Parts,
    body: Bytes,
}

/// A part that was stored: its number and its tag.
type Stored = (u16, String);

impl Upload {
    pub(super) fn new(
        runtime: Arc<ConnectionRuntime>,
        limits: SharedLimits,
        put: AuthorizedHead,
        client: ClientKey,
    ) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            limits,
            put,
            client,
        })
    }

    /// The whole upload, whose first part is here already. Counts the `attempts` of all its requests.
    pub(super) async fn run(
        self: &Arc<Self>,
        reader: &mut PartReader,
        first: BodyPart,
        attempts: &mut u8,
    ) -> Result<Response<Bytes>, Failure> {
        let created = self
            .hash_and_send(UploadRequest::Create, BodyContent::Empty, attempts)
            .await?;
        let id = created.text("UploadId").ok_or_else(|| unexpected("no UploadId"))?;
        let mut started = Started {
            upload: Arc::clone(self),
            id: percent_encoded(&id).into(),
            is_complete: false,
        };
        let stored = self.send_parts(&started.id, reader, first, attempts).await?;
        let upload_id = &*started.id;
        let document = BodyContent::from(Bytes::from(xml::completion(&stored)));
        let completed = self
            .hash_and_send(UploadRequest::Complete { upload_id }, document, attempts)
            .await?;
        // S3 says 200 before it has put the parts together, and may still fail.
        let Some(tag) = completed.text("ETag") else {
            return Err(Failure::Rejected(Box::new(completed.into_late_rejection())));
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
        first: BodyPart,
        attempts: &mut u8,
    ) -> Result<Vec<Stored>, Failure> {
        let mut in_flight = JoinSet::new();
        let mut stored = Vec::new();
        let mut note = |outcome: Result<(Result<Stored, Failure>, u8), JoinError>| {
            let (part, tries) = outcome.map_err(|error| ProxyError::new(ErrorCode::Internal).with_cause(error))?;
            *attempts = attempts.saturating_add(tries);
            stored.push(part?);
            Ok::<_, Failure>(())
        };
        let mut part = first;
        for number in 1..=MAX_PARTS {
            while in_flight.len() >= PARALLEL {
                if let Some(outcome) = in_flight.join_next().await {
                    note(outcome)?;
                }
            }
            let is_last = part.is_last;
            let (upload, id) = (Arc::clone(self), Arc::clone(id));
            in_flight.spawn(async move { upload.send_part(number, &id, part.content, part.sha256).await });
            if is_last {
                while let Some(outcome) = in_flight.join_next().await {
                    note(outcome)?;
                }
                stored.sort_unstable_by_key(|(number, _)| *number);
                return Ok(stored);
            }
            let config = &self.runtime.route.config;
            let size = part_size(config.part_size, number.saturating_add(1));
            let storage = self.limits.storage_of(&self.client);
            let reading = reader.part(size, part_memory(config), &storage);
            tokio::pin!(reading);
            part = loop {
                tokio::select! {
                    part = &mut reading => break part.map_err(ProxyError::from)?,
                    Some(outcome) = in_flight.join_next() => note(outcome)?,
                }
            };
        }
        let max = self.runtime.route.config.limits.max_body;
        Err(ProxyError::from(BodyErrorKind::TooLarge { max }).into())
    }

    async fn send_part(
        self: Arc<Self>,
        number: u16,
        id: &str,
        content: BodyContent,
        sha256: [u8; 32],
    ) -> (Result<Stored, Failure>, u8) {
        let mut attempts = 0;
        self.limits.note_spooled(&content);
        let request = UploadRequest::Part { number, upload_id: id };
        let response = self.send(request, content, sha256, &mut attempts).await;
        let stored = response.and_then(|response| {
            let tag = response.head.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
            let tag = tag.ok_or_else(|| unexpected("a part without an ETag"))?;
            Ok((number, tag.to_owned()))
        });
        (stored, attempts)
    }

    /// As [`send`](Self::send), with a body that is not hashed yet.
    async fn hash_and_send(
        &self,
        request: UploadRequest<'_>,
        content: BodyContent,
        attempts: &mut u8,
    ) -> Result<StoreResponse, Failure> {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, content.as_slice().unwrap_or_default()).as_ref());
        self.send(request, content, sha256, attempts).await
    }

    /// One request; a response that is none of success is a failure.
    async fn send(
        &self,
        request: UploadRequest<'_>,
        content: BodyContent,
        sha256: [u8; 32],
        attempts: &mut u8,
    ) -> Result<StoreResponse, Failure> {
        let authorized = self.put.upload_request(request, WholeBody::new(content, sha256))?;
        // Each of the requests has its own: between them it is the client that is waited for.
        let _permit = self.runtime.upstream.permit(&self.client).await?;
        let exchanged = self.runtime.exchange(&authorized, &self.client, attempts).await?;
        let response = StoreResponse::read(exchanged, &self.runtime.route.config).await?;
        if response.head.status.is_success() {
            Ok(response)
        } else {
            Err(Failure::Rejected(Box::new(response.into_response())))
        }
    }

    /// Has the store remove the parts.
    async fn abort(&self, upload_id: &str) {
        for _ in 0..ABORTS {
            let request = UploadRequest::Abort { upload_id };
            match self.hash_and_send(request, BodyContent::Empty, &mut 0).await {
                Ok(_) => return,
                // It was never there, or is gone already.
                Err(Failure::Rejected(response)) if response.status() == StatusCode::NOT_FOUND => return,
                Err(_) => sleep(Duration::from_secs(1)).await,
            }
        }
        tracing::warn!(
            connection = %self.runtime.name(),
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

impl StoreResponse {
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
            if bytes.len() + data.len() > MAX_RESPONSE {
                return Err(unexpected("a response of more than 64 KiB"));
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
    fn into_late_rejection(mut self) -> Response<Bytes> {
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

    /// As S3 responds to a `PutObject`.
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

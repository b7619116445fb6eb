//! Seams for the fuzz targets; nothing else uses them.
//!
//! What untrusted bytes meet before anything leaves the machine: a head from [`admit`] to its final
//! spelling, and a body's framing. Only there with `--cfg fuzzing`, which cargo-fuzz sets.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use auth_model::ConnectionName;
use bytes::Bytes;
use futures_util::stream;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proxy_config::Config;
use request_body::{
    BodyLimits, BodyStorage, EventMessage, EventReader, PayloadFraming, Progress, ReadTimeout, collect,
};
use resource_limits::{ClientKey, DescriptorLimit, ListenerRole, PoolSize};
use signer::{Envelope, SigningScope};

use crate::admit::admit;
use crate::authenticate::authenticate;
use crate::error::{Accept, ErrorCode, ErrorShape, ProxyError, render};
use crate::normalize::Normalized;
use crate::pipeline::RouteError;
use crate::route::{Route, Router};

/// This proxy's name in `Via`.
const PSEUDONYM: &str = "signing-proxy-fuzzed";

/// The pipeline up to the body.
#[derive(Debug)]
pub struct HeadSteps(Router<Arc<Route>>);

/// A head that nothing was found against.
#[derive(Debug)]
pub struct Ready {
    /// The connection that was chosen.
    pub connection: ConnectionName,
    /// What it is signed for.
    pub scope: SigningScope,
    /// The head that would be signed; its target says where it would be sent.
    pub head: Parts,
}

/// A body off the wire.
#[derive(Debug)]
pub struct Body {
    /// What is sent upstream.
    pub data: Bytes,
    /// Headers out of its trailer.
    pub trailers: Vec<(HeaderName, HeaderValue)>,
}

impl HeadSteps {
    /// The steps for the configured connections.
    ///
    /// # Errors
    ///
    /// [`RouteError`] where a connection has nowhere to go.
    pub fn new(config: &Config) -> Result<Self, RouteError> {
        Router::new(config, Ok).map(Self)
    }

    /// Takes a head as far as it gets without credentials.
    ///
    /// # Errors
    ///
    /// The error that the client would get.
    pub fn pass(&self, head: Parts, listener: &ListenerRole) -> Result<Ready, ProxyError> {
        let admitted = admit(head, PSEUDONYM)?;
        let routed = self.0.route(authenticate(admitted), listener)?;
        let normalized = Normalized::of_routed(routed, PSEUDONYM)?;
        Ok(Ready {
            connection: normalized.route().name().clone(),
            scope: normalized.route().scope.clone(),
            head: normalized.head().clone(),
        })
    }

    /// The error response to a client that sent these headers.
    #[must_use]
    pub fn reject(&self, error: &ProxyError, headers: &HeaderMap) -> Response<Bytes> {
        render(
            error,
            "0-000001",
            ErrorShape::choose(Accept::of(headers), self.0.common_protocol(&ListenerRole::Shared)),
        )
    }
}

/// Reads a body that comes in these pieces and is framed as its head says, up to `max` bytes.
///
/// # Errors
///
/// The error that the client would get.
pub async fn read_body(headers: &mut HeaderMap, pieces: &[&[u8]], max: u64) -> Result<Body, ProxyError> {
    let framing = PayloadFraming::take_from(headers)?;
    let frames = pieces
        .iter()
        .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))));
    let size = |total| PoolSize {
        total,
        reserve_percent: 0,
    };
    let client = ClientKey::new(ListenerRole::Shared, Ipv4Addr::LOCALHOST.into());
    let storage = BodyStorage::empty(std::env::temp_dir(), &DescriptorLimit::none());
    storage.resize(size(1 << 20), size(0));
    let storage = storage.of(&client);
    let limits = BodyLimits {
        memory: max,
        max,
        storage: &storage,
    };
    let body = StreamBody::new(stream::iter(frames));
    let timeout = ReadTimeout::new(Duration::from_mins(1));
    let collected = collect(body, framing, limits, timeout, &mut 0).await?;
    let sent = collected.content.body(None, Progress::new()).collect().await;
    Ok(Body {
        data: sent.map_err(|_| ErrorCode::Internal)?.to_bytes(),
        trailers: collected.trailers,
    })
}

/// Takes an event stream that comes in these pieces apart: its messages out of their envelopes, `None` for an envelope
/// around nothing; and whether it ends with a whole one.
///
/// # Errors
///
/// What is wrong, in words.
pub fn read_messages(pieces: &[&[u8]]) -> Result<(Vec<Option<Bytes>>, bool), String> {
    let mut reader = EventReader::default();
    let mut messages = Vec::new();
    for piece in pieces {
        let mut piece = Bytes::copy_from_slice(piece);
        while let Some(message) = reader.take(&mut piece).map_err(|malformed| malformed.to_string())? {
            messages.push(match message {
                EventMessage::Plain(behind_room) => Some(behind_room.freeze().slice(Envelope::HEAD..)),
                EventMessage::End => None,
            });
        }
    }
    Ok((messages, reader.is_empty()))
}

//! Bedrock runtime: responses at once, as a real event stream, frame after frame, or in a stream that repeats each
//! message. Lists no asynchronous invocations.

mod responses;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::api::{Api, Call, Identity};
use crate::event::Reason;
use crate::eventstream::EVENT_STREAM;
use crate::response::{Body, BodyError, ok};
use crate::service_error::{ServiceError, Shape};
use crate::stream_gate::{StreamGate, StreamWatch};

/// The stand-in.
pub(crate) struct Bedrock {
    pub(crate) gate: StreamGate,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Operation {
    InvokeModel,
    InvokeModelWithResponseStream,
    Converse,
    ConverseStream,
    InvokeModelWithBidirectionalStream,
}

impl Operation {
    const ALL: [(Self, &str, &str); 5] = [
        (Self::InvokeModel, "invoke", "InvokeModel"),
        (
            Self::InvokeModelWithResponseStream,
            "invoke-with-response-stream",
            "InvokeModelWithResponseStream",
        ),
        (Self::Converse, "converse", "Converse"),
        (Self::ConverseStream, "converse-stream", "ConverseStream"),
        (
            Self::InvokeModelWithBidirectionalStream,
            "invoke-with-bidirectional-stream",
            "InvokeModelWithBidirectionalStream",
        ),
    ];
}

/// `POST /model/MODEL/VERB`. An ARN's slash must be `%2F`, as at AWS: a bare one makes another path.
fn route(head: &Parts) -> Option<(Operation, &'static str, String)> {
    let (model, verb) = head.uri.path().strip_prefix("/model/")?.split_once('/')?;
    let (operation, _, name) = Operation::ALL.into_iter().find(|(_, known, _)| *known == verb)?;
    let model = percent_decode_str(model).decode_utf8().ok()?.into_owned();
    (head.method == Method::POST && !model.is_empty()).then_some((operation, name, model))
}

/// `GET /async-invoke`.
fn is_listing(head: &Parts) -> bool {
    head.method == Method::GET && head.uri.path() == "/async-invoke"
}

#[async_trait]
impl Api for Bedrock {
    fn identity(&self) -> Identity {
        Identity {
            service: "bedrock-runtime",
            signing_name: "bedrock",
            shape: Shape::RestJson,
            action_prefix: "bedrock",
        }
    }

    fn operation(&self, head: &Parts, _body: &[u8]) -> Option<String> {
        if is_listing(head) {
            return Some("ListAsyncInvokes".to_owned());
        }
        route(head).map(|(_, name, _)| name.to_owned())
    }

    fn stream(&self, head: &Parts) -> Option<StreamWatch> {
        let (operation, ..) = route(head)?;
        (operation == Operation::InvokeModelWithBidirectionalStream).then(|| self.gate.watch_replies())
    }

    async fn respond(&self, call: Call<'_>) -> Result<Response<Body>, ServiceError> {
        if is_listing(call.head) {
            return Ok(ok(
                "application/json",
                json!({ "asyncInvokeSummaries": [] }).to_string(),
            ));
        }
        let (operation, _, model) = route(call.head).ok_or_else(|| {
            ServiceError::of_operation(
                "UnknownOperationException",
                StatusCode::NOT_FOUND,
                "The sandbox knows POST /model/MODEL/invoke, invoke-with-response-stream, \
                 invoke-with-bidirectional-stream, converse and converse-stream, and GET /async-invoke",
            )
        })?;
        let request: Value = serde_json::from_slice(call.body)
            .map_err(|_| ServiceError::new(Reason::BadRequest, "Malformed input request: the body is not JSON"))?;
        let prompt = responses::prompt(&request);
        let words = responses::words(&model, &prompt);
        match operation {
            Operation::InvokeModel => Ok(ok("application/json", responses::message(&model, &words).to_string())),
            Operation::Converse => Ok(ok("application/json", responses::stream(&words).to_string())),
            Operation::InvokeModelWithResponseStream => Ok(self.streamed(responses::invoke_frames(&model, &words))),
            Operation::ConverseStream => Ok(self.streamed(responses::turn_frames(&words))),
            // Its response is made in `stream`.
            Operation::InvokeModelWithBidirectionalStream => Err(ServiceError::new(
                Reason::BadRequest,
                "This operation streams in both directions",
            )),
        }
    }
}

impl Bedrock {
    /// Sends each frame as a chunk of its own; all but the first wait at the gate.
    fn streamed(&self, frames: Vec<Bytes>) -> Response<Body> {
        let watch = self.gate.watch(frames.len());
        let body = stream::unfold((frames.into_iter(), watch), |(mut frames, mut watch)| async move {
            let frame = frames.next()?;
            watch.pass().await;
            Some((Ok::<_, BodyError>(Frame::data(frame)), (frames, watch)))
        });
        let mut response = Response::new(StreamBody::new(body).boxed_unsync());
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        response
    }
}

//! An error response, and how each AWS protocol words it.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::cbor;
use crate::event::{Outcome, Reason};
use crate::response::{Body, full, ok};
use crate::xml::Xml;

/// The XML namespace of every response of STS.
pub(crate) const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Why a request is not carried out; becomes an error response in the service's own shape.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ServiceError {
    pub(crate) reason: Reason,
    /// A code of the operation itself, where the reason alone does not tell it.
    specific: Option<(&'static str, StatusCode)>,
    pub(crate) message: String,
}

impl ServiceError {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            specific: None,
            message: message.into(),
        }
    }

    /// An error of the operation itself, such as a parameter that is out of bounds.
    pub(crate) fn of_operation(code: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            reason: Reason::BadRequest,
            specific: Some((code, status)),
            message: message.into(),
        }
    }

    pub(crate) fn code(&self, shape: Shape) -> &'static str {
        self.specific.map_or_else(|| shape.code(self.reason), |(code, _)| code)
    }

    /// As an event reports it.
    pub(crate) fn outcome(&self, shape: Shape) -> Outcome {
        Outcome::Rejected {
            reason: self.reason,
            code: self.code(shape).to_owned(),
            why: self.message.clone(),
        }
    }

    fn status(&self, shape: Shape) -> StatusCode {
        self.specific
            .map_or_else(|| shape.status(self.reason), |(_, status)| status)
    }

    /// The message in the response: these are worded in their own way.
    fn wording(&self, shape: Shape) -> &str {
        match (shape, self.code(shape)) {
            (Shape::Ec2, "AuthFailure") => "AWS was not able to validate the provided access credentials",
            (Shape::Ec2, "RequestExpired") => "Request has expired.",
            (Shape::S3, "InvalidAccessKeyId") => "The AWS Access Key Id you provided does not exist in our records.",
            (Shape::S3, "InvalidToken") => "The provided token is malformed or otherwise invalid.",
            (Shape::S3, "ExpiredToken") => "The provided token has expired.",
            (Shape::S3, "RequestTimeTooSkewed") => {
                "The difference between the request time and the current time is too large."
            }
            _ => &self.message,
        }
    }

    fn cbor_response(&self) -> Response<Body> {
        let (shape, code) = (Shape::Cbor, self.code(Shape::Cbor));
        let mut response = cbor_ok(&json!({ "__type": code, "message": self.wording(shape) }));
        *response.status_mut() = self.status(shape);
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static(code));
        response
    }

    /// The response.
    pub(crate) fn response(&self, shape: Shape, request_id: &str) -> Response<Body> {
        let code = self.code(shape);
        let body = match shape {
            Shape::S3 => Xml::document()
                .element("Error", |x| {
                    x.text("Code", code)
                        .text("Message", self.wording(shape))
                        .text("RequestId", request_id)
                        .text("HostId", "sandbox")
                })
                .into_string(),
            Shape::Ec2 => Xml::document()
                .element("Response", |x| {
                    x.element("Errors", |x| {
                        x.element("Error", |x| x.text("Code", code).text("Message", self.wording(shape)))
                    })
                    .text("RequestID", request_id)
                })
                .into_string(),
            Shape::Query => Xml::document()
                .element_in("ErrorResponse", STS_NAMESPACE, |x| {
                    let blame = if self.status(shape).is_server_error() {
                        "Receiver"
                    } else {
                        "Sender"
                    };
                    x.element("Error", |x| {
                        x.text("Type", blame)
                            .text("Code", code)
                            .text("Message", self.wording(shape))
                    })
                    .text("RequestId", request_id)
                })
                .into_string(),
            Shape::Cbor => return self.cbor_response(),
            Shape::Json => json!({ "__type": code, "message": self.wording(shape) }).to_string(),
            Shape::RestJson => json!({ "message": self.wording(shape) }).to_string(),
        };
        let mut response = Response::new(full(Bytes::from(body)));
        *response.status_mut() = self.status(shape);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(shape.content_type()));
        if matches!(shape, Shape::Json | Shape::RestJson) {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
        }
        response
    }
}

/// A 200 in CBOR.
pub(crate) fn cbor_ok(value: &Value) -> Response<Body> {
    let mut response = ok(Shape::Cbor.content_type(), cbor::encode(value));
    response
        .headers_mut()
        .insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    response
}

/// How a service words its responses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// S3's REST XML.
    S3,
    /// The Query protocol, as STS speaks it.
    Query,
    /// EC2's variant of the Query protocol.
    Ec2,
    /// AWS JSON 1.0 and 1.1: one path, the operation in `x-amz-target`.
    Json,
    /// RPC v2 CBOR, in place of AWS JSON where the request says so.
    Cbor,
    /// REST JSON, as Bedrock speaks it.
    RestJson,
}

impl Shape {
    /// The shape of the response to this request: newer SDKs ask JSON services for CBOR.
    pub(crate) fn requested_by(self, head: &Parts) -> Self {
        let asks_for_cbor = head
            .headers
            .get("smithy-protocol")
            .is_some_and(|value| value == "rpc-v2-cbor");
        if self == Self::Json && asks_for_cbor {
            Self::Cbor
        } else {
            self
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::S3 => "application/xml",
            Self::Query => "text/xml",
            Self::Ec2 => "text/xml;charset=UTF-8",
            Self::Json => "application/x-amz-json-1.1",
            Self::Cbor => "application/cbor",
            Self::RestJson => "application/json",
        }
    }

    /// The code that services of this protocol response with.
    fn code(self, reason: Reason) -> &'static str {
        match self {
            Self::S3 => s3_code(reason),
            Self::Ec2 => ec2_code(reason),
            Self::Query => query_code(reason),
            Self::Json | Self::Cbor | Self::RestJson => json_code(reason),
        }
    }

    fn status(self, reason: Reason) -> StatusCode {
        match (self, reason) {
            (_, Reason::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            (_, Reason::Unavailable) | (Self::S3 | Self::Ec2, Reason::Throttled) => StatusCode::SERVICE_UNAVAILABLE,
            (Self::RestJson, Reason::Throttled) => StatusCode::TOO_MANY_REQUESTS,
            (Self::Ec2, reason) if ec2_code(reason) == "AuthFailure" => StatusCode::UNAUTHORIZED,
            (_, Reason::Throttled | Reason::BadRequest)
            // These response every error of the sender's with 400.
            | (Self::Json | Self::Cbor, _)
            | (
                Self::S3,
                Reason::MalformedAuthorization
                | Reason::WrongRegion
                | Reason::WrongService
                | Reason::WrongScope
                | Reason::InvalidToken
                | Reason::ExpiredToken
                | Reason::BodyHashMismatch,
            )
            | (Self::Query, Reason::MalformedAuthorization)
            | (Self::Ec2, Reason::RequestExpired | Reason::ExpiredToken) => StatusCode::BAD_REQUEST,
            (Self::S3 | Self::Query | Self::Ec2 | Self::RestJson, _) => StatusCode::FORBIDDEN,
        }
    }
}

fn s3_code(reason: Reason) -> &'static str {
    match reason {
        Reason::MissingAuthentication | Reason::UnsignedHeader | Reason::AccessDenied => "AccessDenied",
        Reason::MalformedAuthorization | Reason::WrongRegion | Reason::WrongService | Reason::WrongScope => {
            "AuthorizationHeaderMalformed"
        }
        Reason::UnknownKey => "InvalidAccessKeyId",
        Reason::InvalidToken => "InvalidToken",
        Reason::ExpiredToken => "ExpiredToken",
        Reason::RequestExpired => "RequestTimeTooSkewed",
        Reason::BodyHashMismatch => "XAmzContentSHA256Mismatch",
        Reason::SignatureMismatch => "SignatureDoesNotMatch",
        Reason::BadRequest => "InvalidRequest",
        Reason::TooLarge => "EntityTooLarge",
        Reason::Throttled => "SlowDown",
        Reason::Unavailable => "ServiceUnavailable",
    }
}

/// EC2 does not tell a wrong key from a wrong signature.
fn ec2_code(reason: Reason) -> &'static str {
    match reason {
        Reason::MissingAuthentication => "MissingAuthenticationToken",
        Reason::MalformedAuthorization
        | Reason::UnknownKey
        | Reason::InvalidToken
        | Reason::WrongRegion
        | Reason::WrongService
        | Reason::WrongScope
        | Reason::UnsignedHeader
        | Reason::BodyHashMismatch
        | Reason::SignatureMismatch => "AuthFailure",
        Reason::ExpiredToken | Reason::RequestExpired => "RequestExpired",
        Reason::AccessDenied => "UnauthorizedOperation",
        Reason::BadRequest => "InvalidParameterValue",
        Reason::TooLarge => "RequestEntityTooLarge",
        Reason::Throttled => "RequestLimitExceeded",
        Reason::Unavailable => "Unavailable",
    }
}

fn query_code(reason: Reason) -> &'static str {
    match reason {
        Reason::MissingAuthentication => "MissingAuthenticationToken",
        Reason::MalformedAuthorization => "IncompleteSignature",
        Reason::UnknownKey | Reason::InvalidToken => "InvalidClientTokenId",
        Reason::ExpiredToken => "ExpiredToken",
        Reason::WrongRegion
        | Reason::WrongService
        | Reason::WrongScope
        | Reason::RequestExpired
        | Reason::UnsignedHeader
        | Reason::BodyHashMismatch
        | Reason::SignatureMismatch => "SignatureDoesNotMatch",
        Reason::AccessDenied => "AccessDenied",
        Reason::BadRequest => "ValidationError",
        Reason::TooLarge => "RequestEntityTooLarge",
        Reason::Throttled => "Throttling",
        Reason::Unavailable => "ServiceUnavailable",
    }
}

fn json_code(reason: Reason) -> &'static str {
    match reason {
        Reason::MissingAuthentication => "MissingAuthenticationTokenException",
        Reason::MalformedAuthorization => "IncompleteSignatureException",
        Reason::UnknownKey | Reason::InvalidToken => "UnrecognizedClientException",
        Reason::ExpiredToken => "ExpiredTokenException",
        Reason::WrongRegion
        | Reason::WrongService
        | Reason::WrongScope
        | Reason::RequestExpired
        | Reason::UnsignedHeader
        | Reason::BodyHashMismatch
        | Reason::SignatureMismatch => "InvalidSignatureException",
        Reason::AccessDenied => "AccessDeniedException",
        Reason::BadRequest => "ValidationException",
        Reason::TooLarge => "RequestEntityTooLargeException",
        Reason::Throttled => "ThrottlingException",
        Reason::Unavailable => "ServiceUnavailableException",
    }
}

//! Verifies the messages of an event stream: each envelope's time, and its signature over the one before it.
//!
//! Signatures are made again by the `aws-sigv4` crate from the message that the envelope holds.

use std::time::{Duration, SystemTime};

use auth_model::Secret;
use aws_credential_types::Credentials;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_sigv4::event_stream::{sign_empty_message, sign_message};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::event_stream::{HeaderValue, Message};
use http::request::Parts;
use tracing::dispatcher::{self, Dispatch};

use super::Verifier;
use crate::claim::{Claim, Credential};
use crate::event::Reason;
use crate::service_error::ServiceError;
use crate::timestamp;

/// What `x-amz-content-sha256` says of an event stream.
pub(crate) const STREAMING_EVENTS: &str = "STREAMING-AWS4-HMAC-SHA256-EVENTS";

/// The signatures of one event stream, as far as they were found right.
pub(crate) struct EventChain {
    verifier: Verifier,
    credential: Credential,
    secret: Secret,
    /// In hexadecimal digits; at first that of the head.
    previous: String,
    skew: Duration,
    is_over: bool,
}

/// What an envelope held.
#[derive(Debug)]
pub(crate) enum Opened {
    Message(Message),
    /// Nothing: it was the last one.
    End,
}

impl EventChain {
    /// The chain that the signature of a head begins, which has been verified.
    pub(crate) fn new(verifier: &Verifier, head: &Parts, skew: Duration) -> Result<Self, ServiceError> {
        let claim = Claim::read(head)?;
        let key = verifier.keys.find(&claim.credential.access_key_id);
        Ok(Self {
            verifier: verifier.clone(),
            secret: key.ok_or_else(|| mismatch("its key is gone"))?.secret,
            credential: claim.credential,
            previous: claim.signature,
            skew,
            is_over: false,
        })
    }

    /// Whether the last envelope has come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes the next message out of its envelope.
    ///
    /// # Errors
    /// [`Reason::SignatureMismatch`], [`Reason::RequestExpired`], or [`Reason::BadRequest`] for what is no envelope.
    pub(crate) fn open(&mut self, envelope: &Message) -> Result<Opened, ServiceError> {
        if self.is_over {
            return Err(malformed("a message follows the last envelope"));
        }
        let (time, signature) = read_headers(envelope)?;
        let now = self.verifier.clock.now();
        if time > now + self.skew || time + self.skew < now {
            let (time, now) = (timestamp::basic(time), timestamp::basic(now));
            return Err(ServiceError::new(
                Reason::RequestExpired,
                format!("Signature expired: the event of {time} is too far from {now}"),
            ));
        }
        let opened = if envelope.payload().is_empty() {
            Opened::End
        } else {
            let mut payload = envelope.payload().clone();
            let message = read_message_from(&mut payload).map_err(|_| malformed("an envelope holds no message"))?;
            if !payload.is_empty() {
                return Err(malformed("an envelope holds more than one message"));
            }
            Opened::Message(message)
        };
        let expected = self.sign(&opened, time);
        let expected = expected.ok_or_else(|| mismatch("it cannot be signed"))?;
        let is_right = hex::decode(&expected).is_ok_and(|bytes| verify_slices_are_equal(&bytes, &signature).is_ok());
        if !is_right {
            return Err(mismatch("an event's signature differs"));
        }
        self.previous = expected;
        self.is_over = matches!(opened, Opened::End);
        Ok(opened)
    }

    fn sign(&self, opened: &Opened, time: SystemTime) -> Option<String> {
        let key_id = self.credential.access_key_id.as_str();
        let identity: Identity = Credentials::new(key_id, self.secret.expose(), None, None, "sandbox").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.credential.region)
            .name(&self.credential.service)
            .time(time)
            .settings(())
            .build()
            .ok()?;
        // At TRACE `aws-sigv4` logs all it is given.
        let output = dispatcher::with_default(&Dispatch::none(), || match opened {
            Opened::Message(message) => sign_message(message, &self.previous, &params),
            Opened::End => sign_empty_message(&self.previous, &params),
        });
        output.ok().map(|output| output.signature().to_owned())
    }
}

/// The two headers of an envelope, each once and of its type.
fn read_headers(envelope: &Message) -> Result<(SystemTime, Vec<u8>), ServiceError> {
    let (mut time, mut signature) = (None, None);
    for header in envelope.headers() {
        let is_first = match (header.name().as_str(), header.value()) {
            (":date", HeaderValue::Timestamp(date)) => {
                let date = SystemTime::try_from(*date).map_err(|_| malformed(":date is out of range"))?;
                time.replace(date).is_none()
            }
            (":chunk-signature", HeaderValue::ByteArray(bytes)) => signature.replace(bytes.to_vec()).is_none(),
            _ => false,
        };
        if !is_first {
            return Err(malformed("an envelope has :date and :chunk-signature, once each"));
        }
    }
    time.zip(signature)
        .ok_or_else(|| ServiceError::new(Reason::MissingAuthentication, "A message is in no signed envelope"))
}

fn mismatch(detail: &str) -> ServiceError {
    ServiceError::new(
        Reason::SignatureMismatch,
        format!("The request signature we calculated does not match the signature you provided: {detail}"),
    )
}

fn malformed(what: &str) -> ServiceError {
    ServiceError::new(Reason::BadRequest, format!("Malformed event stream: {what}"))
}

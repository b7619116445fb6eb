//! The instance metadata service, version 2 only.
//!
//! A token is had by PUT, lives for 1 s to 6 h, and every GET needs it. Packets are sent with a time to live of 1, and a
//! PUT with `X-Forwarded-For` is rejected, so that neither a router nor a reverse proxy can pass a token on.
//! Source: the EC2 user guide, "Use the Instance Metadata Service to access instance metadata".

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use auth_model::{Clock, Region};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;

use crate::event::{EventSender, Outcome, Reason, VerifiedRequest};
use crate::fault::{Disconnected, FaultSwitch};
use crate::keys::{KeyStore, Principal};
use crate::principals::{ACCOUNT, INSTANCE_ROLE};
use crate::random;
use crate::response::{Body, full, ok};
use crate::server::Handler;
use crate::timestamp;

const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const MAX_TTL_SECONDS: u64 = 21_600;
/// Tokens remembered; past it all expired ones, or else all, are forgotten.
const MAX_TOKENS: usize = 1024;
/// How long the role's credentials live.
const CREDENTIAL_LIFETIME: Duration = Duration::from_hours(6);
const INSTANCE_ID: &str = "i-0sandbox000000001";

/// The metadata service.
pub(crate) struct Imds {
    pub(crate) keys: Arc<KeyStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) region: Region,
    pub(crate) events: EventSender,
    pub(crate) fault: FaultSwitch,
    pub(crate) tokens: Mutex<HashMap<String, SystemTime>>,
}

/// An error here has no body worth reading.
type ImdsResult = Result<Response<Body>, (StatusCode, Reason, &'static str)>;

#[async_trait]
impl Handler for Imds {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Body>, Disconnected> {
        let (head, _) = request.into_parts();
        let response = match self.fault.strike().await? {
            Some(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.reason, "a fault is set")),
            None => self.respond(&head),
        };
        let (response, outcome) = match response {
            Ok(response) => (response, Outcome::Accepted),
            Err((status, reason, why)) => {
                let mut response = Response::new(full(why));
                *response.status_mut() = status;
                let outcome = Outcome::Rejected {
                    reason,
                    code: status.as_str().to_owned(),
                    why: why.to_owned(),
                };
                (response, outcome)
            }
        };
        self.events.send(VerifiedRequest {
            service: "imds",
            operation: None,
            method: head.method,
            path: head.uri.path().to_owned(),
            principal: None,
            key: None,
            region: None,
            outcome,
        });
        Ok(response)
    }

    fn ip_ttl(&self) -> Option<u32> {
        Some(1)
    }
}

impl Imds {
    fn respond(&self, head: &Parts) -> ImdsResult {
        let path = head.uri.path();
        if path == "/latest/api/token" {
            return self.issue_token(head);
        }
        self.check_token(head)?;
        if head.method != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, Reason::BadRequest, "only GET"));
        }
        let zone = format!("{}a", self.region);
        match path.strip_prefix("/latest/").unwrap_or_default() {
            "meta-data/iam/security-credentials" | "meta-data/iam/security-credentials/" => {
                Ok(ok("text/plain", INSTANCE_ROLE.name))
            }
            "dynamic/instance-identity/document" => Ok(ok(
                "text/plain",
                json!({
                    "accountId": ACCOUNT,
                    "region": self.region.as_str(),
                    "availabilityZone": zone,
                    "instanceId": INSTANCE_ID,
                    "instanceType": "t3.nano",
                    "version": "2017-09-30",
                })
                .to_string(),
            )),
            "meta-data/instance-id" => Ok(ok("text/plain", INSTANCE_ID)),
            "meta-data/placement/region" => Ok(ok("text/plain", self.region.as_str().to_owned())),
            "meta-data/placement/availability-zone" => Ok(ok("text/plain", zone)),
            rest => match rest.strip_prefix("meta-data/iam/security-credentials/") {
                Some(role) if role == INSTANCE_ROLE.name => Ok(ok("text/plain", self.credentials())),
                _ => Err((StatusCode::NOT_FOUND, Reason::BadRequest, "not found")),
            },
        }
    }

    fn issue_token(&self, head: &Parts) -> ImdsResult {
        if head.method != Method::PUT {
            return Err((
                StatusCode::METHOD_NOT_ALLOWED,
                Reason::BadRequest,
                "a token is had by PUT",
            ));
        }
        if head.headers.contains_key("x-forwarded-for") {
            return Err((
                StatusCode::FORBIDDEN,
                Reason::AccessDenied,
                "a token is not given to a proxy's client",
            ));
        }
        let seconds = head
            .headers
            .get(TTL_HEADER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok())
            .filter(|seconds| (1..=MAX_TTL_SECONDS).contains(seconds))
            .ok_or((
                StatusCode::BAD_REQUEST,
                Reason::BadRequest,
                "the token's time to live is 1 to 21600 seconds",
            ))?;
        let now = self.clock.now();
        let token = random::token();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, expires_at| now < *expires_at);
        }
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        tokens.insert(token.clone(), now + Duration::from_secs(seconds));
        let mut response = ok("text/plain", token);
        response.headers_mut().insert(TTL_HEADER, HeaderValue::from(seconds));
        Ok(response)
    }

    /// Version 1, a GET without a token, is rejected as with `HttpTokens=required`.
    fn check_token(&self, head: &Parts) -> Result<(), (StatusCode, Reason, &'static str)> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let token = head.headers.get(TOKEN_HEADER).map(HeaderValue::to_str);
        let reason = match token {
            None => Reason::MissingAuthentication,
            Some(token) => match token.ok().and_then(|token| tokens.get(token)) {
                None => Reason::InvalidToken,
                Some(expires_at) if *expires_at <= self.clock.now() => Reason::ExpiredToken,
                Some(_) => return Ok(()),
            },
        };
        Err((StatusCode::UNAUTHORIZED, reason, "a valid token is needed"))
    }

    fn credentials(&self) -> String {
        let now = self.clock.now();
        let principal = Principal::role_session(&INSTANCE_ROLE, INSTANCE_ID);
        let key = self.keys.issue(principal, now, CREDENTIAL_LIFETIME);
        json!({
            "Code": "Success",
            "LastUpdated": timestamp::extended(now),
            "Type": "AWS-HMAC",
            "AccessKeyId": key.access_key_id,
            "SecretAccessKey": key.secret.expose(),
            "Token": key.token.expose(),
            "Expiration": timestamp::extended(key.expires_at),
        })
        .to_string()
    }
}

//! Signs requests for programs that check signatures: JSON lines in, JSON lines out.
//!
//! In: `service`, `region`, `method`, `host`, `target`, `headers` (pairs), `body` (hexadecimal), `access_key_id`,
//! `secret_access_key`, `session_token` (or null), `time` (Unix seconds) and `unsigned_payload`.
//! Out: `target` and `headers` as they go on the wire, or `refused` with the reason.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::{Duration, UNIX_EPOCH};

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, ServiceId, SessionToken};
use aws_endpoints::traits_of;
use aws_lc_rs::digest::{SHA256, digest};
use http::header::{HOST, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use signer::{Payload, SignInput, Signer, SigningScope, WireTarget, clean_headers};

#[derive(Deserialize)]
struct Order {
    service: String,
    region: String,
    method: String,
    host: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    time: u64,
    unsigned_payload: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum SignOutcome {
    Signed {
        target: String,
        headers: Vec<(String, String)>,
    },
    Refused {
        refused: String,
    },
}

fn main() -> Result<(), Box<dyn Error>> {
    let signer = Signer::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let outcome = sign(&signer, &order).unwrap_or_else(|error| SignOutcome::Refused {
            refused: error.to_string(),
        });
        serde_json::to_writer(&mut out, &outcome)?;
        writeln!(out)?;
    }
    Ok(())
}

fn sign(signer: &Signer, order: &Order) -> Result<SignOutcome, Box<dyn Error>> {
    let service = traits_of(&ServiceId::parse(order.service.as_str())?);
    let target = WireTarget::parse(&order.target, service.path_encoding)?;
    let (mut head, ()) = http::Request::builder()
        .method(order.method.as_str())
        .uri(target.to_path_and_query())
        .body(())?
        .into_parts();
    head.headers.insert(HOST, HeaderValue::from_str(&order.host)?);
    for (name, value) in &order.headers {
        head.headers
            .append(name.parse::<HeaderName>()?, HeaderValue::from_str(value)?);
    }
    clean_headers(&mut head.headers);

    let input = SignInput {
        scope: &SigningScope {
            region: Region::parse(order.region.as_str())?,
            name: service.signing_name,
        },
        path_encoding: service.path_encoding,
        credentials: &credentials(order)?,
        payload: payload(order)?,
        time: UNIX_EPOCH + Duration::from_secs(order.time),
    };
    signer.sign(&head, &input)?.apply(&mut head);

    let headers = head
        .headers
        .iter()
        .map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
    Ok(SignOutcome::Signed {
        target: target.as_str().to_owned(),
        headers: headers.collect::<Result<_, Box<dyn Error>>>()?,
    })
}

fn credentials(order: &Order) -> Result<Credentials, Box<dyn Error>> {
    let keys = Credentials::new(
        AccessKeyId::parse(order.access_key_id.as_str())?,
        SecretAccessKey::parse(Secret::new(order.secret_access_key.as_str()))?,
    );
    Ok(match &order.session_token {
        Some(token) => keys.with_session_token(SessionToken::parse(Secret::new(token.as_str()))?),
        None => keys,
    })
}

fn payload(order: &Order) -> Result<Payload, Box<dyn Error>> {
    let body = hex::decode(&order.body)?;
    Ok(if order.unsigned_payload {
        Payload::Unsigned
    } else if body.is_empty() {
        Payload::Empty
    } else {
        Payload::Sha256(digest(&SHA256, &body).as_ref().try_into()?)
    })
}

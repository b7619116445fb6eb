//! The signer alone: signs one request without a body and prints it as a `curl` command.
//!
//! ```sh
//! export AWS_ACCESS_KEY_ID=AKIA… AWS_SECRET_ACCESS_KEY=…
//! cargo run -p signer --example sign_request -- https://s3.eu-west-1.amazonaws.com/my-bucket?list-type=2 s3 eu-west-1
//! ```

#![expect(clippy::print_stdout, reason = "an example prints what it did")]
#![expect(clippy::disallowed_methods, reason = "an example reads its own environment")]

use std::error::Error;
use std::time::SystemTime;

use auth_model::{
    AccessKeyId, Clock as _, Credentials, Region, Secret, SecretAccessKey, ServiceId, SessionToken, SystemClock,
};
use aws_endpoints::traits_of;
use http::Uri;
use http::request::Parts;
use signer::{Payload, SignInput, Signer, SigningScope, WireTarget, clean_headers};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, service, region] = arguments.as_slice() else {
        return Err("usage: sign_request URL SERVICE REGION".into());
    };
    let scope = (ServiceId::parse(service)?, Region::parse(region)?);
    let head = signed_get(url, scope, &from_environment()?, SystemClock.now())?;
    println!("curl '{}'{}", head.uri, curl_headers(&head)?);
    Ok(())
}

/// A `GET` of the URL, signed for the service in the region.
fn signed_get(
    url: &str,
    (service, region): (ServiceId, Region),
    credentials: &Credentials,
    now: SystemTime,
) -> Outcome<Parts> {
    let traits = traits_of(&service);
    let uri: Uri = url.parse()?;
    // The one spelling that every server reads alike. It is signed, so it has to be sent, too.
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let target = WireTarget::parse(target, traits.path_encoding)?;
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(target.to_path_and_query());
    let (mut head, ()) = http::Request::get(Uri::from_parts(parts)?).body(())?.into_parts();
    clean_headers(&mut head.headers);
    let input = SignInput {
        scope: &SigningScope {
            region,
            name: traits.signing_name,
        },
        path_encoding: traits.path_encoding,
        credentials,
        payload: Payload::Empty,
        time: now,
    };
    Signer::new().sign(&head, &input)?.apply(&mut head);
    Ok(head)
}

fn curl_headers(head: &Parts) -> Outcome<String> {
    let fields = head.headers.iter().filter(|(name, _)| *name != "host");
    let options = fields.map(|(name, value)| Ok(format!(" -H '{name}: {}'", value.to_str()?)));
    options.collect()
}

fn from_environment() -> Outcome<Credentials> {
    let id = AccessKeyId::parse(std::env::var("AWS_ACCESS_KEY_ID")?)?;
    let secret = SecretAccessKey::parse(Secret::new(std::env::var("AWS_SECRET_ACCESS_KEY")?))?;
    let credentials = Credentials::new(id, secret);
    Ok(match std::env::var("AWS_SESSION_TOKEN") {
        Ok(token) => credentials.with_session_token(SessionToken::parse(Secret::new(token))?),
        Err(_) => credentials,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// The example "GET bucket lifecycle" of S3's documentation.
    #[test]
    fn the_documented_request_gets_the_documented_signature() {
        let credentials = Credentials::new(
            AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap(),
            SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")).unwrap(),
        );
        let scope = (ServiceId::parse("s3").unwrap(), Region::parse("us-east-1").unwrap());
        // 2013-05-24.
        let now = UNIX_EPOCH + Duration::from_hours(380_376);
        let head = signed_get(
            "https://examplebucket.s3.amazonaws.com/?lifecycle",
            scope,
            &credentials,
            now,
        )
        .unwrap();
        let shown = curl_headers(&head).unwrap();
        assert!(
            shown.contains("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
            "{shown}"
        );
        assert_eq!(head.uri, "https://examplebucket.s3.amazonaws.com/?lifecycle=");
    }
}

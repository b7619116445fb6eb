//! What a service's answer to the harmless request says about the connection.

mod foreign;
mod scope;
mod shape;

use aws_errors::{ErrorClass, ErrorResponse, MAX_BODY, decoded};
use http::StatusCode;

use super::denied;
use super::probe::Probe;
use super::report::{Cause, Culprit, Finding, Outcome};
use super::service::Answer;
use crate::error::ERRORS;
use signer::SigningScope;

/// What the request was signed as.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) probe: &'a Probe,
    pub(super) service: &'a str,
    pub(super) scope: &'a SigningScope,
    /// ARN of the user or role that signed, as far as it is known.
    pub(super) signer: &'a str,
    /// STS has taken the very keys.
    pub(super) are_keys_good: bool,
    /// The keys are temporary.
    pub(super) has_token: bool,
    /// The endpoint is the operator's own, not one of AWS's.
    pub(super) has_endpoint: bool,
}

/// Whether the response, or the want of one, looks as if something else than the service listened there.
pub(super) fn is_foreign(answer: &Answer, probe: &Probe) -> bool {
    match own_code(answer) {
        Some(own) => matches!(own, "upstream-failed" | "upstream-malformed" | "upstream-timeout"),
        None => !shape::is_of_the_service(answer, probe.document, &error_of(answer)),
    }
}

/// The code of an error of the proxy's own. A notice beside AWS's own response stands in that field too.
fn own_code(answer: &Answer) -> Option<&str> {
    let own = answer.headers.get("x-signing-proxy-error")?.to_str().ok()?;
    ERRORS.iter().any(|code| code.name() == own).then_some(own)
}

/// How the request step went. `speaks_tls`: the port speaks TLS, and the endpoint says `http`.
pub(super) fn judge(answer: &Answer, asked: &Asked<'_>, speaks_tls: bool) -> Outcome {
    if let Some(own) = own_code(answer) {
        return own_refusal(own, answer, speaks_tls);
    }
    let error = error_of(answer);
    if foreign::is_another_proxys(&error) {
        return foreign::another_proxy(answer, &error);
    }
    if !shape::is_of_the_service(answer, asked.probe.document, &error) {
        return Outcome::Failed(foreign::finding(answer, asked, speaks_tls));
    }
    if answer.status.is_success() && code_of(&error).is_empty() {
        let note = match asked.service {
            "bedrock" => "; this is Bedrock's control plane: models are invoked by bedrock-runtime",
            _ => "",
        };
        return Outcome::passed(format!("answered with {}{note}", answer.status.as_u16()));
    }
    let what = match (code_of(&error), error.message()) {
        ("", _) => answer.status.to_string(),
        (code, "") => format!("{} {code}", answer.status.as_u16()),
        (code, message) => format!("{} {code}: {message}", answer.status.as_u16()),
    };
    asked.refused(what, &error, answer)
}

/// The error in a response, in whichever protocol it is worded.
fn error_of(answer: &Answer) -> ErrorResponse {
    let plain = decoded(&answer.headers, &answer.body, MAX_BODY);
    ErrorResponse::read(answer.status, &answer.headers, &plain)
}

/// The code of an error that is in the form of one of AWS's protocols; empty otherwise.
fn code_of(error: &ErrorResponse) -> &str {
    error.code().filter(|_| error.is_aws_form()).unwrap_or_default()
}

impl Asked<'_> {
    fn refused(&self, what: String, error: &ErrorResponse, answer: &Answer) -> Outcome {
        let (code, message) = (code_of(error), error.message());
        let class = ErrorClass::of_code(code, message);
        let failed = |culprit, text: String| Outcome::Failed(Finding::of(what.clone(), Cause::new(culprit, text)));
        let is_clock = match class {
            Some(ErrorClass::ClockSkew) => true,
            // Long-term keys do not expire.
            Some(ErrorClass::ExpiredRequest) => !self.has_token,
            _ => false,
        };
        if is_clock {
            let text = "set this machine's clock by NTP: AWS refuses signatures that are more than five minutes off (S3: \
                        fifteen).";
            return failed(Culprit::Clock, text.to_owned());
        }
        if let Some((culprit, text)) = scope::fault(self.scope, error, answer) {
            return failed(culprit, text);
        }
        match class {
            Some(ErrorClass::AccessDenied) => self.not_permitted(what, message),
            Some(ErrorClass::WrongSignature | ErrorClass::MalformedSignature) => {
                Outcome::Failed(self.signature_wrong(what))
            }
            Some(ErrorClass::ExpiredCredentials | ErrorClass::ExpiredRequest) => failed(
                Culprit::SessionToken,
                "the temporary credentials have expired: put new ones where the connection's keys are kept.".to_owned(),
            ),
            Some(ErrorClass::UnknownCredentials) => Outcome::Failed(self.keys_unknown(what)),
            _ if code == "NoSuchBucket" => failed(
                Culprit::Configuration,
                "the bucket that --bucket names does not exist here: look at its name, and at the connection's endpoint."
                    .to_owned(),
            ),
            Some(ErrorClass::NotEnabled) => failed(
                Culprit::Region,
                "the account has not signed up for the service in this region, or has not enabled the region.".to_owned(),
            ),
            Some(ErrorClass::UnknownOperation) => failed(Culprit::ServiceName, self.other_service()),
            _ if answer.status == StatusCode::NOT_FOUND && code.is_empty() => {
                failed(Culprit::ServiceName, self.other_service())
            }
            _ if class.unwrap_or_else(|| ErrorClass::of_status(answer.status)).is_retryable()
                || answer.status.is_server_error() =>
            {
                failed(
                    Culprit::Service,
                    "the service has trouble of its own, or limits the rate of requests: try again later.".to_owned(),
                )
            }
            _ => Outcome::Warned(Finding::of(
                what.clone(),
                Cause::new(
                    Culprit::Service,
                    "the service answers, and does not complain of the signature; this refusal has to be looked up in \
                     its API reference.",
                ),
            )),
        }
    }

    /// A warning: a connection need not be allowed to list what it only reads.
    fn not_permitted(&self, what: String, message: &str) -> Outcome {
        let (action, resource) = match &self.probe.needs {
            Some(need) => (need.action, need.resource.as_str()),
            None => (self.probe.operation, "*"),
        };
        Outcome::Warned(denied::of_request(what, message, self.signer, action, resource))
    }

    fn signature_wrong(&self, what: String) -> Finding {
        let secret = Cause::new(
            Culprit::SecretAccessKey,
            "the secret access key is not the one that belongs to the id: look for a cut or padded copy.",
        );
        let signature = Cause::new(
            Culprit::Signature,
            "the service sees another request than was signed: an HTTP proxy or gateway on the way changes it, or \
             `signing_name` is wrong.",
        );
        // STS has taken the same keys: the secret is right.
        let causes = if self.are_keys_good {
            vec![signature]
        } else {
            vec![secret, signature]
        };
        Finding { what, causes }
    }

    fn keys_unknown(&self, what: String) -> Finding {
        if self.are_keys_good {
            let region = Cause::new(
                Culprit::Region,
                format!(
                    "STS knows the keys and the service does not: the region {} may not be enabled in their account, or \
                     `endpoint` leads to another account's or another vendor's service.",
                    self.scope.region
                ),
            );
            return Finding::of(what, region);
        }
        let id = Cause::new(
            Culprit::AccessKey,
            "the service does not know the access key id: mistyped, deleted, deactivated, or of another server.",
        );
        let secret = Cause::new(
            Culprit::SecretAccessKey,
            "or the secret does not belong to it: some services (EC2) do not tell.",
        );
        let token = Cause::new(
            Culprit::SessionToken,
            "or the session token belongs to another key, or is cut off.",
        );
        let causes = if self.has_token {
            vec![id, token, secret]
        } else {
            vec![id, secret]
        };
        Finding { what, causes }
    }

    fn other_service(&self) -> String {
        match self.service {
            "bedrock" => {
                "what answers is not Bedrock's control plane. Models are invoked by the service bedrock-runtime: \
                          write service = \"bedrock-runtime\"; it signs as bedrock all the same."
                    .to_owned()
            }
            "bedrock-runtime" => {
                "what answers is not Bedrock's runtime: look at `endpoint`, and whether the control plane \
                                  (service = \"bedrock\") is meant."
                    .to_owned()
            }
            service => format!(
                "what answers does not know {}, which {service} has: `service` or `endpoint` is wrong.",
                self.probe.operation
            ),
        }
    }
}

/// An answer of the proxy's own.
fn own_refusal(code: &str, answer: &Answer, speaks_tls: bool) -> Outcome {
    let cause = answer
        .cause
        .as_deref()
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    let what = format!("{code}{cause}");
    if speaks_tls {
        return Outcome::Failed(Finding::of(what, foreign::speaks_tls()));
    }
    let (culprit, text) = match code {
        "upstream-tls" => (Culprit::Tls, "no trusted TLS connection: see the step `tls`."),
        "upstream-unreachable" | "upstream-connect-timeout" => (Culprit::Tcp, "no connection: see the steps before."),
        "upstream-timeout" => (
            Culprit::Service,
            "the service took the request and did not respond within 30 s, or timeouts.response where that is less.",
        ),
        "upstream-failed" => (
            Culprit::Service,
            "what listens there breaks off, or does not speak HTTP: look at `endpoint`, its scheme and port.",
        ),
        "upstream-malformed" => (
            Culprit::Endpoint,
            "what listens there does not speak HTTP: look at `endpoint`, its scheme and port.",
        ),
        _ => (
            Culprit::Configuration,
            "the proxy itself refuses the request; docs/configuration.md says under \"Error codes\" what helps.",
        ),
    };
    Outcome::Failed(Finding::of(what, Cause::new(culprit, text)))
}

#[cfg(test)]
mod tests;

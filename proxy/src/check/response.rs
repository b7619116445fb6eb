//! What a service's response to the harmless request says about the connection.

mod foreign;
mod scope;
mod shape;

use aws_errors::{ErrorClass, ErrorResponse, MAX_BODY, decoded};
use http::StatusCode;
use proxy_core::error::ERRORS;
use signer::SigningScope;

use super::denied;
use super::probe::Probe;
use super::report::{Cause, Finding, Outcome, ResponsibleParty};
use super::service::ProbeResponse;

/// What the request was signed as.
#[derive(Debug)]
pub(super) struct SentProbe<'a> {
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
pub(super) fn is_foreign(response: &ProbeResponse, probe: &Probe) -> bool {
    match own_code(response) {
        Some(own) => matches!(own, "upstream-failed" | "upstream-malformed" | "upstream-timeout"),
        None => !shape::is_of_the_service(response, probe.document, &error_of(response)),
    }
}

/// The code of an error of the proxy's own. A notice beside AWS's own response stands in that field too.
fn own_code(response: &ProbeResponse) -> Option<&str> {
    let own = response.headers.get("x-signing-proxy-error")?.to_str().ok()?;
    ERRORS.iter().any(|code| code.name() == own).then_some(own)
}

/// How the request step went. `speaks_tls`: the port speaks TLS, and the endpoint says `http`.
pub(super) fn judge(response: &ProbeResponse, sent: &SentProbe<'_>, speaks_tls: bool) -> Outcome {
    if let Some(own) = own_code(response) {
        return own_error(own, response, speaks_tls);
    }
    let error = error_of(response);
    if foreign::is_another_proxys(&error) {
        return foreign::another_proxy(response, &error);
    }
    if !shape::is_of_the_service(response, sent.probe.document, &error) {
        return Outcome::Failed(foreign::finding(response, sent, speaks_tls));
    }
    if response.status.is_success() && code_of(&error).is_empty() {
        let note = match sent.service {
            "bedrock" => "; this is Bedrock's control plane: models are invoked by bedrock-runtime",
            _ => "",
        };
        return Outcome::passed(format!("responded with {}{note}", response.status.as_u16()));
    }
    let what = match (code_of(&error), error.message()) {
        ("", _) => response.status.to_string(),
        (code, "") => format!("{} {code}", response.status.as_u16()),
        (code, message) => format!("{} {code}: {message}", response.status.as_u16()),
    };
    sent.rejected(what, &error, response)
}

/// The error in a response, in whichever protocol it is worded.
fn error_of(response: &ProbeResponse) -> ErrorResponse {
    let plain = decoded(&response.headers, &response.body, MAX_BODY);
    ErrorResponse::read(response.status, &response.headers, &plain)
}

/// The code of an error that is in the form of one of AWS's protocols; empty otherwise.
fn code_of(error: &ErrorResponse) -> &str {
    error.code().filter(|_| error.is_aws_form()).unwrap_or_default()
}

impl SentProbe<'_> {
    fn rejected(&self, what: String, error: &ErrorResponse, response: &ProbeResponse) -> Outcome {
        let (code, message) = (code_of(error), error.message());
        let class = ErrorClass::of_code(code, message);
        let failed = |party, text: String| Outcome::Failed(Finding::of(what.clone(), Cause::new(party, text)));
        let is_clock = match class {
            Some(ErrorClass::ClockSkew) => true,
            // Long-term keys do not expire.
            Some(ErrorClass::ExpiredRequest) => !self.has_token,
            _ => false,
        };
        if is_clock {
            let text = "set this machine's clock by NTP: AWS refuses signatures that are more than five minutes off (S3: \
                        fifteen).";
            return failed(ResponsibleParty::Clock, text.to_owned());
        }
        if let Some((party, text)) = scope::fault(self.scope, error, response) {
            return failed(party, text);
        }
        match class {
            Some(ErrorClass::AccessDenied) => self.not_permitted(what, message),
            Some(ErrorClass::WrongSignature | ErrorClass::MalformedSignature) => {
                Outcome::Failed(self.signature_wrong(what))
            }
            Some(ErrorClass::ExpiredCredentials | ErrorClass::ExpiredRequest) => failed(
                ResponsibleParty::SessionToken,
                "the temporary credentials have expired: put new ones where the connection's keys are kept.".to_owned(),
            ),
            Some(ErrorClass::UnknownCredentials) => Outcome::Failed(self.keys_unknown(what)),
            _ if code == "NoSuchBucket" => failed(
                ResponsibleParty::Configuration,
                "the bucket that --bucket names does not exist here: look at its name, and at the connection's endpoint."
                    .to_owned(),
            ),
            Some(ErrorClass::NotEnabled) => failed(
                ResponsibleParty::Region,
                "the account has not signed up for the service in this region, or has not enabled the region.".to_owned(),
            ),
            Some(ErrorClass::UnknownOperation) => failed(ResponsibleParty::ServiceName, self.other_service()),
            _ if response.status == StatusCode::NOT_FOUND && code.is_empty() => {
                failed(ResponsibleParty::ServiceName, self.other_service())
            }
            _ if class.unwrap_or_else(|| ErrorClass::of_status(response.status)).is_retryable()
                || response.status.is_server_error() =>
            {
                failed(
                    ResponsibleParty::Service,
                    "the service has trouble of its own, or limits the rate of requests: try again later.".to_owned(),
                )
            }
            _ => Outcome::Warned(Finding::of(
                what.clone(),
                Cause::new(
                    ResponsibleParty::Service,
                    "the service responds, and does not reject the signature; this error has to be looked up in \
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
            ResponsibleParty::SecretAccessKey,
            "the secret access key is not the one that belongs to the id: look for a cut or padded copy.",
        );
        let signature = Cause::new(
            ResponsibleParty::Signature,
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
                ResponsibleParty::Region,
                format!(
                    "STS knows the keys and the service does not: the region {} may not be enabled in their account, or \
                     `endpoint` leads to another account's or another vendor's service.",
                    self.scope.region
                ),
            );
            return Finding::of(what, region);
        }
        let id = Cause::new(
            ResponsibleParty::AccessKey,
            "the service does not know the access key id: mistyped, deleted, deactivated, or of another server.",
        );
        let secret = Cause::new(
            ResponsibleParty::SecretAccessKey,
            "or the secret does not belong to it: some services (EC2) do not tell.",
        );
        let token = Cause::new(
            ResponsibleParty::SessionToken,
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
                "what responds is not Bedrock's control plane. Models are invoked by the service bedrock-runtime: \
                          write service = \"bedrock-runtime\"; it signs as bedrock all the same."
                    .to_owned()
            }
            "bedrock-runtime" => {
                "what responds is not Bedrock's runtime: look at `endpoint`, and whether the control plane \
                                  (service = \"bedrock\") is meant."
                    .to_owned()
            }
            service => format!(
                "what responds does not know {}, which {service} has: `service` or `endpoint` is wrong.",
                self.probe.operation
            ),
        }
    }
}

/// An error of the proxy's own.
fn own_error(code: &str, response: &ProbeResponse, speaks_tls: bool) -> Outcome {
    let cause = response
        .cause
        .as_deref()
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    let what = format!("{code}{cause}");
    if speaks_tls {
        return Outcome::Failed(Finding::of(what, foreign::speaks_tls()));
    }
    let (party, text) = match code {
        "upstream-tls" => (ResponsibleParty::Tls, "no trusted TLS connection: see the step `tls`."),
        "upstream-unreachable" | "upstream-connect-timeout" => {
            (ResponsibleParty::Tcp, "no connection: see the steps before.")
        }
        "upstream-timeout" => (
            ResponsibleParty::Service,
            "the service took the request and did not respond within 30 s, or timeouts.response where that is less.",
        ),
        "upstream-failed" => (
            ResponsibleParty::Service,
            "what listens there breaks off, or does not speak HTTP: look at `endpoint`, its scheme and port.",
        ),
        "upstream-malformed" => (
            ResponsibleParty::Endpoint,
            "what listens there does not speak HTTP: look at `endpoint`, its scheme and port.",
        ),
        _ => (
            ResponsibleParty::Configuration,
            "the proxy itself refuses the request; docs/configuration.md says under \"Error codes\" what helps.",
        ),
    };
    Outcome::Failed(Finding::of(what, Cause::new(party, text)))
}

#[cfg(test)]
mod tests;

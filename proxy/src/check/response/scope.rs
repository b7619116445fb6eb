//! A signature for another region or another service than the server's.

use auth_model::Region;
use aws_errors::{ErrorClass, ErrorResponse};
use http::StatusCode;
use signer::SigningScope;

use super::{ProbeResponse, ResponsibleParty, code_of};

/// Which part of the scope the service wants otherwise; `None` where that is not what it says.
pub(super) fn fault(
    scope: &SigningScope,
    error: &ErrorResponse,
    response: &ProbeResponse,
) -> Option<(ResponsibleParty, String)> {
    let message = error.message();
    if message.contains("correct service") {
        let text = format!(
            "the signature is for the service {}, and {} wants another: correct `service`, or `signing_name`.",
            scope.name,
            quoted_after(message, "correct service").unwrap_or("the host")
        );
        return Some((ResponsibleParty::ServiceName, text));
    }
    // Our signatures' scopes are well formed, so the server wants another one; what it says of it differs from server to
    // server, and only AWS's own words say of which part.
    let is_malformed = code_of(error) == "AuthorizationHeaderMalformed";
    if is_malformed && (message.contains("Access Key") || message.contains("AKID")) {
        let text = "the access key id has another form than the service's.";
        return Some((ResponsibleParty::AccessKey, text.to_owned()));
    }
    let is_wrong = is_malformed
        || is_elsewhere(error, response)
        || message.contains("valid region")
        || (message.contains("region") && message.contains("expecting"));
    is_wrong.then(|| {
        (
            ResponsibleParty::Region,
            of_region(scope, error, response, is_malformed),
        )
    })
}

fn is_elsewhere(error: &ErrorResponse, response: &ProbeResponse) -> bool {
    error.class() == Some(ErrorClass::Redirect)
        || matches!(
            response.status,
            StatusCode::MOVED_PERMANENTLY | StatusCode::TEMPORARY_REDIRECT
        )
}

fn of_region(scope: &SigningScope, error: &ErrorResponse, response: &ProbeResponse, is_malformed: bool) -> String {
    let of_bucket = response
        .headers
        .get("x-amz-bucket-region")
        .and_then(|value| value.to_str().ok());
    let wanted = [of_bucket, quoted_after(error.message(), "expecting"), error.region()];
    let wanted = wanted.into_iter().flatten().find_map(|text| Region::parse(text).ok());
    let SigningScope { region, name } = scope;
    match wanted.filter(|wanted| wanted != region) {
        Some(wanted) => format!(
            "the signature is for the region {region}, and {wanted} is wanted: correct `region`, or `endpoint`."
        ),
        None if is_malformed => format!(
            "the signature is for the region {region}, and another is wanted: write the one that the server is configured \
             with in `region`. If it is the right one, the server does not call the service {name}: correct `signing_name`."
        ),
        None => {
            format!("the signature is for the region {region}, and another is wanted: correct `region`, or `endpoint`.")
        }
    }
}

/// The quoted text that follows.
fn quoted_after<'a>(message: &'a str, mark: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(mark)?;
    let (start, quote) = rest.match_indices(['\'', '"']).next()?;
    rest.get(start + 1..)?.split_once(quote).map(|(text, _)| text)
}

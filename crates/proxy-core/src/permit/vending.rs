//! What hands out credentials is rejected on every connection that does not list it, with a policy and without.

use policy_gen::mapping::Request;
use policy_gen::vending::{self, MAX_FORM, Vends};

use crate::error::{ErrorCode, ProxyError};
use crate::route::Route;

/// What the head says: [`Vends::InBody`] only where the body decides. `request` goes by this route.
pub(crate) fn of_head(request: &Request<'_>, route: &Route) -> Vends {
    match vending::of_head(request, &route.scope.name) {
        // All that a form of this service can name is listed: it need not be read.
        Vends::InBody if lists_all(request, route) => Vends::Actions(Vec::new()),
        vends => vends,
    }
}

/// What the body says where the head left it open; `None` for a body of more than [`MAX_FORM`] bytes.
///
/// # Errors
///
/// [`ErrorCode::CredentialsNotVended`].
pub(crate) fn check_body(request: &Request<'_>, route: &Route, body: Option<&[u8]>) -> Result<(), ProxyError> {
    match body {
        Some(body) => check(vending::of_body(request, &route.scope.name, body), request, route),
        None => check(Vends::InBody, request, route),
    }
}

/// Checks what a request hands out against what the connection lists.
///
/// # Errors
///
/// [`ErrorCode::CredentialsNotVended`].
pub(crate) fn check(vends: Vends, request: &Request<'_>, route: &Route) -> Result<(), ProxyError> {
    let listed = &route.config.permissions.vend_credentials;
    match vends {
        Vends::Actions(actions) => match actions.into_iter().find(|action| !listed.allows(action)) {
            None => Ok(()),
            Some(action) => Err(ProxyError::new(ErrorCode::CredentialsNotVended)
                .with_hint(format!(
                    "Where clients of {name} may have them, add \"{action}\" to connections.{name}.vend_credentials.",
                    name = route.name()
                ))
                .with_cause(action)),
        },
        Vends::Unclear(_) if lists_all(request, route) => Ok(()),
        Vends::Unclear(reason) => Err(unclear(route, &reason.to_string())),
        // A body that is not read, since it is too long or streams.
        Vends::InBody => Err(unclear(route, &format!("its form has more than {MAX_FORM} bytes"))),
    }
}

/// Whether the service has nothing that the connection does not hand out.
fn lists_all(request: &Request<'_>, route: &Route) -> bool {
    let listed = &route.config.permissions.vend_credentials;
    let actions = vending::of_service(request, &route.scope.name);
    actions.into_iter().all(|action| listed.allows(action))
}

fn unclear(route: &Route, reason: &str) -> ProxyError {
    ProxyError::new(ErrorCode::CredentialsNotVended)
        .with_hint(format!(
            "Whether this request is for credentials cannot be determined for certain: {reason}. Send it as the AWS SDKs do, or \
             list all actions of the service in connections.{}.vend_credentials.",
            route.name()
        ))
        .with_cause(reason.to_owned())
}

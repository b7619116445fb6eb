//! What hands out credentials is rejected on every connection that does not list it, with a policy and without.

use policy_gen::vending::{self, MAX_FORM, Vends};

use super::payload::Framed;
use super::steps::Ready;
use crate::error::{ErrorCode, ProxyError};

/// What the decision rests on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decided {
    /// The head says it all.
    ByHead,
    /// The body may name the operation: it has to be here before anything is sent.
    ByBody,
}

/// Decides by the head.
///
/// # Errors
///
/// [`ErrorCode::CredentialsNotVended`].
pub(super) fn of_head(ready: &Ready) -> Result<Decided, ProxyError> {
    match vending::of_head(&ready.asked_of_iam(), &ready.route.scope.name) {
        Vends::InBody if allows_all(ready) => Ok(Decided::ByHead),
        Vends::InBody => Ok(Decided::ByBody),
        vends => check(ready, vends).map(|()| Decided::ByHead),
    }
}

/// Decides by head and body, where the head did not say it all.
///
/// # Errors
///
/// As [`of_head`].
pub(super) async fn of_body(framed: &Framed) -> Result<(), ProxyError> {
    let ready = &framed.ready;
    if of_head(ready)? == Decided::ByHead {
        return Ok(());
    }
    let Some(body) = framed.whole_body(MAX_FORM).await? else {
        return Err(unclear(ready, &format!("its form has more than {MAX_FORM} bytes")));
    };
    check(
        ready,
        vending::of_body(&ready.asked_of_iam(), &ready.route.scope.name, &body),
    )
}

fn check(ready: &Ready, vends: Vends) -> Result<(), ProxyError> {
    let listed = &ready.route.config.permissions.vend_credentials;
    match vends {
        Vends::Actions(actions) => match actions.into_iter().find(|action| !listed.allows(action)) {
            None => Ok(()),
            Some(action) => Err(ProxyError::new(ErrorCode::CredentialsNotVended)
                .with_hint(format!(
                    "Where clients of {name} may have them, add \"{action}\" to connections.{name}.vend_credentials.",
                    name = ready.route.name()
                ))
                .with_cause(action)),
        },
        Vends::Unclear(_) if allows_all(ready) => Ok(()),
        Vends::Unclear(reason) => Err(unclear(ready, &reason.to_string())),
        // The callers have looked at the body by now.
        Vends::InBody => Err(ErrorCode::Internal.into()),
    }
}

/// Whether the service has nothing that the connection does not hand out.
fn allows_all(ready: &Ready) -> bool {
    let listed = &ready.route.config.permissions.vend_credentials;
    let actions = vending::of_service(&ready.asked_of_iam(), &ready.route.scope.name);
    actions.into_iter().all(|action| listed.allows(action))
}

fn unclear(ready: &Ready, reason: &str) -> ProxyError {
    ProxyError::new(ErrorCode::CredentialsNotVended)
        .with_hint(format!(
            "Whether this request is for credentials cannot be told for certain: {reason}. Send it as the AWS SDKs do, or \
             list all actions of the service in connections.{}.vend_credentials.",
            ready.route.name()
        ))
        .with_cause(reason.to_owned())
}

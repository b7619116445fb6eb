//! The steps in their order; the files in `wrong` are these lines in another one.

use std::error::Error;
use std::sync::Arc;

use auth_model::Clock;
use http::request::Parts;
use proxy_core::admit::admit;
use proxy_core::authenticate::authenticate;
use proxy_core::authorize::{Authorized, AuthorizedHead, ToSend, before_body, by_head};
use proxy_core::normalize::normalize;
use proxy_core::permit::Account;
use proxy_core::plan::{Bidirectional, FramedBody, Planned, UploadRequest, WholeBody, plan};
use proxy_core::route::{Route, Router};
use proxy_core::sign::{Signed, SigningMaterial};
use proxy_core::upstream::{Attempt, Upstream};
use resource_limits::ListenerRole;
use signer::Signer;

struct Proxy {
    router: Router<Arc<Route>>,
    account: Account,
    signer: Signer,
    material: SigningMaterial,
    clock: Arc<dyn Clock>,
    upstream: Upstream,
}

impl Proxy {
    async fn handle(&self, head: Parts, body: WholeBody) -> Result<(), Box<dyn Error>> {
        let admitted = admit(head, "signing-proxy")?;
        let authenticated = authenticate(admitted);
        let routed = self.router.route(authenticated, &ListenerRole::Shared)?;
        let normalized = normalize(routed, true, &self.account, "signing-proxy").await?;
        let authorized = match plan(normalized, None, None)? {
            Planned::DecidedByHead(planned) => {
                let (authorized, _) = by_head(planned, None).await?;
                authorized.with_body(FramedBody::Whole(body))
            }
            Planned::DecidedByBody(planned) => {
                let (awaits, _) = before_body(planned, None).await?;
                awaits.authorize(body, None).await?.0
            }
        };
        self.send(&authorized).await?;
        // A retry: signed again, not decided again.
        self.send(&authorized).await
    }

    async fn send(&self, authorized: &Authorized) -> Result<(), Box<dyn Error>> {
        let signed = match authorized.to_send() {
            ToSend::Unsigned(unsigned) => {
                Signed::by_proxy(unsigned, &self.signer, &self.material, &self.clock, None)?
            }
            ToSend::SignedByClient(signed) => Signed::by_client(signed, None)?,
        };
        let _ = self.upstream.send(signed, Attempt::First).await;
        Ok(())
    }

    /// A part of a multipart upload goes the same way, with what was decided for the whole.
    async fn send_part(&self, put: &AuthorizedHead, part: WholeBody) -> Result<(), Box<dyn Error>> {
        let request = UploadRequest::Part {
            number: 1,
            upload_id: "id",
        };
        self.send(&put.upload_request(request, part)?).await
    }

    /// So do the messages of a bidirectional stream.
    async fn send_messages(&self, head: AuthorizedHead, messages: Bidirectional) -> Result<(), Box<dyn Error>> {
        self.send(&head.with_body(FramedBody::Bidirectional(messages))).await
    }
}

fn main() {
    let _ = (Proxy::handle, Proxy::send_part, Proxy::send_messages);
}

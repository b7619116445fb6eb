//! May the request be sent? Every request passes here once, and nothing is signed that did not.
//!
//! The head is looked at before anything of the body is read: credentials that would be handed out, and the actions that
//! `permissions` allow. Where the body decides, it is here as a whole by then, and nothing has left the machine.

use http::Uri;
use policy_gen::vending::{MAX_FORM, Vends};
use signer::WireTarget;

use crate::error::{ErrorCode, ProxyError};
use crate::normalize::{Normalized, SignatureOwner};
use crate::permit::{Permit, Permitted, vending};
use crate::plan::{Basis, DecidedByBody, DecidedByHead, FramedBody, PayloadPlan, UploadRequest, WholeBody};
use crate::route::SignatureVersion;

/// A request that may be sent, whatever its body is. Only [`by_head`] makes one.
#[derive(Debug)]
pub struct AuthorizedHead {
    request: Normalized,
    payload: PayloadPlan,
}

/// A request that its head does not deny, and its body decides. Only [`before_body`] makes one.
#[derive(Debug)]
pub struct AwaitsBody {
    request: Normalized,
    basis: Basis,
}

/// A request that may be sent, as often as the retry rule sends it: with each attempt it is signed again, and not decided again.
///
/// Made of an [`AuthorizedHead`] and its body, or by [`AwaitsBody::authorize`].
#[derive(Debug)]
pub struct Authorized {
    request: Normalized,
    body: FramedBody,
}

/// By whom an authorized request is to be signed.
#[derive(Clone, Copy, Debug)]
pub enum ToSend<'a> {
    /// The proxy signs it.
    Unsigned(Unsigned<'a>),
    /// It is passed on with its client's own signature.
    SignedByClient(SignedByClient<'a>),
}

/// An authorized request that the proxy signs.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    request: &'a Authorized,
    version: SignatureVersion,
}

/// An authorized request with its client's own signature.
#[derive(Clone, Copy, Debug)]
pub struct SignedByClient<'a> {
    request: &'a Authorized,
}

/// Decides by the head, before anything of the body is read. Also returns what is recorded of it.
///
/// # Errors
///
/// [`ErrorCode::CredentialsNotVended`], [`ErrorCode::ActionDenied`] and [`ErrorCode::ActionUnknown`].
pub async fn by_head(
    planned: DecidedByHead,
    permit: Option<&Permit>,
) -> Result<(AuthorizedHead, Option<Permitted>), ProxyError> {
    let (request, payload, basis) = planned.into_parts();
    let iam_request = request.iam_request();
    vending::check(basis.vends, &iam_request, request.route())?;
    let permitted = match (permit, basis.operation_limit) {
        (None, _) => None,
        // Boxed, as all that few requests need: else it is part of every request's future.
        (Some(permit), None) => Box::pin(permit.check(iam_request, None)).await?,
        // What would decide is in a body that is never here as a whole.
        (Some(permit), Some(limit)) => permit.body_too_large(limit).map(|()| None)?,
    };
    Ok((AuthorizedHead { request, payload }, permitted))
}

/// Denies what the head alone rules out; the rest is decided by the body.
///
/// # Errors
///
/// As [`by_head`].
pub async fn before_body(
    planned: DecidedByBody,
    permit: Option<&Permit>,
) -> Result<(AwaitsBody, Option<Permitted>), ProxyError> {
    let (request, basis) = planned.into_parts();
    let iam_request = request.iam_request();
    if basis.vends != Vends::InBody {
        vending::check(basis.vends.clone(), &iam_request, request.route())?;
    }
    let permitted = match (permit, basis.operation_limit) {
        (None, _) => None,
        (Some(permit), None) => Box::pin(permit.check(iam_request, None)).await?,
        (Some(permit), Some(limit)) => {
            if request.announced_length().is_some_and(|length| exceeds(length, limit)) {
                permit.body_too_large(limit)?;
            }
            None
        }
    };
    Ok((AwaitsBody { request, basis }, permitted))
}

impl AuthorizedHead {
    /// The request.
    pub(crate) fn request(&self) -> &Normalized {
        &self.request
    }

    /// How its body goes out.
    pub(crate) fn payload(&self) -> PayloadPlan {
        self.payload
    }

    /// The request with its body.
    pub fn with_body(self, body: FramedBody) -> Authorized {
        Authorized::new(self.request, body)
    }

    /// A request of the multipart upload that the client's `PutObject` becomes, with its body.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UpstreamFailed`] where the upload's id cannot be part of a target.
    pub fn upload_request(&self, request: UploadRequest<'_>, body: WholeBody) -> Result<Authorized, ProxyError> {
        let original = self.request.head();
        let uri = object_uri(&self.request, &request.query())?;
        let (method, headers) = (request.method(), request.headers(&original.headers));
        let normalized = self.request.clone().with_head(|head, _| {
            (head.method, head.uri, head.headers) = (method, uri, headers);
        });
        Ok(Authorized::new(normalized, FramedBody::Whole(body)))
    }
}

/// The object's own target with this query.
fn object_uri(request: &Normalized, query: &str) -> Result<Uri, ProxyError> {
    let failed =
        |error: &dyn std::fmt::Display| ProxyError::new(ErrorCode::UpstreamFailed).with_cause(error.to_string());
    let uri = &request.head().uri;
    let target = format!("{}?{query}", uri.path());
    let wire = WireTarget::parse(&target, request.route().traits.path_encoding).map_err(|error| failed(&error))?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(wire.to_path_and_query());
    Uri::from_parts(parts).map_err(|error| failed(&error))
}

impl AwaitsBody {
    /// The request.
    pub(crate) fn request(&self) -> &Normalized {
        &self.request
    }

    /// Bytes that [`authorize`](Self::authorize) reads of this body.
    pub(crate) fn bytes_to_read(&self, body: &WholeBody) -> u64 {
        self.basis.bytes_to_read(body.content.length())
    }

    /// Decides by the body.
    ///
    /// # Errors
    ///
    /// As [`by_head`], and [`ErrorCode::BodyUnexpected`].
    pub async fn authorize(
        self,
        body: WholeBody,
        permit: Option<&Permit>,
    ) -> Result<(Authorized, Option<Permitted>), ProxyError> {
        let Self { request, basis } = self;
        if basis.must_be_empty && body.content.length() > 0 {
            return Err(ErrorCode::BodyUnexpected.into());
        }
        // What is decided on is the head that is sent, with the checksums that came behind the body.
        let request = request.with_head(|head, _| body.describe(head));
        let iam_request = request.iam_request();
        if basis.vends == Vends::InBody {
            let form = body.up_to(MAX_FORM).await?;
            vending::check_body(&iam_request, request.route(), form.as_deref())?;
        }
        let permitted = match (permit, basis.operation_limit) {
            // Clients may do whatever the credentials allow, or the head has said it all: it was decided by then.
            (None, _) | (_, None) => None,
            (Some(permit), Some(limit)) => match body.up_to(limit).await? {
                Some(bytes) => Box::pin(permit.check(iam_request, Some(&bytes))).await?,
                None => permit.body_too_large(limit).map(|()| None)?,
            },
        };
        let body = FramedBody::Whole(body);
        Ok((Authorized { request, body }, permitted))
    }
}

impl Authorized {
    fn new(request: Normalized, body: FramedBody) -> Self {
        Self {
            request: request.with_head(|head, route| body.describe(head, route)),
            body,
        }
    }

    /// The request, with what its head says about the body.
    pub(crate) fn request(&self) -> &Normalized {
        &self.request
    }

    /// Its body.
    pub(crate) fn body(&self) -> &FramedBody {
        &self.body
    }

    /// What is to be done before it is sent.
    pub fn to_send(&self) -> ToSend<'_> {
        match self.request.signature() {
            SignatureOwner::Proxy(version) => ToSend::Unsigned(Unsigned { request: self, version }),
            SignatureOwner::Client => ToSend::SignedByClient(SignedByClient { request: self }),
        }
    }
}

impl<'a> Unsigned<'a> {
    /// The request.
    pub(crate) fn request(self) -> &'a Authorized {
        self.request
    }

    /// The version of the signature.
    pub(crate) fn version(self) -> SignatureVersion {
        self.version
    }
}

impl<'a> SignedByClient<'a> {
    /// The request.
    pub(crate) fn request(self) -> &'a Authorized {
        self.request
    }
}

fn exceeds(length: u64, limit: usize) -> bool {
    u64::try_from(limit).is_ok_and(|limit| length > limit)
}

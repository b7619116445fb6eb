//! The step between routing and signing: what does the request ask for, and may it?

use policy_gen::mapping::BodyFraming;
use policy_gen::vending::MAX_FORM;

use super::Lane;
use super::payload::Framed;
use super::record::RequestRecord;
use super::steps::Ready;
use super::vending;
use crate::error::{ErrorCode, ProxyError};
use crate::permit::{self, Permitted};

/// Decides by the head, before anything of the body is read. Where the body says what is asked for, that is noted, and
/// decided by [`of_body`].
pub(super) async fn of_head(
    lane: &Lane,
    ready: &mut Ready,
    record: &mut RequestRecord,
) -> Result<Option<Permitted>, ProxyError> {
    if ready.has_no_place_for_body() {
        match ready.body {
            BodyFraming::Empty => {}
            BodyFraming::Length(_) => return Err(ErrorCode::BodyUnexpected.into()),
            // An empty chunked body is no body, and old clients send one: only reading tells.
            BodyFraming::Unknown => ready.is_decided_by_body = true,
        }
    }
    if vending::of_head(ready)? == vending::Decided::ByBody {
        ready.is_decided_by_body = true;
    }
    let Some(permit) = &lane.permit else { return Ok(None) };
    let request = ready.asked_of_iam();
    let permitted = match permit::needs_body(&request) {
        // Boxed, as all that few requests need: else it is part of every request's future.
        None => Box::pin(permit.check(request, None, &lane.credentials)).await?,
        Some(limit) => {
            if ready.announced_length().is_some_and(|length| exceeds(length, limit)) {
                permit.body_too_large(limit)?;
            }
            ready.is_decided_by_body = true;
            None
        }
    };
    note(record, permitted.as_ref());
    Ok(permitted)
}

/// Bytes that [`of_body`] reads: a body beyond every bound is rejected, or passed on, unread.
pub(super) fn bytes_to_read(lane: &Lane, framed: &Framed) -> u64 {
    let length = framed.length();
    let request = framed.ready.asked_of_iam();
    let of_form = match vending::of_head(&framed.ready) {
        Ok(vending::Decided::ByBody) => Some(MAX_FORM),
        Ok(vending::Decided::ByHead) | Err(_) => None,
    };
    let of_operation = lane.permit.as_ref().and_then(|_| permit::needs_body(&request));
    let mut limits = [of_form, of_operation].into_iter().flatten();
    if limits.any(|limit| !exceeds(length, limit)) {
        length
    } else {
        0
    }
}

/// Decides by the body, before anything is sent.
pub(super) async fn of_body(
    lane: &Lane,
    framed: &Framed,
    record: &mut RequestRecord,
) -> Result<Option<Permitted>, ProxyError> {
    if framed.ready.has_no_place_for_body() && framed.whole_body(0).await?.is_none() {
        return Err(ErrorCode::BodyUnexpected.into());
    }
    vending::of_body(framed).await?;
    let Some(permit) = &lane.permit else { return Ok(None) };
    let request = framed.ready.asked_of_iam();
    let Some(limit) = permit::needs_body(&request) else {
        return Ok(None);
    };
    let permitted = match framed.whole_body(limit).await? {
        Some(body) => Box::pin(permit.check(request, Some(&body), &lane.credentials)).await?,
        None => permit.body_too_large(limit).map(|()| None)?,
    };
    note(record, permitted.as_ref());
    Ok(permitted)
}

fn note(record: &mut RequestRecord, permitted: Option<&Permitted>) {
    if let Some(permitted) = permitted {
        record.operation = Some(permitted.operation.to_string());
        record.actions = Some(permitted.actions.clone());
    }
}

fn exceeds(length: u64, limit: usize) -> bool {
    u64::try_from(limit).is_ok_and(|limit| length > limit)
}

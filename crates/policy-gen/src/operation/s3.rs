//! Names of S3's operations, by the table that their actions come from.

use super::RequestHead;
use crate::mapping::s3::Query;
use crate::mapping::s3::table::{Level, RequestKey, TABLE};

/// The operation of a head; the path is `/bucket/key`, or `/key` where the host names the bucket.
pub(super) fn operation(head: &RequestHead<'_>) -> Option<&'static str> {
    let path = head.path.strip_prefix('/').unwrap_or(head.path);
    let (bucket, key) = if head.bucket_in_host {
        ("in the host", path)
    } else {
        path.split_once('/').unwrap_or((path, ""))
    };
    let level = match (bucket, key) {
        ("", "") => Level::Service,
        ("", _) => return None,
        (_, "") => Level::Bucket,
        _ => Level::Object,
    };
    let query = Query::read(head.query).ok()?;
    let key = RequestKey {
        method: head.method,
        level,
        query: &query,
        headers: head.headers,
        is_express: head.service.as_str() == "s3express",
    };
    TABLE.find(key).map(|row| row.name)
}

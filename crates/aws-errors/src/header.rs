//! Codes in header fields.

use http::HeaderMap;

use crate::code::checked;

/// `x-amzn-query-error` of services that spoke the Query protocol before, such as `InvalidClientTokenId;Sender`: it is the
/// code that their users know, and precedes the code of the protocol that they speak now. `x-amzn-errortype` of the JSON
/// services, such as `ExpiredTokenException:http://internal.amazon.com/coral/`. `x-amz-error-code` of S3's website endpoints,
/// whose body is HTML.
///
/// Sources: Smithy, "awsQueryCompatible trait" and "AWS restJson1 protocol", operation error serialization; S3 user guide,
/// "Website endpoints".
const FIELDS: [&str; 3] = ["x-amzn-query-error", "x-amzn-errortype", "x-amz-error-code"];

/// The code of an error response as its header fields have it, without namespace and address.
///
/// ```
/// use aws_errors::code_in_headers;
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-amzn-errortype", "aws.protocols#ThrottlingException:http://internal.amazon.com/".parse()?);
/// assert_eq!(code_in_headers(&headers), Some("ThrottlingException"));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn code_in_headers(headers: &HeaderMap) -> Option<&str> {
    let code = |name: &&str| checked(headers.get(*name)?.to_str().ok()?);
    FIELDS.iter().find_map(code)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[track_caller]
    fn check(fields: &[(&'static str, &str)], want: Option<&str>) {
        let fields = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        assert_eq!(code_in_headers(&fields.collect::<HeaderMap>()), want);
    }

    #[test]
    fn each_field_is_read_without_what_surrounds_the_code() {
        let long = "AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral.service/";
        check(&[("x-amzn-errortype", long)], Some("AccessDeniedException"));
        check(
            &[("x-amzn-errortype", "aws.protocols#ExpiredTokenException")],
            Some("ExpiredTokenException"),
        );
        let query = "AWS.SimpleQueueService.NonExistentQueue;Sender";
        check(
            &[("x-amzn-query-error", query)],
            Some("AWS.SimpleQueueService.NonExistentQueue"),
        );
        check(&[("x-amz-error-code", "NoSuchKey")], Some("NoSuchKey"));
    }

    #[test]
    fn query_code_precedes_that_of_the_json_protocol() {
        let both = [
            ("x-amzn-errortype", "QueueDoesNotExist"),
            ("x-amzn-query-error", "NonExistentQueue;Sender"),
        ];
        check(&both, Some("NonExistentQueue"));
    }

    #[test]
    fn what_is_no_code_is_left_out() {
        check(&[], None);
        check(&[("x-amzn-requestid", "1")], None);
        check(&[("x-amzn-errortype", "a b")], None);
        check(&[("x-amzn-errortype", "")], None);
        check(&[("x-amzn-errortype", "ä")], None);
    }
}

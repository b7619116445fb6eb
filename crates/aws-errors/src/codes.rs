//! The codes that are known, each with its class and where it is documented.

use crate::class::ErrorClass;
use crate::class::ErrorClass::{
    AccessDenied, Client, ClockSkew, Conflict, ExpiredCredentials, ExpiredRequest, MalformedSignature,
    MissingCredentials, NotEnabled, NotFound, Quota, Redirect, RequestTimeout, Server, Throttled, Unavailable,
    UnknownCredentials, UnknownOperation, WrongSignature,
};

/// Where a code is documented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    /// Amazon S3 API reference, "Error responses".
    S3,
    /// Amazon EC2 API reference, "Error codes for the Amazon EC2 API".
    Ec2,
    /// The page "Common error types" of each service's API reference (IAM, STS and most JSON services).
    Common,
    /// AWS STS API reference, errors of `AssumeRole`, and of its siblings.
    Sts,
    /// AWS Systems Manager API reference, errors of `GetParameter`.
    Ssm,
    /// Amazon Bedrock API reference, errors of `InvokeModel` and `Converse`.
    Bedrock,
    /// Amazon DynamoDB developer guide, "Error handling".
    DynamoDb,
    /// Throttling codes of the AWS SDKs' standard retry mode (`aws_runtime::retries::classifiers`, and
    /// `botocore/retries/standard.py`).
    SdkThrottling,
    /// Transient codes of the same.
    SdkTransient,
    /// Codes of a wrong clock that the AWS SDKs know (`aws_runtime::service_clock_skew`; the JavaScript SDK's
    /// `CLOCK_SKEW_ERROR_CODES`).
    SdkClockSkew,
    /// Amazon SNS API reference, errors of each operation.
    Sns,
    /// Codes that AWS's front ends for JSON services respond with, seen in responses; no page lists them.
    Seen,
}

use Source::{Bedrock, Common, DynamoDb, Ec2, S3, SdkClockSkew, SdkThrottling, SdkTransient, Seen, Sns, Ssm, Sts};

/// Sorted within each class.
const CODES: [(&str, ErrorClass, Source); 100] = [
    ("ExpiredToken", ExpiredCredentials, S3),
    ("ExpiredTokenException", ExpiredCredentials, Common),
    ("TokenRefreshRequired", ExpiredCredentials, S3),
    ("AuthFailure", UnknownCredentials, Ec2),
    ("InvalidAccessKeyId", UnknownCredentials, S3),
    ("InvalidClientTokenId", UnknownCredentials, Common),
    ("InvalidToken", UnknownCredentials, S3),
    ("UnrecognizedClientException", UnknownCredentials, Common),
    ("MissingAuthenticationToken", MissingCredentials, Common),
    ("MissingAuthenticationTokenException", MissingCredentials, Common),
    ("RequestExpired", ExpiredRequest, Common),
    ("RequestInTheFuture", ClockSkew, SdkClockSkew),
    ("RequestTimeTooSkewed", ClockSkew, S3),
    ("InvalidSignatureException", WrongSignature, Common),
    ("SignatureDoesNotMatch", WrongSignature, S3),
    ("AuthorizationHeaderMalformed", MalformedSignature, S3),
    ("IncompleteSignature", MalformedSignature, Common),
    ("IncompleteSignatureException", MalformedSignature, Common),
    ("XAmzContentSHA256Mismatch", MalformedSignature, S3),
    ("AccessDenied", AccessDenied, S3),
    ("AccessDeniedException", AccessDenied, Common),
    ("AllAccessDisabled", AccessDenied, S3),
    ("AuthorizationError", AccessDenied, Sns),
    ("Forbidden", AccessDenied, Seen),
    ("NotAuthorized", AccessDenied, Common),
    ("UnauthorizedOperation", AccessDenied, Ec2),
    ("OptInRequired", NotEnabled, Common),
    ("RegionDisabledException", NotEnabled, Sts),
    ("SubscriptionRequiredException", NotEnabled, Seen),
    ("NoSuchBucket", NotFound, S3),
    ("NoSuchKey", NotFound, S3),
    ("NoSuchUpload", NotFound, S3),
    ("NoSuchVersion", NotFound, S3),
    ("NotFound", NotFound, Seen),
    ("ParameterNotFound", NotFound, Ssm),
    ("ParameterVersionNotFound", NotFound, Ssm),
    ("ResourceNotFoundException", NotFound, Common),
    ("BucketAlreadyExists", Conflict, S3),
    ("BucketAlreadyOwnedByYou", Conflict, S3),
    ("BucketNotEmpty", Conflict, S3),
    ("ConditionalCheckFailedException", Conflict, DynamoDb),
    ("ConditionalRequestConflict", Conflict, S3),
    ("ConflictException", Conflict, Common),
    ("OperationAborted", Conflict, S3),
    ("PreconditionFailed", Conflict, S3),
    ("TransactionConflictException", Conflict, DynamoDb),
    ("ServiceQuotaExceededException", Quota, Common),
    ("IllegalLocationConstraintException", Redirect, S3),
    ("InvalidLocationConstraint", Redirect, S3),
    ("InvalidRegion", Redirect, S3),
    ("PermanentRedirect", Redirect, S3),
    ("TemporaryRedirect", Redirect, S3),
    ("InvalidAction", UnknownOperation, Common),
    ("MethodNotAllowed", UnknownOperation, S3),
    ("UnknownOperation", UnknownOperation, Seen),
    ("UnknownOperationException", UnknownOperation, Seen),
    ("BandwidthLimitExceeded", Throttled, SdkThrottling),
    ("EC2ThrottledException", Throttled, SdkThrottling),
    // A limit of the account in most services, and yet the SDKs retry after it.
    ("LimitExceededException", Throttled, SdkThrottling),
    ("PriorRequestNotComplete", Throttled, SdkThrottling),
    ("ProvisionedThroughputExceededException", Throttled, SdkThrottling),
    ("RequestLimitExceeded", Throttled, SdkThrottling),
    ("RequestThrottled", Throttled, SdkThrottling),
    ("RequestThrottledException", Throttled, SdkThrottling),
    ("SlowDown", Throttled, SdkThrottling),
    ("ThrottledException", Throttled, SdkThrottling),
    ("Throttling", Throttled, SdkThrottling),
    ("ThrottlingException", Throttled, SdkThrottling),
    ("TooManyRequestsException", Throttled, SdkThrottling),
    ("TransactionInProgressException", Throttled, SdkThrottling),
    ("InsufficientInstanceCapacity", Unavailable, Ec2),
    ("ModelNotReadyException", Unavailable, Bedrock),
    ("ServiceUnavailable", Unavailable, S3),
    ("ServiceUnavailableException", Unavailable, Common),
    ("Unavailable", Unavailable, Ec2),
    ("RequestTimeout", RequestTimeout, SdkTransient),
    ("RequestTimeoutException", RequestTimeout, SdkTransient),
    ("BadDigest", Client, S3),
    ("EntityTooLarge", Client, S3),
    ("EntityTooSmall", Client, S3),
    ("InvalidArgument", Client, S3),
    ("InvalidParameterCombination", Client, Common),
    ("InvalidParameterValue", Client, Common),
    ("InvalidPart", Client, S3),
    ("InvalidPartOrder", Client, S3),
    ("InvalidRange", Client, S3),
    ("InvalidRequest", Client, S3),
    ("MalformedPolicyDocument", Client, Sts),
    ("MalformedXML", Client, S3),
    ("MissingParameter", Client, Common),
    ("PackedPolicyTooLarge", Client, Sts),
    ("SerializationException", Client, Seen),
    ("ValidationError", Client, Common),
    ("ValidationException", Client, Common),
    ("InternalError", Server, S3),
    ("InternalFailure", Server, Common),
    ("InternalServerError", Server, DynamoDb),
    ("InternalServerException", Server, Bedrock),
    ("ModelErrorException", Server, Bedrock),
    ("ModelTimeoutException", Server, Bedrock),
];

impl ErrorClass {
    /// The class of a known code; `None` for other codes. `message` decides where services have one code for several
    /// errors, and may be empty.
    ///
    /// ```
    /// use aws_errors::ErrorClass;
    ///
    /// let expired = "Signature expired: 20261123T000000Z is now earlier than 20261123T005500Z";
    /// assert_eq!(ErrorClass::of_code("SignatureDoesNotMatch", ""), Some(ErrorClass::WrongSignature));
    /// assert_eq!(ErrorClass::of_code("SignatureDoesNotMatch", expired), Some(ErrorClass::ClockSkew));
    /// assert_eq!(ErrorClass::of_code("InventedException", ""), None);
    /// ```
    #[must_use]
    pub fn of_code(code: &str, message: &str) -> Option<Self> {
        // Query and JSON services have no code of their own for a wrong time.
        // Source: STS, "Signature Version 4 troubleshooting" of the IAM User Guide.
        if message.starts_with("Signature expired") || message.starts_with("Signature not yet current") {
            return Some(Self::ClockSkew);
        }
        // EC2's code for credentials and signatures, and for images of others: the first has always the same message.
        if code == "AuthFailure" && !message.is_empty() && !message.contains("validate the provided access credentials")
        {
            return Some(Self::AccessDenied);
        }
        known_codes().find_map(|(known, class)| (known == code).then_some(class))
    }
}

/// Every known code with its class, for lists that have to be bounded. At most 120, each at most 64 characters long.
///
/// ```
/// use aws_errors::{ErrorClass, known_codes};
///
/// assert!(known_codes().any(|known| known == ("SlowDown", ErrorClass::Throttled)));
/// ```
pub fn known_codes() -> impl Iterator<Item = (&'static str, ErrorClass)> + Clone {
    CODES.into_iter().map(|(code, class, _)| (code, class))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::code::is_code;

    #[test]
    fn every_known_code_has_one_class_and_a_source() {
        let distinct: HashSet<_> = known_codes().map(|(code, _)| code).collect();
        assert_eq!(distinct.len(), CODES.len());
        // A metric has a series for each of them.
        assert!(CODES.len() <= 120);
        for (code, class, source) in CODES {
            assert!(is_code(code) && code.len() <= 64, "{code}");
            assert_eq!(ErrorClass::of_code(code, ""), Some(class), "{code} of {source:?}");
        }
    }

    #[track_caller]
    fn check(code: &str, message: &str, want: Option<ErrorClass>) {
        assert_eq!(ErrorClass::of_code(code, message), want, "{code} {message}");
    }

    #[test]
    fn wrong_time_is_read_from_the_message_where_no_code_stands_for_it() {
        for message in [
            "Signature expired: 20261123T000000Z is now earlier than 20261123T005500Z (20261123T010000Z - 5 min.)",
            "Signature not yet current: 20261123T020000Z is still later than 20261123T010500Z (20261123T010000Z + 5 min.)",
        ] {
            check("SignatureDoesNotMatch", message, Some(ClockSkew));
            check("InvalidSignatureException", message, Some(ClockSkew));
        }
        check("SignatureDoesNotMatch", "The Signature expired", Some(WrongSignature));
        check("RequestTimeTooSkewed", "", Some(ClockSkew));
        check("RequestInTheFuture", "", Some(ClockSkew));
    }

    #[test]
    fn ec2_has_one_code_for_credentials_signatures_and_images_of_others() {
        let message = "AWS was not able to validate the provided access credentials";
        check("AuthFailure", message, Some(UnknownCredentials));
        check("AuthFailure", "", Some(UnknownCredentials));
        check("AuthFailure", "Not authorized for images: [ami-1]", Some(AccessDenied));
    }

    #[test]
    fn unknown_code_has_no_class() {
        check("InventedByAClient", "no", None);
        check("", "", None);
        check("expiredtoken", "", None);
    }

    #[test]
    fn codes_of_a_class_stand_together_and_are_sorted() {
        let runs = CODES.chunk_by(|(_, a, _), (_, b, _)| a == b);
        let classes: HashSet<_> = runs.clone().map(|run| run[0].1).collect();
        assert_eq!(classes.len(), runs.count());
        for pair in CODES.windows(2) {
            assert!(pair[0].1 != pair[1].1 || pair[0].0 < pair[1].0, "{}", pair[1].0);
        }
    }

    /// What the readers that this table replaced did with a code: a row that changes its class changes them.
    #[test]
    fn each_reaction_has_its_codes() {
        let codes = |wanted: ErrorClass| {
            let of_class = known_codes().filter(|(_, class)| *class == wanted);
            of_class.map(|(code, _)| code).collect::<Vec<_>>().join(" ")
        };
        for (class, want) in [
            // Another session is obtained.
            (
                ExpiredCredentials,
                "ExpiredToken ExpiredTokenException TokenRefreshRequired",
            ),
            // The keys are read again, or another session is obtained.
            (
                UnknownCredentials,
                "AuthFailure InvalidAccessKeyId InvalidClientTokenId InvalidToken UnrecognizedClientException",
            ),
            // Nothing is refreshed.
            (
                MissingCredentials,
                "MissingAuthenticationToken MissingAuthenticationTokenException",
            ),
            (
                MalformedSignature,
                "AuthorizationHeaderMalformed IncompleteSignature IncompleteSignatureException XAmzContentSHA256Mismatch",
            ),
            // The clock is compared first, and then the keys.
            (ExpiredRequest, "RequestExpired"),
            (ClockSkew, "RequestInTheFuture RequestTimeTooSkewed"),
            (WrongSignature, "InvalidSignatureException SignatureDoesNotMatch"),
            // Backoff.
            (RequestTimeout, "RequestTimeout RequestTimeoutException"),
            (
                Unavailable,
                "InsufficientInstanceCapacity ModelNotReadyException ServiceUnavailable ServiceUnavailableException \
                 Unavailable",
            ),
        ] {
            assert_eq!(codes(class), want, "{class:?}");
        }
    }
}

//! How a service's servers read a path when they check a signature.

/// How the path on the wire becomes the canonical path of a signature.
///
/// Source: AWS Signature Version 4, "Create a canonical request"; botocore's `S3SigV4Auth` and `SigV4Auth`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PathEncoding {
    /// S3, S3 Express, S3 Outposts and Object Lambda: the path is a key. Decoded once, encoded strictly, never
    /// normalised; an escaped slash is a slash.
    Single,
    /// S3 Control: as [`Single`](Self::Single), but an escaped slash belongs to an ARN in one path segment and stays
    /// `%2F`.
    SingleKeepingSlash,
    /// All other services: normalised, and the path on the wire is encoded once more.
    Double,
}

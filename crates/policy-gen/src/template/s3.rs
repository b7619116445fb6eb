//! Policies for the objects of one bucket.

use auth_model::Partition;

use super::name::{BucketName, KeyPrefix};
use crate::document::{Policy, Statement};
use crate::escape::literal;

/// Reading and listing a bucket's objects, or those below a prefix.
#[must_use]
pub fn s3_read_only(partition: Partition, bucket: &BucketName, prefix: Option<&KeyPrefix>) -> Policy {
    let read = Statement::allow(["s3:GetObject"]).with_sid("S3ReadObject");
    policy(partition, bucket, prefix, read)
}

/// Reading, listing, writing and deleting a bucket's objects, or those below a prefix, multipart uploads included.
#[must_use]
pub fn s3_read_write(partition: Partition, bucket: &BucketName, prefix: Option<&KeyPrefix>) -> Policy {
    let read_write = Statement::allow([
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    ]);
    policy(partition, bucket, prefix, read_write.with_sid("S3ReadWriteObject"))
}

/// Listing is granted with reading: without it a key that does not exist gets 403, not 404.
fn policy(partition: Partition, bucket: &BucketName, prefix: Option<&KeyPrefix>, objects: Statement) -> Policy {
    let bucket = format!("arn:{partition}:s3:::{bucket}");
    let list = Statement::allow(["s3:ListBucket"]).with_sid("S3ReadBucket");
    let list = list.with_resource(bucket.as_str());
    let below = prefix.map_or(String::new(), |prefix| literal(prefix.as_str())) + "*";
    let list = match prefix {
        Some(_) => list.when_like("s3:prefix", below.as_str()),
        None => list,
    };
    Policy::new([list, objects.with_resource(format!("{bucket}/{below}"))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_read_and_listed() {
        let bucket = BucketName::parse("my-reports").unwrap();
        assert_eq!(
            s3_read_only(Partition::AwsCn, &bucket, None).to_json(),
            concat!(
                r#"{"Version":"2012-10-17","Statement":["#,
                r#"{"Sid":"S3ReadBucket","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws-cn:s3:::my-reports"]},"#,
                r#"{"Sid":"S3ReadObject","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws-cn:s3:::my-reports/*"]}]}"#,
            )
        );
    }

    #[test]
    fn a_prefix_is_a_literal() {
        let bucket = BucketName::parse("my-reports").unwrap();
        let prefix = KeyPrefix::parse("20*/").unwrap();
        let json = s3_read_write(Partition::Aws, &bucket, Some(&prefix)).to_json();
        assert!(
            json.contains(r#""Resource":["arn:aws:s3:::my-reports/20${*}/*"]"#),
            "{json}"
        );
        assert!(
            json.contains(r#""Condition":{"StringLike":{"s3:prefix":"20${*}/*"}}"#),
            "{json}"
        );
    }
}

//! One harmless request for each service that there is one for: it reads, costs nothing and shows nobody's data.

use auth_model::{Partition, ServiceId};
use http::Method;

/// A request, and the IAM action that it needs.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) content_type: Option<&'static str>,
    /// `x-amz-target` of the JSON protocols.
    pub(super) amz_target: Option<&'static str>,
    pub(super) body: &'static str,
    /// `None` where IAM does not decide.
    pub(super) needs: Option<Need>,
    /// What a good response has in it.
    pub(super) document: Document,
}

/// How the document that an operation returns is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Document {
    /// XML with one of these outermost elements.
    Xml(&'static [&'static str]),
    /// A JSON object with this field.
    Json(&'static str),
}

/// What must be allowed.
#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) action: &'static str,
    pub(super) resource: String,
}

const FORM: &str = "application/x-www-form-urlencoded";

impl Probe {
    /// The request for a service; `None` for services that none is known for.
    pub(super) fn of(service: &ServiceId, partition: Partition, bucket: Option<&str>) -> Option<Self> {
        let probe = match service.as_str() {
            "s3" => Self::s3(partition, bucket),
            "ec2" => Self::query(
                "DescribeRegions",
                "Action=DescribeRegions&Version=2016-11-15",
                &["DescribeRegionsResponse"],
            )
            .needing("ec2:DescribeRegions"),
            "sts" => Self::query(
                "GetCallerIdentity",
                "Action=GetCallerIdentity&Version=2011-06-15",
                &["GetCallerIdentityResponse"],
            ),
            "workspaces" => Self::json(
                "DescribeWorkspaces",
                "application/x-amz-json-1.1",
                "WorkspacesService.DescribeWorkspaces",
                "Workspaces",
            )
            .needing("workspaces:DescribeWorkspaces"),
            "dynamodb" => Self::json(
                "ListTables",
                "application/x-amz-json-1.0",
                "DynamoDB_20120810.ListTables",
                "TableNames",
            )
            .needing("dynamodb:ListTables"),
            // Invoking a model costs money; listing invocations that were put into a queue does not.
            "bedrock-runtime" => {
                let document = Document::Json("asyncInvokeSummaries");
                Self::get("ListAsyncInvokes", "/async-invoke?maxResults=1", document)
                    .needing("bedrock:ListAsyncInvokes")
            }
            "bedrock" => {
                let document = Document::Json("modelSummaries");
                Self::get("ListFoundationModels", "/foundation-models", document)
                    .needing("bedrock:ListFoundationModels")
            }
            _ => return None,
        };
        Some(probe)
    }

    /// Checks a bucket by a listing of no keys rather than by `HeadBucket`: both need `s3:ListBucket`, but the response to
    /// a HEAD has no body, so that nothing would tell a wrong signature from a missing permission.
    fn s3(partition: Partition, bucket: Option<&str>) -> Self {
        match bucket {
            None => {
                // Where the endpoint is a bucket's own host, its keys are listed.
                let document = Document::Xml(&["ListAllMyBucketsResult", "ListBucketResult"]);
                Self::get("ListBuckets", "/", document).needing("s3:ListAllMyBuckets")
            }
            Some(bucket) => {
                let mut probe = Self::get("ListObjectsV2", "", Document::Xml(&["ListBucketResult"]));
                probe.target = format!("/{bucket}?list-type=2&max-keys=0");
                probe.needs = Some(Need {
                    action: "s3:ListBucket",
                    resource: format!("arn:{partition}:s3:::{bucket}"),
                });
                probe
            }
        }
    }

    fn get(operation: &'static str, target: &str, document: Document) -> Self {
        Self {
            operation,
            method: Method::GET,
            target: target.to_owned(),
            content_type: None,
            amz_target: None,
            body: "",
            needs: None,
            document,
        }
    }

    fn query(operation: &'static str, form: &'static str, roots: &'static [&'static str]) -> Self {
        Self {
            method: Method::POST,
            content_type: Some(FORM),
            body: form,
            ..Self::get(operation, "/", Document::Xml(roots))
        }
    }

    fn json(
        operation: &'static str,
        content_type: &'static str,
        amz_target: &'static str,
        field: &'static str,
    ) -> Self {
        Self {
            method: Method::POST,
            content_type: Some(content_type),
            amz_target: Some(amz_target),
            body: r#"{"Limit":1}"#,
            ..Self::get(operation, "/", Document::Json(field))
        }
    }

    fn needing(mut self, action: &'static str) -> Self {
        self.needs = Some(Need {
            action,
            resource: "*".to_owned(),
        });
        self
    }
}

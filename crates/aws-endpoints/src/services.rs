//! How each service wants to be signed and spoken to.

use auth_model::{ServiceId, SigningName};

use crate::path_encoding::PathEncoding;

/// The wire protocol; it decides the shape of error documents.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// XML bodies, operations by method and path: S3, Route 53.
    RestXml,
    /// The query protocol in EC2's dialect; XML answers.
    Ec2,
    /// Form bodies with `Action=`; XML answers: STS, IAM.
    Query,
    /// JSON bodies with `X-Amz-Target`: DynamoDB, WorkSpaces.
    Json,
    /// JSON bodies, operations by method and path: Bedrock, Lambda.
    RestJson,
    /// Smithy RPC v2 with CBOR bodies.
    RpcV2Cbor,
}

impl Protocol {
    /// Whether its clients read errors as XML documents.
    #[must_use]
    pub fn has_xml_errors(self) -> bool {
        match self {
            Self::RestXml | Self::Ec2 | Self::Query => true,
            Self::Json | Self::RestJson | Self::RpcV2Cbor => false,
        }
    }
}

/// How a service wants to be signed and spoken to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceTraits {
    /// The service's name in the signing scope.
    pub signing_name: SigningName,
    /// How the path enters the canonical request.
    pub path_encoding: PathEncoding,
    /// The protocol its SDKs speak.
    pub protocol: Protocol,
    /// Whether the service takes `UNSIGNED-PAYLOAD` as the payload hash over TLS.
    pub unsigned_payload_allowed: bool,
    /// Whether it is S3 or a sibling that shares S3's way of signing.
    pub is_s3_family: bool,
}

/// The service's traits; an unknown service signs under its own prefix, the way of the most recent services.
#[must_use]
pub fn traits_of(service: &ServiceId) -> ServiceTraits {
    let known = SERVICES.iter().find(|facts| facts.prefix == service.as_str());
    let is_s3_family = matches!(
        service.as_str(),
        "s3" | "s3express" | "s3-object-lambda" | "s3-outposts" | "s3-control"
    );
    let name = known.map_or_else(|| last_label(service.as_str()), |facts| facts.signing_name);
    ServiceTraits {
        signing_name: signing_name(name),
        path_encoding: match service.as_str() {
            "s3-control" => PathEncoding::SingleKeepingSlash,
            _ if is_s3_family => PathEncoding::Single,
            _ => PathEncoding::Double,
        },
        protocol: known.map_or(Protocol::RestJson, |facts| facts.protocol),
        unsigned_payload_allowed: is_s3_family,
        is_s3_family,
    }
}

/// `runtime.x` signs as `x` wherever the tables know such a service.
fn last_label(prefix: &str) -> &str {
    prefix.rsplit('.').next().unwrap_or(prefix)
}

#[expect(
    clippy::expect_used,
    reason = "a label of a service id is a signing name: the first alphabet lies in the second"
)]
fn signing_name(label: &str) -> SigningName {
    SigningName::parse(label).expect("a label of a service id is a signing name")
}

/// What the tables know about a service.
#[derive(Debug)]
pub(crate) struct ServiceFacts {
    pub(crate) prefix: &'static str,
    pub(crate) signing_name: &'static str,
    pub(crate) protocol: Protocol,
    /// One endpoint for the whole partition.
    pub(crate) is_global: bool,
}

const fn regional(prefix: &'static str, signing_name: &'static str, protocol: Protocol) -> ServiceFacts {
    ServiceFacts {
        prefix,
        signing_name,
        protocol,
        is_global: false,
    }
}

pub(crate) const SERVICES: &[ServiceFacts] = &[
    regional("api.ecr", "ecr", Protocol::Json),
    regional("bedrock", "bedrock", Protocol::RestJson),
    regional("bedrock-runtime", "bedrock", Protocol::RestJson),
    regional("dynamodb", "dynamodb", Protocol::Json),
    regional("ec2", "ec2", Protocol::Ec2),
    regional("email", "ses", Protocol::Query),
    ServiceFacts {
        prefix: "iam",
        signing_name: "iam",
        protocol: Protocol::Query,
        is_global: true,
    },
    regional("kms", "kms", Protocol::Json),
    regional("lambda", "lambda", Protocol::RestJson),
    regional("runtime.sagemaker", "sagemaker", Protocol::RestJson),
    regional("s3", "s3", Protocol::RestXml),
    regional("secretsmanager", "secretsmanager", Protocol::Json),
    regional("sns", "sns", Protocol::Query),
    regional("sqs", "sqs", Protocol::Json),
    regional("sts", "sts", Protocol::Query),
    regional("workspaces", "workspaces", Protocol::Json),
];

//! Which wire protocol a service speaks.

/// The wire protocol; it decides the shape of error documents.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// XML bodies, operations by method and path: S3, Route 53.
    RestXml,
    /// The query protocol in EC2's dialect; XML responses.
    Ec2,
    /// Form bodies with `Action=`; XML responses: STS, IAM.
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

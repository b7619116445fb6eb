//! `WorkSpaces`: `DescribeWorkspaces` in AWS JSON 1.1, and in RPC v2 CBOR as the newest SDKs speak it.

use async_trait::async_trait;
use http::Response;
use http::request::Parts;
use serde_json::json;

use crate::api::{Api, Call, Identity};
use crate::json::{json_operation, unknown_operation};
use crate::response::{Body, ok};
use crate::service_error::{ServiceError, Shape, cbor_ok};

/// The stand-in.
pub(crate) struct Workspaces;

#[async_trait]
impl Api for Workspaces {
    fn identity(&self) -> Identity {
        Identity {
            service: "workspaces",
            signing_name: "workspaces",
            shape: Shape::Json,
            action_prefix: "workspaces",
        }
    }

    fn operation(&self, head: &Parts, _body: &[u8]) -> Option<String> {
        let by_path = head.uri.path().strip_prefix("/service/WorkspacesService/operation/");
        by_path
            .map(str::to_owned)
            .or_else(|| json_operation(head, "WorkspacesService"))
    }

    async fn respond(&self, call: Call<'_>) -> Result<Response<Body>, ServiceError> {
        match call.operation {
            Some("DescribeWorkspaces") => {
                let response = json!({
                    "Workspaces": [{
                        "WorkspaceId": "ws-0sandbox1",
                        "DirectoryId": "d-0sandbox00",
                        "UserName": "reporter",
                        "State": "AVAILABLE",
                        "BundleId": "wsb-sandbox01",
                        "IpAddress": "192.0.2.20",
                        "ComputerName": "SANDBOX-1",
                    }]
                });
                if Shape::Json.requested_by(call.head) == Shape::Cbor {
                    return Ok(cbor_ok(&response));
                }
                Ok(ok(Shape::Json.content_type(), response.to_string()))
            }
            _ => Err(unknown_operation()),
        }
    }
}

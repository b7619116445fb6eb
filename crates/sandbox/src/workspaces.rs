//! `WorkSpaces`: `DescribeWorkspaces` in AWS JSON 1.1.

use async_trait::async_trait;
use http::Response;
use http::request::Parts;
use serde_json::json;

use crate::api::{Api, Call, Identity};
use crate::json::{json_operation, unknown_operation};
use crate::refusal::{Refusal, Shape};
use crate::response::{Body, ok};

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
        json_operation(head, "WorkspacesService")
    }

    async fn answer(&self, call: Call<'_>) -> Result<Response<Body>, Refusal> {
        match call.operation {
            Some("DescribeWorkspaces") => {
                let answer = json!({
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
                Ok(ok(Shape::Json.content_type(), answer.to_string()))
            }
            _ => Err(unknown_operation()),
        }
    }
}

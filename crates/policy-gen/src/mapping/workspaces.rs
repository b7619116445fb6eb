//! What the operations of WorkSpaces ask of IAM.
//!
//! They are sent as JSON 1.1 or as Smithy RPC v2 with CBOR; both are read. `workspaces.tsv` is made by
//! `generator/workspaces.py`, from botocore's model and the list of IAM actions.

use std::sync::LazyLock;

use super::rows::{Parameters, Rows};
use super::rpc::{self, Service};
use super::value::{Value, Wanted};
use super::{BodyNeed, Mapping, MappingError, Need, Request, Resource};

/// The table, split on first use.
pub(super) static ROWS: LazyLock<Rows> = LazyLock::new(|| Rows::read(include_str!("workspaces.tsv")));

const SERVICE: Service = Service {
    target: "WorkspacesService",
    speaks_cbor: true,
};

/// The most bytes that are read: 25 workspaces with a hundred tags each fit in half of it, and so does a logo for every
/// platform (`ImportClientBranding`).
const MAX_BODY: usize = 8 << 20;

/// The members that a row's path begins with; a test compares them with the table.
const WANTED: Wanted = Wanted {
    members: &[
        "AliasId",
        "ApplicationId",
        "BundleId",
        "DirectoryId",
        "GroupId",
        "GroupIds",
        "ImageId",
        "PoolId",
        "RebootWorkspaceRequests",
        "RebuildWorkspaceRequests",
        "ResourceId",
        "ResourceIds",
        "SourceImageId",
        "SourceWorkspaceId",
        "StandbyWorkspaces",
        "StartWorkspaceRequests",
        "StopWorkspaceRequests",
        "Tags",
        "TerminateWorkspaceRequests",
        "WorkspaceCreationProperties",
        "WorkspaceId",
        "Workspaces",
    ],
    depth: 5,
};

pub(super) fn needs_body(request: &Request<'_>) -> BodyNeed {
    let rows = rpc::operation(request, SERVICE)
        .ok()
        .and_then(|(name, _)| ROWS.operation(name));
    match rows {
        Some((_, rows)) if Rows::reads_parameters(rows) => BodyNeed::UpTo(MAX_BODY),
        _ => BodyNeed::No,
    }
}

pub(super) fn map(request: &Request<'_>, body: Option<&[u8]>) -> Result<Mapping, MappingError> {
    let (name, encoding) = rpc::operation(request, SERVICE)?;
    let (name, rows) = ROWS
        .operation(name)
        .ok_or_else(|| MappingError::unknown("the operation's name"))?;
    let mut mapping = Mapping::new(name);
    let value = if Rows::reads_parameters(rows) {
        rpc::body(encoding, body.ok_or(MappingError::BodyMissing)?, WANTED)?
    } else {
        Value::Null
    };
    mapping.required = ROWS.needs(rows, request, Parameters::Body(&value))?;
    mapping.advisory = besides(name, &mapping.required);
    Ok(mapping)
}

/// What an operation may authorise too, by AWS's service reference; its documentation does not say when.
fn besides(operation: &str, required: &[Need]) -> Vec<Need> {
    let any = |action: &'static str| vec![Need::new(action, Resource::Any)];
    let groups = |action: &'static str| -> Vec<Need> {
        let resources = required.iter().map(|need| need.resource.clone());
        resources.map(|group| Need::new(action, group)).collect()
    };
    match operation {
        "AuthorizeIpRules" | "RevokeIpRules" => groups("workspaces:UpdateRulesOfIpGroup"),
        "UpdateRulesOfIpGroup" => [
            groups("workspaces:AuthorizeIpRules"),
            groups("workspaces:RevokeIpRules"),
        ]
        .concat(),
        "CopyWorkspaceImage" => any("workspaces:DescribeWorkspaceImages"),
        "CreateStandbyWorkspaces" => any("workspaces:DescribeWorkspaces"),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;

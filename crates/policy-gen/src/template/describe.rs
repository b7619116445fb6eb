//! Policies for looking at what AWS lets nobody restrict to a resource.

use crate::document::{Policy, Statement};

/// Looking at EC2 instances and what belongs to them. None of these actions can be restricted to resources.
#[must_use]
pub fn ec2_describe() -> Policy {
    let actions = [
        "Addresses",
        "AvailabilityZones",
        "Hosts",
        "Images",
        "InstanceStatus",
        "InstanceTypeOfferings",
        "InstanceTypes",
        "Instances",
        "InternetGateways",
        "KeyPairs",
        "LaunchTemplateVersions",
        "LaunchTemplates",
        "NatGateways",
        "NetworkAcls",
        "NetworkInterfaces",
        "PlacementGroups",
        "Regions",
        "RouteTables",
        "SecurityGroupRules",
        "SecurityGroups",
        "Snapshots",
        "SpotInstanceRequests",
        "Subnets",
        "Tags",
        "VolumeStatus",
        "Volumes",
        "VpcEndpoints",
        "Vpcs",
    ];
    everywhere("Ec2ReadAll", actions.map(|action| format!("ec2:Describe{action}")))
}

/// Looking at WorkSpaces, their directories, bundles, images and pools.
#[must_use]
pub fn workspaces_read() -> Policy {
    let actions = [
        "Account",
        "AccountModifications",
        "Applications",
        "ConnectionAliases",
        "Tags",
        "WorkspaceBundles",
        "WorkspaceDirectories",
        "WorkspaceImages",
        "Workspaces",
        "WorkspacesConnectionStatus",
        "WorkspacesPools",
    ];
    everywhere(
        "WorkspacesReadAll",
        actions.map(|action| format!("workspaces:Describe{action}")),
    )
}

fn everywhere<const N: usize>(sid: &'static str, actions: [String; N]) -> Policy {
    Policy::new([Statement::allow(actions).with_sid(sid).with_resource("*")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::PolicyKind;

    #[test]
    fn actions_have_no_wildcards_and_change_nothing() {
        for policy in [ec2_describe(), workspaces_read()] {
            let actions: Vec<_> = policy.statements().flat_map(|statement| &statement.actions).collect();
            assert!(actions.len() > 10 && actions.iter().all(|action| action.contains(":Describe")));
            assert!(actions.iter().all(|action| !action.contains('*')));
            assert_eq!(policy.split(PolicyKind::Managed).unwrap().len(), 1);
        }
    }
}

"""WorkSpaces: src/mapping/workspaces.tsv, lines as src/mapping/rows.rs explains them."""

from sources import need, write_table

# The members that hold ids, by type.
MEMBERS = {
    "connectionalias": ["AliasId"],
    "directoryid": ["DirectoryId", "ResourceId", "ResourceIds", "Workspaces.DirectoryId", "StandbyWorkspaces.DirectoryId"],
    "workspaceapplication": ["ApplicationId"],
    "workspacebundle": ["BundleId", "Workspaces.BundleId"],
    "workspaceid": ["WorkspaceId", "SourceWorkspaceId", "RebootWorkspaceRequests.WorkspaceId",
                    "RebuildWorkspaceRequests.WorkspaceId", "StartWorkspaceRequests.WorkspaceId",
                    "StopWorkspaceRequests.WorkspaceId", "TerminateWorkspaceRequests.WorkspaceId",
                    "StandbyWorkspaces.PrimaryWorkspaceId"],
    "workspaceimage": ["ImageId", "SourceImageId"],
    "workspaceipgroup": ["GroupId", "GroupIds"],
    "workspacespool": ["PoolId"],
}

# What these make and so cannot name. A standby workspace is made beside the one that is named.
CREATED = {
    "CreateWorkspaceBundle": ["workspacebundle"],
    "CreateWorkspaceImage": ["workspaceimage"],
    "CreateWorkspaces": ["workspaceid"],
    "CreateWorkspacesPool": ["workspacespool"],
}

# Without ids these look at all of a type.
LISTING = {"DescribeIpGroups"}

# The documentation of these says that ids may be left out: then nothing is done to that type.
OPTIONAL = {("UpdateWorkspaceBundle", "workspaceimage")}

# Roles that are handed to WorkSpaces.
PASSED = {"ModifyWorkspaceCreationProperties": "WorkspaceCreationProperties.InstanceIamRoleArn"}

SERVICE = "workspaces"


def paths_below(shape, prefix=(), depth=3):
    if depth and shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from paths_below(member, (*prefix, name), depth - 1)
    elif depth and shape.type_name == "list":
        yield from paths_below(shape.member, prefix, depth - 1)
    yield ".".join(prefix)


def write(sources):
    model, actions = sources.model(SERVICE), sources.list_of_actions(SERVICE)
    rows = []
    for operation in sorted(model.operation_names):
        shape = model.operation_model(operation).input_shape
        known = set(paths_below(shape)) if shape else set()
        types = actions[operation]["resourceTypes"]
        action = f"{SERVICE}:{operation}"
        if not types:
            rows.append(need(operation, action))
        for found in types:
            kind, paths = found["name"], [path for path in MEMBERS[found["name"]] if path in known]
            if kind in CREATED.get(operation, []):
                otherwise, paths = "any", []
            elif operation in LISTING:
                otherwise = "any"
            else:
                otherwise = "-" if (operation, kind) in OPTIONAL else "unnamed"
            assert paths or otherwise == "any", (operation, kind)
            rows.append(need(operation, action, kind, paths, otherwise))
        tags = [path for path in ("Tags", "Workspaces.Tags", "StandbyWorkspaces.Tags") if path in known]
        if tags and operation != "CreateTags":
            rows.append(need(operation, f"{SERVICE}:CreateTags", "*", tags))
        if operation in PASSED:
            rows.append(need(operation, "iam:PassRole", "role", [PASSED[operation]], "-",
                             "iam:PassedToService=workspaces.amazonaws.com"))
    templates = sources.resource_types(SERVICE)
    rows += [("resource", kind, templates[kind], "id") for kind in sorted(MEMBERS)]
    rows.append(("resource", "role", "arn:{partition}:iam::{account}:role/{id}", "arn"))
    write_table("workspaces.tsv", ["line", "..."], rows)

"""EC2: src/mapping/ec2.tsv, lines as src/mapping/rows.rs explains them, and `tags OPERATION PATH TYPE`.

Which types an operation takes comes from the list of IAM actions, which parameters name them from botocore's model: by
the last word of the parameter's name. What that gets wrong is in the tables below, each with the operations it is for.
"""

import json
import re

from sources import need, write_table

# The last word of a parameter -> types it may name. Words that are a type's own (`InstanceId`) need no line.
WORDS = {
    "AddMiddleboxAttachmentId": ["transit-gateway-attachment"],
    "AddRouteTableId": ["route-table"],
    "AddSecurityGroupId": ["security-group"],
    "AddSubnetId": ["subnet"],
    "AddSubnetIds": ["subnet"],
    "AllocationId": ["elastic-ip"],
    "AssociatedSubnetId": ["subnet"],
    "AssociationDefaultRouteTableId": ["transit-gateway-route-table"],
    "CapacityReservationResourceGroupArn": ["group"],
    "CertificateArn": ["certificate"],
    "CoipPoolId": ["coip-pool"],
    "CurrentIpamScopeId": ["ipam-scope"],
    "DedicatedHostId": ["dedicated-host"],
    "DestinationCapacityReservationId": ["capacity-reservation"],
    "DestinationIpamScopeId": ["ipam-scope"],
    "DestinationPrefixListId": ["prefix-list"],
    "DestinationTransitGatewayAttachmentId": ["transit-gateway-attachment"],
    "ExclusionId": ["vpc-block-public-access-exclusion"],
    "FlowLogId": ["vpc-flow-log"],
    "FpgaImageId": ["fpga-image"],
    "GatewayLoadBalancerEndpointId": ["vpc-endpoint"],
    "GroupId": ["security-group"],
    "HostId": ["dedicated-host"],
    "HostResourceGroupArn": ["group"],
    "Ipv4IpamPoolId": ["ipam-pool"],
    "Ipv6IpamPoolId": ["ipam-pool"],
    "KeyName": ["key-pair"],
    "KernelId": ["image"],
    "LicenseConfigurationArn": ["license-configuration"],
    "LocalGatewayRouteTableId": ["local-gateway-route-table"],
    "MiddleboxAttachmentId": ["transit-gateway-attachment"],
    "NatGatewayId": ["natgateway"],
    "NetworkAclId": ["network-acl"],
    "NetworkInterfaceIds": ["network-interface"],
    "PeeringAttachmentId": ["transit-gateway-attachment"],
    "PropagationDefaultRouteTableId": ["transit-gateway-route-table"],
    "QuoteId": ["capacity-reservation-cancellation-quote"],
    "RamdiskId": ["image"],
    "RemoveMiddleboxAttachmentId": ["transit-gateway-attachment"],
    "RemoveRouteTableId": ["route-table"],
    "RemoveSecurityGroupId": ["security-group"],
    "RemoveSubnetId": ["subnet"],
    "RemoveSubnetIds": ["subnet"],
    "ReservedInstanceId": ["reserved-instances"],
    "ReservedInstancesId": ["reserved-instances"],
    "RoleArn": ["role"],
    "SecondaryAllocationId": ["elastic-ip"],
    "ServiceId": ["vpc-endpoint-service"],
    "SourceCapacityReservationId": ["capacity-reservation"],
    "SourceFpgaImageId": ["fpga-image"],
    "SourceImageId": ["image"],
    "SourceIpamPoolId": ["ipam-pool"],
    "SourceSnapshotId": ["snapshot"],
    "SourceTransitGatewayAttachmentId": ["transit-gateway-attachment"],
    "SourceVolumeId": ["volume"],
    "SubnetIds": ["subnet"],
    "TargetRouteTableId": ["transit-gateway-route-table"],
    "TargetVpcSubnetId": ["subnet"],
    "TransportTransitGatewayAttachmentId": ["transit-gateway-attachment"],
    "AccessGroupId": [],  # a group of the directory, not of EC2
    "ReportId": ["declarative-policies-report", "image-usage-report"],
    "PublicIpv4PoolId": ["ipv4pool-ec2"],
}

# Told apart by the id's prefix: the ids of several types fit one parameter.
BY_PREFIX = {
    "ExportTaskId": {"export-image-task", "export-instance-task"},
    "GatewayId": {"internet-gateway", "vpn-gateway"},
    "ImportTaskId": {"import-image-task", "import-snapshot-task"},
    "PoolId": {"coip-pool", "ipv4pool-ec2", "ipv6pool-ec2"},
    "PublicIpv4Pool": {"ipv4pool-ec2"},
    "Ipv6Pool": {"ipv6pool-ec2"},
}
# The same, where the word means it in some operations only.
BY_PREFIX_IN = {
    "CreateFlowLogs": {"ResourceId": {"natgateway", "network-interface", "subnet", "transit-gateway",
                                      "transit-gateway-attachment", "vpc"}},
    "CreateNetworkInsightsPath": {
        word: {"instance", "internet-gateway", "network-interface", "transit-gateway", "vpc-endpoint",
               "vpc-endpoint-service", "vpc-peering-connection", "vpn-gateway"} for word in ("Source", "Destination")},
}

# Parameters that only AWS can lead to the resource: word -> types.
INDIRECT = {
    "AssociationId": ["elastic-ip", "instance", "network-acl", "network-interface", "route-table", "subnet", "vpc",
                      "natgateway", "internet-gateway", "vpn-gateway"],
    "AttachmentId": ["instance", "network-interface"],
    "ConnectionNotificationId": ["vpc-endpoint", "vpc-endpoint-service"],
    "GroupName": ["security-group"],
    "KeyPairId": ["key-pair"],
    "LaunchTemplateName": ["launch-template"],
    "NetworkInterfacePermissionId": ["network-interface"],
    "PlacementGroupArn": ["placement-group"],
    "PublicIp": ["elastic-ip"],
    "SecurityGroup": ["security-group"],
    "SubnetCidrReservationId": ["subnet"],
    "Address": ["elastic-ip"],
}
PLACEMENT_GROUP_OPERATIONS = {"CreatePlacementGroup", "DeletePlacementGroup"}

# Parameters below these describe something else, later or in another account: filters, rules, templates, peers.
ELSEWHERE = re.compile(r"^(Filter|LaunchTemplateData|IpPermissions|SecurityGroupRuleDescription|TargetConfiguration)\b|"
                       r"^SecurityGroupRule\.SecurityGroupRule\b|\bExcludeDataVolumeId$")

# Beside what a create, a request or the like names, it makes something of a type that it names too.
MAKES_ANOTHER = {
    "CopyFpgaImage": ["fpga-image"], "CopyImage": ["image", "snapshot"], "CopySnapshot": ["snapshot"],
    "CopyVolumes": ["volume"], "CreateCapacityReservationBySplitting": ["capacity-reservation"],
    "CreateImage": ["image", "snapshot"], "CreateTransitGatewayConnect": ["transit-gateway-attachment"],
    "CreateTransitGatewayPeeringAttachment": ["transit-gateway-attachment"],
    "CreateTransitGatewayVpcAttachment": ["transit-gateway-attachment"],
    "CreateInterruptibleCapacityReservationAllocation": ["capacity-reservation"],
    "CreateIpamPool": ["ipam-pool"], "PurchaseCapacityBlock": ["capacity-reservation"],
    "RegisterImage": ["image"], "ImportImage": ["image", "import-image-task"], "ImportSnapshot": ["snapshot", "import-snapshot-task"],
    "ImportInstance": ["instance", "volume"], "ImportVolume": ["volume"], "CreateFleet": ["fleet", "instance"],
    "CreateSnapshots": ["snapshot", "volume"], "CreateReplaceRootVolumeTask": ["replace-root-volume-task", "volume"],
    "CreateRestoreImageTask": ["image"], "AllocateAddress": ["elastic-ip"],
    "RunInstances": ["instance", "network-interface", "volume"], "AllocateIpamPoolCidr": ["ipam-pool-allocation"],
    "CreateVpcPeeringConnection": ["vpc-peering-connection"], "CreateLaunchTemplate": ["launch-template"],
    "CreateSecurityGroup": ["security-group"],
}

# Optional by the list of actions, and yet always made: the root volume of all but the oldest images.
ALWAYS = {("RunInstances", "volume")}

CREATES = re.compile("^(Create|Allocate|Request|Import|Register|Run|Provision|Export|Purchase|Start|Associate|Copy)")
LOOKS = re.compile("^(Describe|Get|List|Search)")

# Roles that are handed over: parameter -> to whom; None: by an instance profile, which names the role.
PASSED = {
    "IamInstanceProfile": None,
    "DeliverLogsPermissionArn": "vpc-flow-logs.amazonaws.com",
    "IamFleetRole": "spotfleet.amazonaws.com",
}

# What ids of a prefix are. Source: the ids in the examples of the EC2 API reference.
PREFIXES = {
    "acl": "network-acl", "ami": "image", "afi": "fpga-image", "aki": "image", "ari": "image", "cagw": "carrier-gateway",
    "cgw": "customer-gateway", "coip-pool": "coip-pool", "ipv4pool-coip": "coip-pool", "cr": "capacity-reservation",
    "crf": "capacity-reservation-fleet", "cvpn-endpoint": "client-vpn-endpoint", "dopt": "dhcp-options",
    "eice": "instance-connect-endpoint", "eigw": "egress-only-internet-gateway", "eipalloc": "elastic-ip",
    "eni": "network-interface", "export-ami": "export-image-task", "export-i": "export-instance-task",
    "fl": "vpc-flow-log", "fleet": "fleet", "h": "dedicated-host", "hr": "host-reservation", "i": "instance",
    "iew": "instance-event-window", "igw": "internet-gateway", "import-ami": "import-image-task",
    "import-snap": "import-snapshot-task", "ipam": "ipam", "ipam-pool": "ipam-pool", "ipam-scope": "ipam-scope",
    "ipam-res-disco": "ipam-resource-discovery", "ipam-res-disco-assoc": "ipam-resource-discovery-association",
    "ipv4pool-ec2": "ipv4pool-ec2", "ipv6pool-ec2": "ipv6pool-ec2", "lgw": "local-gateway",
    "lgw-rtb": "local-gateway-route-table", "lgw-vif": "local-gateway-virtual-interface",
    "lgw-vif-grp": "local-gateway-virtual-interface-group", "lt": "launch-template", "nat": "natgateway",
    "nia": "network-insights-analysis", "nip": "network-insights-path", "nis": "network-insights-access-scope",
    "nisa": "network-insights-access-scope-analysis", "pcx": "vpc-peering-connection", "pl": "prefix-list",
    "rs": "route-server", "rse": "route-server-endpoint", "rsp": "route-server-peer", "rtb": "route-table",
    "scr": "subnet-cidr-reservation", "sfr": "spot-fleet-request", "sg": "security-group", "sgr": "security-group-rule",
    "sir": "spot-instances-request", "snap": "snapshot", "subnet": "subnet", "tgw": "transit-gateway",
    "tgw-attach": "transit-gateway-attachment", "tgw-connect-peer": "transit-gateway-connect-peer",
    "tgw-mcast-domain": "transit-gateway-multicast-domain", "tgw-ptb": "transit-gateway-policy-table",
    "tgw-rtb": "transit-gateway-route-table", "tgw-rtb-ann": "transit-gateway-route-table-announcement",
    "tmf": "traffic-mirror-filter", "tmfr": "traffic-mirror-filter-rule", "tms": "traffic-mirror-session",
    "tmt": "traffic-mirror-target", "vagr": "verified-access-group", "vae": "verified-access-endpoint",
    "vai": "verified-access-instance", "vatp": "verified-access-trust-provider", "vgw": "vpn-gateway",
    "vol": "volume", "vpc": "vpc", "vpcbpa-exclude": "vpc-block-public-access-exclusion", "vpce": "vpc-endpoint",
    "vpce-svc": "vpc-endpoint-service", "vpn": "vpn-connection",
}

# Ids that are names, and types that parameters name by their whole ARN.
NAMES = {"key-pair", "placement-group"}
ARNS = {"certificate", "elastic-inference", "group", "license-configuration", "role"}


def parameters(shape, prefix=(), above=()):
    """Every string parameter as (path without the numbers of lists, shape), and the lists of tag specifications."""
    if shape.name in above:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            wire = member.serialization
            wire = wire.get("queryName") or (wire["name"][:1].upper() + wire["name"][1:] if "name" in wire else name)
            yield from parameters(member, (*prefix, wire), (*above, shape.name))
    elif shape.type_name == "list":
        yield ".".join(prefix), shape
        yield from parameters(shape.member, prefix, above)
    elif shape.type_name == "string":
        yield ".".join(prefix), shape


def paths_to(kind, operation, found, own, listed):
    """The parameters that name a resource of the type; `listed`: the types that the operation takes."""
    direct, other = [], []
    for path in found:
        word = path.rsplit(".", 1)[-1]
        if ELSEWHERE.search(path) and kind != "launch-template":
            continue
        if operation in PLACEMENT_GROUP_OPERATIONS:
            hit = word == "GroupName" and kind == "placement-group"
            direct += [path] if hit else []
        elif word == "GroupName" and ".Placement." in f".{path}":
            direct += [path] if kind == "placement-group" else []
        elif word == "GroupId" and ".Placement." in f".{path}":
            other += ["~" + path] if kind == "placement-group" else []
        elif kind in (several := {**BY_PREFIX, **BY_PREFIX_IN.get(operation, {})}.get(word, set())):
            direct.append(path if len(several & listed) == 1 else "^" + path)
        elif kind in WORDS.get(word, []) or (word == own.get(kind) and word not in WORDS):
            direct.append(path)
        elif kind in INDIRECT.get(word, []):
            other.append("~" + path)
    return list(dict.fromkeys(direct)), list(dict.fromkeys(other))


def rows_of(operation, listed, found, own):
    action = f"ec2:{operation}"
    if not listed or not listed["resourceTypes"]:
        return [need(operation, action)]
    rows, types = [], {entry["name"] for entry in listed["resourceTypes"]}
    for entry in listed["resourceTypes"]:
        kind = entry["name"]
        required = entry["required"] or (operation, kind) in ALWAYS
        direct, other = paths_to(kind, operation, found, own, types)
        made = kind in MAKES_ANOTHER.get(operation, [])
        if made or (required and not direct and not other and CREATES.search(operation)):
            rows.append(need(operation, action, kind, [], "any"))
            made = True
        if direct or (other and not made):
            otherwise = "-" if made or not required else "any" if LOOKS.search(operation) else "unnamed"
            rows.append(need(operation, action, kind, direct + other, otherwise))
        elif required and not made:
            rows.append(need(operation, action, kind, [], "unnamed"))
    # Only optional types, none of which a parameter names: the call is checked against whatever AWS finds.
    return rows or [need(operation, action, listed["resourceTypes"][0]["name"], [], "unnamed")]


def write(sources):
    model, actions = sources.model("ec2"), sources.list_of_actions("ec2")
    templates = sources.resource_types("ec2")
    own = own_words(sources)
    rows = []
    for operation in sorted(model.operation_names):
        shape = model.operation_model(operation).input_shape
        found = list(parameters(shape)) if shape else []
        strings = [path for path, shape in found if shape.type_name == "string"]
        if operation in ("CreateTags", "DeleteTags"):
            rows.append(need(operation, f"ec2:{operation}", "*", ["ResourceId"]))
            continue
        rows += rows_of(operation, actions.get(operation), strings, own)
        rows += passed(operation, strings)
        rows += tags(operation, found, actions.get(operation))
    rows += [("resource", kind, template, "name" if kind in NAMES else "arn" if kind in ARNS else "id")
             for kind, template in sorted(templates.items())]
    rows += [("prefix", prefix, kind) for prefix, kind in sorted(PREFIXES.items())]
    assert set(PREFIXES.values()) <= set(templates)
    write_table("ec2.tsv", ["line", "..."], rows)


def own_words(sources):
    """Type -> `InstanceId` of `…:instance/${InstanceId}`."""
    found = json.loads((sources.iam_data / "resourceTypes" / "ec2.json").read_text()).values()
    return {r["key"]: re.search(r"\$\{(\w+)\}$", r["arn"])[1] for r in found}


def passed(operation, strings):
    rows = []
    for word, service in PASSED.items():
        paths = [path for path in strings if f".{word}." in f".{path}."]
        if paths and service is None:
            rows.append(need(operation, "iam:PassRole", "role", ["~" + path for path in paths]))
        elif paths:
            rows.append(need(operation, "iam:PassRole", "role", paths, "-", f"iam:PassedToService={service}"))
    return rows


def tags(operation, found, listed):
    """Lists of tag specifications, and what they tag where they do not say: the one type that the call makes."""
    rows = []
    for path, shape in found:
        if shape.type_name != "list" or shape.member.name not in ("TagSpecification", "SpotFleetTagSpecification"):
            continue
        if ELSEWHERE.search(path):
            continue
        types = [entry["name"] for entry in (listed or {"resourceTypes": []})["resourceTypes"] if entry["required"]]
        rows.append(("tags", operation, path, types[-1] if len(types) == 1 else "-"))
    return rows

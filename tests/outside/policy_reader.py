"""What `policy map` may report, by sources that are not its own tables.

For what botocore sends: AWS's service reference, which lists the actions that an operation may authorise, and what its
operation pages add. A mapping must name botocore's own operation, ask for nothing beside that list, and for the
operation's own action on what the parameters name.
"""

import json
import pathlib
import subprocess

from botocore_wire import ACCOUNT, KMS_KEY, REGION, ROLE, VALUES

REFERENCE = json.loads(
    (pathlib.Path(__file__).parents[2] / "crates/policy-gen/generator/reference/service_reference_ops.json").read_text()
)["services"]
REFERENCE_NAME = {"bedrock-runtime": "bedrock"}

# The same on the wire as their successors.
TWINS = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}

# Documented on the operations' pages, or in the KMS and IAM guides; the reference has only S3's own.
S3_DOCUMENTED = {
    "CopyObject": {"kms:GenerateDataKey", "s3:GetObjectAnnotation", "s3:GetObjectVersionAnnotation", "s3:PutObjectAnnotation"},
    "CreateBucket": {"s3:TagResource"},
    "CreateBucketMetadataConfiguration": {"iam:PassRole"},
    "CreateMultipartUpload": {"kms:Decrypt", "kms:GenerateDataKey"},
    "CreateSession": {"s3express:CreateSession", "kms:Decrypt", "kms:GenerateDataKey"},
    "DeleteObject": {"s3:GetObject"},
    "DeleteObjectAnnotation": {"s3:DeleteObjectAnnotation", "s3:DeleteObjectVersionAnnotation"},
    "DeleteObjects": {"s3:GetObject"},
    "GetBucketAbac": {"s3:GetBucketAbac"},
    "GetObjectAnnotation": {"s3:GetObjectAnnotation", "s3:GetObjectVersionAnnotation"},
    "GetObjectAttributes": {"s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"},
    "HeadObject": {"s3:GetObjectVersion"},
    "ListDirectoryBuckets": {"s3express:ListAllMyDirectoryBuckets"},
    "ListObjectAnnotations": {"s3:ListObjectAnnotations", "s3:ListObjectVersionAnnotations"},
    "PutBucketAbac": {"s3:PutBucketAbac"},
    "PutObject": {"kms:GenerateDataKey"},
    "PutObjectAnnotation": {"s3:PutObjectAnnotation", "s3:PutObjectVersionAnnotation"},
    "RenameObject": {"s3express:CreateSession"},
    "RestoreObject": {"s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"},
    "UpdateBucketMetadataAnnotationTableConfiguration": {
        "s3:UpdateBucketMetadataAnnotationTableConfiguration",
        "iam:PassRole",
    },
    "UpdateObjectEncryption": {
        "s3:UpdateObjectEncryption",
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    },
    "WriteGetObjectResponse": {"s3-object-lambda:WriteGetObjectResponse"},
}

# Dependent actions of the Service Authorization Reference that other services' operations may bring.
DEPENDENT = {
    "bedrock-runtime": {"bedrock:ApplyGuardrail", "bedrock:RenderPrompt", "bedrock:TagResource", "s3:GetObject", "s3:PutObject"},
    "dynamodb": {"iam:PassRole"},
    "ec2": {"ec2:CreateTags", "iam:PassRole"},
    "sts": {"sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"},
    "workspaces": {"workspaces:CreateTags", "iam:PassRole"},
}

# What EC2 does in S3 and Logs as the caller: the guides named in policy-gen's mapping/ec2/as_caller.rs.
EC2_IN_S3 = {
    "BundleInstance": {"s3:PutObject"},
    "CreateCapacityManagerDataExport": {"s3:PutObject"},
    "CreateFlowLogs": {"logs:CreateLogDelivery"},
    "CreateFpgaImage": {"s3:GetObject", "s3:PutObject"},
    "CreateInstanceExportTask": {"s3:PutObject"},
    "CreateRestoreImageTask": {"s3:GetObject"},
    "CreateSpotDatafeedSubscription": {"s3:GetBucketAcl", "s3:PutBucketAcl"},
    "CreateStoreImageTask": {"s3:PutObject", "s3:PutObjectTagging"},
    "CreateVpnConnection": {"logs:CreateLogDelivery"},
    "ExportImage": {"s3:PutObject"},
    "ExportTransitGatewayRoutes": {"s3:PutObject"},
    "GetFlowLogsIntegrationTemplate": {"s3:PutObject"},
    "ImportImage": {"s3:GetObject"},
    "ImportSnapshot": {"s3:GetObject"},
    "ModifyVerifiedAccessInstanceLoggingConfiguration": {"logs:CreateLogDelivery"},
    "ModifyVpnTunnelOptions": {"logs:CreateLogDelivery"},
    "RegisterImage": {"s3:GetObject"},
    "StartDeclarativePoliciesReport": {"s3:PutObject"},
}

_S3 = VALUES["s3"]
_BUCKET = f"arn:aws:s3:::{_S3['Bucket']}"
# Literals in IAM's pattern language: the key's star is no wildcard.
_OBJECT = f"{_BUCKET}/folder/a key+1${{*}}"
S3_RESOURCES = {
    _BUCKET,
    _OBJECT,
    "arn:aws:s3:::sourcebucket/source key",
    f"arn:aws:s3:::{_S3['BucketName']}/{_S3['Prefix']}*",
    KMS_KEY,
    ROLE,
}


def map_lines(binary, lines):
    """The responses to these requests, in their order."""
    text = "".join(json.dumps({"id": number, **line}) + "\n" for number, line in enumerate(lines))
    done = subprocess.run([binary, "policy", "map"], input=text, capture_output=True, text=True, check=True)
    responses = [json.loads(line) for line in done.stdout.splitlines()]
    assert [response["id"] for response in responses] == list(range(len(lines)))
    for response in responses:
        keys = ["id", "operation", "pairs", "rejected", "unresolved", "advisory"]
        assert list(response) == keys + ["error"] * response["rejected"], response
    return responses


def fault(service, operation, parameters, response):
    """What is wrong with the response to an operation of botocore's; None where nothing is."""
    if response["rejected"]:
        return f"refused: {response['error']}"
    operation = TWINS.get(operation, operation)
    if response["operation"] != operation:
        return f"is called {response['operation']}"
    found = {action for action, _ in response["pairs"]} | set(response["unresolved"])
    known = allowed(service, operation)
    if known is not None and not found <= known:
        return f"needs {sorted(found - known)}"
    if service != "sts" and not found:
        return "needs nothing"
    own = own_action(service, operation)
    if own is not None and own not in found:
        return f"does not ask for {own}"
    for action, resource in response["pairs"]:
        problem = resource_fault(service, action, resource, parameters)
        if problem:
            return f"{action} on {resource}: {problem}"
    return None


def allowed(service, operation):
    """Every action that the operation may ask for; None where no source knows the operation."""
    listed = set(REFERENCE.get(REFERENCE_NAME.get(service, service), {}).get(operation, []))
    if service == "s3":
        return listed | S3_DOCUMENTED.get(operation, set())
    if service == "dynamodb":
        return None
    # Everything in EC2 is an action of its own, also where the reference is not complete.
    own = {f"{REFERENCE_NAME.get(service, service)}:{operation}"} if service == "ec2" or not listed else set()
    return listed | DEPENDENT[service] | own | (EC2_IN_S3.get(operation, set()) if service == "ec2" else set())


def own_action(service, operation):
    """The action that must be among those found, where it is the operation's own name."""
    if service in ("ec2", "workspaces"):
        return f"{service}:{operation}"
    prefix = REFERENCE_NAME.get(service, service)
    own = f"{prefix}:{operation}"
    # A version has an action of its own in S3; STS needs nothing where the caller speaks of itself.
    return own if service not in ("s3", "sts") and own in REFERENCE.get(prefix, {}).get(operation, []) else None


def resource_fault(service, action, resource, parameters):
    if service == "s3":
        if resource == "*":
            return None if action in ("s3:ListAllMyBuckets", "s3express:ListAllMyDirectoryBuckets") else "on everything"
        return None if resource in S3_RESOURCES else "is nothing that was named"
    if resource == "*":
        return None
    if not resource.startswith("arn:aws:"):
        return "is no ARN"
    if service == "dynamodb" and action.startswith("s3:"):
        named = [place.get("S3Bucket") for place in parameters.values() if isinstance(place, dict)]
        bucket = resource.removeprefix("arn:aws:s3:::").split("/")[0]
        return None if bucket in [parameters.get("S3Bucket"), *named] else "is no bucket that was named"
    if service == "dynamodb" and "TableName" in parameters and "Orders" not in resource:
        return "is not the table"
    if service in ("ec2", "workspaces"):
        account, region = resource.split(":")[4], resource.split(":")[3]
        if resource.startswith(f"arn:aws:{service}:") and (account not in ("", ACCOUNT, "*") or region not in ("", REGION)):
            return "is elsewhere"
    return None

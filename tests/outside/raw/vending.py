"""What hands out credentials is rejected unless the connection's `vend_credentials` has it: every operation of the list, as
botocore writes it, on connections without a policy."""

import base64
import functools
from urllib.parse import urlsplit

from botocore_wire import Wire

from raw.make import both

ACCOUNT = "111122223333"

# The service of each connection as the SDKs call it: operations that hand out credentials, and one that does not.
OPERATIONS = {
    "sts": (
        "sts",
        ["GetSessionToken", "GetFederationToken", "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot"]
        + ["GetWebIdentityToken", "GetDelegatedAccessToken"],
        ["GetCallerIdentity", "GetAccessKeyInfo"],
    ),
    "iam": (
        "iam",
        ["CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "CreateServiceSpecificCredential"]
        + ["ResetServiceSpecificCredential"],
        ["ListAccessKeys", "GetUser"],
    ),
    "store": ("s3", ["CreateSession"], ["ListObjectsV2"]),
    "control": ("s3control", ["GetDataAccess"], ["ListAccessGrants"]),
    "ecr": ("ecr", ["GetAuthorizationToken"], ["DescribeRepositories"]),
    "ecrpublic": ("ecr-public", ["GetAuthorizationToken"], ["DescribeRegistries"]),
    "artifact": ("codeartifact", ["GetAuthorizationToken"], ["ListDomains"]),
    "redshift": ("redshift", ["GetClusterCredentials", "GetClusterCredentialsWithIAM"], ["DescribeClusters"]),
    "redshiftless": ("redshift-serverless", ["GetCredentials"], ["ListWorkgroups"]),
    "lake": (
        "lakeformation",
        ["GetTemporaryGluePartitionCredentials", "GetTemporaryGlueTableCredentials", "GetTemporaryDataLocationCredentials"],
        ["ListResources"],
    ),
    "eksauth": ("eks-auth", ["AssumeRoleForPodIdentity"], []),
    "datazone": ("datazone", ["GetEnvironmentCredentials"], ["ListDomains"]),
    "emr": ("emr", ["GetClusterSessionCredentials"], ["ListClusters"]),
    "emrcontainers": ("emr-containers", ["GetManagedEndpointSessionCredentials"], ["ListVirtualClusters"]),
    "lightsail": ("lightsail", ["CreateBucketAccessKey", "GetBucketAccessKeys"], ["GetBuckets"]),
    "callcenter": ("connect", ["GetFederationToken"], ["ListInstances"]),
    "ssm": ("ssm", ["GetAccessToken"], ["ListDocuments"]),
}
# Such a connection that lists them, as its operator may.
LISTED = {
    "vend": ("sts", "GetSessionToken", "sts:GetSessionToken"),
    "vendecr": ("ecr", "GetAuthorizationToken", "ecr:GetAuthorizationToken"),
    "vendall": ("iam", "CreateAccessKey", "*"),
}


def services():
    """Connections for the world, by name, and what they have besides."""
    names = {on: service for on, (service, _, _) in OPERATIONS.items()} | {on: service for on, (service, _, _) in LISTED.items()}
    return names, {on: {"vend_credentials": [listed]} for on, (_, _, listed) in LISTED.items()}


@functools.cache
def wire(service):
    return Wire(service, s3={"addressing_style": "path"}) if service == "s3" else Wire(service)


def requests(service, operations):
    """What botocore sends for them, with few parameters and with all."""
    maker = wire(service)
    for operation in operations:
        shape = maker.model.operation_model(operation).input_shape
        for everything in (False, True):
            parameters = maker._structure(shape, everything, 0) if shape else {}
            line = maker.ask(operation, parameters)
            assert line, f"botocore sends nothing for {operation}"
            yield f"{service} {operation}{' with all parameters' if everything else ''}", line


def row(name, kind, end, line, on):
    url = urlsplit(line["url"])
    target = url.path + (f"?{url.query}" if url.query else "")
    unwanted = {"host", "user-agent", "content-length", "connection", "accept-encoding", "expect"}
    unwanted |= {"amz-sdk-invocation-id", "amz-sdk-request", "x-amz-user-agent"}
    lines = [
        # The maker of requests knows no account's number.
        (field, ACCOUNT if field.lower() == "x-amz-account-id" else value)
        for field, value in line["headers"]
        if field.lower() not in unwanted
    ]
    body = base64.b64decode(line["body"]["base64"]).decode("latin-1") if line["body"] else None
    for probe in both(name, kind, end, line["method"], target or "/", lines, body, on=on):
        if end == "passed":
            # How the target is spelled is not what this is about.
            probe.sent = [(line["method"],)]
            probe.response = (200, None)
        yield probe


def rows():
    kind = "vending"
    for on, (service, vending, others) in OPERATIONS.items():
        for name, line in requests(service, vending):
            yield from row(name, kind, "rejected", line, on)
        for name, line in requests(service, others):
            yield from row(f"{name}: vends nothing", kind, "passed", line, on)
    for on, (service, operation, _) in LISTED.items():
        for name, line in requests(service, [operation]):
            yield from row(f"{name}: listed", kind, "passed", line, on)
    # By GET, and with the action in odd places.
    query = "/?Action=GetSessionToken&Version=2011-06-15"
    yield from both("by GET", kind, "rejected", "GET", query, on="sts")
    yield from both("by POST, in the query", kind, "rejected", "POST", query, [], "", on="sts")
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    for name, text in {
        "behind another parameter": "Version=2011-06-15&Action=GetSessionToken",
        "with an escape": "Action=Get%53essionToken&Version=2011-06-15",
        "escaped name": "%41ction=GetSessionToken&Version=2011-06-15",
        "twice": "Action=GetCallerIdentity&Action=GetSessionToken&Version=2011-06-15",
        "twice, the other way": "Action=GetSessionToken&Action=GetCallerIdentity&Version=2011-06-15",
    }.items():
        yield from both(name, kind, "rejected", "POST", "/", form, text, on="sts")
        yield from both(f"{name}, no content type", kind, "rejected", "POST", "/", [], text, on="sts")
    target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
    json = ("Content-Type", "application/x-amz-json-1.1")
    yield from both(
        "two target fields",
        kind,
        "rejected",
        "POST",
        "/",
        [json, ("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"), ("X-Amz-Target", target)],
        "{}",
        on="ecr",
    )
    yield from both(
        "an older date in the target field",
        kind,
        "rejected",
        "POST",
        "/",
        [json, ("X-Amz-Target", target.replace("20150921", "20150101"))],
        "{}",
        on="ecr",
    )
    yield from both("CreateSession of a bucket in the path", kind, "rejected", "GET", "/bucket?session", on="store")
    yield from both("CreateSession with a value", kind, "rejected", "GET", "/bucket?session=1", on="store")
    yield from both("CreateSession, escaped", kind, "rejected", "GET", "/bucket?%73ession", on="store")
    # S3's root, as servers that take the forms of STS and IAM there may spell it.
    text = "Action=GetSessionToken&Version=2011-06-15"
    for path in ("/", "//", "///", "/.", "/./", "/%2e", "/%2E/", "/x/..", "/x/%2e%2e", "/x%2F..", "//x", "/%2F", "/;a"):
        yield from both(f"a form of STS to S3's {path}", kind, "rejected", "POST", path, form, text, on="store")
        yield from both(f"STS by GET at S3's {path}", kind, "rejected", "GET", f"{path}?{text}", on="store")

"""`signing-proxy policy map` against everything that botocore can send, and against what it never would."""

import os

import pytest

from botocore_wire import ACCOUNT, KMS_KEY, REGION, ROLE, Wire
from policy_reader import fault, map_lines

SERVICES = ["s3", "ec2", "workspaces", "bedrock-runtime", "dynamodb", "sts"]

BUCKET = "https://b.s3.eu-west-1.amazonaws.com"
PATH_STYLE = "https://s3.eu-west-1.amazonaws.com/b"
OBJECT = "arn:aws:s3:::b/k"


@pytest.fixture(scope="session")
def binary():
    return os.environ["SIGNING_PROXY_BIN"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_botocore_is_mapped(binary, service):
    sent = list(Wire(service).requests())
    responses = map_lines(binary, [line for _, _, line in sent])
    faults = []
    for (operation, parameters, _), response in zip(sent, responses):
        found = fault(service, operation, parameters, response)
        if found:
            faults.append(f"{operation}: {found}")
    assert not faults, f"{len(faults)} of {len(sent)}:\n" + "\n".join(sorted(set(faults))[:60])


def test_all_operations_together_are_more_than_five_hundred():
    assert sum(len(Wire(service).model.operation_names) for service in SERVICES) > 500


def s3(method, url, headers=None, body=None):
    return {
        "service": "s3",
        "region": REGION,
        "account": ACCOUNT,
        "method": method,
        "url": url,
        "headers": headers or {},
        "body": body,
    }


def rpc(service, target, body, headers=None, path="/"):
    types = {"x-amz-target": target, "content-type": "application/x-amz-json-1.1"} if target else {}
    url = f"https://{service}.{REGION}.amazonaws.com{path}"
    return s3("POST", url, {**types, **(headers or {})}, body) | {"service": service}


def form(service, body, query=""):
    url = f"https://{service}.{REGION}.amazonaws.com/{query}"
    return s3("POST", url, {"content-type": "application/x-www-form-urlencoded"}, body) | {"service": service}


READ = [["s3:GetObject", OBJECT]]

# Requests with the one right response, by hand from the S3 user guide.
GOLDEN = [
    (s3("GET", f"{BUCKET}/k"), "GetObject", READ),
    (s3("GET", f"{PATH_STYLE}/k"), "GetObject", READ),
    (s3("GET", "http://127.0.0.1:8333/b/k"), "GetObject", READ),
    (s3("GET", "https://b.s3-eu-west-1.amazonaws.com/k"), "GetObject", READ),
    (s3("GET", "https://b.s3.dualstack.eu-west-1.amazonaws.com/k"), "GetObject", READ),
    (s3("GET", "https://b.s3-accelerate.amazonaws.com/k"), "GetObject", READ),
    (s3("GET", f"{BUCKET}/k?response-content-type=text%2Fplain&X-Amz-Expires=60"), "GetObject", READ),
    (s3("GET", f"{BUCKET}/k?versionId=null"), "GetObject", [["s3:GetObjectVersion", OBJECT]]),
    (s3("HEAD", f"{BUCKET}/"), "HeadBucket", [["s3:ListBucket", "arn:aws:s3:::b"]]),
    (s3("GET", "https://s3.eu-west-1.amazonaws.com/"), "ListBuckets", [["s3:ListAllMyBuckets", "*"]]),
    (
        s3("GET", f"https://ap-{ACCOUNT}.s3-accesspoint.{REGION}.amazonaws.com/k"),
        "GetObject",
        [["s3:GetObject", f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/ap/object/k"]],
    ),
    (
        s3("GET", "https://alias.mrap.accesspoint.s3-global.amazonaws.com/k"),
        "GetObject",
        [["s3:GetObject", f"arn:aws:s3::{ACCOUNT}:accesspoint/alias.mrap/object/k"]],
    ),
    (
        s3("GET", f"https://ol-{ACCOUNT}.s3-object-lambda.{REGION}.amazonaws.com/k"),
        "GetObject",
        [["s3-object-lambda:GetObject", f"arn:aws:s3-object-lambda:{REGION}:{ACCOUNT}:accesspoint/ol"]],
    ),
    (
        s3("PUT", "https://d--euw1-az1--x-s3.s3express-euw1-az1.eu-west-1.amazonaws.com/k"),
        "PutObject",
        [["s3express:CreateSession", f"arn:aws:s3express:{REGION}:{ACCOUNT}:bucket/d--euw1-az1--x-s3"]],
    ),
    (
        s3("PUT", f"{BUCKET}/k", {"x-amz-acl": "private", "x-amz-tagging": "a=b", "x-amz-object-lock-mode": "GOVERNANCE"}),
        "PutObject",
        [[f"s3:PutObject{what}", OBJECT] for what in ("", "Acl", "Tagging", "Retention")],
    ),
    (
        s3("PUT", f"{BUCKET}/k", {"x-amz-server-side-encryption-aws-kms-key-id": KMS_KEY}),
        "PutObject",
        [["s3:PutObject", OBJECT], ["kms:GenerateDataKey", KMS_KEY]],
    ),
    (
        s3("PUT", f"{BUCKET}/k", {"x-amz-copy-source": "/s/a%20b?versionId=1"}),
        "CopyObject",
        [["s3:PutObject", OBJECT], ["s3:GetObjectVersion", "arn:aws:s3:::s/a b"]],
    ),
    (s3("DELETE", f"{BUCKET}/k?uploadId=u"), "AbortMultipartUpload", [["s3:AbortMultipartUpload", OBJECT]]),
    (s3("POST", f"{BUCKET}/k?uploadId=u"), "CompleteMultipartUpload", [["s3:PutObject", OBJECT]]),
    (
        s3("POST", f"{BUCKET}/?delete", body="<Delete><Object><Key>k</Key><VersionId>1</VersionId></Object></Delete>"),
        "DeleteObjects",
        [["s3:DeleteObjectVersion", OBJECT]],
    ),
    (
        s3(
            "PUT",
            f"{BUCKET}/?replication",
            body=f"<ReplicationConfiguration><Role>{ROLE}</Role></ReplicationConfiguration>",
        ),
        "PutBucketReplication",
        [["s3:PutReplicationConfiguration", "arn:aws:s3:::b"], ["iam:PassRole", ROLE]],
    ),
]

# Spellings that hide what is requested: what may come out besides a rejection.
HOSTILE = [
    (s3("GET", f"{BUCKET}/k?%61cl"), [["s3:GetObjectAcl", OBJECT]]),
    (s3("GET", f"{BUCKET}/k?acl=&versionId="), [["s3:GetObjectVersionAcl", OBJECT]]),
    (s3("GET", "https://B.S3.EU-WEST-1.AMAZONAWS.COM/k"), READ),
    (s3("GET", f"{PATH_STYLE}%2Fk"), READ),
    (s3("GET", "https://s3.eu-west-1.amazonaws.com//b/k"), None),
    (s3("GET", f"{PATH_STYLE}//k"), [["s3:GetObject", "arn:aws:s3:::b//k"]]),
    (s3("GET", f"{PATH_STYLE}/a/../k"), [["s3:GetObject", "arn:aws:s3:::b/a/../k"]]),
    (s3("GET", f"{PATH_STYLE}/%2e%2e/c/k"), [["s3:GetObject", "arn:aws:s3:::b/../c/k"]]),
    (s3("GET", "https://s3.eu-west-1.amazonaws.com/x/../b/k"), [["s3:GetObject", "arn:aws:s3:::x/../b/k"]]),
    (s3("GET", "https://s3.eu-west-1.amazonaws.com/../b/k"), None),
    (s3("GET", f"{BUCKET}/*"), [["s3:GetObject", "arn:aws:s3:::b/${*}"]]),
    (s3("GET", f"{BUCKET}/%2A%3F%24"), [["s3:GetObject", "arn:aws:s3:::b/${*}${?}${$}"]]),
    (s3("GET", f"{BUCKET}/%252A"), [["s3:GetObject", "arn:aws:s3:::b/%2A"]]),
    (s3("GET", "https://s3.eu-west-1.amazonaws.com/*/k"), None),
    (s3("GET", f"{BUCKET}/k?acl&policy"), None),
    (s3("GET", f"{BUCKET}/?brandNew"), None),
    (s3("GET", f"{BUCKET}/k#?acl"), None),
    (s3("GET", f"{BUCKET}/k;acl?a;b"), None),
    (s3("PUT", f"{BUCKET}/k?x-amz-acl=public-read"), None),
    (s3("PUT", f"{BUCKET}/k?X-Amz-Copy-Source=s%2Fk"), None),
    (s3("PATCH", f"{BUCKET}/k"), None),
    # Sent as one header, and so read as one key.
    (
        s3("PUT", f"{BUCKET}/k", [["x-amz-copy-source", "s/a"], ["x-amz-copy-source", "s/b"]]),
        [["s3:PutObject", OBJECT], ["s3:GetObject", "arn:aws:s3:::s/a,s/b"]],
    ),
    (s3("PUT", f"{BUCKET}/k", {"x-amz-copy-source": "s/a+b"}), None),
    (
        s3("PUT", f"{BUCKET}/k", {"x-amz-copy-source": "s/a%3FversionId=1"}),
        [["s3:PutObject", OBJECT], ["s3:GetObject", "arn:aws:s3:::s/a${?}versionId=1"]],
    ),
    (s3("POST", f"{BUCKET}/?delete", body="<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>"), None),
    (
        s3(
            "POST",
            f"{BUCKET}/?delete",
            body="<!DOCTYPE d [<!ENTITY e 'x'>]><Delete><Object><Key>&e;</Key></Object></Delete>",
        ),
        None,
    ),
    (
        s3("POST", f"{BUCKET}/?delete", body="<Delete><Object><Key>&#42;</Key></Object></Delete>"),
        [["s3:DeleteObject", "arn:aws:s3:::b/${*}"]],
    ),
    (s3("POST", f"{BUCKET}/?delete", {"content-encoding": "gzip"}, "<Delete/>"), None),
    (form("ec2", "Action=DescribeRegions&Action=TerminateInstances"), None),
    (form("ec2", "Action=DescribeRegions", "?Action=TerminateInstances"), None),
    (form("ec2", "%41ction=DescribeRegions"), [["ec2:DescribeRegions", "*"]]),
    (rpc("workspaces", "WorkspacesService.TerminateWorkspaces", '{"TerminateWorkspaceRequests":[],"x":1,"x":2}'), None),
    (
        rpc(
            "workspaces",
            "WorkspacesService.DescribeWorkspaces",
            "{}",
            {"smithy-protocol": "rpc-v2-cbor"},
            "/service/WorkspacesService/operation/TerminateWorkspaces",
        ),
        None,
    ),
    (rpc("workspaces", None, "{}", {}, "/service/WorkspacesService/operation/TerminateWorkspaces"), None),
    (rpc("dynamodb", "DynamoDB_20120810.GetItem", '{"TableName":"a","TableName":"b","Key":{}}'), None),
    (rpc("bedrock-runtime", None, "{}", {"content-type": "application/json"}, "/model/*/invoke"), None),
    (rpc("bedrock-runtime", None, "{}", {"content-type": "application/json"}, "/model/%2A/invoke"), None),
]


def test_requests_by_hand_have_the_one_right_response(binary):
    for (line, operation, pairs), response in zip(GOLDEN, map_lines(binary, [line for line, _, _ in GOLDEN])):
        assert (response["operation"], response["pairs"]) == (operation, pairs), line


def test_hostile_spellings_are_read_right_or_refused(binary):
    wrong = []
    for (line, pairs), response in zip(HOSTILE, map_lines(binary, [line for line, _ in HOSTILE])):
        if not response["rejected"] and response["pairs"] != pairs:
            wrong.append((line, response))
    assert not wrong


def test_what_is_no_request_is_refused_or_reported(binary):
    lines = [{}, {"url": "x"}, s3("G T", BUCKET), s3("GET", "ftp://b/k"), s3("GET", BUCKET, {"a b": "c"}), s3("GET", BUCKET, 5)]
    assert all(response["rejected"] for response in map_lines(binary, lines))

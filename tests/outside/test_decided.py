"""What `allow` decided on is what is executed: random requests by every framing, through the proxy, to moto.

For each request that is sent on, the operation that the proxy decided on (its log) is the one that botocore's models read in
the sent bytes and the one that moto dispatches; `policy map`, of the sent bytes alone, comes to the same actions; their
resources are those that moto touches, and a second evaluation of the policy, over what moto did, allows all of it. Of what is
not allowed not a byte is sent.

DECIDED_REQUESTS is how many (15,000 in `.ci/long`, of which 5,000 are sent on), DECIDED_SEED where they begin; a failure names the seed of its request.
"""

import base64
import fnmatch
import json
import os
import time
from collections import Counter

import boto3
import pytest
from botocore.config import Config

from decided import made, readers, wire
from decided.executed import Moto
from decided.relay import Relay
from policy_reader import map_lines
from servers import Proxy, free_ports, knows

COUNT = int(os.environ.get("DECIDED_REQUESTS", "800"))
SEED = int(os.environ.get("DECIDED_SEED", "20261129"))
ACCOUNT = made.ACCOUNT
EC2 = f"arn:aws:ec2:us-east-1:{ACCOUNT}"

# What is allowed: actions on resources. A star stands for any text, as in IAM.
POLICY = {
    "s3": [
        (
            ["GetObject", "PutObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging", "GetObjectAcl"],
            "arn:aws:s3:::bucket1/pub/*",
        ),
        (["ListBucket", "GetBucketLocation", "ListBucketMultipartUploads"], "arn:aws:s3:::bucket1"),
    ],
    "ec2": [
        (["DescribeVpcs", "DescribeInstances", "DescribeRegions"], "*"),
        (["StartInstances", "StopInstances", "TerminateInstances"], f"{EC2}:instance/i-0a*"),
    ],
    "sts": [(["GetCallerIdentity"], "*"), (["AssumeRole"], f"arn:aws:iam::{ACCOUNT}:role/pub-*")],
    "dynamodb": [
        (
            ["GetItem", "PutItem", "DeleteItem", "UpdateItem", "Query", "DescribeTable", "BatchGetItem", "BatchWriteItem"],
            f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/pub-*",
        ),
        (["ListTables"], "*"),
    ],
}
# moto's names for what IAM calls otherwise.
S3_ACTIONS = {"HeadBucket": "ListBucket"}
# A part without its number: S3 rejects it, and both are `s3:PutObject`. (decided, read)
TWINS = {("UploadPart", "PutObject")}
# What IAM lets everybody do, and so does `allow`.
FREE = ("sts", "GetCallerIdentity")


def document(service):
    statements = [
        {"Effect": "Allow", "Action": [f"{service}:{action}" for action in actions], "Resource": resource}
        for actions, resource in POLICY[service]
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def is_allowed(service, action, resource):
    """The second evaluation. Resources without a star in them, so `fnmatch` reads patterns as IAM does."""
    return any(
        action in actions and (pattern == "*" or fnmatch.fnmatchcase(resource, pattern.replace("[", "[[]")))
        for actions, pattern in POLICY[service]
    )


class Stage:
    """moto, the relay and the proxy, with everything in moto that requests are about."""

    def __init__(self, scratch):
        (port,) = free_ports(1)
        self.moto = Moto(port)
        self.relay = Relay(port)
        self._fill(f"http://127.0.0.1:{port}")
        self.ports = dict(zip(POLICY, free_ports(len(POLICY)), strict=True))
        connections = {
            service: {
                "service": service,
                "region": "us-east-1",
                "endpoint": f"http://{self.relay.address}",
                "listen": f"127.0.0.1:{listen}",
                "account": ACCOUNT,
                "allow": document(service),
                "auth": {"method": "access-key", "access_key_id": "AKIADECIDED", "secret_access_key": "env:DECIDED_SECRET"},
            }
            for service, listen in self.ports.items()
        }
        if knows("vend_credentials"):
            connections["sts"]["vend_credentials"] = ["sts:AssumeRole"]
        self.proxy = Proxy(
            scratch, "decided", connections, {"DECIDED_SECRET": "decided/secret"}, log={"level": "info", "format": "json"}
        )

    def _fill(self, url):
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1", "endpoint_url": url}
        s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}), **keys)
        for bucket in ("bucket1", "bucket2"):
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="pub/a", Body=b"hello")
            s3.put_object(Bucket=bucket, Key="secret/a", Body=b"secret")
        dynamodb = boto3.client("dynamodb", **keys)
        for table in made.TABLES:
            dynamodb.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def log(self):
        """The line of each request, by its id."""
        lines = {}
        for line in self.proxy.log.read_text(errors="replace").splitlines():
            fields = json.loads(line) if line.startswith("{") else {}
            fields = {**fields, **fields.get("fields", {})}
            if "request_id" in fields and fields.get("status"):
                lines[fields["request_id"]] = fields
        return lines

    def stop(self):
        code = self.proxy.stop()
        self.relay.stop()
        self.moto.stop()
        return code


def executed(stage, probe, service):
    """What moto did for a request: pairs of action and resource."""
    for dispatched, action, parameters in stage.moto.dispatched.get(probe, []):
        if dispatched != service:
            yield f"{dispatched}'s {action}", "*"
        elif service == "s3":
            bucket, key = parameters["bucket"], parameters["key"]
            touched = stage.moto.touched.get(probe, [])
            if action == "DeleteObject" and key is None:
                yield from (("DeleteObject", f"arn:aws:s3:::{bucket}/{key}") for how, bucket, key in touched if how == "delete")
                continue
            yield S3_ACTIONS.get(action, action), f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
            yield from (("GetObject", f"arn:aws:s3:::{bucket}/{key}") for how, bucket, key in touched if how == "copied")
        elif service == "dynamodb":
            tables = stage.moto.tables.get(probe, set()) | set(parameters.get("RequestItems", {}))
            done = [(action, name) for name in tables | ({parameters["TableName"]} if "TableName" in parameters else set())]
            if "TransactItems" in parameters:
                parts = [next(iter(item.items())) for item in parameters["TransactItems"]]
                done = [(f"{how}Item", part["TableName"]) for how, part in parts]
                assert tables <= {name for _, name in done}, f"moto looked at {tables} for {done}"
            yield from ((how, f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name.rpartition('table/')[2]}") for how, name in done)
            if not done:
                yield action, "*"
        elif service == "sts":
            yield action, parameters.get("RoleArn", "*")
        else:
            ids = [value for name, value in parameters.items() if name.startswith("InstanceId")]
            is_read = action.startswith("Describe")
            yield from ((action, f"{EC2}:instance/{one}") for one in ids if not is_read)
            if is_read or not ids:
                yield action, "*"


def line_of(service, message, address):
    """A line for `policy map`, of the sent bytes."""
    return {
        "service": service,
        "region": "us-east-1",
        "account": ACCOUNT,
        "method": message.start[0],
        "url": f"http://{address}{message.start[1]}",
        "headers": message.headers,
        "body": {"base64": base64.b64encode(message.body).decode()} if message.body else None,
    }


@pytest.fixture(scope="module")
def stage(scratch):
    stage = Stage(scratch / "decided")
    yield stage
    assert stage.stop() == 0, "the proxy did not end well on SIGTERM"


def test_what_is_decided_is_what_is_executed(stage):
    begun, sent = time.monotonic(), []
    for seed in range(SEED, SEED + COUNT):
        request, dice = made.make(seed)
        framing, status, fields = wire.send(dice, stage.ports[request.service], request, seed)
        sent.append((seed, request, framing, status, fields))
    log = stage.log()
    forwarded = [(one, stage.relay.captured[str(one[0])]) for one in sent if str(one[0]) in stage.relay.captured]
    maps = map_lines(
        os.environ["SIGNING_PROXY_BIN"],
        [line_of(one[1].service, messages[-1], stage.relay.address) for one, messages in forwarded],
    )
    faults = [f"{seed}: {status} {fields}" for seed, _, _, status, fields in sent if "x-signing-proxy-request-id" not in fields]
    faults += stage.relay.problems
    faults += [f"sent, and nobody made it: {probe}" for probe in stage.relay.captured.keys() - {str(one[0]) for one in sent}]
    for (one, messages), mapped in zip(forwarded, maps, strict=True):
        seed, request, framing, status, fields = one
        line = log.get(fields.get("x-signing-proxy-request-id"), {})
        found = list(faults_of(stage, str(seed), request.service, messages, line, mapped))
        if line.get("error"):
            found.append(f"rejected with {line['error']}, but sent")
        what = f"seed {seed} by {framing}: {request.method} {request.target} {request.headers} {request.body[:200]}"
        what += f"\n  sent: {' '.join(messages[-1].start)} {messages[-1].headers}"
        faults += [f"{fault}\n  {what}" for fault in found]
    ran = Counter(one[1].service for one, _ in forwarded if stage.moto.dispatched.get(str(one[0])))
    figures = ", ".join(f"{service} {ran[service]}" for service in POLICY)
    print(f"decided: {len(sent)} requests, {len(forwarded)} sent on, executed: {figures}; {len(faults)} decided on otherwise")
    framings = ", ".join(f"{name} {count}" for name, count in Counter(one[2] for one, _ in forwarded).most_common())
    print(f"decided: sent on by {framings}; {time.monotonic() - begun:.0f} s")
    # The first of each kind, and how many of them.
    shown = {fault.partition("\n")[0]: fault for fault in reversed(faults)}
    kinds = Counter(fault.partition("\n")[0] for fault in faults)
    assert not faults, f"{len(faults)}:\n" + "\n".join(f"{count} x {shown[kind]}" for kind, count in kinds.most_common(30))
    # Enough of each kind, and enough that is denied.
    assert all(ran[service] * 30 > COUNT for service in POLICY) and len(forwarded) * 10 < COUNT * 9


def faults_of(stage, probe, service, messages, line, mapped):
    """What is wrong with a request that was sent on."""
    if len({(message.start, message.body) for message in messages}) != 1:
        yield f"{len(messages)} requests"
    message = messages[-1]
    operation = line.get("operation")
    actions = {action for action in (line.get("actions") or "").split(",") if action}
    read = readers.operation_of(service, message)
    if read != operation and (operation, read) not in TWINS:
        yield f"decided on {operation}, and botocore reads {read}"
    if mapped["rejected"]:
        yield f"what was sent cannot be mapped: {mapped['error']}"
        return
    pairs = {tuple(pair) for pair in mapped["pairs"]}
    if mapped["operation"] != operation or {action for action, _ in pairs} | set(mapped["unresolved"]) != actions:
        yield f"decided on {operation} {actions}, and what was sent is {mapped['operation']} {pairs}"
    done = list(executed(stage, probe, service))
    for action, resource in done:
        if (service, action) == FREE and operation == action:
            continue
        if not is_allowed(service, action, resource):
            yield f"moto executed {action} on {resource}, which is not allowed"
        if f"{service}:{action}" not in actions:
            yield f"moto executed {action}, and decided on was {actions}"
        elif resource != "*" and not any(covers(service, action, resource, pair) for pair in pairs):
            yield f"moto executed {action} on {resource}, and decided on was {pairs}"


def covers(service, action, resource, pair):
    """Whether the decided pair is what moto did. What an ARN escapes of a key stands as `${*}` and the like."""
    name, decided = pair
    decided = decided.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$")
    return name == f"{service}:{action}" and decided in (resource, "*")

"""What botocore puts on the wire for every operation of a service, from its own models, without sending it.

Each operation is sent twice: with the parameters it requires, and with all that it has. Values are made up from the
shapes; names that a service checks, or that tests look for, have values of their own.
"""

import base64
import datetime

import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config

REGION = "eu-west-1"
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/worker"
KMS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0f1e2d3c-0000-4000-8000-000000000001"
# Deeper than any list of ids, and an end for shapes that hold themselves.
MAX_DEPTH = 6

# By member name, whatever the shape says.
VALUES = {
    "s3": {
        "Bucket": "examplebucket",
        "Key": "folder/a key+1*",
        "CopySource": "sourcebucket/source key",
        "RenameSource": "/examplebucket/source%20key",
        "SSEKMSKeyId": KMS_KEY,
        "KMSKeyArn": KMS_KEY,
        "SSECustomerKey": "k" * 32,
        "CopySourceSSECustomerKey": "k" * 32,
        "Role": ROLE,
        "RequestRoute": "io-route",
        "BucketName": "outputbucket",
        "Prefix": "some/prefix",
        "ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
        "ACL": "public-read",
    },
    "dynamodb": {"TableName": "Orders", "IndexName": "ByDate", "Statement": 'SELECT * FROM "Orders" WHERE id=?'},
    "bedrock-runtime": {
        "modelId": "anthropic.claude-3-haiku-20240307-v1:0",
        "guardrailIdentifier": "gr0123456789",
        "guardrailVersion": "1",
        "invocationArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:async-invoke/abcdefghijkl",
        "s3Uri": "s3://outputbucket/some/prefix",
        "uri": "s3://inputbucket/a/video",
    },
    "sts": {"RoleArn": ROLE, "Name": "somebody", "TargetPrincipal": f"arn:aws:iam::{ACCOUNT}:root"},
    "workspaces": {"DirectoryId": "d-0123456789", "WorkspaceId": "ws-012345678", "BundleId": "wsb-012345678"},
    "ec2": {
        "InstanceId": "i-0123456789abcdef0",
        "VolumeId": "vol-0123456789abcdef0",
        "SubnetId": "subnet-0123456789abcdef0",
        "VpcId": "vpc-0123456789abcdef0",
        "ImageId": "ami-0123456789abcdef0",
        "GroupId": "sg-0123456789abcdef0",
        "SnapshotId": "snap-0123456789abcdef0",
    },
}


class Wire:
    """Asks a client of botocore for operations and keeps what it would have sent."""

    def __init__(self, service, **config):
        self.service = service
        session = botocore.session.Session()
        session.set_config_variable("region", REGION)
        self.client = session.create_client(
            service,
            region_name=REGION,
            config=Config(
                signature_version=UNSIGNED,
                parameter_validation=False,
                retries={"max_attempts": 0},
                disable_request_compression=True,
                **config,
            ),
        )
        self.model = self.client.meta.service_model
        self.client.meta.events.register("before-send", self._keep)
        self.sent = None

    def _keep(self, request, **_):
        self.sent = request
        return AWSResponse(request.url, 200, {}, _Empty())

    def ask(self, operation, parameters):
        """The request of one call, as a line for `policy map`; None where botocore sends none."""
        self.sent = None
        try:
            self.client._make_api_call(operation, parameters)
        except Exception:  # the response is empty, which not every parser likes; and some calls are never sent
            pass
        return self.sent and line_of(self.service, self.sent)

    def requests(self):
        """(operation, parameters, line) of every operation, with few parameters and with all."""
        for operation in self.model.operation_names:
            shape = self.model.operation_model(operation).input_shape
            for everything in (False, True):
                parameters = self._structure(shape, everything, 0) if shape else {}
                line = self.ask(operation, parameters)
                if line is not None:
                    yield operation, parameters, line

    def _structure(self, shape, everything, depth):
        members = shape.members
        if getattr(shape, "is_tagged_union", False):
            members = dict(list(members.items())[:1])
        elif not everything:
            members = {name: member for name, member in members.items() if name in shape.required_members}
        return {
            name: self._value(name, member, everything, depth + 1)
            for name, member in members.items()
            if depth < MAX_DEPTH or name in shape.required_members
        }

    def _value(self, name, shape, everything, depth):
        own = VALUES.get(self.service, {})
        kind = shape.type_name
        if name in own and kind == "string":
            return own[name]
        if kind == "structure":
            return {} if depth > MAX_DEPTH + 4 else self._structure(shape, everything, depth)
        if kind == "list":
            single = name[:-1] if name.endswith("s") else name
            return [self._value(single, shape.member, everything, depth + 1)] if depth < MAX_DEPTH + 4 else []
        if kind == "map":
            return {"a": self._value(name, shape.value, everything, depth + 1)} if depth < MAX_DEPTH + 4 else {}
        if kind == "string":
            if getattr(shape, "enum", None):
                return shape.enum[0]
            text = f"{name}-1"
            return text + "x" * (shape.metadata.get("min", 0) - len(text))
        return {
            "boolean": True,
            "blob": b"{}",
            "timestamp": datetime.datetime(2030, 1, 1),
            "float": 1.0,
            "double": 1.0,
        }.get(kind, max(1, int(shape.metadata.get("min", 1)) if hasattr(shape, "metadata") else 1))


class _Empty:
    """The body of a response that says nothing."""

    def stream(self, *_, **__):
        return iter(())

    def read(self, *_):
        return b""


def line_of(service, request):
    """One line of input for `policy map`."""
    body = request.body
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    headers = [[name, value.decode() if isinstance(value, bytes) else str(value)] for name, value in request.headers.items()]
    return {
        "service": service,
        "region": REGION,
        "account": ACCOUNT,
        "method": request.method,
        "url": request.url,
        "headers": headers,
        "body": {"base64": base64.b64encode(bytes(body)).decode()} if body else None,
    }

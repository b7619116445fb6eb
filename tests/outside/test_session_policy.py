"""A connection's policy as AWS would hold its session to it: moto evaluates the very document, with its checks switched on.

moto takes a session policy and does not evaluate it, so the role has the same document for its own policy."""

import json

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

import secrets_seen
from servers import Moto, Proxy

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/held"
BUCKET = "held-reports"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{BUCKET}/open/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    ],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def robot(scratch):
    """moto, and the keys of a user that may assume the role."""
    server = Moto(scratch / "moto-held", "moto-held")
    keys = {"aws_access_key_id": "bootstrap", "aws_secret_access_key": "bootstrap"}
    cloud = {"endpoint_url": server.url, "region_name": REGION, "config": Config(proxies={})}
    iam, s3 = (boto3.client(service, **keys, **cloud) for service in ("iam", "s3"))
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=BUCKET, Key="closed/a", Body=b"closed")
    iam.create_user(UserName="robot")
    iam.put_user_policy(UserName="robot", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    key = iam.create_access_key(UserName="robot")["AccessKey"]
    secrets_seen.add(key["SecretAccessKey"])
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/robot"},
        "Action": "sts:AssumeRole",
    }
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    iam.create_role(RoleName="held", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="held", PolicyName="same", PolicyDocument=json.dumps(POLICY))
    server.lock()
    yield server, key
    server.stop()


def through(scratch, robot, mode):
    """A proxy whose session is held to the policy, and a client of it."""
    server, key = robot
    auth = {
        "method": "access-key-assume-role",
        "access_key_id": key["AccessKeyId"],
        "secret_access_key": "env:ROBOT_SECRET",
        "role": ROLE,
        "session_policy": "allow",
    }
    connection = {
        "service": "s3",
        "region": REGION,
        "endpoint": server.url,
        "allow": json.dumps(POLICY),
        "allow_mode": mode,
        "auth": auth,
    }
    environment = {"ROBOT_SECRET": key["SecretAccessKey"]}
    sts = {"endpoint": server.url}
    proxy = Proxy(scratch, f"held-{mode}", {"held": connection}, environment, sts=sts)
    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, proxies={}, retries={"max_attempts": 1})
    return proxy, boto3.client("s3", endpoint_url=proxy.url, region_name=REGION, config=config)


REFUSED = {
    "another prefix": lambda s3: s3.get_object(Bucket=BUCKET, Key="closed/a"),
    "another action": lambda s3: s3.delete_object(Bucket=BUCKET, Key="open/a"),
    "another bucket": lambda s3: s3.list_objects_v2(Bucket="other-reports"),
}


@pytest.mark.parametrize("mode", ["log", "enforce"])
def test_the_service_and_the_proxy_refuse_the_same(mode, scratch, robot):
    proxy, s3 = through(scratch, robot, mode)
    try:
        s3.put_object(Bucket=BUCKET, Key="open/a", Body=b"open")
        assert s3.get_object(Bucket=BUCKET, Key="open/a")["Body"].read() == b"open"
        assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 2
        for what, call in REFUSED.items():
            with pytest.raises(s3.exceptions.ClientError) as refused:
                call(s3)
            response = refused.value.response
            assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDenied", 403), what
            by_proxy = response["ResponseMetadata"]["HTTPHeaders"].get("x-signing-proxy-error")
            assert by_proxy == ("action-denied" if mode == "enforce" else None), what
    finally:
        assert proxy.stop() == 0

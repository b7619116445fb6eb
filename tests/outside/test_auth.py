"""Each auth method against moto's STS, then services that check what was signed with the credentials it gave."""

import json
import urllib.error
import urllib.request
import uuid

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

import secrets_seen
from servers import Proxy

REGION = "eu-west-1"
ACCOUNT = "123456789012"
EXTERNAL_ID = "right/id:b1c9f0"
SERVICES = ("s3", "ec2", "workspaces", "dynamodb", "sts")
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def trust(user, **condition):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{user}"},
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Cloud:
    """Two users and two roles, made before moto begins to check."""

    def __init__(self, moto):
        self.url = moto.url
        iam = boto3.client("iam", **self.keys("bootstrap", "bootstrap"))
        self.users = {}
        for user in ("robot", "acme"):
            iam.create_user(UserName=user)
            iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
            key = iam.create_access_key(UserName=user)["AccessKey"]
            self.users[user] = (key["AccessKeyId"], key["SecretAccessKey"])
            secrets_seen.add(key["SecretAccessKey"])
        iam.create_role(RoleName="report-reader", Path="/team/", AssumeRolePolicyDocument=trust("robot"))
        by_id = trust("acme", StringEquals={"sts:ExternalId": EXTERNAL_ID})
        iam.create_role(RoleName="for-the-proxy", AssumeRolePolicyDocument=by_id)
        for role in ("report-reader", "for-the-proxy"):
            iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
        moto.lock()
        sts = boto3.client("sts", **self.keys(*self.users["robot"]))
        role = f"arn:aws:iam::{ACCOUNT}:role/team/report-reader"
        session = sts.assume_role(RoleArn=role, RoleSessionName="static")["Credentials"]
        self.session = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        secrets_seen.add(*self.session[1:])

    def keys(self, key_id, secret):
        return {
            "endpoint_url": self.url,
            "region_name": REGION,
            "aws_access_key_id": key_id,
            "aws_secret_access_key": secret,
            "config": Config(proxies={}),
        }


@pytest.fixture(scope="module")
def cloud(moto):
    return Cloud(moto)


@pytest.fixture(scope="module")
def methods(cloud):
    """Auth methods by name, and the identity each must sign with."""
    robot, acme = cloud.users["robot"], cloud.users["acme"]
    key = {"access_key_id": robot[0], "secret_access_key": "env:ROBOT_SECRET"}
    by_role = {"method": "access-key-assume-role", **key}
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/team/report-reader"
    managed = {
        "method": "managed-cross-account",
        "identity": "acme",
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/for-the-proxy",
    }
    options = {
        "session_name": "{connection}@outside",
        "session_duration": "15m",
        # moto signs the form as it would encode it itself, which differs where there are spaces.
        "session_policy": json.dumps(EVERYTHING, separators=(",", ":")),
        "session_policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
        "session_tags": {"Team": "blue", "CostCenter": "a+b=c"},
        "transitive_tag_keys": ["Team"],
        "source_identity": "alice@example.com",
    }
    identities = {"acme": {"organisation": "Acme", "access_key_id": acme[0], "secret_access_key": "env:ACME_SECRET"}}
    session = dict(zip(("access_key_id", "secret_access_key", "session_token"), cloud.session, strict=True))
    good = {
        "keys": ({"method": "access-key", **key}, f"arn:aws:iam::{ACCOUNT}:user/robot"),
        "session": ({"method": "access-key", **session}, "assumed-role/report-reader/static"),
        "role-name": ({**by_role, "role": "team/report-reader"}, "assumed-role/report-reader/"),
        "role-arn": ({**by_role, "role": role_arn}, "assumed-role/report-reader/"),
        "options": ({**by_role, "role": role_arn, **options}, "assumed-role/report-reader/options-sts@outside"),
        "managed": ({**managed, "external_id": EXTERNAL_ID}, "assumed-role/for-the-proxy/"),
        "chain": ({"method": "default-chain"}, f"arn:aws:iam::{ACCOUNT}:user/robot"),
    }
    bad = {
        "wrong-external-id": {**managed, "external_id": "wrong/id:b1c9f0"},
        "wrong-secret": {"method": "access-key-assume-role", **key, "secret_access_key": "wrong", "role": role_arn},
        "untrusted-user": {**by_role, "role": f"arn:aws:iam::{ACCOUNT}:role/for-the-proxy"},
    }
    return good, bad, identities


@pytest.fixture(scope="module")
def proxy(scratch, cloud, methods):
    good, bad, identities = methods
    auths = {name: auth for name, (auth, _) in good.items()} | bad
    connections = {
        f"{name}-{service}": {"service": service, "region": REGION, "endpoint": cloud.url, "auth": auth}
        for name, auth in auths.items()
        for service in SERVICES
    }
    robot, acme = cloud.users["robot"], cloud.users["acme"]
    environment = {
        "ROBOT_SECRET": robot[1],
        "ACME_SECRET": acme[1],
        "AWS_ACCESS_KEY_ID": robot[0],
        "AWS_SECRET_ACCESS_KEY": robot[1],
    }
    server = Proxy(scratch, "auth", connections, environment, identities=identities, sts={"endpoint": cloud.url})
    yield server
    assert server.stop() == 0


def unsigned(proxy, method, service):
    return boto3.client(
        service,
        endpoint_url=f"{proxy.url}/@{method}-{service}",
        region_name=REGION,
        config=Config(signature_version=UNSIGNED, proxies={}, retries={"max_attempts": 1}),
    )


GOOD = ("keys", "session", "role-name", "role-arn", "options", "managed", "chain")


@pytest.mark.parametrize("method", GOOD)
def test_sts_names_the_identity(method, proxy, methods):
    assert methods[0][method][1] in unsigned(proxy, method, "sts").get_caller_identity()["Arn"]


@pytest.mark.parametrize("method", GOOD)
def test_s3_accepts(method, proxy):
    s3 = unsigned(proxy, method, "s3")
    bucket = f"{method}-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in ("plain", "odd/a+b (1)=ä%2F.txt", "double//slash", "dots/../kept"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"note": "two  spaces"})
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    s3.put_object_tagging(Bucket=bucket, Key="plain", Tagging={"TagSet": [{"Key": "a", "Value": "b c+d"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="plain")["TagSet"] == [{"Key": "a", "Value": "b c+d"}]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="odd/a+b (1)=", Delimiter="/")
    assert listed["KeyCount"] == 1
    s3.delete_object(Bucket=bucket, Key="plain")


@pytest.mark.parametrize("method", GOOD)
def test_ec2_accepts(method, proxy):
    names = [region["RegionName"] for region in unsigned(proxy, method, "ec2").describe_regions()["Regions"]]
    assert REGION in names


@pytest.mark.parametrize("method", GOOD)
def test_workspaces_accepts(method, proxy):
    assert unsigned(proxy, method, "workspaces").describe_workspaces()["Workspaces"] == []


@pytest.mark.parametrize("method", GOOD)
def test_dynamodb_accepts(method, proxy):
    dynamodb = unsigned(proxy, method, "dynamodb")
    table = f"{method}-{uuid.uuid4()}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "ключ"}, "n": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=item)
    assert dynamodb.get_item(TableName=table, Key={"id": item["id"]})["Item"] == item


@pytest.mark.parametrize("method", ("wrong-external-id", "wrong-secret", "untrusted-user"))
def test_without_credentials_nothing_is_sent(method, proxy):
    """503 with a hint and `Retry-After`, and a request that was not forwarded."""
    with pytest.raises(urllib.error.HTTPError) as rejection:
        urllib.request.urlopen(f"{proxy.url}/@{method}-s3/some-bucket/key")
    response = rejection.value
    assert response.code == 503
    assert response.headers["retry-after"].isdigit()
    assert response.headers["x-signing-proxy-error"]
    assert response.headers["x-signing-proxy-request-id"]
    body = response.read().decode()
    assert response.headers["x-signing-proxy-error"] in body
    # What STS said names accounts and roles: it is for the log.
    assert ACCOUNT not in body and EXTERNAL_ID not in body


CALLS = {
    "s3": "list_buckets",
    "ec2": "describe_regions",
    "workspaces": "describe_workspaces",
    "dynamodb": "list_tables",
    "sts": "get_caller_identity",
}


@pytest.mark.parametrize("service", SERVICES)
def test_moto_refuses_another_secret(service, cloud):
    """The servers do verify: a signature made with a wrong secret is refused by every service used above."""
    client = boto3.client(service, **cloud.keys(cloud.users["robot"][0], "wrong"))
    with pytest.raises(client.exceptions.ClientError):
        getattr(client, CALLS[service])()

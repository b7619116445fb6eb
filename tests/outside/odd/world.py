"""The proxy, and behind it who verifies: a recorder that computes each signature again with botocore, SeaweedFS and moto."""

import json

import boto3
from botocore.config import Config

import secrets_seen
from raw.recorder import Recorder
from servers import Proxy, free_ports, knows

REGION = "us-east-1"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
# Connections to the recorder, by their service.
RECORDED = {"s3": "s3", "bedrock": "bedrock-runtime", "ec2": "ec2"}
NAME = "proxy.internal"


class World:
    def __init__(self, scratch, store, moto):
        self.recorder = Recorder({name: f"odd/secret+of/{name}/0123456789abcdef" for name in RECORDED})
        connections, environment = {}, {}

        def connect(name, service, endpoint, key_id, secret):
            environment[f"SECRET_{name.upper()}"] = secret
            auth = {"method": "access-key", "access_key_id": key_id, "secret_access_key": f"env:SECRET_{name.upper()}"}
            connections[name] = {"service": service, "region": REGION, "endpoint": endpoint, "auth": auth}
            if knows("max_attempts"):
                # Each row is to see what becomes of one request.
                connections[name]["retry"] = {"max_attempts": 1}

        for name, service in RECORDED.items():
            connect(name, service, self.recorder.url(name), f"AKIA{name.upper()}", self.recorder.secrets[name])
        connect("store", "s3", store.url, store.ACCESS_KEY_ID, store.SECRET)
        self.moto_keys = user_of(moto)
        connect("moto_ec2", "ec2", moto.url, *self.moto_keys)
        connect("moto_s3", "s3", moto.url, *self.moto_keys)
        self.ports = dict(zip(connections, free_ports(len(connections)), strict=True))
        for name, connection in connections.items():
            connection["listen"] = f"127.0.0.1:{self.ports[name]}"
        log = {"level": "info", "format": "json"}
        self.proxy = Proxy(scratch, "odd", connections, environment, {"gateway_hosts": [NAME]}, log=log)

    def recorded(self):
        """What has come since the last time, as (method, target, body), and what was wrong with it."""
        requests, problems = self.recorder.take()
        return requests, problems

    def stop(self):
        self.recorder.stop()
        return self.proxy.stop()


def user_of(moto):
    """A user of moto, which checks every signature from then on."""
    iam = client_of(moto, "iam", "bootstrap", "bootstrap")
    iam.create_user(UserName="odd")
    iam.put_user_policy(UserName="odd", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    key = iam.create_access_key(UserName="odd")["AccessKey"]
    secrets_seen.add(key["SecretAccessKey"])
    moto.lock()
    return key["AccessKeyId"], key["SecretAccessKey"]


def client_of(moto, service, key_id, secret):
    """AWS's own client, which signs by itself and speaks with moto directly."""
    config = Config(proxies={}, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
    return boto3.client(service, endpoint_url=moto.url, region_name=REGION, config=config, **keys)

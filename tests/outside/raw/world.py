"""The proxy under probe: a connection, with a listener of its own, for each kind of service, all before one recorder."""

import json

from raw import vending
from raw.recorder import Recorder
from raw.vending import ACCOUNT
from servers import Proxy, free_ports, knows

# What `allow` allows, by connection; the others have none.
ALLOW = {
    "lim": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": "arn:aws:s3:::b/pub/*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/t0*"},
    ],
    "eca": [{"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}],
    "sta": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/nothing"},
        {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"},
    ],
}
SERVICES = {
    "store": "s3",
    "lim": "s3",
    "ec2": "ec2",
    "eca": "ec2",
    "sts": "sts",
    "sta": "sts",
    "iam": "iam",
    "sns": "sns",
    "ddb": "dynamodb",
}
# What a harmless request is there: method, target, more header lines, body. An object named after the probe elsewhere.
INNOCENT = {
    "ec2": ("GET", "/?Action=DescribeVpcs&Version=2016-11-15", "", ""),
    "sts": ("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", ""),
    "iam": ("GET", "/?Action=ListUsers&Version=2010-05-08", "", ""),
    "sns": ("GET", "/?Action=ListTopics&Version=2010-03-31", "", ""),
    "dynamodb": (
        *(
            "POST",
            "/",
            "X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n",
        ),
        "{}",
    ),
}
LISTED_HOST = "signer.internal"


class World:
    def __init__(self, scratch):
        more, keys = vending.services()
        services = {**SERVICES, **more}
        self.services = services
        self.recorder = Recorder({name: f"raw/secret+of/{name}/0123456789abcdef" for name in services})
        ports = free_ports(len(services))
        self.ports = dict(zip(services, ports))
        connections = {}
        for name, service in services.items():
            connections[name] = {
                "service": service,
                "region": "us-east-1",
                "endpoint": self.recorder.url(name),
                "listen": f"127.0.0.1:{self.ports[name]}",
                "account": ACCOUNT,
                "auth": {
                    "method": "access-key",
                    "access_key_id": f"AKIA{name.upper()}",
                    "secret_access_key": f"env:SECRET_{name.upper()}",
                },
            }
            if name in ALLOW:
                connections[name]["allow"] = json.dumps({"Version": "2012-10-17", "Statement": ALLOW[name]})
            if knows("max_attempts"):
                # Each probe is to see what becomes of one request.
                connections[name]["retry"] = {"max_attempts": 1}
            connections[name].update(keys.get(name, {}))
        environment = {f"SECRET_{name.upper()}": secret for name, secret in self.recorder.secrets.items()}
        server = {"gateway_hosts": [LISTED_HOST], "header_timeout": "2s"}
        for connection in connections.values() if not knows("vend_credentials") else ():
            connection.pop("vend_credentials", None)
        self.proxy = Proxy(scratch, "raw", connections, environment, server, log={"level": "info", "format": "json"})
        # By which all of them are reached.
        self.ports["shared"] = self.proxy.port

    def innocent(self, on, tag):
        return INNOCENT.get(self.services.get(on), ("GET", f"/b/{tag}-next", "", ""))

    def stop(self):
        self.recorder.stop()
        return self.proxy.stop()

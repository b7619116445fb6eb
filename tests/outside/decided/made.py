"""Random requests for S3, EC2, STS and DynamoDB: what SDKs send, and what somebody would send who wants to be misread."""

import json
import random
from dataclasses import dataclass, field
from urllib.parse import quote

ACCOUNT = "123456789012"
KEYS = [
    "pub/a",
    "pub/b c",
    "pub/d+e",
    "pub/ü",
    "pub/x/y",
    "pub/%41",
    "pub//z",
    "secret/a",
    "other",
    "pub",
    "pub/../secret/a",
    "pub/.h",
]
FORM = "application/x-www-form-urlencoded"
INSTANCES = ["i-0a1", "i-0a2", "i-0b1"]
TABLES = ["pub-orders", "pub-users", "private"]
ROLES = [f"arn:aws:iam::{ACCOUNT}:role/pub-{name}" for name in ("a", "b")] + [f"arn:aws:iam::{ACCOUNT}:role/admin"]


@dataclass
class Request:
    service: str
    method: str
    target: str
    headers: list = field(default_factory=list)
    body: bytes = b""


def s3(dice):
    bucket, key = dice.choice(["bucket1", "bucket1", "bucket1", "bucket2"]), dice.choice(KEYS)
    path = f"/{bucket}/{quote(key, safe=dice.choice(['/', '/+', '']))}"
    kind = dice.randrange(16)
    objects = dice.sample(KEYS, dice.randrange(1, 4))
    listed = "".join(f"<Object><Key>{one.replace('&', '&amp;')}</Key></Object>" for one in objects)
    tags = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    table = [
        ("GET", path, [], b""),
        ("GET", path, [("Range", "bytes=0-1")], b""),
        ("HEAD", path, [], b""),
        ("PUT", path, [("Content-Type", "text/plain")], dice.randbytes(dice.choice([0, 1, 100, 3000]))),
        ("PUT", path, [("X-Amz-Meta-A", "b")], b"hello"),
        ("PUT", path, [("X-Amz-Copy-Source", f"/{dice.choice(['bucket1', 'bucket2'])}/{quote(dice.choice(KEYS))}")], b""),
        ("DELETE", path, [], b""),
        ("GET", f"/{bucket}?list-type=2&prefix=pub%2F", [], b""),
        ("GET", f"/{bucket}?prefix=pub/&max-keys=3", [], b""),
        ("GET", f"/{bucket}?location", [], b""),
        ("GET", f"/{bucket}?uploads", [], b""),
        ("GET", f"{path}?tagging", [], b""),
        ("PUT", f"{path}?tagging", [], tags),
        ("GET", f"{path}?acl", [], b""),
        ("POST", f"{path}?uploads", [], b""),
        ("POST", f"/{bucket}?delete", [("Content-Type", "application/xml")], f"<Delete>{listed}</Delete>".encode()),
    ]
    return Request("s3", *table[kind])


def query(dice, service, version, pairs):
    """A Query request in one of the forms that clients use."""
    pairs = [*pairs, ("Version", version)]
    dice.shuffle(pairs)
    text = "&".join(f"{name}={quote(value, safe=dice.choice(['', ':/']))}" for name, value in pairs)
    if dice.random() < 0.4:
        return Request(service, "GET", f"/?{text}")
    return Request(service, "POST", "/", [("Content-Type", dice.choice([FORM, f"{FORM}; charset=utf-8"]))], text.encode())


def ec2(dice):
    chosen = dice.sample(INSTANCES, dice.randrange(1, 3))
    ids = [(f"InstanceId.{number}", name) for number, name in enumerate(chosen, 1)]
    action, pairs = dice.choice(
        [
            ("DescribeVpcs", []),
            ("DescribeInstances", []),
            ("DescribeInstances", ids),
            ("StartInstances", ids),
            ("StopInstances", ids),
            ("TerminateInstances", ids),
            ("CreateVpc", [("CidrBlock", "10.0.0.0/16")]),
            ("CreateInternetGateway", []),
            ("DescribeRegions", []),
            ("DeleteVpc", [("VpcId", "vpc-0123")]),
        ]
    )
    return query(dice, "ec2", "2016-11-15", [("Action", action), *pairs])


def sts(dice):
    action, pairs = dice.choice(
        [
            ("GetCallerIdentity", []),
            ("AssumeRole", [("RoleArn", dice.choice(ROLES)), ("RoleSessionName", "probe")]),
            ("GetSessionToken", []),
            ("GetFederationToken", [("Name", "somebody")]),
            ("GetAccessKeyInfo", [("AccessKeyId", "AKIAIOSFODNN7EXAMPLE")]),
        ]
    )
    return query(dice, "sts", "2011-06-15", [("Action", action), *pairs])


def dynamodb(dice):
    table = dice.choice(TABLES)
    several = dice.sample(TABLES, dice.randrange(1, 3))
    other = dice.choice([name for name in TABLES if name != table])
    key = {"Id": {"S": dice.choice("abc")}}
    operation, body = dice.choice(
        [
            ("GetItem", {"TableName": table, "Key": key}),
            ("PutItem", {"TableName": table, "Item": {**key, "Text": {"S": 'ü " \\ 😀'}}}),
            ("DeleteItem", {"TableName": table, "Key": key}),
            ("UpdateItem", {"TableName": table, "Key": key}),
            ("Query", {"TableName": table, "KeyConditionExpression": "Id = :i", "ExpressionAttributeValues": {":i": key["Id"]}}),
            ("Scan", {"TableName": table}),
            ("DescribeTable", {"TableName": table}),
            ("ListTables", {}),
            ("BatchGetItem", {"RequestItems": {name: {"Keys": [key]} for name in several}}),
            ("BatchWriteItem", {"RequestItems": {name: [{"PutRequest": {"Item": key}}] for name in several}}),
            ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": name, "Key": key}} for name in several]}),
            (
                "TransactWriteItems",
                {"TransactItems": [{"Put": {"TableName": table, "Item": key}}, {"Delete": {"TableName": other, "Key": key}}]},
            ),
        ]
    )
    if "TableName" in body and dice.random() < 0.2:
        body["TableName"] = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}"
    body = dict(dice.sample(list(body.items()), len(body)))
    text = json.dumps(body, ensure_ascii=dice.random() < 0.5, indent=dice.choice([None, 1]))
    headers = [("X-Amz-Target", f"DynamoDB_20120810.{operation}"), ("Content-Type", "application/x-amz-json-1.0")]
    return Request("dynamodb", "POST", "/", headers, text.encode())


OTHER_FORMS = [
    b"Action=CreateVpc&CidrBlock=10.0.0.0/16&Version=2016-11-15",
    b"Action=CreateInternetGateway&Version=2016-11-15",
    b"Action=TerminateInstances&InstanceId.1=i-0b1",
    b"Action=GetSessionToken&Version=2011-06-15",
    b"Version=1",
    b"x",
]


def twist(dice, request):
    """Changes a request so that two readers may read it in two ways; about a third of all."""
    form = dice.choice(OTHER_FORMS)
    path, mark, rest = request.target.partition("?")
    # A form behind a GET is what this was written for.
    choice = dice.choice([0] * 5 + list(range(1, 16)))
    if choice == 0:
        request.method, request.body = "GET", request.body or form
        if dice.random() < 0.7:
            request.headers = [*(line for line in request.headers if line[0] != "Content-Type"), ("Content-Type", FORM)]
    elif choice == 1:
        request.body = form if not request.body else request.body + b"&" + form
    elif choice == 2:
        request.method = dice.choice(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    elif choice == 3:
        request.target = (
            path
            + "?"
            + (rest + "&" if mark else "")
            + dice.choice(
                [
                    "acl",
                    "Action=CreateVpc",
                    "foo=bar",
                    "versionId=null",
                    "ACL",
                    "tagging",
                    "delete",
                    "uploadId=x",
                    "%61cl",
                    "x-id=GetObject",
                    "Action",
                ]
            )
        )
    elif choice == 4:
        request.target = path + "?" + form.decode() + ("&" + rest if rest else "")
    elif choice == 5 and request.body:
        position = dice.randrange(len(request.body))
        request.body = request.body[:position] + b"%%%02X" % request.body[position] + request.body[position + 1 :]
    elif choice == 6:
        letters = [index for index, char in enumerate(request.target) if char.isalnum()]
        if letters and "%" not in request.target:
            at = dice.choice(letters)
            request.target = f"{request.target[:at]}%{ord(request.target[at]):02x}{request.target[at + 1 :]}"
    elif choice == 7:
        request.headers = [(name, value) for name, value in request.headers if name != "Content-Type"]
    elif choice == 8:
        charset = dice.choice(["utf-16", "latin-1", "utf-8", "UTF8"])
        request.headers = [
            (name, f"{value}; charset={charset}" if name == "Content-Type" else value) for name, value in request.headers
        ]
    elif choice == 9:
        request.headers.append(
            ("X-Amz-Target", dice.choice(["DynamoDB_20120810.DeleteTable", "DynamoDB_20120810.Scan", "Other.ListTables"]))
        )
    elif choice == 10:
        request.headers.append(
            dice.choice(
                [
                    ("X-HTTP-Method-Override", "DELETE"),
                    ("X-Amz-Acl", "public-read"),
                    ("X-Amz-Copy-Source", "/bucket2/secret/a"),
                    ("X-Amz-Security-Token", "x"),
                ]
            )
        )
    elif choice == 11:
        request.body = request.body.replace(
            b"Action=", dice.choice([b"action=", b"Action =", b"Action%00=", b"Action=X&Action="])
        )
    elif choice == 12:
        request.body = request.body.replace(
            b'"TableName"',
            dice.choice([b'"TableName": "private", "TableName"', b'"tableName"', b'"Table\\u004eame"', b'"TableName" ']),
        )
    elif choice == 13:
        request.body = request.body.replace(
            b"InstanceId.1",
            dice.choice([b"InstanceId.2", b"InstanceId.01", b"InstanceId", b"InstanceId.1.x", b"instanceid.1", b"InstanceId.+1"]),
        )
    elif choice == 14:
        request.target = dice.choice(["/", "//", "/./", "/x/../"]) + path[1:] + mark + rest
    else:
        request.body += dice.choice([b" ", b"\n", b"\0", b"&", b"{}", b"\xff"])
    return request


MAKERS = {"s3": s3, "ec2": ec2, "sts": sts, "dynamodb": dynamodb}


def make(seed):
    """The request of a seed: the same for ever."""
    dice = random.Random(seed)
    service = dice.choice(["s3", "s3", "ec2", "sts", "dynamodb"])
    request = MAKERS[service](dice)
    for _ in range(dice.choice([0, 0, 0, 1, 1, 2])):
        request = twist(dice, request)
    request.target = quote(request.target, safe="/?&=%:+,;@!$'()*~-._")
    dice.shuffle(request.headers)
    request.headers = [(dice.choice([name, name.lower(), name.upper()]), value) for name, value in request.headers]
    return request, dice

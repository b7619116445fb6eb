#!/usr/bin/env python3
"""Has botocore verify our signatures.

Generates odd requests per service, has `sign_jsonl` (an example of crate `signer`) sign them, and computes every
signature again with botocore, from nothing but the bytes on the wire. Also checks, without botocore, that the wire
form still means what the client wanted. The same seed gives the same requests.

    python botocore_verifier.py --signer target/debug/examples/sign_jsonl [--per-service 200] [--seed 1]

Exits 0 if every signature is the same, 1 otherwise. Needs botocore (PyPI).
"""

import argparse
import json
import random
import subprocess
import sys
import time
from hashlib import sha256
from urllib.parse import unquote_to_bytes, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

# Endpoint prefix, signing name, hosts. The signing names are written down here, and not taken from what is verified.
SERVICES = {
    "s3": ("s3", ["{r}.s3.amazonaws.com", "s3.{r}.amazonaws.com", "bucket.s3.{r}.amazonaws.com", "localhost:9000"]),
    "ec2": ("ec2", ["ec2.{r}.amazonaws.com"]),
    "workspaces": ("workspaces", ["workspaces.{r}.amazonaws.com"]),
    "bedrock-runtime": ("bedrock", ["bedrock-runtime.{r}.amazonaws.com"]),
    "dynamodb": ("dynamodb", ["dynamodb.{r}.amazonaws.com", "127.0.0.1:8000"]),
    "sts": ("sts", ["sts.{r}.amazonaws.com", "sts.amazonaws.com:443"]),
    "es": ("es", ["search-domain-abc.{r}.es.amazonaws.com", "SEARCH-Domain-abc.{r}.es.amazonaws.com"]),
    "execute-api": ("execute-api", ["a1b2c3.execute-api.{r}.amazonaws.com"]),
}
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]

PLAIN = ["a", "key.txt", "folder", "x-1_2~3", "0", "dt=2024-05-22", "README"]
ODD = list("+=%!*'()@:$,&;~^|<>{}[]\\\"` ") + [
    "//", "/./", "/../", "/.", "/..", "...", "%2F", "%2f", "%252F", "%3A", "%3a", "%61", "%7E", "%20", "%25", "%00",
    "%C3%BC", "%c3%bc", "%FF", "%2e%2e", "%2B", "ü", "ключ", "日本", "✓", "😀", "e\u0301",
]  # fmt: skip
ARNS = [
    "/model/anthropic.claude-3-haiku-20240307-v1:0/invoke",
    "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream",
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x-v1%3A0/invoke",
    "/@connections/JBDvjfGEIAMCERw%3D",
    "/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:x/invocations",
]
QUERY = list("+=!*'()@:$,/?~^|<>{}[] ") + [
    "&", "&", "&", "&&", "%26", "%3D", "%2B", "%2b", "%20", "%7e", "%FF", "ü", "%C3%BC", "日本", "acl",
    "list-type=2", "prefix=a/b", "delimiter=%2F", "uploadId=x", "partNumber=1", "Action=DescribeInstances",
    "Version=2016-11-15", "Filter.1.Value.1=a+b", "B=2", "b=1", "b=10", "a-b=1", "a=",
]  # fmt: skip
HEADERS = [
    ("Content-Type", ["text/plain", "application/x-amz-json-1.1", 'multipart/form-data; boundary="a  b"']),
    ("Content-MD5", ["XUFAKrxLKna5cZ2REBfFkg=="]),
    ("X-Amz-Target", ["WorkspacesService.DescribeWorkspaces", "DynamoDB_20120810.GetItem"]),
    ("x-amz-acl", ["private"]),
    ("X-AMZ-Meta-A", ["  two   spaces ", "", "tab\tin it", "a,b", "'quoted  \"text\"'", "=?UTF-8?Q?=C3=BC?="]),
    ("x-amz-meta-b", ["1", "2"]),
    ("x-amz-tagging", ["a=b&c=d%20e"]),
    ("Range", ["bytes=0-9"]),
    ("User-Agent", ["Verifier/1.0"]),
    ("Accept-Encoding", ["gzip"]),
    ("Connection", ["keep-alive", "x-amz-meta-b"]),
    ("Authorization", ["Bearer stale", "AWS4-HMAC-SHA256 Credential=stale"]),
    ("X-Amz-Date", ["20000101T000000Z"]),
    ("X-Amz-Security-Token", ["stale"]),
    ("X-Amz-Content-Sha256", ["stale"]),
    ("X-Amzn-Trace-Id", ["Root=1"]),
    ("X-Forwarded-For", ["10.0.0.1"]),
]  # fmt: skip
MUST_BE_SIGNED = ("host", "content-type", "content-md5")


def text_of(dice, pieces, odd, length):
    return "".join(dice.choice(odd if dice.random() < 0.6 else pieces) for _ in range(dice.randrange(length)))


def escape_percent(text):
    """Escapes a '%' that no two hexadecimal digits follow: we refuse those, and that has tests of its own."""
    out = ""
    for index, char in enumerate(text):
        digits = text[index + 1 : index + 3]
        whole = len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
        out += "%25" if char == "%" and not whole else char
    return out


def order_of(dice, service):
    region = dice.choice(REGIONS)
    path = "/" + text_of(dice, [*PLAIN, "/", "/"], ODD, 12)
    if service != "s3" and dice.random() < 0.3:
        path = dice.choice(ARNS)
    query = "?" + text_of(dice, ["a", "b", "=", "&", "key", "1"], QUERY, 14) if dice.random() < 0.6 else ""
    headers = []
    for name, values in HEADERS:
        for _ in range(dice.choice([0, 0, 1, 1, 2] if name.lower().startswith("x-amz-meta") else [0, 0, 1])):
            headers.append([name, dice.choice(values)])
    dice.shuffle(headers)
    return {
        "service": service,
        "region": region,
        "method": dice.choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]),
        "host": dice.choice(SERVICES[service][1]).format(r=region),
        "target": escape_percent(path.replace("?", "%3F")) + escape_percent(query),
        "headers": headers,
        "body": dice.randbytes(dice.choice([0, 0, 1, 100, 4096])).hex(),
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": dice.choice(["wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "short", "s/+=" * 10]),
        "session_token": dice.choice([None, "TOKEN//abc+def==", "x" * 800]),
        "time": dice.randrange(1_400_000_000, 2_000_000_000),
        "unsigned_payload": service == "s3" and dice.random() < 0.2,
    }


def verify(order, response):
    """Yields what is wrong with a response."""
    if "refused" in response:
        yield "refused: " + response["refused"]
        return
    wire = [(name.lower(), value) for name, value in response["headers"]]
    names = [name for name, _ in wire]
    sent = dict(wire)
    signed = sent["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    for name in sorted(set(names)):
        if (name in MUST_BE_SIGNED or name.startswith("x-amz-")) and name not in signed:
            yield f"{name} is sent but not signed"
        if name in signed and names.count(name) != 1:
            yield f"{name} is sent {names.count(name)} times"
    if any("stale" in value for value in sent.values()):
        yield "the client's own authentication is sent"
    if order["session_token"] != sent.get("x-amz-security-token"):
        yield "the session token is not ours"
    body = bytes.fromhex(order["body"])
    if sent["x-amz-content-sha256"] != ("UNSIGNED-PAYLOAD" if order["unsigned_payload"] else sha256(body).hexdigest()):
        yield "the payload hash is not the body's"
    if sent["x-amz-date"] != time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(order["time"])):
        yield "the date is not the time of signing"
    authorization = by_botocore(order, response["target"], [(name, sent[name]) for name in signed if name in sent], body)
    if authorization != sent["authorization"]:
        yield "botocore signs it as\n    " + authorization + "\n  we as\n    " + sent["authorization"]
    yield from verify_meaning(order, response["target"])


def by_botocore(order, target, headers, body):
    kind = S3SigV4Auth if order["service"] == "s3" else SigV4Auth
    keys = Credentials(order["access_key_id"], order["secret_access_key"], order["session_token"])
    auth = kind(keys, SERVICES[order["service"]][0], order["region"])
    host = dict(headers)["host"]
    request = AWSRequest(method=order["method"], url=f"https://{host}{target}", data=body)
    for name, value in headers:
        request.headers[name] = value
    request.context["timestamp"] = dict(headers)["x-amz-date"]
    if order["unsigned_payload"]:
        request.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    # What add_auth does, at a time of our choosing.
    auth._modify_request_before_signing(request)
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(to_sign, request))
    return request.headers["Authorization"]


def verify_meaning(order, target):
    raw_path, _, raw_query = order["target"].partition("?")
    path, _, query = target.partition("?")
    if urlsplit("https://host" + target).path != path or not target.isascii():
        yield "the wire form is no URI"
    decoded, raw_decoded = unquote_to_bytes(path), unquote_to_bytes(raw_path)
    if order["service"] == "s3":
        if decoded != raw_decoded:
            yield f"the key was {raw_decoded!r} and is {decoded!r}"
    elif "//" not in raw_path and b"/." not in raw_decoded and decoded != raw_decoded:
        yield f"the path was {raw_decoded!r} and is {decoded!r}"
    elif any(unquote_to_bytes(segment) in (b".", b"..") for segment in path.split("/")) or "//" in path:
        yield "the path is not normalised"
    if pairs_of(query) != pairs_of(raw_query):
        yield f"the query was {pairs_of(raw_query)} and is {pairs_of(query)}"


def pairs_of(query):
    pairs = []
    for pair in filter(None, query.split("&")):
        name, _, value = pair.replace("+", " ").partition("=")
        pairs.append((unquote_to_bytes(name), unquote_to_bytes(value)))
    return pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signer", required=True, help="the built example sign_jsonl")
    parser.add_argument("--per-service", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    dice = random.Random(arguments.seed)
    orders = [order_of(dice, service) for service in SERVICES for _ in range(arguments.per_service)]
    lines = "".join(json.dumps(order) + "\n" for order in orders)
    output = subprocess.run([arguments.signer], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    responses = [json.loads(line) for line in output.decode().splitlines()]
    if len(responses) != len(orders):
        sys.exit(f"{len(orders)} requests, but {len(responses)} responses")

    wrong = 0
    for order, response in zip(orders, responses):
        faults = list(verify(order, response))
        wrong += bool(faults)
        for fault in faults[:2] if wrong <= 10 else []:
            print(f"{order['service']} {order['method']} {order['target']!r}: {fault}", file=sys.stderr)
    counts = ", ".join(f"{service} {arguments.per_service}" for service in SERVICES)
    print(f"botocore verified {len(orders)} signatures ({counts}): {len(orders) - wrong} agree, {wrong} differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

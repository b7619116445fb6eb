"""What was recorded passes, and nothing else reaches the store: through the proxy, over real HTTP."""

import http.client
import os
import socket
import subprocess
import threading

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from conftest import BUCKET, store_connection
from listening import Listener
from servers import Proxy

KEYS = ["enforced/2026/q1.csv", "enforced/2026/a b+c*?.csv", "enforced/häns/ü.csv"]


class Counter:
    """Passes bytes on to the store and counts those that go there."""

    def __init__(self, port):
        self.port, self.sent = port, 0
        self.listener = Listener(self.serve, in_turn=True)
        self.url = f"http://127.0.0.1:{self.listener.port}"

    def serve(self, client):
        server = socket.create_connection(("127.0.0.1", self.port))
        threading.Thread(target=self.copy, args=(client, server, True), daemon=True).start()
        threading.Thread(target=self.copy, args=(server, client, False), daemon=True).start()

    def copy(self, source, target, counts):
        try:
            while data := source.recv(65536):
                if counts:
                    self.sent += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.stop()


@pytest.fixture(scope="module")
def counter(store):
    counter = Counter(store.port)
    yield counter
    counter.close()


def start(scratch, store, counter, name, **more):
    connection = {**store_connection(store), "endpoint": counter.url, **more}
    return Proxy(scratch, name, {"store": connection}, {"STORE_SECRET": store.SECRET})


def client_of(proxy):
    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, proxies={}, retries={"max_attempts": 1})
    return boto3.client("s3", endpoint_url=proxy.url, region_name="us-east-1", config=config)


def traffic(proxy):
    """What a client does all day; fails where the proxy or the store refuses any of it."""
    s3 = client_of(proxy)
    for key in KEYS:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"enforced")
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"enforced"
        s3.head_object(Bucket=BUCKET, Key=key)
    s3.list_objects_v2(Bucket=BUCKET, Prefix="enforced/")
    s3.copy_object(Bucket=BUCKET, Key="enforced/copy", CopySource={"Bucket": BUCKET, "Key": KEYS[0]})
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="enforced/parts")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="enforced/parts", UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key="enforced/parts", UploadId=upload, MultipartUpload=parts)
    objects = [{"Key": key} for key in [*KEYS, "enforced/copy", "enforced/parts"]]
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})


def raw(proxy, method, target, body=None, headers=None):
    """A request as it is spelled here; the response's status, error header and body."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.putrequest(method, target, skip_accept_encoding=True)
    if body is not None:
        connection.putheader("content-length", str(len(body)))
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    return response.status, response.getheader("x-signing-proxy-error"), response.read().decode()


DELETE_OTHER = b"<Delete><Object><Key>enforced/2026/q1.csv</Key></Object><Object><Key>secret</Key></Object></Delete>"
BAD_XML = b'<!DOCTYPE d [<!ENTITY k "secret">]><Delete><Object><Key>&k;</Key></Object></Delete>'
HOSTILE = [
    ("GET", f"/{BUCKET}/secret", None, {}),
    ("GET", f"/{BUCKET}/enforced/2026/a%20b+cXY.csv", None, {}),
    ("DELETE", f"/{BUCKET}/{KEYS[0]}", None, {"x-amz-bypass-governance-retention": "true"}),
    ("GET", f"/{BUCKET}/{KEYS[0]}?versionId=null", None, {}),
    ("GET", f"/{BUCKET}/{KEYS[0]}?%61cl", None, {}),
    ("PUT", f"/{BUCKET}/{KEYS[0]}?a%63l", b"", {}),
    ("GET", f"/{BUCKET}/{KEYS[0]}?acl&tagging", None, {}),
    ("GET", f"/{BUCKET}//{KEYS[0]}", None, {}),
    ("GET", f"/{BUCKET}/x/../{KEYS[0]}", None, {}),
    ("GET", f"/{BUCKET}/./{KEYS[0]}", None, {}),
    ("GET", f"/{BUCKET}/%2E%2E/{BUCKET}/{KEYS[0]}", None, {}),
    ("GET", f"/{BUCKET}/*", None, {}),
    ("GET", f"/{BUCKET}?policy", None, {}),
    ("GET", "/", None, {}),
    ("GET", "/another-bucket/enforced/2026/q1.csv", None, {}),
    ("PUT", f"/{BUCKET}/{KEYS[0]}", b"x", {"x-amz-acl": "public-read"}),
    ("PUT", f"/{BUCKET}/{KEYS[0]}", b"x", {"x-amz-tagging": "a=b"}),
    ("PUT", f"/{BUCKET}/enforced/copy", b"", {"x-amz-copy-source": f"/{BUCKET}/secret"}),
    ("POST", f"/{BUCKET}?delete", DELETE_OTHER, {"content-type": "application/xml"}),
    ("POST", f"/{BUCKET}?delete", BAD_XML, {"content-type": "application/xml"}),
    ("POST", f"/{BUCKET}?%64elete", DELETE_OTHER, {"content-type": "application/xml"}),
]


@pytest.fixture(scope="module")
def policy(scratch, store, signed, counter):
    """The least policy for the traffic, made of a proxy's own record."""
    record = scratch / "enforced.json"
    proxy = start(scratch, store, counter, "recording", record=str(record))
    traffic(proxy)
    assert proxy.stop() == 0
    file = scratch / "enforced-policy.json"
    made = [os.environ["SIGNING_PROXY_BIN"], "policy", "from-record", record, "--strict", "--for", "allow"]
    with file.open("wb") as out:
        subprocess.run(made, check=True, stdout=out)
    return file


@pytest.fixture(scope="module")
def enforcing(policy, scratch, store, counter):
    proxy = start(scratch, store, counter, "enforcing", allow=str(policy))
    yield proxy
    assert proxy.stop() == 0


def test_what_was_recorded_passes(enforcing):
    traffic(enforcing)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_variant_never_reaches_the_store(number, enforcing, counter, signed):
    method, target, body, headers = HOSTILE[number]
    before = counter.sent
    status, error, text = raw(enforcing, method, target, body, headers)
    assert (status, error in ("action-denied", "action-unknown")) == (403, True), (method, target, status, error, text)
    assert "<Code>AccessDenied</Code>" in text or method == "HEAD"
    assert counter.sent == before, "the store got a request"


def test_an_sdk_understands_the_rejection(enforcing):
    s3 = client_of(enforcing)
    with pytest.raises(s3.exceptions.ClientError) as refused:
        s3.get_object(Bucket=BUCKET, Key="secret")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert "s3:GetObject" in refused.value.response["Error"]["Message"]

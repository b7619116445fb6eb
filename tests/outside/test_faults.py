"""Servers of others behind a relay that loses their responses: what is sent again, and what they have done once or twice."""

import http.client
import socket
import struct
import threading

import boto3
import pytest
from botocore.config import Config

from conftest import BUCKET, store_connection
from listening import Listener
from servers import Moto, Proxy, knows

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = "application/x-amz-json-1.0"


class Relay:
    """Hands each request to the server as it is. While `fault` is set, the server takes the next one, and its response is lost."""

    def __init__(self, port):
        self.port_behind, self.fault, self.came = port, None, 0
        self.lock = threading.Lock()
        self.listener = Listener(self._serve)
        self.port = self.listener.port

    def stop(self):
        self.listener.stop()

    def arm(self, fault):
        with self.lock:
            self.fault, self.came = fault, 0

    def _serve(self, client):
        with client, client.makefile("rb") as reader:
            while request := message(reader):
                with self.lock:
                    self.came += 1
                    fault, self.fault = self.fault, None
                response = self._ask(request)
                if fault == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if fault in ("close", "reset"):
                    return
                if fault == "garbage":
                    client.sendall(b"SSH-2.0-OpenSSH_9\r\n\r\n")
                    return
                if fault == "cut":
                    client.sendall(response[:-5])
                    return
                client.sendall(response)

    def _ask(self, request):
        with socket.create_connection(("127.0.0.1", self.port_behind)) as server, server.makefile("rb") as reader:
            server.sendall(request)
            return message(reader, request.startswith(b"HEAD "))


def message(reader, is_head=False):
    """A whole request or response with its framing; nothing at the end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        if not line:
            return b""
        head += line
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    status = head.split(b" ")[1]
    if is_head or status in (b"204", b"304"):
        return head
    if b"transfer-encoding" not in fields:
        return head + reader.read(int(fields.get(b"content-length", 0)))
    while True:
        size = reader.readline()
        head += size + reader.read(int(size, 16) + 2)
        if int(size, 16) == 0:
            return head


class Stage:
    """A proxy before a relay before a server."""

    def __init__(self, scratch, name, relay, connections, environment):
        self.relay = relay
        # Every request meets a fault: the budget must not be what is tested.
        retry = {"retry": {"budget_percent": 100}} if knows("budget_percent") else {}
        self.proxy = Proxy(scratch, name, connections, environment, **retry)

    def send(self, request, body=None, headers=None, pooled=False, fault=None, connection=""):
        """Status and body, `None` for a body that breaks off, and how often the request came."""
        client = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        if pooled:
            self.relay.arm(None)
            client.request("GET", f"{connection}/", headers={})
            client.getresponse().read()
        self.relay.arm(fault)
        method, target = request.split(" ")
        client.request(method, connection + target, body, headers or {})
        response = client.getresponse()
        try:
            seen = response.read()
        except (http.client.IncompleteRead, ConnectionResetError):
            seen = None
        client.close()
        return response.status, seen, self.relay.came


@pytest.fixture(scope="module")
def store_stage(scratch, store, signed):
    relay = Relay(store.port)
    connection = store_connection(store) | {"endpoint": f"http://127.0.0.1:{relay.port}"}
    stage = Stage(scratch, "faults-store", relay, {"store": connection}, {"STORE_SECRET": store.SECRET})
    yield stage
    relay.stop()
    assert stage.proxy.stop() == 0


@pytest.fixture(scope="module")
def moto(scratch):
    """One of its own: that of the session checks signatures once the tests of auth methods have run."""
    server = Moto(scratch / "faults-moto-server", "moto-faults")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def moto_stage(scratch, moto):
    relay = Relay(moto.port)
    connections = {
        name: {
            "service": name,
            "region": "us-east-1",
            "endpoint": f"http://127.0.0.1:{relay.port}",
            "auth": {"method": "access-key", "access_key_id": "AKIAFAULTS0000000001", "secret_access_key": "env:SECRET"},
        }
        for name in ("ec2", "dynamodb")
    }
    stage = Stage(scratch, "faults-moto", relay, connections, {"SECRET": "faults/moto+secret/0123456789abcdefghijkl"})
    yield stage
    relay.stop()
    assert stage.proxy.stop() == 0


FAULTS = ("close", "reset", "garbage")


@pytest.mark.parametrize("pooled", (False, True))
@pytest.mark.parametrize("fault", FAULTS)
def test_what_may_come_twice_is_saved_and_leaves_what_once_leaves(fault, pooled, store_stage, signed):
    key, body = f"faults/{fault}-{pooled}", f"{fault} {pooled}".encode() * 1_000
    send = store_stage.send
    assert send(f"PUT /{BUCKET}/{key}", body, pooled=pooled, fault=fault)[::2] == (200, 2)
    assert signed.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body
    assert send(f"GET /{BUCKET}/{key}", pooled=pooled, fault=fault) == (200, body, 2)
    assert send(f"HEAD /{BUCKET}/{key}", pooled=pooled, fault=fault)[::2] == (200, 2)
    assert send(f"DELETE /{BUCKET}/{key}", pooled=pooled, fault=fault)[::2] == (204, 2)
    assert "Contents" not in signed.list_objects_v2(Bucket=BUCKET, Prefix=key)


@pytest.mark.parametrize("pooled", (False, True))
@pytest.mark.parametrize("fault", FAULTS)
def test_what_must_not_take_effect_twice_comes_once(fault, pooled, store_stage, signed):
    key, body = f"once/{fault}-{pooled}", b"an object"
    send = store_stage.send
    assert send(f"POST /{BUCKET}/{key}?uploads", pooled=pooled, fault=fault)[::2] == (502, 1)
    begun = signed.list_multipart_uploads(Bucket=BUCKET, Prefix=key)["Uploads"]
    assert len(begun) == 1
    assert send(f"PUT /{BUCKET}/{key}", body, {"if-none-match": "*"}, pooled, fault)[::2] == (502, 1)
    assert signed.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body


def test_a_response_that_is_cut_is_seen_to_be(store_stage, signed):
    signed.put_object(Bucket=BUCKET, Key="faults/cut", Body=b"x" * 10_000)
    assert store_stage.send(f"GET /{BUCKET}/faults/cut", fault="cut") == (200, None, 1)


@pytest.mark.parametrize("pooled", (False, True))
@pytest.mark.parametrize("fault", FAULTS)
def test_operations_that_write_take_effect_once(fault, pooled, moto_stage, moto):
    def direct(service):
        return boto3.client(
            service,
            endpoint_url=moto.url,
            region_name="us-east-1",
            aws_access_key_id="AKIAFAULTS0000000001",
            aws_secret_access_key="direct",
            config=Config(proxies={}),
        )

    ec2, dynamodb = direct("ec2"), direct("dynamodb")
    send = moto_stage.send

    def count():
        pages = ec2.describe_key_pairs()["KeyPairs"]
        return len(pages)

    made = count()
    name = f"{fault}-{pooled}"
    form = f"Action=CreateKeyPair&KeyName={name}&Version=2016-11-15"
    assert send("POST /", form, FORM, pooled, fault, "/@ec2")[::2] == (502, 1)
    assert count() == made + 1
    assert send(f"GET /?{form}-too", None, None, pooled, fault, "/@ec2")[::2] == (502, 1)
    status, _, came = send("POST /", "Action=DescribeKeyPairs&Version=2016-11-15", FORM, pooled, fault, "/@ec2")
    assert (status, came) == (200, 2)

    table = f"faults-{name}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def call(operation, body):
        headers = {"content-type": JSON, "x-amz-target": f"DynamoDB_20120810.{operation}"}
        return send("POST /", body, headers, pooled, fault, "/@dynamodb")[::2]

    key = f'"TableName": "{table}", "Key": {{"k": {{"S": "a"}}}}'
    add = f'{{{key}, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {{":one": {{"N": "1"}}}}}}'
    assert call("UpdateItem", add) == (502, 1)
    assert call("GetItem", f"{{{key}}}") == (200, 2)
    item = dynamodb.get_item(TableName=table, Key={"k": {"S": "a"}})["Item"]
    assert item["n"]["N"] == "1"

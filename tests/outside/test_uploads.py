"""Uploads that go out while they come in, in every mode, into a store that checks signatures and checksums."""

import base64
import http.client
import random
import socket
import zlib

import pytest

from conftest import BUCKET, store_connection
from servers import Proxy

BODY = random.Random(5).randbytes(7 * 1024 * 1024 + 17)
LIMITS = {"limits": {"memory_body": "1MiB"}}
MODES = {
    "auto": {},
    "streaming": {"payload": "streaming"},
    "streaming-small-chunks": {"payload": "streaming", "chunk_size": "8KiB"},
    "crc64nvme-trailer": {"payload": "streaming-trailer"},
    "crc32c-trailer": {"payload": "streaming-trailer", "checksum": "crc32c"},
    "multipart": {"multipart": True},
}


@pytest.fixture(params=MODES)
def proxy(request, scratch, store, signed):
    connection = {**store_connection(store), **LIMITS, **MODES[request.param]}
    server = Proxy(scratch, f"uploads-{request.param}", {"store": connection}, {"STORE_SECRET": store.SECRET})
    yield server
    assert server.stop() == 0


def put(proxy, key, body, **request):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=120)
    connection.request("PUT", f"/{BUCKET}/{key}", body=body, **request)
    answer = connection.getresponse()
    return answer.status, answer.read()


def stored(signed, key):
    return signed.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def is_absent(signed, key):
    return signed.list_objects_v2(Bucket=BUCKET, Prefix=key).get("KeyCount") == 0


def in_chunks_of_a_client(body, checksum):
    """As an SDK with keys that nobody knows frames a body."""
    signature = b"0" * 64
    framed = b""
    for start in range(0, len(body), 128 * 1024):
        chunk = body[start : start + 128 * 1024]
        framed += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), signature, chunk)
    return framed + b"0;chunk-signature=%s\r\nx-amz-checksum-crc32:%s\r\nx-amz-trailer-signature:%s\r\n\r\n" % (
        signature,
        checksum,
        signature,
    )


HEADERS_OF_A_CLIENT = {
    "content-encoding": "aws-chunked",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": str(len(BODY)),
    "x-amz-trailer": "x-amz-checksum-crc32",
}
CHECKSUM = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big"))


def test_with_a_length(proxy, signed):
    assert put(proxy, "with-length", BODY)[0] == 200
    assert stored(signed, "with-length") == BODY


def test_without_a_length(proxy, signed):
    pieces = (BODY[start : start + 100_000] for start in range(0, len(BODY), 100_000))
    headers = {"transfer-encoding": "chunked"}
    assert put(proxy, "without-length", pieces, headers=headers, encode_chunked=True)[0] == 200
    assert stored(signed, "without-length") == BODY


def test_in_chunks_of_a_client(proxy, signed):
    framed = in_chunks_of_a_client(BODY, CHECKSUM)
    status, answer = put(proxy, "in-chunks", framed, headers=HEADERS_OF_A_CLIENT)
    assert status == 200, answer
    assert stored(signed, "in-chunks") == BODY


def test_in_chunks_that_were_corrupted(proxy, signed):
    framed = bytearray(in_chunks_of_a_client(BODY, CHECKSUM))
    framed[3_000_000] ^= 1
    status, answer = put(proxy, "corrupted", bytes(framed), headers=HEADERS_OF_A_CLIENT)
    assert status == 400 and b"aws-chunked-malformed" in answer
    assert is_absent(signed, "corrupted")


@pytest.mark.parametrize("framing", [f"content-length: {len(BODY)}", "transfer-encoding: chunked"])
def test_that_is_cut(proxy, signed, framing):
    client = socket.create_connection(("127.0.0.1", proxy.port), 30)
    client.sendall(f"PUT /{BUCKET}/cut HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n".encode())
    client.sendall(b"600000\r\n" if "chunked" in framing else b"")
    client.sendall(BODY[: 6 * 1024 * 1024])
    client.shutdown(socket.SHUT_WR)
    while client.recv(65_536):
        pass
    client.close()
    assert is_absent(signed, "cut")

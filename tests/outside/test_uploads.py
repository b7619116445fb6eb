"""Uploads that go out while they come in, in every mode, into a store that checks signatures and checksums, in the clear
and over TLS."""

import base64
import http.client
import random
import socket
import zlib
from dataclasses import dataclass, field

import pytest

from conftest import BUCKET, store_connection
from servers import Proxy

BODY = random.Random(5).randbytes(7 * 1024 * 1024 + 17)
LIMITS = {"limits": {"memory_body": "1MiB"}}


def crc(data, width, polynomial):
    """A reflected CRC that begins and ends with all bits turned, in base64 as S3 has it."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    ones = (1 << width) - 1
    value = ones
    for byte in data:
        value = table[value & 0xFF ^ byte] ^ value >> 8
    return base64.b64encode((value ^ ones).to_bytes(width // 8, "big")).decode()


# What the store must have received behind the body, where the proxy computes it.
CRC64NVME = {"ChecksumCRC64NVME": crc(BODY, 64, 0x9A6C9329AC4BC9B5)}
CRC32C = {"ChecksumCRC32C": crc(BODY, 32, 0x82F63B78)}
CRC32 = {"ChecksumCRC32": base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()}


@dataclass
class Mode:
    keys: dict
    tls: bool = False
    checksum: dict = field(default_factory=dict)


STREAMING, TRAILER, UNSIGNED = ({"payload": mode} for mode in ("streaming", "streaming-trailer", "unsigned-trailer"))
MODES = {
    "auto": Mode({}),
    "streaming": Mode(STREAMING),
    "streaming-small-chunks": Mode({**STREAMING, "chunk_size": "8KiB"}),
    "crc64nvme-trailer": Mode(TRAILER, checksum=CRC64NVME),
    "crc32c-trailer": Mode({**TRAILER, "checksum": "crc32c"}, checksum=CRC32C),
    "multipart": Mode({"multipart": True}),
    "auto-over-tls": Mode({}, tls=True),
    "signed-over-tls": Mode({"payload": "signed"}, tls=True),
    "unsigned-over-tls": Mode({"payload": "unsigned"}, tls=True),
    "streaming-over-tls": Mode(STREAMING, tls=True),
    "crc64nvme-trailer-over-tls": Mode(TRAILER, tls=True, checksum=CRC64NVME),
    "unsigned-crc64nvme-trailer-over-tls": Mode(UNSIGNED, tls=True, checksum=CRC64NVME),
    "unsigned-crc32c-trailer-over-tls": Mode({**UNSIGNED, "checksum": "crc32c"}, tls=True, checksum=CRC32C),
}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


@pytest.fixture
def proxy(request, mode, scratch, store, signed):
    connection = {**store_connection(store, mode.tls), **LIMITS, **mode.keys}
    trust = {"upstream": {"ca_file": str(store.ca_file)}} if mode.tls else {}
    name = f"uploads-{request.node.callspec.params['mode']}"
    server = Proxy(scratch, name, {"store": connection}, {"STORE_SECRET": store.SECRET}, **trust)
    yield server
    assert server.stop() == 0


def put(proxy, key, body, **request):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=120)
    connection.request("PUT", f"/{BUCKET}/{key}", body=body, **request)
    response = connection.getresponse()
    return response.status, response.read()


def stored(signed, key):
    """The object, and the checksum that the store keeps of it."""
    response = signed.get_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
    checksum = {name: value for name, value in response.items() if name.startswith("ChecksumCRC")}
    return response["Body"].read(), checksum


def is_absent(signed, key):
    return signed.list_objects_v2(Bucket=BUCKET, Prefix=key).get("KeyCount") == 0


SIGNATURE = b"0" * 64


def chunks_of_a_client():
    """The body as an SDK with keys that nobody knows frames it, in chunks, the last of which has the checksum behind."""
    framed = []
    for start in range(0, len(BODY), 128 * 1024):
        chunk = BODY[start : start + 128 * 1024]
        framed.append(b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), SIGNATURE, chunk))
    trailer = b"x-amz-checksum-crc32:%s\r\nx-amz-trailer-signature:%s" % (CRC32["ChecksumCRC32"].encode(), SIGNATURE)
    return [*framed, b"0;chunk-signature=%s\r\n%s\r\n\r\n" % (SIGNATURE, trailer)]


HEADERS_OF_A_CLIENT = {
    "content-encoding": "aws-chunked",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": str(len(BODY)),
    "x-amz-trailer": "x-amz-checksum-crc32",
}


def test_with_a_length(proxy, mode, signed):
    status, response = put(proxy, "with-length", BODY)
    assert status == 200, response
    assert stored(signed, "with-length") == (BODY, mode.checksum)


def test_without_a_length(proxy, signed):
    pieces = (BODY[start : start + 100_000] for start in range(0, len(BODY), 100_000))
    headers = {"transfer-encoding": "chunked"}
    assert put(proxy, "without-length", pieces, headers=headers, encode_chunked=True)[0] == 200
    assert stored(signed, "without-length")[0] == BODY


def test_in_chunks_of_a_client(proxy, signed):
    status, response = put(proxy, "in-chunks", b"".join(chunks_of_a_client()), headers=HEADERS_OF_A_CLIENT)
    assert status == 200, response
    assert stored(signed, "in-chunks") == (BODY, CRC32)


def corrupted(chunks):
    chunks[20] = chunks[20][:-3] + bytes([chunks[20][-3] ^ 1]) + b"\r\n"


def reordered(chunks):
    chunks[20], chunks[21] = chunks[21], chunks[20]


def repeated(chunks):
    chunks[21] = chunks[20]


def without_one(chunks):
    del chunks[20]


def without_end(chunks):
    chunks.pop()


def cut_in_a_chunk(chunks):
    del chunks[21:]
    chunks[20] = chunks[20][:-1000]


@pytest.mark.parametrize("spoil", [corrupted, reordered, repeated, without_one, without_end, cut_in_a_chunk])
def test_in_chunks_that_were_spoilt(proxy, signed, spoil):
    chunks = chunks_of_a_client()
    spoil(chunks)
    status, response = put(proxy, f"spoilt-{spoil.__name__}", b"".join(chunks), headers=HEADERS_OF_A_CLIENT)
    assert status == 400 and b"aws-chunked-malformed" in response
    assert is_absent(signed, f"spoilt-{spoil.__name__}")


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

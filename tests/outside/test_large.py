"""Two gibibytes each way with little memory, into a store that checks signatures."""

import hashlib
import http.client
import os
import random
import socket

import pytest

from conftest import BUCKET, direct_client, store_connection
from servers import Proxy, SeaweedFs

SIZE = 2 * 1024 * 1024 * 1024
PIECE = 1024 * 1024
MOST_MEMORY = 64 * 1024 * 1024
NOISE = random.Random(20).randbytes(PIECE - 8)


def pieces():
    """The object, made on the way: each piece carries its number, so that none can be lost, doubled or moved."""
    for number in range(SIZE // PIECE):
        yield number.to_bytes(8, "big") + NOISE


@pytest.fixture(scope="module")
def fingerprint():
    whole = hashlib.sha256()
    for piece in pieces():
        whole.update(piece)
    return whole.hexdigest()


def start(scratch, store, tls=False, **more):
    connection = {**store_connection(store, tls), **more}
    trust = {"upstream": {"ca_file": str(store.ca_file)}} if tls else {}
    return Proxy(scratch, "large", {"store": connection}, {"STORE_SECRET": store.SECRET}, **trust)


def stop(server):
    assert server.stop() == 0
    assert not os.listdir(server.spool), "something is left in the spool folder"


@pytest.fixture
def store(scratch):
    """A store for one test: it keeps deleted objects on the disk for a while, and three of these are too many."""
    server = SeaweedFs(scratch / "seaweedfs-large", "seaweedfs-large")
    yield server
    server.stop()


@pytest.fixture
def signed(store):
    return direct_client(store)


@pytest.fixture
def fresh(scratch, store, signed):
    """A proxy of its own for each test: what is measured is the peak since it started."""
    server = start(scratch, store)
    yield server
    stop(server)


@pytest.fixture
def streaming(scratch, store, signed):
    """As `fresh`, but bodies are signed chunk by chunk."""
    server = start(scratch, store, payload="streaming")
    yield server
    stop(server)


@pytest.fixture
def unsigned(scratch, store, signed):
    """As `fresh`, but TLS and a checksum vouch for bodies."""
    server = start(scratch, store, tls=True, payload="unsigned-trailer", checksum="crc32c")
    yield server
    stop(server)


def transfer(proxy, method, key, **request):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=300)
    connection.request(method, f"/{BUCKET}/{key}", **request)
    return connection.getresponse()


def digest_of(readable):
    whole, size = hashlib.sha256(), 0
    while piece := readable.read(PIECE):
        whole.update(piece)
        size += len(piece)
    return size, whole.hexdigest()


def check_upload(proxy, signed, fingerprint, key, **request):
    response = transfer(proxy, "PUT", key, body=pieces(), **request)
    assert response.status == 200, response.read()
    peak = proxy.memory()
    print(f"{key}: peak {peak / 1024 / 1024:.1f} MiB")
    assert peak < MOST_MEMORY
    assert digest_of(signed.get_object(Bucket=BUCKET, Key=key)["Body"]) == (SIZE, fingerprint)


def test_upload_with_content_length(fresh, signed, fingerprint):
    check_upload(fresh, signed, fingerprint, "large-length", headers={"content-length": str(SIZE)})


def test_upload_without_content_length(fresh, signed, fingerprint):
    chunked = {"transfer-encoding": "chunked"}
    check_upload(fresh, signed, fingerprint, "large-chunked", headers=chunked, encode_chunked=True)


def test_streamed_upload(streaming, signed, fingerprint):
    check_upload(streaming, signed, fingerprint, "large-streamed", headers={"content-length": str(SIZE)})


def test_unsigned_upload_over_tls(unsigned, signed, fingerprint):
    check_upload(unsigned, signed, fingerprint, "large-unsigned", headers={"content-length": str(SIZE)})
    kept = signed.head_object(Bucket=BUCKET, Key="large-unsigned", ChecksumMode="ENABLED")
    assert "ChecksumCRC32C" in kept, "the store keeps no checksum"


def test_streamed_upload_keeps_its_codings(streaming, signed):
    body = NOISE[: 200 * 1024 + 1]
    response = transfer(streaming, "PUT", "coded", body=body, headers={"content-encoding": "gzip"})
    assert response.status == 200, response.read()
    stored = signed.get_object(Bucket=BUCKET, Key="coded")
    assert stored["ContentEncoding"] == "gzip"
    assert digest_of(stored["Body"]) == (len(body), hashlib.sha256(body).hexdigest())


def test_streamed_upload_that_is_cut_leaves_nothing(streaming, signed):
    client = socket.create_connection(("127.0.0.1", streaming.port), 30)
    client.sendall(f"PUT /{BUCKET}/cut HTTP/1.1\r\nhost: localhost\r\ncontent-length: {PIECE}\r\n\r\n".encode())
    client.sendall(NOISE[: PIECE // 2])
    client.shutdown(socket.SHUT_WR)
    while client.recv(PIECE):
        pass
    client.close()
    assert signed.list_objects_v2(Bucket=BUCKET, Prefix="cut").get("KeyCount") == 0


def test_download(fresh, store, signed, fingerprint):
    # Stored in parts and without the proxy, so that only the way back is measured.
    upload = signed.create_multipart_upload(Bucket=BUCKET, Key="large-download")["UploadId"]
    name = {"Bucket": BUCKET, "Key": "large-download", "UploadId": upload}
    parts, part = [], []
    for piece in pieces():
        part.append(piece)
        if len(part) == 128:
            number = len(parts) + 1
            tag = signed.upload_part(**name, PartNumber=number, Body=b"".join(part))["ETag"]
            parts.append({"ETag": tag, "PartNumber": number})
            part = []
    signed.complete_multipart_upload(**name, MultipartUpload={"Parts": parts})

    response = transfer(fresh, "GET", "large-download")
    assert response.status == 200
    assert digest_of(response) == (SIZE, fingerprint)
    peak = fresh.memory()
    print(f"download: peak {peak / 1024 / 1024:.1f} MiB")
    assert peak < MOST_MEMORY

"""One client takes all it can get: another one is served all the same."""

import http.client
import http.server
import pathlib
import socket
import sys
import threading
import time

import pytest

from servers import Proxy

sys.path.insert(0, str(pathlib.Path(__file__).parent / "raw"))
import frames

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MIB = 1024 * 1024


class Stored(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def limited(tmp_path):
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stored)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    auth = {"method": "access-key", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "env:SHARES_SECRET"}
    endpoint = f"http://127.0.0.1:{service.server_address[1]}"
    connection = {"service": "s3", "region": "us-east-1", "endpoint": endpoint, "auth": auth}
    server = {"spool_max": "20MiB", "body_memory": "0B"}
    proxy = Proxy(tmp_path, "shares", {"store": connection}, {"SHARES_SECRET": "outside/shares+0123456789"}, server)
    yield proxy
    proxy.process.kill()
    proxy.stop()
    service.shutdown()


def put(proxy, source, body):
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30, source_address=(source, 0))
    begin = time.monotonic()
    client.request("PUT", "/bucket/key", body)
    response = client.getresponse()
    text = response.read()
    client.close()
    return response, text, time.monotonic() - begin


def test_heads_without_bodies_hold_no_upstream_permit(limited):
    """More of them than a connection has permits, from the same address."""
    head = [(":method", "PUT"), (":scheme", "http"), (":authority", f"127.0.0.1:{limited.port}")]
    head += [(":path", "/bucket/key"), ("content-length", "5")]
    streams = b"".join(frames.headers(2 * index + 1, head, 4) for index in range(32))
    hostile = []
    for _ in range(40):
        client = socket.create_connection(("127.0.0.1", limited.port), 10)
        client.sendall(PREFACE + frames.frame(4, 0, 0) + streams)
        hostile.append(client)
    time.sleep(2)
    response, _, took = put(limited, "127.0.0.1", b"abc")
    assert (response.status, took < 1) == (200, True)
    for client in hostile:
        client.close()


def test_open_uploads_leave_room_on_the_disk_and_are_throttled(limited):
    """Two that would fill the spool: the client is throttled in S3's own form, and another one is served."""
    uploads = []
    for _ in range(2):
        client = socket.create_connection(("127.0.0.1", limited.port), 10)
        client.sendall(b"PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"%x\r\n" % (9 * MIB - MIB // 4) + b"x" * (9 * MIB - MIB // 4) + b"\r\n")
        uploads.append(client)
    time.sleep(2)
    response, text, _ = put(limited, "127.0.0.2", b"x" * (MIB // 2))
    assert response.status == 200, text
    response, text, _ = put(limited, "127.0.0.1", b"x" * (MIB * 3 // 2))
    assert (response.status, response.headers["x-signing-proxy-error"]) == (503, "client-over-share")
    assert response.headers["Retry-After"] == "1" and b"<Code>SlowDown</Code>" in text
    for client in uploads:
        client.close()

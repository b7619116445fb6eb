"""Event streams and server-sent events pass as they come, and a client that leaves is noticed upstream."""

import binascii
import http.client
import struct
import time

import pytest

from verifying_upstream import Upstream
from servers import Proxy

KEY_ID, SECRET = "AKIAOUTSIDE000000002", "outside/model+secret/0123456789abcdefghi"
MODEL = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fa.b-v1%3A0/invoke-with-response-stream"


def event_frame(payload):
    """A frame of `application/vnd.amazon.eventstream` without headers."""
    prelude = struct.pack(">II", 16 + len(payload), 0)
    head = prelude + struct.pack(">I", binascii.crc32(prelude))
    return head + payload + struct.pack(">I", binascii.crc32(head + payload))


STREAMS = {
    "application/vnd.amazon.eventstream": [event_frame(b'{"chunk":1}'), event_frame(b'{"chunk":2}')],
    "text/event-stream": [b"data: one\n\n", b"data: two\n\n"],
}


def start(scratch, upstream):
    auth = {"method": "access-key", "access_key_id": KEY_ID, "secret_access_key": SECRET}
    models = {"service": "bedrock-runtime", "region": "us-east-1", "endpoint": upstream.url, "auth": auth}
    return Proxy(scratch, "models", {"models": models})


def ask(proxy):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=15)
    connection.request("POST", MODEL, body=b'{"prompt":"hi"}', headers={"content-type": "application/json"})
    return connection, connection.getresponse()


@pytest.mark.parametrize("content_type", STREAMS)
def test_first_event_arrives_before_the_second_is_sent(content_type, scratch):
    first, second = STREAMS[content_type]
    upstream = Upstream(KEY_ID, SECRET, content_type, [first, second])
    proxy = start(scratch, upstream)
    try:
        _, response = ask(proxy)
        assert response.status == 200, response.read()
        assert response.getheader("content-type") == content_type
        begun = time.monotonic()
        assert response.read(len(first)) == first, "the second event is not sent before this one arrived"
        print(f"first event after {(time.monotonic() - begun) * 1000:.1f} ms")
        upstream.go()
        assert response.read() == second
        assert upstream.verdicts == [(MODEL, None)]
    finally:
        assert proxy.stop() == 0
        upstream.shutdown()


def test_a_client_that_leaves_cancels_the_request(scratch):
    first, second = STREAMS["text/event-stream"]
    upstream = Upstream(KEY_ID, SECRET, "text/event-stream", [first, second])
    proxy = start(scratch, upstream)
    try:
        connection, response = ask(proxy)
        assert response.read(len(first)) == first
        response.close()
        connection.close()
        assert upstream.left.wait(10), "the upstream still has its connection"
    finally:
        assert proxy.stop() == 0
        upstream.shutdown()


def test_a_running_response_is_finished_on_sigterm(scratch):
    first, second = STREAMS["text/event-stream"]
    upstream = Upstream(KEY_ID, SECRET, "text/event-stream", [first, second])
    proxy = start(scratch, upstream)
    try:
        _, response = ask(proxy)
        assert response.read(len(first)) == first
        proxy.process.terminate()
        # Once the listener is gone the proxy is stopping.
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5).connect()
            except ConnectionRefusedError:
                break
            time.sleep(0.02)
        else:
            pytest.fail("the proxy still accepts clients")
        upstream.go()
        assert response.read() == second
        assert proxy.process.wait(10) == 0
    finally:
        proxy.stop()
        upstream.shutdown()

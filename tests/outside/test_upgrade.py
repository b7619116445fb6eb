"""Clients that know nothing of the proxy and offer HTTP/2 by `Upgrade: h2c`: the offer is ignored, and the request served.

Their whole exchanges, by both modes, are among the clients of `test_clients.py`; here it is seen that they do offer it.
"""

import contextlib
import os
import socket
import threading

import pytest

from clients import CLIENTS, Place, missing
from conftest import BUCKET
from listening import Listener


class Relay:
    """Passes connections on to a port and keeps what each side sent, in the order of the connections."""

    def __init__(self, port):
        self.to, self.kept = port, []
        self.listener = Listener(self._serve, in_turn=True)
        self.port = self.listener.port

    def _serve(self, client):
        service = socket.create_connection(("127.0.0.1", self.to))
        kept = (bytearray(), bytearray())
        self.kept.append(kept)
        for index, (source, target) in enumerate(((client, service), (service, client))):
            threading.Thread(target=self._pump, args=(source, target, kept[index]), daemon=True).start()

    @staticmethod
    def _pump(source, target, kept):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                kept += data
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def stop(self):
        self.listener.stop()


@pytest.mark.parametrize("name", ["curl-h2c-upgrade", "java-http-client"])
def test_an_offer_of_http2_is_ignored_and_the_request_served(name, proxy, signed, tmp_path):
    client = CLIENTS[name]
    if why := missing(client):
        pytest.skip(why)
    files = [tmp_path / f"up-{index}" for index in range(2)]
    for file in files:
        file.write_bytes(os.urandom(70_000))
    items = [(f"offer-{name}/{index}", file) for index, file in enumerate(files)]
    relay = Relay(proxy.port)
    try:
        client(Place(f"http://127.0.0.1:{relay.port}", BUCKET), items, tmp_path)
    finally:
        relay.stop()

    for index, (key, file) in enumerate(items):
        assert (tmp_path / str(index)).read_bytes() == file.read_bytes(), key
        assert signed.get_object(Bucket=BUCKET, Key=key)["Body"].read() == file.read_bytes(), key
    sent, received = relay.kept[0]
    head = bytes(sent).split(b"\r\n\r\n")[0].lower()
    assert b"\r\nupgrade: h2c" in head and b"\r\nhttp2-settings: " in head, head
    # curl waits for it before a body, as it would before it spoke HTTP/2.
    response = bytes(received).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 200 "), response[:200]
    for _, received in relay.kept:
        assert b"HTTP/1.1 101" not in received and b"upgrade: h2c" not in bytes(received).lower()

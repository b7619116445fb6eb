"""An upstream in raw sockets: keeps every request's meaning, refuses what is malformed or not well signed, and responds
with an echo, or with whatever bytes the probe's script has."""

import re
import socket
import struct
import sys
import threading
import time
from functools import partial
from pathlib import Path

from raw.http1 import Malformed, Reader, read_request

sys.path.insert(0, str(Path(__file__).parent.parent))

from verifying_upstream import verify
from listening import Listener

TAG = re.compile(r"t[0-9]{5}")
# Between two hops, or between client and proxy alone: none of it may reach a service.
FORBIDDEN = {
    *("connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "http2-settings", "forwarded"),
    *("proxy-authorization", "proxy-authenticate", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
}


class Recorder:
    """One port for each connection of the proxy, so that it is seen who signed."""

    def __init__(self, secrets):
        self.lock = threading.Lock()
        self.requests, self.problems, self.scripts = [], [], {}
        self.secrets = secrets
        self.listeners = [Listener(partial(self._serve, name)) for name in secrets]
        self.ports = {name: listener.port for name, listener in zip(secrets, self.listeners, strict=True)}

    def url(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def take(self):
        """What has come since the last time: requests as (connection, message), and problems."""
        with self.lock:
            taken = self.requests, self.problems
            self.requests, self.problems = [], []
        return taken

    def stop(self):
        for listener in self.listeners:
            listener.stop()

    def _serve(self, name, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = Reader(connection)

        def before_body(message):
            if message.first("expect") == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        with connection:
            try:
                while (message := read_request(reader, before_body)) is not None:
                    problem = self._problem(name, message)
                    with self.lock:
                        self.requests.append((name, message))
                        if problem:
                            self.problems.append(f"{' '.join(message.start)}: {problem}")
                    if not self._respond(connection, message):
                        return
            except Malformed as error:
                with self.lock:
                    self.problems.append(f"malformed: {error}")
                connection.sendall(b"HTTP/1.1 400 Malformed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except (EOFError, OSError):
                # The proxy gave the request up, or the script closed the connection.
                pass

    def _problem(self, name, message):
        wrong = FORBIDDEN & message.names | {found for found in message.names if found.startswith("x-signing-proxy-")}
        if wrong:
            return f"fields of another hop: {sorted(wrong)}"
        if message.first("host") != f"127.0.0.1:{self.ports[name]}":
            return f"host {message.first('host')}"
        if message.all("expect") not in ([], ["100-continue"]):
            return f"expect {message.all('expect')}"
        authorization = message.first("authorization") or ""
        signed = re.findall("SignedHeaders=([^,]*)", authorization)
        signed = set(signed[0].split(";")) if signed else set()
        # What is not signed may come more than once, and says nothing to the verifier.
        kept = [
            (found, value)
            for found, value in message.headers
            if found in signed or found.startswith("x-amz-") or found in ("authorization", "host", "content-type")
        ]
        method, target = message.start
        return verify(method, target, kept, message.body, f"AKIA{name.upper()}", self.secrets[name])

    def _respond(self, connection, message):
        """Whether the connection goes on."""
        tag = TAG.search(message.start[1])
        script = None if message.start[1].endswith("-next") else self.scripts.get(tag and tag[0])
        for step in [echo(message)] if script is None else script:
            if step == "close":
                return False
            if step == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if step == "echo":
                step = echo(message)
            if isinstance(step, float):
                time.sleep(step)
            else:
                connection.sendall(step)
        return True


def echo(message):
    """The response to an ordinary request: says which one it belongs to."""
    text = " ".join(message.start).encode()
    body = b"" if message.start[0] == "HEAD" else text
    return b"HTTP/1.1 200 OK\r\nX-Echo: %s\r\nContent-Length: %d\r\n\r\n%s" % (text, len(text), body)

"""The client of sloppy requests: bytes as they are given, over a connection that is kept as long as the proxy keeps it."""

import socket

from raw.http1 import Reader, read_response

TIMEOUT = 10


class Wire:
    """One connection to a port at a time."""

    def __init__(self, port):
        self.port, self.connection, self.reader = port, None, None
        # The other side has said that it closes.
        self.ends = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        if self.ends:
            self.close()
        if self.connection is None:
            self.connection = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.reader = Reader(self.connection)
        self.connection.sendall(data)

    def end(self):
        """The FIN of a client that has said all."""
        self.connection.shutdown(socket.SHUT_WR)

    def response(self, method="GET"):
        response = read_response(self.reader, method)
        self.ends = (response.first("connection") or "").lower() == "close" or not response.is_whole
        return response

    def exchange(self, method, target, body=None, fields=()):
        """A request of HTTP/1.1 with the target's raw bytes."""
        length = () if body is None else (b"Content-Length: %d" % len(body),)
        lines = [b"%s %s HTTP/1.1" % (method.encode(), target), b"Host: 127.0.0.1:%d" % self.port, *length, *fields]
        self.send(b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""))
        return self.response(method)

    def is_closed(self):
        """Whether the other side has closed; it sends nothing more in any case."""
        self.connection.settimeout(0.5)
        try:
            return self.reader.is_over()
        except TimeoutError:
            return False
        finally:
            self.connection.settimeout(TIMEOUT)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection, self.ends = None, False


def described(response):
    """For messages of failed tests."""
    error = response.first("x-signing-proxy-error")
    return f"{response.status} {error or ''} {response.body[:300]!r}"

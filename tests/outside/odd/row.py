"""A row: what a client sends, and what must become of it; and the short forms by which rows are written."""

from dataclasses import dataclass, field

HOST = "Host: $HOST"
THERE = "/outside/there"
GET = ("GET", THERE, b"")


@dataclass
class Row:
    """`data` are the client's bytes, `$HOST` stands for the proxy's address and port, `$PORT` for the latter, and octets are Latin-1."""

    kind: str
    name: str
    data: str
    # (method, target, body) of each request that the service must get; none where it is rejected.
    sent: list = field(default_factory=list)
    status: int = 200
    error: str | None = None
    # What the text of a rejection must name.
    says: tuple = ()
    # Fields that the service must get with this value, and fields it must not get.
    present: dict = field(default_factory=dict)
    absent: tuple = ()
    on: str = "s3"
    # The same bytes to SeaweedFS: the status it must respond with, or None where it says nothing about them.
    store: int | None = 200
    # The key that must then be there, with the body of the last request.
    key: str | None = None
    # The client ends its side with its last byte.
    half_close: bool = False
    # The proxy must close the connection.
    closes: bool = False

    def octets(self, port):
        return self.data.replace("$HOST", f"127.0.0.1:{port}").replace("$PORT", str(port)).encode("latin-1")

    @property
    def method(self):
        return self.data.lstrip("\r\n").split(" ", 1)[0]


def utf8(text):
    """The octets of a text, as `Row.data` has them."""
    return text.encode().decode("latin-1")


def head(method, target, *lines, version="HTTP/1.1", host=HOST):
    return "\r\n".join([f"{method} {target} {version}", *([host] if host else []), *lines, "", ""])


def get(target, sent=THERE, *lines, kind, name, store=200, **more):
    """A GET whose target must reach the service as `sent`."""
    return Row(kind, name, head("GET", target, *lines), [("GET", sent, b"")], store=store, **more)


def put(target, sent, key=None, *lines, kind, name, body=None, **more):
    """A PUT whose target must reach the service as `sent`, and be the object `key`."""
    body = f"body of {name}" if body is None else body
    data = head("PUT", target, f"Content-Length: {len(body)}", *lines) + body
    return Row(kind, name, data, [("PUT", sent, body.encode("latin-1"))], key=key, **more)


def rejected(kind, name, data, status, error, *says, closes=True, **more):
    return Row(kind, name, data, [], status, error, says, closes=closes, store=None, **more)

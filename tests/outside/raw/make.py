"""Short forms for writing rows."""

from raw import frames
from raw.probe import Row

HOST = "Host: $HOST\r\n"
PATH = "/b/$TAG"
GET = ("GET", PATH)
# As the body of a request.
INNER = "GET /b/inner HTTP/1.1\r\nHost: localhost\r\n\r\n"


def get(*lines, target=PATH, method="GET", version="HTTP/1.1", host=HOST):
    """A request without a body; `lines` are header lines."""
    return f"{method} {target} {version}\r\n{host}{''.join(line + chr(13) + chr(10) for line in lines)}\r\n"


def put(body, *lines, target=PATH, method="PUT", host=HOST):
    """A request with a body of known length. A probe's tag is longer than its mark."""
    return get(f"Content-Length: {len(body.replace('$TAG', 't00000'))}", *lines, target=target, method=method, host=host) + body


def chunked(body, *lines, target=PATH, method="PUT"):
    """A request whose body is framed as given."""
    return get("Transfer-Encoding: chunked", *lines, target=target, method=method) + body


def fields2(method="GET", path=PATH, *more, authority="$HOST", scheme="http"):
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *more]


def row2(name, kind, end, fields, body=None, sent=None, tail=b"", **more):
    """A probe by HTTP/2 of one request on stream 1."""

    def data(fill):
        filled = [(fill(field_name), fill(value)) for field_name, value in fields]
        flags = frames.END_HEADERS | (frames.END_STREAM if body is None else 0)
        out = frames.headers(1, filled, flags)
        if body is not None:
            text = fill(body if isinstance(body, bytes) else body.encode("latin-1"))
            out += frames.frame(frames.DATA, frames.END_STREAM, 1, text)
        return out + tail

    return Row(f"{name} (HTTP/2)", kind, end, data, sent or [], http2=True, **more)


def both(name, kind, end, method, target, lines=(), body=None, sent=None, **more):
    """The same request by HTTP/1 and by HTTP/2. `lines` are pairs."""
    text = [f"{field_name}: {value}" for field_name, value in lines]
    data = get(*text, target=target, method=method) if body is None else put(body, *text, target=target, method=method)
    if sent is None:
        sent = [(method, target)] if body is None else [(method, target, body.encode("latin-1"))]
        sent = sent if end in ("passed", "either") else []
    yield Row(name, kind, end, data, sent, method=method, **more)
    small = [(field_name.lower(), value) for field_name, value in lines]
    yield row2(name, kind, end, fields2(method, target, *small), body, sent, method=method, **more)

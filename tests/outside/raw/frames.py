"""HTTP/2 as frames written by hand, so that they can be wrong, and a client that takes what comes back."""

import socket
from dataclasses import dataclass, field

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED = 1, 4, 8
ACK = 1


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def integer(value, bits, first=0):
    """RFC 7541, 5.1."""
    if value < (1 << bits) - 1:
        return bytes([first | value])
    out, value = [first | ((1 << bits) - 1)], value - ((1 << bits) - 1)
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def literal(name, value, first=0x00):
    """A field line of RFC 7541, 6.2: without indexing; never Huffman, so that every octet can be sent."""
    name = name if isinstance(name, bytes) else name.encode()
    value = value if isinstance(value, bytes) else value.encode()
    return bytes([first]) + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(fields):
    return b"".join(literal(name, value) for name, value in fields)


def headers(stream, fields, flags=END_STREAM | END_HEADERS):
    return frame(HEADERS, flags, stream, block(fields))


def settings(**values):
    names = {"table": 1, "push": 2, "streams": 3, "window": 4, "frame": 5, "list": 6}
    return frame(
        SETTINGS, 0, 0, b"".join(names[name].to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in values.items())
    )


@dataclass
class Stream:
    """What came on one stream. `reset` is the error code of an RST_STREAM."""

    headers: list = field(default_factory=list)
    body: bytes = b""
    has_ended: bool = False
    reset: int | None = None
    interim: int = 0

    @property
    def status(self):
        return int(dict(self.headers).get(":status", 0))

    def first(self, name):
        return dict(self.headers).get(name)

    @property
    def names(self):
        return {name for name, _ in self.headers}

    @property
    def is_over(self):
        return self.has_ended or self.reset is not None


class Client:
    """A client of HTTP/2 in the clear with prior knowledge. `goaway` is an error code, `is_closed` an end of the bytes."""

    def __init__(self, port, first=None, timeout=6):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.streams, self.goaway, self.is_closed = b"", {}, None, False
        self.decoder = hpack.Decoder(max_header_list_size=1 << 20)
        # A probe that begins with settings of its own gives windows of its own, too.
        self.gives_window = first is None
        self.send(PREFACE + (settings() if first is None else first))

    def send(self, data):
        try:
            self.connection.sendall(data)
        except OSError:
            self.is_closed = True

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    @property
    def is_gone(self):
        return self.is_closed or self.goaway is not None

    def until(self, done):
        """Takes frames until `done()`, or the connection is gone. TimeoutError where neither comes."""
        while not done() and not self.is_closed:
            while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
                try:
                    read = self.connection.recv(1 << 16)
                except ConnectionError:
                    read = b""
                if not read:
                    self.is_closed = True
                    return
                self.buffer += read
            length = int.from_bytes(self.buffer[:3], "big")
            kind, flags, number = self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
            payload, self.buffer = self.buffer[9 : 9 + length], self.buffer[9 + length :]
            self._take(kind, flags, number, payload)

    def _take(self, kind, flags, number, payload):
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == RST_STREAM:
            self.stream(number).reset = int.from_bytes(payload, "big")
        elif kind == HEADERS:
            assert flags & END_HEADERS, "the proxy's heads are small"
            fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.decoder.decode(payload, raw=True)]
            stream = self.stream(number)
            if stream.headers and stream.status >= 200:
                stream.has_ended = True
                return
            stream.interim += bool(stream.headers)
            stream.headers = fields
            stream.has_ended = bool(flags & END_STREAM)
        elif kind == DATA:
            stream = self.stream(number)
            stream.body += payload
            stream.has_ended = bool(flags & END_STREAM)
            if self.gives_window and payload:
                step = len(payload).to_bytes(4, "big")
                self.send(frame(WINDOW_UPDATE, 0, 0, step) + frame(WINDOW_UPDATE, 0, number, step))

    def close(self):
        self.connection.close()

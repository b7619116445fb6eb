"""HTTP/1.1 as RFC 9112 has it, strictly: what is not in its grammar is `Malformed`, whoever sent it."""

import re
from dataclasses import dataclass, field

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-~]+) HTTP/1\.1")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?")
FIELD_LINE = re.compile(
    rb"(" + TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*"
)
PCHAR = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})"
ORIGIN_FORM = re.compile(rb"/" + PCHAR + rb"*(?:\?(?:" + PCHAR + rb"|\?)*)?")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e]*)?")
# No head or line of this suite is longer.
LIMIT = 1 << 20


class Malformed(Exception):
    """The bytes are not HTTP/1.1."""


@dataclass
class Message:
    """A request or a response. `headers` are pairs with names in lower case, in the order of the bytes."""

    start: tuple
    headers: list
    body: bytes = b""
    is_whole: bool = True
    interim: list = field(default_factory=list)

    def all(self, name):
        return [value for found, value in self.headers if found == name]

    def first(self, name):
        return next(iter(self.all(name)), None)

    @property
    def names(self):
        return {name for name, _ in self.headers}

    @property
    def status(self):
        return self.start[0]


class Reader:
    """Bytes of a socket, taken by rules."""

    def __init__(self, connection):
        self.connection, self.buffer = connection, b""

    def more(self):
        read = self.connection.recv(1 << 16)
        if not read:
            raise EOFError
        self.buffer += read

    def is_over(self):
        """Whether the other side ends without another byte."""
        if self.buffer:
            return False
        try:
            self.more()
        except (EOFError, ConnectionError):
            return True
        return False

    def line(self):
        while b"\n" not in self.buffer:
            if len(self.buffer) > LIMIT:
                raise Malformed("a line without an end")
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\n")
        if not line.endswith(b"\r"):
            raise Malformed(f"a line feed alone behind {line[-60:]!r}")
        return line[:-1]

    def exactly(self, count):
        while len(self.buffer) < count:
            self.more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def rest(self):
        try:
            while True:
                self.more()
        except (EOFError, ConnectionError):
            taken, self.buffer = self.buffer, b""
            return taken

    def fields(self):
        headers = []
        while line := self.line():
            found = FIELD_LINE.fullmatch(line)
            if not found:
                raise Malformed(f"no field line: {line[:80]!r}")
            headers.append((found[1].decode().lower(), found[2].decode("latin-1")))
        return headers

    def chunked(self):
        body = b""
        while True:
            line = self.line()
            found = CHUNK_LINE.fullmatch(line)
            if not found:
                raise Malformed(f"no chunk: {line[:40]!r}")
            size = int(found[1], 16)
            if size == 0:
                return body, self.fields()
            body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Malformed("a chunk that is longer than it says")


def lengths(headers):
    """How the body is framed: None, "chunked" or a number."""
    codings = [value for name, value in headers if name == "transfer-encoding"]
    numbers = [value for name, value in headers if name == "content-length"]
    if codings and numbers:
        raise Malformed("two lengths")
    if codings:
        if len(codings) > 1 or codings[0].lower() != "chunked":
            raise Malformed(f"transfer codings: {codings}")
        return "chunked"
    if len(numbers) > 1 or not all(re.fullmatch("[0-9]{1,18}", number) for number in numbers):
        raise Malformed(f"lengths: {numbers}")
    return int(numbers[0]) if numbers else None


def read_request(reader, before_body=lambda message: None):
    """The next request of a connection, or None at its end."""
    if reader.is_over():
        return None
    line = reader.line()
    found = REQUEST_LINE.fullmatch(line)
    if not found:
        raise Malformed(f"no request line: {line[:120]!r}")
    if not ORIGIN_FORM.fullmatch(found[2]):
        raise Malformed(f"no origin form: {found[2][:120]!r}")
    message = Message((found[1].decode(), found[2].decode()), reader.fields())
    if len(message.all("host")) != 1:
        raise Malformed(f"hosts: {message.all('host')}")
    framing = lengths(message.headers)
    before_body(message)
    if framing == "chunked":
        message.body, trailers = reader.chunked()
        if trailers:
            raise Malformed(f"trailers that nobody signed: {trailers}")
    elif framing:
        message.body = reader.exactly(framing)
    return message


def read_response(reader, method):
    """The next response, after those of 1xx. `is_whole` is false where its body broke off."""
    interim = []
    while True:
        line = reader.line()
        found = STATUS_LINE.fullmatch(line)
        if not found:
            raise Malformed(f"no status line: {line[:120]!r}")
        message = Message((int(found[1]),), reader.fields(), interim=interim)
        if message.status == 101 or message.status >= 200:
            break
        interim.append(message)
    framing = lengths(message.headers)
    if method == "HEAD" or message.status in (204, 304) or message.status < 200:
        return message
    try:
        if framing == "chunked":
            message.body, _ = reader.chunked()
        elif framing is not None:
            message.body = reader.exactly(framing)
        else:
            message.body = reader.rest()
    except (EOFError, ConnectionError):
        message.is_whole, message.body = False, reader.buffer
    return message

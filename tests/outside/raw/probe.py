"""A probe: what is sent, and what must come of it. Decided from RFC 9110, 9112, 9113 and the documentation of the
proxy, never from what the proxy does. How a probe may end:

* `passed`: each request is responded to by the service, which got exactly the requests of `sent`, well signed.
* `closed`: the service got `sent`; then one error response (over HTTP/2 a reset will do, and where a row is `silent`, none),
  and the connection is closed. Whatever follows on it is never taken for a request: each such probe is followed by one that
  would be seen.
* `rejected`: the same, and the connection may serve on.
* `either`: `passed` or `rejected`, where the RFC leaves it open.

Whatever it is: no request is malformed, unsigned or wrongly signed; no response belongs to another request; and the
connection serves an innocent request afterwards, or is closed.
"""

import contextlib
import socket
import time
from dataclasses import dataclass, field

from raw import frames
from raw.http1 import Malformed, Reader, read_response

TIMEOUT = 8
SMUGGLED = b"GET /b/$TAG-smuggled HTTP/1.1\r\nHost: $HOST\r\n\r\n"


@dataclass
class Row:
    name: str
    kind: str
    end: str
    # HTTP/1: bytes, or several pieces, each in a segment of its own. HTTP/2: makes frames; takes what fills in names.
    data: object = b""
    # What the service gets: (method, target) or (method, target, body), or less of it.
    sent: list = field(default_factory=list)
    # By whose listener, and who signs where that is another one.
    on: str = "store"
    via: str = ""
    http2: bool = False
    # Names of fields that the service must not get, and fields that it must get.
    absent: tuple = ()
    present: dict = field(default_factory=dict)
    # The method of the last request, where its response has no body.
    method: str = "GET"
    # Send segments of this many octets.
    cut: int = 0
    # The client ends its side behind its bytes.
    half_close: bool = False
    # Bytes that are sent behind the probe where nothing may follow; None for an ordinary request.
    behind: str | None = None
    # What the upstream responds with instead of an echo.
    script: list | None = None
    # Of a response: "echo", "bad" (502, or visibly broken off), "bad or hello" (or else that body, whole), "one length" (the
    # same, and a length that is a number), or a status and a body.
    response: object = "echo"
    # Whether the request may be sent once more, as a method that is idempotent may when no response came (RFC 9110, 9.2.2).
    may_repeat: bool = False
    # Seconds before the next request: an upstream that speaks unbidden has spoken by then.
    pause: float = 0
    # Names of response fields that must not reach the client, and fields that must.
    lost: tuple = ()
    kept: dict = field(default_factory=dict)
    # Texts that must not be in the response's body.
    hidden: tuple = ()
    # HTTP/1: the client may get no response to what is rejected.
    silent: bool = False
    # HTTP/2: what the client begins with instead of plain SETTINGS.
    first: bytes | None = None


def run(world, row, tag):
    """What is wrong with what came of the row: a list of texts."""
    world.recorder.take()
    if row.script is not None:
        world.recorder.scripts[tag] = row.script
    try:
        faults = (Http2 if row.http2 else Http1)(world, row, tag).run()
    except (Malformed, AssertionError) as error:
        faults = [f"the client got what is no HTTP: {error}"]
    except TimeoutError:
        faults = ["neither a response nor an end"]
    return faults


class Run:
    def __init__(self, world, row, tag):
        self.world, self.row, self.tag = world, row, tag
        self.faults, self.has_sent_next = [], False
        self.prefix = f"/@{row.via}" if row.on == "shared" else ""
        self.marks = {
            b"$TAG": tag.encode(),
            b"$HOST": f"127.0.0.1:{world.ports[row.on]}".encode(),
            b"$PORT": str(world.ports[row.on]).encode(),
            b"$UPSTREAM": f"127.0.0.1:{world.recorder.ports[row.via or row.on]}".encode(),
        }

    def fill(self, data):
        """The row's bytes with this probe's own names."""
        if isinstance(data, str):
            return self.fill(data.encode("latin-1")).decode("latin-1")
        for mark, value in self.marks.items():
            data = data.replace(mark, value)
        return data

    def octets(self, data):
        return self.fill(data if isinstance(data, bytes) else data.encode("latin-1"))

    def fault(self, text):
        self.faults.append(text)

    def innocent(self):
        """A harmless request as the client sends it: method, target, header lines, body."""
        return self.world.innocent(self.row.via or self.row.on, self.tag)

    def check_response(self, response, sent):
        """One response of the service's."""
        wanted = self.row.response
        text = " ".join(sent[:2])
        if wanted == "echo":
            if response.status != 200 or response.first("x-echo") != text:
                self.fault(f"for {text}: {describe(response)}")
            return
        if wanted == "bad":
            ended_well = response.is_whole if hasattr(response, "is_whole") else response.has_ended
            if response.status < 500 and ended_well:
                self.fault(f"looks whole: {describe(response)}")
            return
        if wanted in ("bad or hello", "one length"):
            if response.status == 200 and response.body not in (b"hello", b"hello"[: len(response.body)]):
                self.fault(f"neither rejected nor taken: {describe(response)}")
            if wanted == "one length" and response.first("content-length") not in (None, "5", str(len(response.body))):
                self.fault(f"sent on: content-length: {response.first('content-length')}")
            return
        status, body = wanted
        if response.status != status or (body is not None and response.body != body):
            self.fault(f"wanted {status} {body and body[:60]}: {describe(response)}")

    def check_fields(self, response):
        for name in self.row.lost:
            if name in response.names:
                self.fault(f"the client got {name}")
        for name, value in self.row.kept.items():
            if response.first(name) != value:
                self.fault(f"the client got {name} as {response.first(name)}")
        for text in self.row.hidden:
            if text in response.body:
                self.fault(f"the client got {text}")
        length = response.first("content-length")
        if length is not None and self.row.method != "HEAD" and self.row.hidden and int(length) != len(response.body):
            self.fault("the length is not that of the body")

    def check_error(self, response):
        # On HTTP/2 a list of fields that is too large is rejected before anybody knows whose it is.
        is_ours = response.first("x-signing-proxy-error") is not None or (self.row.http2 and response.status == 431)
        if response.status < 400 or not is_ours:
            self.fault(f"not rejected: {describe(response)}")

    def check_upstream(self, wanted):
        """What the service got is what it should get;"""
        requests, problems = self.world.recorder.take()
        self.faults += problems
        if self.has_sent_next and requests and tuple(requests[-1][1].start) == self.innocent()[:2]:
            requests = requests[:-1]
        got = requests
        if self.row.may_repeat and len(got) == 2 and got[0][1].start == got[1][1].start:
            got = got[1:]
        wanted = [tuple(self.fill(part) for part in request) for request in wanted]
        shown = [(*message.start, message.body)[: len(request)] for (_, message), request in zip(got, wanted)]
        if len(got) != len(wanted) or shown != wanted:
            self.fault(f"the service got {[(*message.start, message.body[:60]) for _, message in got]}, not {wanted}")
            return
        for name, message in got:
            if name != (self.row.via or self.row.on):
                self.fault(f"signed by {name}")
        if got:
            message = got[-1][1]
            for name in self.row.absent:
                if name in message.names:
                    self.fault(f"the service got {name}")
            for name, value in self.row.present.items():
                if message.all(name) != [self.fill(value)]:
                    self.fault(f"the service got {name} as {message.all(name)}")


class Http1(Run):
    def run(self):
        row = self.row
        port = self.world.ports[row.on]
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as self.connection:
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.reader = Reader(self.connection)
            self._send()
            responses = self._responses()
            self._check(responses)
        return self.faults

    def _send(self):
        row = self.row
        pieces = [row.data] if isinstance(row.data, (bytes, str)) else list(row.data)
        if row.end == "closed" and not row.half_close:
            pieces.append(SMUGGLED if row.behind is None else row.behind)
            pieces[-2:] = [b"".join(map(self.octets, pieces[-2:]))]
        pieces = [self.octets(piece) for piece in pieces]
        if row.cut:
            (whole,) = pieces
            pieces = [whole[start : start + row.cut] for start in range(0, len(whole), row.cut)]
        with contextlib.suppress(ConnectionError):
            for index, piece in enumerate(pieces):
                if index:
                    time.sleep(0.002)
                self.connection.sendall(piece)
            if row.half_close:
                self.connection.shutdown(socket.SHUT_WR)

    def _responses(self):
        row = self.row
        count = len(row.sent) + (row.end in ("rejected", "closed"))
        responses, self.is_closed = [], False
        for index in range(max(count, 1)):
            method = row.sent[index][0] if index < len(row.sent) else row.method
            try:
                responses.append(read_response(self.reader, method))
            except (EOFError, ConnectionError):
                if self.reader.buffer:
                    self.fault(f"a head that breaks off: {self.reader.buffer[:80]!r}")
                self.is_closed = True
                break
            if not responses[-1].is_whole:
                self.is_closed = True
                break
        return responses

    def _check(self, responses):
        row = self.row
        served = responses[: len(row.sent)]
        passed = row.end == "passed" or (row.end == "either" and responses and responses[-1].status < 400)
        if passed and len(served) < len(row.sent) and row.response in ("echo",):
            self.fault(f"{len(served)} responses for {len(row.sent)} requests")
        if passed or row.end != "either":
            for response, sent in zip(served, row.sent):
                self.check_response(response, [self.fill(part) for part in sent])
                self.check_fields(response)
        if not passed:
            rest = responses[len(row.sent) :] if row.end != "either" else responses[-1:]
            if not rest and not row.silent:
                self.fault("no response")
            for response in rest:
                self.check_error(response)
        if row.end == "closed":
            self._check_closed()
        elif not self.is_closed:
            time.sleep(row.pause)
            self._check_next()
        if row.end != "either" or passed:
            self.check_upstream(row.sent)
        else:
            self.check_upstream([])

    def _check_closed(self):
        if self.is_closed:
            return
        try:
            if not self.reader.is_over():
                self.fault(f"another response: {self.reader.buffer[:60]!r}")
        except TimeoutError:
            self.fault("the connection stayed open")

    def _check_next(self):
        """The connection serves another request in the right way, or it is closed."""
        self.has_sent_next = True
        method, target, host_and_more, body = self.innocent()
        request = f"{method} {self.prefix}{target} HTTP/1.1\r\nHost: $HOST\r\n{host_and_more}\r\n{body}"
        try:
            self.connection.sendall(self.fill(request.encode()))
            response = read_response(self.reader, method)
        except (EOFError, ConnectionError):
            if self.reader.buffer:
                self.fault(f"another head: {self.reader.buffer[:80]!r}")
            return
        if response.status != 200 or response.first("x-echo") != f"{method} {target}":
            self.fault(f"the next request was not served: {describe(response)}")


class Http2(Run):
    NEXT = 1001

    def run(self):
        row = self.row
        client = frames.Client(self.world.ports[row.on], row.first, TIMEOUT)
        try:
            client.send(row.data(self.fill))
            stream = client.stream(1)
            try:
                client.until(lambda: stream.is_over or client.is_gone)
            except TimeoutError:
                if not (row.response == "bad" and not stream.has_ended):
                    self.fault("neither a response nor an end")
            self._check(client, stream)
        finally:
            client.close()
        return self.faults

    def _check(self, client, stream):
        row = self.row
        passed = row.end == "passed" or (row.end == "either" and stream.has_ended and stream.status < 400)
        if passed and row.sent:
            self.check_response(stream, [self.fill(part) for part in row.sent[-1]])
            self.check_fields(stream)
        if not passed and stream.has_ended:
            self.check_error(stream)
        if row.end == "closed":
            with contextlib.suppress(TimeoutError):
                client.until(lambda: client.is_gone)
            if not client.is_gone:
                self.fault("the connection stayed open")
        if not client.is_gone:
            time.sleep(row.pause)
            self._check_next(client)
        self.check_upstream(row.sent if passed else [])

    def _check_next(self, client):
        self.has_sent_next = True
        method, target, more, body = self.innocent()
        fields = [(":method", method), (":scheme", "http"), (":authority", self.fill("$HOST")), (":path", self.prefix + target)]
        fields += [tuple(line.split(": ", 1)) for line in more.lower().split("\r\n") if line]
        client.send(frames.headers(self.NEXT, fields, frames.END_HEADERS | (0 if body else frames.END_STREAM)))
        if body:
            client.send(frames.frame(frames.DATA, frames.END_STREAM, self.NEXT, body.encode()))
        stream = client.stream(self.NEXT)
        client.until(lambda: stream.is_over or client.is_gone)
        if client.is_gone and not stream.headers:
            return
        if stream.status != 200 or stream.first("x-echo") != f"{method} {target}":
            self.fault(f"the next request was not served: {describe(stream)}")


def describe(response):
    error = response.first("x-signing-proxy-error")
    return f"{response.status} {error or response.first('x-echo') or ''} {response.body[:80]!r} reset={getattr(response, 'reset', None)}"

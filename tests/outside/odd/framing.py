"""Odd bodies: lengths, chunks, old versions, clients that end their side."""

import re

from odd.row import GET, HOST, THERE, Row, head, rejected

INNER = f"GET {THERE} HTTP/1.1\r\n{HOST}\r\n\r\n"


def rows():
    for part in (old, no_length, lengths, chunks, half_closed, expecting, bursts, bad):
        yield from part()


def stored(kind, name, version, framing, wire, body="hello", method="PUT", **more):
    """An object named after the row, with its body framed as given."""
    key = "o/" + re.sub("[^A-Za-z0-9.-]", "_", f"{kind}-{name}")
    data = head(method, f"/outside/{key}", *framing, version=version) + wire
    more = {"key": key, **more} if method == "PUT" else more
    return Row(kind, name, data, [(method, f"/outside/{key}", body.encode())], **more)


def old():
    yield Row("HTTP/1.0", "GET", head("GET", THERE, version="HTTP/1.0"), [GET], closes=True)
    kept = head("GET", THERE, "Connection: keep-alive", version="HTTP/1.0")
    yield Row("HTTP/1.0", "GET, kept alive", kept, [GET])
    yield Row("HTTP/1.0", "HEAD", head("HEAD", THERE, version="HTTP/1.0"), [("HEAD", THERE, b"")], closes=True)
    gone = "/outside/o/nothing"
    yield Row("HTTP/1.0", "DELETE", head("DELETE", gone, version="HTTP/1.0"), [("DELETE", gone, b"")], store=204, closes=True)
    yield stored("HTTP/1.0", "PUT", "HTTP/1.0", ["Content-Length: 5"], "hello", closes=True)
    yield stored("HTTP/1.0", "empty PUT", "HTTP/1.0", ["Content-Length: 0"], "", body="", closes=True)


def no_length():
    """Without a length: an old client means what comes until its end, which nobody can tell from a break."""
    for method in ("PUT", "POST"):
        for name, body in (("with bytes behind it", "data"), ("without any", "")):
            data = head(method, "/outside/o/lost", version="HTTP/1.0") + body
            yield rejected(
                "no length", f"{method} of HTTP/1.0 {name}", data, 411, "length-required", "Content-Length", half_close=True
            )
    bucket = "/outside/o/empty"
    yield Row("no length", "PUT as by curl -X PUT", head("PUT", bucket), [("PUT", bucket, b"")], key="o/empty")
    search = "/?Action=DescribeVpcs&Version=2016-11-15"
    yield Row("no length", "POST as by curl -X POST", head("POST", search), [("POST", search, b"")], on="ec2", store=None)
    behind = head("PUT", bucket) + INNER
    yield Row("no length", "PUT with a request behind it", behind, [("PUT", bucket, b""), GET], key="o/empty")
    for name, body in (
        ("text", "data and more data\r\n"),
        ("JSON", '{"a": 1}'),
        ("bytes", "\x00\x01\xff\xfe" * 4),
        ("XML", "<a></a>\n"),
    ):
        data = head("PUT", "/outside/o/lost") + body
        yield rejected("no length", f"PUT with {name} behind it", data, 411, "length-required", "Content-Length")


def lengths():
    for length in ("005", "5 ", "\t5"):
        yield stored("length", repr(length), "HTTP/1.1", [f"Content-Length: {length}"], "hello")
    yield stored("length", "no blank", "HTTP/1.1", ["Content-Length:5"], "hello")
    yield stored("length", "lower-case name", "HTTP/1.1", ["content-length: 5"], "hello")
    for method in ("GET", "HEAD", "DELETE"):
        data = head(method, "/outside/o/none" if method == "DELETE" else THERE, "Content-Length: 0")
        target = data.split(" ")[1]
        yield Row("length", f"0 on {method}", data, [(method, target, b"")], store=204 if method == "DELETE" else 200)
    data = head("GET", THERE, "Content-Length: 5") + "hello"
    yield Row("length", "GET with a body", data, [("GET", THERE, b"hello")], store=None)


def chunks():
    table = [
        ("plain", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("one by one", "".join(f"1\r\n{letter}\r\n" for letter in "hello") + "0\r\n\r\n", "hello"),
        ("upper-case size", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("zeros before the size", "0005\r\nhello\r\n000\r\n\r\n", "hello"),
        ("extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"),
        ("extension in quotes", '5;a="b;c"\r\nhello\r\n0\r\n\r\n', "hello"),
        ("blank behind the size", "5 \r\nhello\r\n0\r\n\r\n", "hello"),
        ("trailer", "5\r\nhello\r\n0\r\nX-T: a\r\n\r\n", "hello"),
        ("empty", "0\r\n\r\n", ""),
    ]
    for name, wire, body in table:
        yield stored("chunks", name, "HTTP/1.1", ["Transfer-Encoding: chunked"], wire, body)
    yield stored("chunks", "odd case", "HTTP/1.1", ["TRANSFER-encoding: Chunked"], table[0][1])


def half_closed():
    sized, chunked = ["Content-Length: 5"], ["Transfer-Encoding: chunked"]
    wire = "5\r\nhello\r\n0\r\n\r\n"
    more = {"half_close": True, "closes": True}
    yield stored("half-closed", "PUT of HTTP/1.0", "HTTP/1.0", sized, "hello", **more)
    yield stored("half-closed", "PUT of HTTP/1.1", "HTTP/1.1", sized, "hello", **more)
    yield stored("half-closed", "PUT in chunks", "HTTP/1.1", chunked, wire, **more)
    large = "x" * 300_000
    yield stored("half-closed", "PUT of 300 kB", "HTTP/1.1", ["Content-Length: 300000"], large, body=large, **more)
    yield stored("half-closed", "empty PUT", "HTTP/1.1", ["Content-Length: 0"], "", body="", **more)
    yield Row("half-closed", "GET", head("GET", THERE), [GET], **more)
    yield Row("half-closed", "GET of HTTP/1.0", head("GET", THERE, version="HTTP/1.0"), [GET], **more)
    yield Row(
        "half-closed", "DELETE", head("DELETE", "/outside/o/none"), [("DELETE", "/outside/o/none", b"")], store=204, **more
    )
    form = "Action=DescribeVpcs&Version=2016-11-15"
    lines = ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}")
    yield Row(
        "half-closed",
        "POST of a form",
        head("POST", "/", *lines) + form,
        [("POST", "/", form.encode())],
        on="ec2",
        store=None,
        **more,
    )
    short = head("PUT", "/outside/o/lost", "Content-Length: 9") + "hello"
    yield rejected("half-closed", "PUT that ends too early", short, 400, "body-incomplete", "announced", half_close=True)


def expecting():
    """The body comes at once: nobody waits for the 100."""
    for value in ("100-continue", "100-Continue", "200-ok", ""):
        framing = ["Content-Length: 5", f"Expect: {value}"]
        yield stored("expect", f"{value or 'nothing'} and a body", "HTTP/1.1", framing, "hello", absent=("expect",))


def bursts():
    many = INNER * 5
    yield Row("burst", "five GETs", many, [GET] * 5)
    target = "/outside/o/burst"
    both = head("PUT", target, "Content-Length: 5") + "hello" + INNER
    yield Row("burst", "PUT and GET", both, [("PUT", target, b"hello"), GET], key="o/burst")
    yield Row("burst", "empty line first", "\r\n" + INNER, [GET])
    yield Row(
        "burst",
        "empty line between, as old browsers send it",
        head("PUT", target, "Content-Length: 5") + "hello\r\n" + INNER,
        [("PUT", target, b"hello"), GET],
        key="o/burst",
    )


def bad():
    target = "/outside/o/lost"
    for framing, status, error, says in (
        (["Content-Length: 3, 3"], 400, "head-ambiguous", "one Content-Length"),
        (["Content-Length: 3", "Content-Length: 3"], 400, "head-ambiguous", "one Content-Length"),
        (["Content-Length: +3"], 400, "head-ambiguous", "decimal digits"),
        (["Content-Length: 0x3"], 400, "head-ambiguous", "decimal digits"),
        (["Content-Length: "], 400, "head-ambiguous", "decimal digits"),
        (["Transfer-Encoding: identity"], 501, "transfer-encoding-unsupported", "chunked"),
        (["Transfer-Encoding: identity", "Content-Length: 3"], 400, "head-ambiguous", "not both"),
        (["Transfer-Encoding: gzip, chunked"], 501, "transfer-encoding-unsupported", "chunked"),
        (["Transfer-Encoding: chunked", "Content-Length: 3"], 400, "head-ambiguous", "not both"),
    ):
        yield rejected("framing", ", ".join(framing), head("PUT", target, *framing) + "abc", status, error, says)
    old = head("PUT", target, "Transfer-Encoding: chunked", version="HTTP/1.0") + "0\r\n\r\n"
    yield rejected("framing", "chunks in HTTP/1.0", old, 400, "head-ambiguous", "HTTP/1.0")
    for name, wire in (
        ("no size", "hello\r\n0\r\n\r\n"),
        ("longer than it says", "3\r\nhello\r\n0\r\n\r\n"),
        ("negative size", "-5\r\nhello\r\n"),
    ):
        data = head("PUT", target, "Transfer-Encoding: chunked") + wire
        yield rejected("framing", f"chunk: {name}", data, 400, "body-incomplete", "announced")
    feeds = f"GET {THERE} HTTP/1.1\n{HOST}\n\n"
    yield rejected("framing", "line feeds alone", feeds, 400, "head-ambiguous", "CR LF")

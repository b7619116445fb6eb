"""Responses of a hostile or broken upstream, to clients of HTTP/1 and HTTP/2: none looks whole that is not, none reaches
another request, and nothing of it works on the client's browser or on the hop to the client."""

from raw.make import PATH, both, get
from raw.probe import Row

OK = b"HTTP/1.1 200 OK\r\n"
BODY = b"Content-Length: 5\r\n\r\nhello"
# As a second response on the connection: the response queue is poisoned if anybody gets it.
POISON = b"HTTP/1.1 200 OK\r\nX-Poison: 1\r\nX-Echo: GET /poison\r\nContent-Length: 6\r\n\r\npoison"
ERROR = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match.</Message><AWSAccessKeyId>AKIASTORE</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256
20261129T000000Z
CANARY-TO-SIGN</StringToSign><SignatureProvided>00</SignatureProvided><StringToSignBytes>41 57 CANARY-BYTES</StringToSignBytes><CanonicalRequest>GET
/b/k
x-amz-security-token:CANARY-TOKEN
</CanonicalRequest><CanonicalRequestBytes>47 45 CANARY-BYTES</CanonicalRequestBytes><RequestId>1</RequestId></Error>"""


def rows():
    for part in (upgrades, framings, cut, interim, poisoned, garbage, bodiless, fields, signatures, good):
        yield from part()


def row(name, kind, script, response, method="GET", **more):
    steps = script if isinstance(script, list) else [script]
    return both(
        name, f"response: {kind}", "passed", method, PATH, [], None, [(method, PATH)], script=steps, response=response, **more
    )


def bad(name, kind, *script, **more):
    """502, or visibly broken off."""
    return row(name, kind, list(script), "bad", **more)


def whole(name, kind, script, status=200, body=b"hello", **more):
    return row(name, kind, script, (status, body), **more)


def upgrades():
    kind = "101"
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    yield from bad("nobody wanted it", kind, switch, "close")
    yield from bad("and then a response", kind, switch + OK + BODY, "close")
    yield from bad("without fields", kind, b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "close")
    yield from bad("to h2c", kind, switch.replace(b"websocket", b"h2c"), "close")
    data = get(
        "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
    )
    yield Row(
        "an upgrade that was not passed on",
        f"response: {kind}",
        "passed",
        data,
        [("GET", PATH)],
        script=[switch, "close"],
        response="bad",
    )


def framings():
    kind = "framing"
    chunks = b"5\r\nhello\r\n0\r\n\r\n"
    for name, head in {
        "length, then chunked": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "chunked, then length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "chunked, chunked": b"Transfer-Encoding: chunked, chunked\r\n\r\n",
        "gzip, chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        "chunked, gzip": b"Transfer-Encoding: chunked, gzip\r\n\r\n",
        "gzip": b"Transfer-Encoding: gzip\r\n\r\n",
        "identity": b"Transfer-Encoding: identity\r\n\r\n",
        "xchunked": b"Transfer-Encoding: xchunked\r\n\r\n",
        "a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n",
        "chunked by HTTP/1.0": b"",
    }.items():
        start = OK + head if head else b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        yield from bad(name, kind, start + chunks, "close")
    for name, head in {
        "lengths that differ": b"Content-Length: 5\r\nContent-Length: 3\r\n\r\n",
        "a list that differs": b"Content-Length: 5, 3\r\n\r\n",
        "a plus": b"Content-Length: +5\r\n\r\n",
        "a minus": b"Content-Length: -5\r\n\r\n",
        "no number": b"Content-Length: five\r\n\r\n",
        "an empty length": b"Content-Length:\r\n\r\n",
        "a length too large": b"Content-Length: 18446744073709551621\r\n\r\n",
        "hexadecimal": b"Content-Length: 0x5\r\n\r\n",
    }.items():
        yield from bad(name, kind, OK + head + b"hello", "close")
    for name, head in {
        "a list of one": b"Content-Length: 5, 5\r\n\r\n",
        "one length twice": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    }.items():
        # Either is right: rejected, or taken as the one length that it is, never sent on as it came.
        yield from row(name, kind, [OK + head + b"hello", "close"], "one length")
    for name, body in {
        "no size": b"xyz\r\nhello\r\n0\r\n\r\n",
        "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
        "a size too large": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "data longer than its size": b"3\r\nhello\r\n0\r\n\r\n",
        "data shorter than its size": b"6\r\nhello\r\n0\r\n\r\n",
        "no line end": b"5\r\nhello0\r\n\r\n",
    }.items():
        yield from bad(f"chunks with {name}", kind, OK + b"Transfer-Encoding: chunked\r\n\r\n" + body, "close")


def cut():
    kind = "cut"
    for end in ("close", "reset"):
        yield from bad(f"{end} before a byte", kind, end, may_repeat=True)
        yield from bad(f"{end} in the status line", kind, b"HTTP/1.1 20", end, may_repeat=True)
        yield from bad(f"{end} in the head", kind, OK + b"Content-Len", end, may_repeat=True)
        yield from bad(f"{end} behind the head", kind, OK + b"Content-Length: 5\r\n\r\n", end)
        yield from bad(f"{end} in the body", kind, OK + b"Content-Length: 5\r\n\r\nhel", end)
        yield from bad(f"{end} in a chunk", kind, OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", end)
        yield from bad(f"{end} between chunks", kind, OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", end)
        yield from bad(f"{end} before the last line", kind, OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", end)
        yield from bad(f"{end} in a long body", kind, OK + b"Content-Length: 300000\r\n\r\n" + b"x" * 200000, end)
    yield from whole("a body until the end", kind, [OK + b"\r\nhello", "close"])
    yield from whole("a body until the end by HTTP/1.0", kind, [b"HTTP/1.0 200 OK\r\n\r\nhello", "close"])


def interim():
    kind = "1xx"
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </evil.js>; rel=preload\r\nSet-Cookie: a=b\r\n\r\n"
    yield from whole("100", kind, b"HTTP/1.1 100 Continue\r\n\r\n" + OK + BODY)
    yield from whole("102", kind, b"HTTP/1.1 102 Processing\r\n\r\n" + OK + BODY)
    yield from whole("103 with fields", kind, early + OK + BODY, lost=("link", "set-cookie"))
    yield from whole("five of them", kind, early * 5 + OK + BODY)
    yield from row("ten thousand of them", kind, [b"HTTP/1.1 100 Continue\r\n\r\n" * 10000 + OK + BODY], "bad or hello")
    yield from bad("only", kind, b"HTTP/1.1 100 Continue\r\n\r\n", "close", may_repeat=True)
    yield from bad("199 with a length and a body", kind, b"HTTP/1.1 199 Odd\r\nContent-Length: 5\r\n\r\nhello", "close")


def poisoned():
    """Bytes behind a response belong to nobody; the connection is thrown away."""
    kind = "extra bytes"
    yield from whole("another response", kind, OK + BODY + POISON)
    yield from whole("another response, a little later", kind, [OK + BODY, 0.02, POISON], pause=0.1)
    yield from whole(
        "another response behind chunks", kind, OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + POISON
    )
    yield from whole("more of the body", kind, OK + BODY + b" and more", body=b"hello")
    yield from whole("half a head", kind, OK + BODY + b"HTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-")
    yield from whole("behind a HEAD", kind, OK + b"Content-Length: 5\r\n\r\n" + POISON, body=b"", method="HEAD")
    yield from whole("behind a 204", kind, b"HTTP/1.1 204 No Content\r\n\r\n" + POISON, status=204, body=b"")
    yield from whole("behind a 304", kind, b"HTTP/1.1 304 Not Modified\r\n\r\n" + POISON, status=304, body=b"")
    yield from whole("behind an error", kind, b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello" + POISON, status=404)
    yield from whole("behind an interim one", kind, b"HTTP/1.1 100 Continue\r\n\r\n" + OK + BODY + POISON)
    yield from whole("a blank line", kind, OK + BODY + b"\r\n")


def garbage():
    kind = "garbage"
    for name, data in {
        "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
        "zeros": bytes(200),
        "TLS": b"\x15\x03\x01\x00\x02\x02\x28",
        "HTTP/0.9": b"<html>hello</html>\r\n",
        "HTTP/2": b"\0\0\x06\4\0\0\0\0\0\0\3\0\0\0\x80\0\0\4\1\0\0\0\0",
        "another version": b"HTTP/3.0 200 OK\r\n" + BODY,
        "no status": b"HTTP/1.1 OK\r\n" + BODY,
        "a status of two digits": b"HTTP/1.1 20 OK\r\n" + BODY,
        "a status of four digits": b"HTTP/1.1 2000 OK\r\n" + BODY,
        "status 000": b"HTTP/1.1 000 Nothing\r\n" + BODY,
        "a NUL in a value": OK + b"X-A: a\0b\r\n" + BODY,
        "a CR in a value": OK + b"X-A: a\rSet-Cookie: b\r\n" + BODY,
        "a blank in a name": OK + b"X A: b\r\n" + BODY,
        "no colon": OK + b"hello\r\n" + BODY,
        "no name": OK + b": b\r\n" + BODY,
        "a header of a megabyte": OK + b"X-A: " + b"a" * (1 << 20) + b"\r\n" + BODY,
        "20,000 fields": OK + b"X-A: b\r\n" * 20000 + BODY,
        "a head without an end": OK + b"X-A: b\r\n" * 200000,
        "a reason without an end": b"HTTP/1.1 200 " + b"x" * (1 << 20),
    }.items():
        yield from bad(name, kind, data, "close")
    for name, data in {
        "a fold": OK + b"X-A: a\r\n b\r\n" + BODY,
        "bare LF": OK.replace(b"\r\n", b"\n") + BODY.replace(b"\r\n", b"\n"),
        "a blank before the colon": OK + b"X-A : b\r\n" + BODY,
        "a status beyond 599": b"HTTP/1.1 799 Odd\r\n" + BODY,
        "no reason": b"HTTP/1.1 200\r\n" + BODY,
        "high octets in the reason": b"HTTP/1.1 200 \xff\xfe\r\n" + BODY,
        "high octets in a value": OK + b"X-A: \xff\xfe\r\n" + BODY,
        "an empty line first": b"\r\n" + OK + BODY,
    }.items():
        yield from row(name, kind, [data, "close"], "bad or hello")


def bodiless():
    kind = "no body"
    yield from whole("HEAD with one", kind, [OK + b"Content-Length: 5\r\n\r\nhello", "close"], body=b"", method="HEAD")
    yield from whole(
        "HEAD with a length", kind, OK + b"Content-Length: 5\r\n\r\n", body=b"", method="HEAD", kept={"content-length": "5"}
    )
    yield from whole("HEAD in chunks", kind, OK + b"Transfer-Encoding: chunked\r\n\r\n", body=b"", method="HEAD")
    yield from whole(
        "204 with one", kind, [b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "close"], status=204, body=b""
    )
    yield from whole(
        "204 in chunks",
        kind,
        [b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "close"],
        status=204,
        body=b"",
    )
    yield from whole("304 with a length", kind, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status=304, body=b"")
    yield from whole(
        "304 with one", kind, [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", "close"], status=304, body=b""
    )
    yield from whole("205", kind, b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", status=205, body=b"")


def fields():
    kind, state = "fields", "state in browsers"
    for line in (
        b"Set-Cookie: a=b; HttpOnly",
        b'Alt-Svc: h3=":443"',
        b'Clear-Site-Data: "*"',
        b"Strict-Transport-Security: max-age=31536000",
        b"Connection: X-B\r\nX-B: c",
        b"Keep-Alive: timeout=1000",
        b"Proxy-Authenticate: Basic",
        b"Proxy-Connection: keep-alive",
        b"Upgrade: h2c",
        b"X-Signing-Proxy-Notice: x",
        b"Trailer: X-T",
    ):
        name = line.split(b":")[0].decode().lower()
        lost = (name, "x-b") if name == "connection" else (name,)
        # The proxy's own hop may have a Connection of its own.
        lost = tuple(field for field in lost if field != "connection")
        is_state = name in ("set-cookie", "alt-svc", "clear-site-data", "strict-transport-security")
        yield from whole(name, state if is_state else kind, OK + line + b"\r\n" + BODY, lost=lost)
    twice = b"Set-Cookie: a=b\r\nSET-COOKIE: c=d\r\nX-C: e\r\n"
    yield from whole("two cookies in odd case", state, OK + twice + BODY, lost=("set-cookie",), kept={"x-c": "e"})
    yield from whole(
        "an error of ours", kind, OK + b"X-Signing-Proxy-Error: no-credentials\r\n" + BODY, lost=("x-signing-proxy-error",)
    )
    yield from whole("a length named by Connection", kind, [OK + b"Connection: content-length\r\n" + BODY, "close"])
    yield from whole(
        "a trailer",
        kind,
        OK + b"Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: a\r\nContent-Length: 9\r\n\r\n",
        lost=("trailer",),
    )
    for line in (b"X-Amz-Request-Id: 1", b'ETag: "x"', b"Content-Type: text/html", b"Location: http://elsewhere.example/"):
        name, value = line.decode().split(": ")
        yield from whole(f"kept: {name}", kind, OK + line + b"\r\n" + BODY, kept={name.lower(): value})
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/latest/meta-data/\r\n"
    yield from whole("a redirect is not followed", kind, moved + BODY, status=307)


def signatures():
    kind = "SignatureDoesNotMatch"
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\n"
    framings = {
        "by length": b"Content-Length: %d\r\n\r\n%s" % (len(ERROR), ERROR),
        "in chunks": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(ERROR), ERROR),
    }
    hidden = (b"CANARY", b"StringToSign", b"CanonicalRequest")
    for name, rest in framings.items():
        yield from whole(name, kind, [head + rest], status=403, body=None, hidden=hidden)
    pieces = framings["by length"]
    yield from whole(
        "in pieces", kind, [head, pieces[:100], 0.01, pieces[100:400], 0.01, pieces[400:]], status=403, body=None, hidden=hidden
    )
    other = b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>"
    text = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%s" % (len(other), other)
    yield from whole("another error passes as it is", kind, text, status=403, body=other)


def good():
    """So that the others are about what they say."""
    yield from both("an echo", "response: fields", "passed", "GET", PATH)
    chunks = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n"
    yield from whole("chunks", "framing", chunks)
    yield from whole("chunks octet by octet", "framing", [bytes([octet]) for octet in chunks])
    yield from whole("an empty body", "framing", OK + b"Content-Length: 0\r\n\r\n", body=b"")

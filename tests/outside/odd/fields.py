"""Odd header fields, hosts and methods."""

from odd.row import GET, HOST, THERE, Row, get, head, rejected, utf8

SIZE_OF_HEADS = 64 * 1024


def rows():
    for part in (counts, metadata, spelled, hop_by_hop, signed_already, hosts, methods, bad):
        yield from part()


def row(kind, name, *lines, **more):
    return get(THERE, THERE, *lines, kind=kind, name=name, **more)


def counts():
    # SeaweedFS has limits of its own, of fields and of bytes.
    for count in (99, 100, 101, 150, 400, 900):
        lines = [f"X-Filler-{index}: {index}" for index in range(count - 1)]
        present = {f"x-filler-{count - 2}": str(count - 2)}
        yield row("count", f"{count} fields", *lines, present=present, store=200 if count < 900 else None)
    lines = [f"x-amz-meta-{index}: value" for index in range(150)]
    yield row("count", "150 fields of metadata", *lines, present={"x-amz-meta-149": "value"})
    long = "x" * (SIZE_OF_HEADS - 1_000)
    yield row("count", "one field of 63 KiB", f"X-Filler: {long}", present={"x-filler": long}, store=None)
    many = [f"X-Filler-{index}: {'x' * 300}" for index in range(SIZE_OF_HEADS // 300)]
    yield rejected(
        "count", "more bytes than a head may have", head("GET", THERE, *many), 431, "head-too-large", "max_header_bytes"
    )


def metadata():
    """Metadata that is no ASCII, and ASCII that is odd."""
    spaced = {"x-amz-meta-a": "two  blanks"}
    yield row("metadata", "two blanks inside", "x-amz-meta-a: two  blanks", present=spaced)
    yield row("metadata", "blanks around", "x-amz-meta-a: \t a \t", present={"x-amz-meta-a": "a"})
    yield row("metadata", "empty", "x-amz-meta-a:", present={"x-amz-meta-a": ""})
    yield row("metadata", "twice", "x-amz-meta-a: a", "X-AMZ-META-A: b", present={"x-amz-meta-a": "a,b"})
    yield row("metadata", "name in capitals", "X-AMZ-META-FOO: a", present={"x-amz-meta-foo": "a"})
    yield row("metadata", "underscores", "x-amz-meta-a_b: c", present={"x-amz-meta-a_b": "c"})
    yield row(
        "metadata", "encoded as in mail", "x-amz-meta-a: =?UTF-8?Q?=C3=BC?=", present={"x-amz-meta-a": "=?UTF-8?Q?=C3=BC?="}
    )
    yield row("metadata", "percent escapes", "x-amz-meta-a: %C3%BC", present={"x-amz-meta-a": "%C3%BC"})
    # As S3 takes it and gives it back; other services get what they can sign alone.
    word = "=?UTF-8?B?YSDDvCBi?="
    yield row("metadata", "raw UTF-8", utf8("x-amz-meta-a: a ü b"), present={"x-amz-meta-a": word})
    unsignable = {
        "raw Latin-1": "x-amz-meta-a: \xfc",
        "raw UTF-8 in tags": utf8("x-amz-tagging: a=ü"),
        "raw UTF-8 in a content type": utf8("Content-Type: text/ü"),
    }
    for name, line in unsignable.items():
        named = line.split(":")[0].lower()
        yield rejected("metadata", name, head("GET", THERE, line), 400, "header-unsignable", named, closes=False)
    yield row("metadata", "all of ASCII", "x-amz-meta-a: " + "".join(map(chr, range(33, 127))))


def spelled():
    yield row("spelling", "no blank behind the colon", "X-A:a", present={"x-a": "a"})
    yield row("spelling", "tabs for blanks", "X-A:\ta\t", present={"x-a": "a"})
    yield row("spelling", "empty", "X-A:", present={"x-a": ""})
    yield row("spelling", "odd letters in a name", "x!#$%&'*+-.^_`|~: a", present={"x!#$%&'*+-.^_`|~": "a"}, store=None)
    yield row("spelling", "a name of one letter", "q: a", present={"q": "a"})
    yield row("spelling", "colons in a value", "X-A: :a:b:", present={"x-a": ":a:b:"})
    yield row("spelling", "raw UTF-8 in a field that is not signed", utf8("X-A: ü"), present={"x-a": utf8("ü")})
    yield row("spelling", "raw Latin-1 in User-Agent", "User-Agent: \xfc/1", present={"user-agent": "\xfc/1"})
    # It is where a browser was before, and no service's business.
    yield row("spelling", "raw UTF-8 in Referer", utf8("Referer: http://a/ü"), absent=("referer",))
    yield row("spelling", "a Date in words of its own", "Date: yesterday")
    yield row("spelling", "a Date of 1970", "Date: Thu, 01 Jan 1970 00:00:00 GMT")
    yield row("spelling", "cookies", 'Cookie: a=b; c="d"', "Cookie: e=f", store=None)
    yield row("spelling", "Range with a blank", "Range: bytes = 0-", store=None, present={"range": "bytes = 0-"})
    yield row(
        "spelling",
        "If-Modified-Since that is no date",
        "If-Modified-Since: never",
        present={"if-modified-since": "never"},
        store=None,
    )
    yield row("spelling", "content type of a GET", "Content-Type: ", present={"content-type": ""}, store=None)
    yield row("spelling", "content type in quotes", 'Content-Type: "text/plain"', present={"content-type": '"text/plain"'})
    yield row("spelling", "content type with two blanks", "Content-Type: text/plain;  charset=utf-8")
    yield row("spelling", "Accept of everything twice", "Accept: */*", "Accept: */*")


def hop_by_hop():
    yield row("hop", "Connection: close", "Connection: close", absent=("connection",), closes=True)
    yield row("hop", "Connection in odd case", "CONNECTION: Keep-Alive", absent=("connection",))
    yield row("hop", "an empty Connection", "Connection:", absent=("connection",))
    yield row("hop", "Keep-Alive of .NET", "Connection: Keep-Alive", "Keep-Alive: 300", absent=("keep-alive",))
    yield row("hop", "Proxy-Connection of old browsers", "Proxy-Connection: Keep-Alive", absent=("proxy-connection",))
    yield row("hop", "TE of LWP", "TE: deflate,gzip;q=0.3", "Connection: TE, close", absent=("te", "connection"), closes=True)
    yield row("hop", "TE: trailers", "TE: trailers", absent=("te",))
    yield row("hop", "Accept-Encoding: identity", "Accept-Encoding: identity", present={"accept-encoding": "identity"})
    settings = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
    yield row("upgrade", "h2c, as Java and curl send it", *settings, absent=("upgrade", "http2-settings"))
    once = ("Connection: Upgrade, HTTP2-Settings, close", *settings[1:])
    yield row("upgrade", "h2c, and no further request", *once, absent=("upgrade",), closes=True)
    for token in ("HTTP/2.0", "TLS/1.0", "h2c, HTTP/2.0", "foo", ""):
        yield row("upgrade", token or "nothing", "Connection: Upgrade", f"Upgrade: {token}", absent=("upgrade",))
    yield row("upgrade", "h2c without Connection", "Upgrade: h2c", absent=("upgrade",))
    for value in ("200-ok", "", "100-continue, x", "continue"):
        yield row("expect", value or "nothing", f"Expect: {value}", absent=("expect",))
    yield row("expect", "100-continue without a body", "Expect: 100-continue", absent=("expect",))


def signed_already():
    """A client's own signature is replaced, whatever it is worth."""
    scope = "Credential=AKIDUMMY/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00"
    stale = {
        "version 4": f"Authorization: AWS4-HMAC-SHA256 {scope}",
        "version 2": "Authorization: AWS AKIDUMMY:c2lnbmF0dXJl",
        "Basic": "Authorization: Basic dTpw",
        "Bearer": "Authorization: Bearer token",
        "nothing": "Authorization: ",
        "garbage": utf8("Authorization: ü"),
        "a date": "X-Amz-Date: 20000101T000000Z",
        "a session token": "X-Amz-Security-Token: stale",
        "an unsigned payload": "x-amz-content-sha256: UNSIGNED-PAYLOAD",
        "a wrong hash": "x-amz-content-sha256: " + "0" * 64,
    }
    for name, line in stale.items():
        yield row("signed already", name, line)


def hosts():
    good = (
        "localhost",
        "LOCALHOST",
        "localhost:1",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]",
        "[::1]:8080",
        "0.0.0.0",
        "proxy.internal",
    )
    for host in good:
        yield Row("host", host, head("GET", THERE, host=f"Host: {host}"), [GET])
    yield Row("host", "without a blank", head("GET", THERE, host="Host:$HOST"), [GET])
    yield Row("host", "behind other fields", head("GET", THERE, "X-A: a", "HOST: $HOST", host=None), [GET])
    old = head("GET", THERE, host=None, version="HTTP/1.0")
    yield Row("host", "none in HTTP/1.0", old, [GET], closes=True)
    aws = "Host: outside.s3.us-east-1.amazonaws.com"
    yield Row("host", "a bucket's own", head("GET", "/there", host=aws), [GET])
    yield Row("host", "a bucket's own, with port 80", head("GET", "/there", host=aws + ":80"), [GET])
    yield Row("host", "a bucket's own, in capitals", head("GET", "/there", host=aws.upper().replace("HOST:", "Host:")), [GET])
    yield Row("host", "a bucket's own, with a trailing dot", head("GET", "/there", host=aws + "."), [GET])
    yield Row("host", "the service's", head("GET", THERE, host="Host: s3.us-east-1.amazonaws.com"), [GET])
    yield Row("host", "localhost with a trailing dot", head("GET", THERE, host="Host: localhost."), [GET])
    unknown = ("Host: example.com", "Host: host.docker.internal", "Host: localhost.evil")
    for host in unknown:
        yield rejected("host", host[6:], head("GET", THERE, host=host), 403, None, "Host", closes=False)
    yield rejected("host", "none", head("GET", THERE, host=None), 400, "host-missing", "Host")
    yield rejected("host", "two", head("GET", THERE, HOST), 400, "host-repeated", "Host")
    for host in (
        "a b",
        "a/b",
        "http://localhost",
        "localhost:port",
        "user@localhost",
        "a,b",
        "[::1",
        "localhost:99999",
        utf8("ü"),
    ):
        yield rejected("host", repr(host), head("GET", THERE, host=f"Host: {host}"), 400, "host-malformed", "host")


def methods():
    for name in ("get", "Get", "pUT"):
        yield rejected("method", name, head(name, THERE), 400, "head-ambiguous", "capitals")
    yield rejected("method", "TRACE", head("TRACE", THERE), 405, "trace-unsupported", "TRACE")
    yield rejected(
        "method", "CONNECT", head("CONNECT", "s3.us-east-1.amazonaws.com:443"), 501, "connect-unsupported", "http://"
    )
    yield Row("method", "HEAD", head("HEAD", THERE), [("HEAD", THERE, b"")])
    yield Row("method", "PATCH without a body", head("PATCH", THERE), [("PATCH", THERE, b"")], store=None)
    yield Row("method", "one that nobody has", head("X-ODD", THERE), [("X-ODD", THERE, b"")], store=None)


def bad():
    """What RFC 9112 has a server reject, and AWS does."""
    table = [
        ("fold by a blank", "X-A: a\r\n b", "one line"),
        ("fold by a tab", "X-A: a\r\n\tb", "one line"),
        ("fold of a length", "Content-Length:\r\n 5", "one line"),
        ("blank before the colon", "X-A : a", "colon"),
        ("no colon", "X-A", "colon"),
        ("no name", ": a", "name"),
        ("blank in a name", "X A: a", "name"),
        ("raw UTF-8 in a name", utf8("X-ü: a"), "name"),
        ("NUL in a value", "X-A: a\0b", "control character"),
        ("bare CR", "X-A: a\rb", "carriage return"),
    ]
    for name, line, says in table:
        yield rejected("field", name, head("GET", THERE, line), 400, "head-malformed", says)
    dashes = head("GET", THERE, "x_amz_acl: private")
    yield rejected("field", "underscores for dashes", dashes, 400, "head-ambiguous", "x_amz_acl")
    version = head("GET", THERE, version="HTTP/1.2")
    yield rejected("version", "HTTP/1.2", version, 400, "head-malformed", "1.1")
    yield rejected("version", "HTTP/2.0", head("GET", THERE, version="HTTP/2.0"), 400, "head-malformed", "1.1")
    yield rejected("version", "in lower case", head("GET", THERE, version="http/1.1"), 400, "head-malformed", "1.1")
    yield rejected("version", "none", f"GET {THERE}\r\n\r\n", 400, "head-malformed")
    socket = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    yield rejected("upgrade", "websocket", head("GET", THERE, *socket), 501, "upgrade-unsupported", closes=False)

"""HTTP/2: what RFC 9113 calls malformed is never forwarded; what it leaves open is forwarded in one way."""

from raw.frames import DATA, END_HEADERS, END_STREAM, HEADERS, block, frame, headers
from raw.make import GET, PATH, fields2, row2
from raw.probe import Row

PUT5 = ("PUT", PATH, b"hello")


def rows():
    for part in (pseudo, targets, hosts, names, lengths, trailers):
        yield from part()


def pseudo():
    kind = "pseudo-header fields"
    whole = fields2()

    def row(name, fields, end="rejected", sent=(), **more):
        return row2(name, kind, end, fields, None, list(sent), **more)

    for index, (name, _) in enumerate(whole):
        if name != ":authority":
            yield row(f"no {name}", whole[:index] + whole[index + 1 :])
        yield row(f"{name} twice", [*whole, whole[index]])
        yield row(f"{name} twice, that differ", [*whole[: index + 1], (name, "x"), *whole[index + 1 :]])
        yield row(f"an empty {name}", [*whole[:index], (name, ""), *whole[index + 1 :]])
        yield row(f"{name} behind a field", [*whole[:index], *whole[index + 1 :], ("x-a", "b"), whole[index]])
        yield row(f"{name} in capitals", [*whole[:index], (name.upper(), whole[index][1]), *whole[index + 1 :]])
    yield row("an unknown one", [*whole, (":foo", "bar")])
    yield row(":status", [*whole, (":status", "200")])
    yield row(":protocol without extended CONNECT", [*whole, (":protocol", "websocket")])
    yield row("extended CONNECT", fields2("CONNECT", PATH, (":protocol", "websocket")))
    yield row("CONNECT", [(":method", "CONNECT"), (":authority", "$UPSTREAM")])
    yield row("CONNECT with a path", fields2("CONNECT"))
    yield row("no field at all", [])
    yield row("no authority and no host", [whole[0], whole[1], whole[3]])
    yield row("no authority, but a host", [whole[0], whole[1], whole[3], ("host", "$HOST")], "either", [GET])
    for scheme in ("https", "HTTP", "ftp", "http:", "ht tp", "javascript"):
        end = "either" if scheme in ("https", "HTTP") else "rejected"
        yield row(f"scheme {scheme}", fields2(scheme=scheme), end, [GET] if end == "either" else [])
    for method in ("TRACE", "G ET", "GE(T", "G\0ET", "GET\r\nX-A: b", "GET /b/x HTTP/1.1\r\nHost: x\r\n\r\nGET"):
        yield row(f"method {method!r}", fields2(method))


def targets():
    def row(name, path, end="rejected", sent=(), kind="target (HTTP/2)", method="GET", **more):
        return row2(name, kind, end, fields2(method, path), None, list(sent), method=method, **more)

    # The library cuts it off before anybody sees it (docs/decisions/0007-heads.md): what is left is decided on, signed and
    # sent, or nothing is.
    for name, path, left in (
        ("in the path", PATH + "#1", PATH),
        ("in the query", PATH + "?a=b#c", PATH + "?a=b"),
        ("at the end", PATH + "#", PATH),
        ("at once", "/#" + PATH, "/"),
        ("and a dot segment", PATH + "#/../x", PATH),
    ):
        yield row(name, path, "either", [("DELETE", left)], kind="fragment", method="DELETE")
    for path in ("/b/private/$TAG#/b/pub/x", "/b/pub#/x", "/b#/pub/x", "/#/b/pub/x", "/b/pub/../private/x#/b/pub/x"):
        yield row(f"{path}, which is not allowed", path, kind="fragment", on="lim")
    yield row("of what is allowed", "/b/pub/$TAG#x", "either", [("GET", "/b/pub/$TAG")], kind="fragment", on="lim")
    for path in ("$TAG", "b/$TAG", "b.s3.us-east-1.amazonaws.com", "$HOST", "?a=b", "*", ".", "http:b"):
        yield row(path, path, kind="target without a slash")
    yield row("a whole URL", "http://$UPSTREAM" + PATH, kind="target without a slash")
    yield row("a whole URL of another host", "http://evil.example" + PATH, kind="target without a slash")
    yield row("an asterisk by OPTIONS", "*", kind="target without a slash", method="OPTIONS")
    yield row("two slashes", "//b/$TAG", "either", [("GET", "//b/$TAG")])
    for name, octets in (
        ("a blank", " x"),
        ("a tab", "\t"),
        ("CR and LF", "\r\nX-A: b"),
        ("LF", "\n"),
        ("NUL", "\0"),
        ("DEL", "\x7f"),
        ("a request", " HTTP/1.1\r\nHost: x\r\n\r\nGET /b/smuggled HTTP/1.1"),
    ):
        yield row(name, PATH + octets)
    for name, octets, wanted in (
        ("UTF-8", "\xe9", "%C3%A9"),
        ("brackets and braces", "{}[]|^\"", "%7B%7D%5B%5D%7C%5E%22"),
        ("a backslash that climbs", "/..\\..\\x", "/..%5C..%5Cx"),
        ("a semicolon in the query", "?a=b;acl", "?a=b%3Bacl"),
    ):
        yield row(name, PATH + octets, "passed", [("GET", PATH + wanted)], kind="raw octets (HTTP/2)")
    for name, octets in (("a backtick", "`"), ("angle brackets", "<>"), ("a quote in the query", '?a="'), ("no UTF-8", b"\xff")):
        path = PATH.encode() + octets if isinstance(octets, bytes) else PATH + octets
        yield row(name, path, kind="raw octets (HTTP/2)")
    yield row("a bad escape", PATH + "%zz")
    yield row("escaped CR and LF", PATH + "/%0d%0aX:y", "either", [("GET", PATH + "/%0D%0AX%3Ay")])
    yield row("17 KiB", PATH + "a" * 17000)


def hosts():
    def row(name, authority, *more, end="rejected"):
        return row2(name, "authority (HTTP/2)", end, fields2("GET", PATH, *more, authority=authority), None, [GET])

    for authority in (
        "evil.example",
        "user@$HOST",
        "u:p@$HOST",
        "$HOST/b",
        "$HOST#b",
        "$HOST,$HOST",
        "127.0.0.1:99999",
        "[::1",
        "127.0.0.1\r\nX-A: b",
        "a b",
        "\0",
        "127.0.0.1:http",
        "http://$HOST",
    ):
        yield row(f"{authority!r}", authority)
    for authority in ("evil", "evil:$PORT", "intranet"):
        yield row2(f"single label {authority}", "single-label hosts", "rejected", fields2(authority=authority))
    yield row("localhost", "localhost", end="passed")
    # RFC 9113, 8.3.1: a server should take a request whose Host says something else as malformed.
    yield row("a Host that differs", "$HOST", ("host", "evil.example"))
    yield row("a Host that is ours, another authority", "evil.example", ("host", "$HOST"))
    yield row("two Hosts that differ", "$HOST", ("host", "$HOST"), ("host", "evil.example"))
    yield row("the same Host", "$HOST", ("host", "$HOST"), end="either")


def names():
    def row(name, *more, end="rejected", kind="fields (HTTP/2)", **rest):
        return row2(name, kind, end, fields2("GET", PATH, *more), None, [GET], **rest)

    for name, value in (
        ("connection", "close"),
        ("connection", "keep-alive, x-b"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("te", "trailers, gzip"),
    ):
        yield row(f"{name}: {value}", (name, value), kind="connection-specific fields")
    yield row("te: trailers", ("te", "trailers"), end="passed", kind="connection-specific fields")
    for name in ("X-A", "Content-Type", "HOST", "x a", "x:a", "", "x\0a", "x\r\na", "x\xe9", "x\x7f", "x\t", "x/a", "x{", " x"):
        yield row(f"name {name!r}", (name, "b"))
    for value in ("a\r\nX-B: c", "a\nb", "a\rb", "a\0b"):
        yield row(f"value {value!r}", ("x-a", value))
        yield row(f"signed value {value!r}", ("x-amz-meta-a", value))
    # RFC 9113, 8.2.1, on blanks; a recipient may look no closer.
    for value in (" a", "a ", "\ta"):
        yield row(f"value {value!r}", ("x-a", value), end="either")
    yield row("a control octet", ("x-a", "a\x01b"), end="either")
    yield row("a value of 12 KB", ("x-a", "b" * 12000), end="passed", present={"x-a": "b" * 12000})
    yield row("the same name forty times", *[("x-a", "b")] * 40, end="passed")
    yield row("crumbs of a cookie", ("cookie", "a=b"), ("cookie", "c=d"), end="passed", kind="private fields", absent=("cookie",))


def lengths():
    def row(name, more, body, end="rejected", sent=(), method="PUT"):
        return row2(name, "content length (HTTP/2)", end, fields2(method, PATH, *more), body, list(sent))

    yield row("longer than the body", [("content-length", "10")], "hello")
    yield row("shorter than the body", [("content-length", "3")], "hello")
    yield row("none of a body", [("content-length", "0")], "hello")
    yield row("a body without DATA", [("content-length", "5")], None)
    yield row("no body by END_STREAM", [("content-length", "5")], "")
    yield row("two", [("content-length", "5"), ("content-length", "5")], "hello", "either", [PUT5])
    yield row("two that differ", [("content-length", "5"), ("content-length", "3")], "hello")
    yield row("a list", [("content-length", "5, 3")], "hello")
    for value in ("+5", "-5", "0x5", "5 ", "", "five", "5.0", "18446744073709551621"):
        yield row(f"{value!r}", [("content-length", value)], "hello", "either" if value == "5 " else "rejected", [PUT5])
    yield row("right", [("content-length", "5")], "hello", "passed", [PUT5])
    yield row("none", [], "hello", "passed", [PUT5])
    yield row("of a GET", [("content-length", "5")], None, method="GET")

    def cut(flags):
        def data(fill):
            fields = [(name, fill(value)) for name, value in fields2("PUT", PATH, ("content-length", "5"))]
            head = headers(1, fields, END_HEADERS)
            return head + frame(DATA, 0, 1, b"hel") + frame(DATA, flags, 1, b"lo there")

        return data

    yield Row("more in a second frame", "content length (HTTP/2)", "rejected", cut(END_STREAM), http2=True)
    yield Row("more in a second frame, and no end", "content length (HTTP/2)", "rejected", cut(0), http2=True)


def trailers():
    def row(name, end, trailer, flags=END_STREAM | END_HEADERS, absent=(), more=b""):
        def data(fill):
            fields = [(field, fill(value)) for field, value in fields2("PUT")]
            body = frame(DATA, 0, 1, b"hello")
            return headers(1, fields, END_HEADERS) + body + frame(HEADERS, flags, 1, block(trailer)) + more

        sent = [PUT5] if end != "rejected" else []
        return Row(name, "trailers (HTTP/2)", end, data, sent, http2=True, absent=absent)

    yield row("a field", "passed", [("x-t", "a")], absent=("x-t",))
    yield row("metadata", "passed", [("x-amz-meta-t", "a")], absent=("x-amz-meta-t",))
    yield row("no field", "passed", [])
    # Malformed (RFC 9113, 8.1); but nothing of a trailer goes on, so who overlooks it changes nothing.
    yield row("a pseudo-header field", "either", [(":path", "/b/other")])
    yield row(":method", "either", [(":method", "DELETE")])
    yield row("a name in capitals", "rejected", [("X-T", "a")])
    yield row("CR and LF", "rejected", [("x-t", "a\r\nb: c")])
    yield row("no end of the stream", "rejected", [("x-t", "a")], flags=END_HEADERS, more=frame(DATA, END_STREAM, 1, b" more"))
    yield row("a length", "either", [("content-length", "100")])
    yield row("a coding", "either", [("transfer-encoding", "chunked")], absent=("transfer-encoding",))

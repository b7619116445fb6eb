"""Fields of requests, by HTTP/1 and HTTP/2: what belongs to one hop, to the client's own signature, or to a browser."""

from raw.make import GET, PATH, both, get, put
from raw.probe import Row

OWN = ("origin", "http://$HOST")


def rows():
    for part in (hop_by_hop, client_auth, spelled, shared, browsers, private):
        yield from part()


def hop_by_hop():
    def row(name, *lines, absent=(), present=None, end="passed", data=None):
        sent = [] if end == "rejected" else [GET]
        return Row(name, "hop-by-hop", end, data or get(*lines), sent, absent=absent, present=present or {})

    yield row("close", "Connection: close")
    yield row(
        "named by Connection",
        "Connection: x-amz-meta-a, X-B",
        "X-Amz-Meta-A: a",
        "X-B: b",
        "X-C: c",
        absent=("x-amz-meta-a", "x-b"),
        present={"x-c": "c"},
    )
    yield row("named by a second Connection", "Connection: keep-alive", "Connection: x-b", "X-B: b", absent=("x-b",))
    yield row("named behind its line", "X-B: b", "Connection: X-b", absent=("x-b",))
    yield row("an ACL named by Connection", "Connection: x-amz-acl", "X-Amz-Acl: private", absent=("x-amz-acl",))
    yield row("Host named by Connection", "Connection: host")
    yield row("authorization named by Connection", "Connection: authorization, x-amz-date, x-amz-content-sha256")
    yield row("a garbled Connection", "Connection: ,,a b,\t;", "X-C: c", present={"x-c": "c"})
    yield row("Keep-Alive", "Keep-Alive: timeout=5", absent=("keep-alive",))
    yield row("Proxy-Connection", "Proxy-Connection: keep-alive")
    yield row("TE", "TE: trailers, gzip", "Connection: TE")
    yield row("Trailer", "Trailer: X-T")
    yield row(
        "Upgrade to WebSocket",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        end="rejected",
    )
    yield row(
        "Upgrade to h2c",
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
        end="passed",
    )
    yield row("Upgrade without Connection", "Upgrade: websocket", end="rejected")
    yield row("Proxy-Authorization", "Proxy-Authorization: Basic YTpi")
    yield row(
        "forwarding",
        "Forwarded: for=1.2.3.4;host=evil",
        "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
    )
    yield row("fields of ours", "X-Signing-Proxy-Error: x", "X-Signing-Proxy-Request-Id: x")
    yield row("another's Via", "Via: 1.1 other")
    yield row("Max-Forwards", "Max-Forwards: 5")
    body = put("hello", "Connection: content-length")
    yield Row("a length named by Connection", "hop-by-hop", "either", body, [("PUT", PATH, b"hello")])
    framed = get("Transfer-Encoding: chunked", "Connection: transfer-encoding", method="PUT") + "5\r\nhello\r\n0\r\n\r\n"
    yield Row("a coding named by Connection", "hop-by-hop", "either", framed, [("PUT", PATH, b"hello")])
    framed = get("Transfer-Encoding: chunked", "TE: trailers", "Trailer: x-t", method="PUT") + "5\r\nhello\r\n0\r\nX-T: a\r\n\r\n"
    yield Row("announced trailers", "hop-by-hop", "passed", framed, [("PUT", PATH, b"hello")], absent=("x-t", "trailer"))


def client_auth():
    def row(name, *lines, end="passed", method="GET", target=PATH, body=None, sent=None, **more):
        return both(name, "client auth", end, method, target, lines, body, sent, **more)

    signature = (
        "AWS4-HMAC-SHA256 Credential=AKIACLIENT/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=" + "0" * 64
    )
    yield from row("Basic", ("Authorization", "Basic YTpi"))
    yield from row("Bearer", ("Authorization", "Bearer stale"))
    yield from row("a signature", ("Authorization", signature))
    yield from row("an empty one", ("Authorization", ""))
    yield from row("two of them", ("Authorization", signature), ("Authorization", "Basic YTpi"))
    yield from row("a date", ("X-Amz-Date", "20200101T000000Z"))
    yield from row("a token", ("X-Amz-Security-Token", "stale"), absent=("x-amz-security-token",))
    yield from row("a session token of S3 Express", ("X-Amz-S3session-Token", "stale"), absent=("x-amz-s3session-token",))
    yield from row("a hash", ("X-Amz-Content-Sha256", "0" * 64))
    yield from row("two hashes", ("X-Amz-Content-Sha256", "0" * 64), ("X-Amz-Content-Sha256", "1" * 64))
    yield from row("no payload", ("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), method="PUT", body="hello")
    yield from row("a wrong hash of a body", ("X-Amz-Content-Sha256", "0" * 64), method="PUT", body="hello")
    yield from row(
        "streaming without chunks",
        ("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("X-Amz-Decoded-Content-Length", "5"),
        end="rejected",
        method="PUT",
        body="hello",
    )
    chunk = "5;chunk-signature=" + "0" * 64 + "\r\nhello\r\n0;chunk-signature=" + "0" * 64 + "\r\n\r\n"
    stream = (
        ("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("Content-Encoding", "aws-chunked"),
        ("X-Amz-Decoded-Content-Length", "5"),
    )
    yield from row("aws-chunked", *stream, method="PUT", body=chunk, sent=[("PUT", PATH, b"hello")])
    yield from row(
        "aws-chunked, longer than it says",
        *stream[:2],
        ("X-Amz-Decoded-Content-Length", "4"),
        end="rejected",
        method="PUT",
        body=chunk,
    )
    yield from row(
        "aws-chunked, a request behind its end", *stream, end="rejected", method="PUT", body=chunk + "GET /b/x HTTP/1.1\r\n\r\n"
    )
    yield from row("aws-chunked, cut", *stream, end="rejected", method="PUT", body=chunk[:-40])
    yield from row(
        "a query of version 4", target=PATH + f"?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={'0' * 64}", end="rejected"
    )
    yield from row("a query of version 2", target=PATH + "?AWSAccessKeyId=AKIACLIENT&Signature=x&Expires=1", end="rejected")
    yield from row("a query in odd case", target=PATH + "?x-amz-signature=0&x-amz-algorithm=AWS4-HMAC-SHA256", end="rejected")
    yield from row("an escaped query", target=PATH + "?X-Amz-%53ignature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256", end="rejected")
    yield from row("a token in the query", target=PATH + "?X-Amz-Security-Token=stale", end="rejected")
    yield from row("another connection", ("X-Signing-Proxy-Connection", "lim"), end="rejected")
    yield from row("another connection's path", target="/@lim" + PATH, end="either", sent=[("GET", "/%40lim" + PATH)])
    yield from row("an unknown connection", ("X-Signing-Proxy-Connection", "nobody"), end="rejected")
    yield from row(
        "two connections", ("X-Signing-Proxy-Connection", "store"), ("X-Signing-Proxy-Connection", "lim"), end="rejected"
    )


def spelled():
    """Names that a server behind CGI, or the like, takes for those with dashes."""

    def row(end, name, on, **more):
        return both(f"{name} to {on}", "spelled names", end, "PUT", "/b/pub/$TAG", [(name, "x")], "hello", on=on, **more)

    for on in ("store", "lim"):
        for name in (
            *("X_Amz_Acl", "X-Amz-Copy_Source", "x_amz-tagging", "X_Amz_Meta_A", "x.amz.acl", "X_Amz_Security_Token"),
            *("Content_Length", "Transfer_Encoding", "content.length", "Content_Type", "Content-MD5_", "If_Match"),
            *("Proxy_Authorization", "X_Forwarded_Host", "X_Signing_Proxy_Connection", "X_HTTP_Method_Override"),
        ):
            yield from row("rejected", name, on)
        for name in ("X-Amz-Meta-My_Key", "X-Amz-Meta-a.b", "Api_Key", "User_Agent", "x_request_id"):
            yield from row("passed", name, on, present={name.lower(): "x"})


def shared():
    """The listener by which all connections are reached."""

    def row(name, end, target, *lines, sent=(GET,), via="store", **more):
        wanted = [] if end == "rejected" else list(sent)
        return both(name, "shared listener", end, "GET", target, lines, None, wanted, on="shared", via=via, **more)

    yield from row("by path", "passed", "/@store" + PATH)
    yield from row("by path to another", "passed", "/@lim/b/pub/$TAG", sent=[("GET", "/b/pub/$TAG")], via="lim")
    yield from row("an escaped name", "either", "/%40store" + PATH)
    yield from row("no such name", "rejected", "/@nobody" + PATH)
    yield from row("no name", "rejected", PATH)
    yield from row("an empty name", "rejected", "/@" + PATH)
    yield from row("a name in capitals", "rejected", "/@STORE" + PATH)
    yield from row("a name behind two slashes", "rejected", "//@store" + PATH)
    yield from row("a name behind a dot segment", "rejected", "/../@store" + PATH)
    yield from row("two names", "either", "/@store/@lim" + PATH, sent=[("GET", "/%40lim" + PATH)])
    yield from row("path and field that differ", "rejected", "/@store" + PATH, ("X-Signing-Proxy-Connection", "lim"))
    yield from row("by field", "passed", PATH, ("X-Signing-Proxy-Connection", "store"))
    yield from row("by a list", "rejected", PATH, ("X-Signing-Proxy-Connection", "store, lim"))


def browsers():
    """A browser acts for whatever page it shows: out by default."""

    def row(name, *lines, end="rejected", method="GET", body=None, **more):
        return both(name, "browsers", end, method, PATH, lines, body, **more)

    for site in ("cross-site", "same-site", "same-origin", "none", "Cross-Site", "other", ""):
        yield from row(f"Sec-Fetch-Site: {site}", ("Sec-Fetch-Site", site))
    yield from row(
        "a link from elsewhere",
        ("Sec-Fetch-Site", "none"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-User", "?1"),
        ("Sec-Fetch-Dest", "document"),
    )
    yield from row(
        "a script of a page that we served",
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "cors"),
        OWN,
        method="POST",
        body="hello",
    )
    yield from row("navigate alone", ("Sec-Fetch-Mode", "navigate"))
    yield from row("navigate alone, in capitals", ("Sec-Fetch-Mode", "NAVIGATE"), end="either")
    yield from row("two sites", ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "same-origin"))
    for origin in (
        "http://evil.example",
        "null",
        "https://$HOST",
        "http://localhost:3000",
        "",
        "http://$HOST.evil.example",
        "http://evil.example,http://$HOST",
        "file://",
        "chrome-extension://abcdef",
    ):
        yield from row(f"Origin: {origin}", ("Origin", origin), method="POST", body="hello")
    yield from row("two origins", OWN, ("Origin", "http://evil.example"), method="POST", body="hello")
    yield from row("its own origin", OWN, end="passed", method="POST", body="hello")
    yield from row("Node's fetch", ("Sec-Fetch-Mode", "cors"), ("Accept-Language", "*"), ("User-Agent", "node"), end="passed")
    yield from row("a preflight", ("Origin", "http://evil.example"), ("Access-Control-Request-Method", "PUT"), method="OPTIONS")
    yield from row(
        "a preflight of another machine",
        ("Origin", "http://evil.example"),
        ("Access-Control-Request-Private-Network", "true"),
        ("Access-Control-Request-Method", "PUT"),
        method="OPTIONS",
    )
    yield from row("a form", ("Origin", "null"), ("Content-Type", "application/x-www-form-urlencoded"), method="POST", body="a=b")
    yield from row(
        "a WebSocket",
        ("Origin", "http://evil.example"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )
    yield from row("a program with a browser's name", ("User-Agent", "Mozilla/5.0"), end="passed")


def private():
    """A browser's state: of the client, not for the service."""

    def row(name, *lines, **more):
        return both(name, "private fields", "passed", "GET", PATH, lines, **more)

    yield from row("Cookie", ("Cookie", "session=secret"), absent=("cookie",))
    yield from row("two cookies", ("Cookie", "a=b"), ("Cookie", "c=d"), absent=("cookie",))
    yield from row("Cookie2", ("Cookie2", "$Version=1"), present={})
    yield from row("Referer", ("Referer", "http://intranet.example/secret?token=1"), absent=("referer",))
    yield from row(
        "both",
        ("Referer", "http://a.example/"),
        ("Cookie", "a=b"),
        ("User-Agent", "curl/8"),
        absent=("referer", "cookie"),
        present={"user-agent": "curl/8"},
    )

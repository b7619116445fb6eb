"""HTTP/1: hosts, target forms, methods, bodies and what belongs to one hop."""

import socket

from raw.make import GET, HOST, INNER, PATH, chunked, get, put
from raw.probe import Row
from raw.world import LISTED_HOST

PUT5 = ("PUT", PATH, b"hello")


def rows():
    for part in (hosts, forms, methods, chunks, trailers, expect, lengths_cut):
        yield from part()


def hosts():
    def row(name, end, host, sent=(GET,)):
        return Row(name, "host", end, get(host=host), list(sent) if end in ("passed", "either") else [])

    yield row("none", "rejected", "")
    yield row("two", "closed", HOST + HOST)
    yield row("two that differ", "closed", HOST + "Host: localhost\r\n")
    yield row("two in odd case", "closed", HOST + "hOST: $HOST\r\n")
    yield row("one before and one behind", "closed", HOST + "X-A: b\r\nHost: other.example\r\n")
    for name, host in {
        "empty": "",
        "a blank in it": "local host",
        "a comma": "$HOST,$HOST",
        "a user": "user@$HOST",
        "a user and a password": "u:p@$HOST",
        "a path": "$HOST/b",
        "a query": "$HOST?b",
        "a fragment": "$HOST#b",
        "a backslash": "$HOST\\b",
        "a port that is none": "127.0.0.1:http",
        "a port too large": "127.0.0.1:99999",
        "two ports": "$HOST:80",
        "a negative port": "127.0.0.1:-1",
        "half a bracket": "[::1",
        "an empty bracket": "[]:80",
        "high octets": "127.0.0.1\xe9",
        "an escape": "127.0.0.1%00.example",
        "a colon alone": ":",
        "a scheme": "http://$HOST",
    }.items():
        yield row(name, "rejected", f"Host: {host}\r\n")
    for host in (
        "evil.example",
        "evil.example:$PORT",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "signer.internal.evil",
        "notsigner.internal",
        "169.254.169.254.nip.io",
    ):
        yield Row(f"DNS rebinding by {host}", "rebinding", "rejected", get(host=f"Host: {host}\r\n"))
    yield Row("a name of another machine", "rebinding", "rejected", get(host="Host: 127.0.0.1.\xa0\r\n"))
    for host in ("evil", "evil:$PORT", "intranet", "wpad", "EVIL", "evil.", "0x7f000001x"):
        yield Row(f"single label {host}", "single-label hosts", "rejected", get(host=f"Host: {host}\r\n"))
    for host in (
        "localhost",
        "localhost:$PORT",
        "LOCALHOST",
        "[::1]",
        "[::1]:$PORT",
        "127.0.0.1",
        "$HOST",
        LISTED_HOST,
        f"{LISTED_HOST}:$PORT",
        "Signer.INTERNAL",
    ):
        yield row(f"ours: {host}", "passed", f"Host: {host}\r\n")
    yield row("this machine's own name", "passed", f"Host: {socket.gethostname()}\r\n")
    for host in ("localhost.", "127.1", "2130706433", "0.0.0.0", "[::ffff:127.0.0.1]", "127.0.0.1:"):
        yield row(f"odd: {host}", "either", f"Host: {host}\r\n")
    yield Row("none by HTTP/1.0", "host", "either", get(host="", version="HTTP/1.0"), [GET])
    yield Row("two by HTTP/1.0", "host", "closed", get(host=HOST + HOST, version="HTTP/1.0"))


def forms():
    up = "http://$UPSTREAM" + PATH

    def row(name, end, target, host="Host: $UPSTREAM\r\n", sent=(GET,), **more):
        return Row(
            name, "absolute form", end, get(target=target, host=host, **more), list(sent) if end in ("passed", "either") else []
        )

    yield row("of the endpoint", "passed", up)
    yield row("with another Host: the target's counts", "either", up, HOST)
    yield row("with a foreign Host: the target's counts", "either", up, "Host: evil.example\r\n")
    yield row("scheme in capitals", "passed", up.replace("http", "HTTP"))
    yield row("a host elsewhere", "rejected", "http://evil.example" + PATH, "Host: evil.example\r\n")
    yield row("a host elsewhere, ours in Host", "rejected", "http://evil.example" + PATH, "Host: $UPSTREAM\r\n")
    yield row("https", "either", up.replace("http", "https"))
    yield row("ftp", "rejected", up.replace("http", "ftp"))
    yield row("file", "rejected", "file://" + PATH)
    yield row("a user", "rejected", up.replace("//", "//user@"))
    yield row("a user and a password", "rejected", up.replace("//", "//u:p@"))
    yield row("an empty host", "rejected", "http://" + PATH)
    yield row("a port too large", "rejected", "http://127.0.0.1:99999" + PATH)
    yield row("a blank port", "either", "http://127.0.0.1:" + PATH)
    yield row("no Host field", "rejected", up, "")
    yield row("two Host fields", "closed", up, HOST + HOST)
    yield row("the metadata service", "rejected", "http://169.254.169.254/latest/meta-data/", "Host: 169.254.169.254\r\n")
    yield row("another port of this machine", "rejected", "http://127.0.0.1:1" + PATH, "Host: 127.0.0.1:1\r\n")
    yield row("the query of a whole URL", "passed", up + "?acl", sent=[("GET", PATH + "?acl=")])
    yield row("a backslash in the authority", "rejected", "http://$UPSTREAM\\@evil.example" + PATH)
    yield row(
        "an AWS host in another's domain",
        "rejected",
        "http://s3.us-east-1.amazonaws.com.evil.example" + PATH,
        "Host: s3.us-east-1.amazonaws.com.evil.example\r\n",
    )
    for name, target, wanted in (
        ("two slashes at first", "//b/$TAG", "//b/$TAG"),
        ("a bad escape", PATH + "/%zz", None),
        ("half an escape", PATH + "/%2", None),
        ("a percent sign at the end", PATH + "%", None),
        ("an escaped NUL", PATH + "/%00", PATH + "/%00"),
        ("escaped CR and LF", PATH + "/%0d%0aX:y", PATH + "/%0D%0AX%3Ay"),
        ("an escaped blank", PATH + "/%20HTTP/1.1", PATH + "/%20HTTP/1.1"),
        ("a bad escape in the query", PATH + "?a=%f", None),
        ("half an escape behind a high octet", PATH + "/\xfc%4", None),
        ("escaped CR and LF in the query", PATH + "?a=%0d%0aX:y", PATH + "?a=%0D%0AX%3Ay"),
    ):
        end = "rejected" if wanted is None else "either"
        yield Row(name, "target", end, get(target=target), [("GET", wanted)] if wanted else [])
    for name, octets in (
        ("UTF-8", "\xc3\xa9"),
        ("a single high octet", "\xff"),
        ("brackets and braces", "{}[]|^`"),
        ("quotes", "\"<>'"),
        ("a backslash that climbs", "/..\\..\\x"),
        ("two backslashes", "\\\\evil.example\\x"),
    ):
        wanted = "".join(char if char in "./x" or char.isalnum() and char.isascii() else f"%{ord(char):02X}" for char in octets)
        yield Row(name, "raw octets", "passed", get(target=PATH + octets), [("GET", PATH + wanted)])
        query = wanted.replace("/", "%2F")
        yield Row(f"{name} in the query", "raw octets", "passed", get(target=f"{PATH}?a={octets}"), [("GET", f"{PATH}?a={query}")])
    yield Row("a semicolon in the query", "raw octets", "passed", get(target=PATH + "?a=b;acl"), [("GET", PATH + "?a=b%3Bacl")])
    yield Row("a semicolon in the path", "raw octets", "passed", get(target=PATH + ";acl"), [("GET", PATH + "%3Bacl")])
    climbing = get(target="/b/pub\\..\\private\\$TAG")
    yield Row("a backslash out of what is allowed", "raw octets", "rejected", climbing, on="lim")
    yield Row("high octets in a URL's host", "raw octets", "rejected", get(target="http://$UPSTREAM\xe9" + PATH))
    yield Row("17 KiB", "target", "rejected", get(target=PATH + "a" * 17000))
    yield Row("70 KiB", "target", "rejected", get(target=PATH + "a" * 70000))
    yield Row("8 KiB", "target", "passed", get(target=PATH + "a" * 8000), [("GET", PATH + "a" * 8000)])
    yield Row("a head of 100 KiB", "target", "rejected", get("X-A: " + "a" * 100000))
    yield Row("a line of a megabyte", "target", "rejected", "GET " + "a" * (1 << 20))
    yield Row("300 fields", "target", "passed", get(*["X-A: b"] * 300), [GET])
    yield Row("3,000 fields", "target", "rejected", get(*["X-A: b"] * 3000))


def methods():
    yield Row("TRACE", "trace", "rejected", get(method="TRACE"))
    for method in ("trace", "Trace", "connect", "get", "Put", "head", "pOST", "delete", "options", "patch"):
        yield Row(f"{method}, not in capitals", "trace", "rejected", get(method=method))
    yield Row("TRACE with Max-Forwards", "trace", "rejected", get("Max-Forwards: 0", method="TRACE"))
    yield Row("TRACE with a body", "trace", "rejected", put("hello", method="TRACE"))
    yield Row("TRACE behind a GET", "trace", "rejected", get(target=PATH + "-1") + get(method="TRACE"), [("GET", PATH + "-1")])
    yield Row(
        "TRACE of a whole URL",
        "trace",
        "rejected",
        get(target="http://$UPSTREAM" + PATH, method="TRACE", host="Host: $UPSTREAM\r\n"),
    )
    yield Row("TRACE on a connection with allow", "trace", "rejected", get(method="TRACE"), on="lim")
    for target in ("s3.us-east-1.amazonaws.com:443", "$UPSTREAM", "$HOST", PATH, "evil.example:25"):
        data = get(target=target, method="CONNECT", host=f"Host: {target}\r\n")
        yield Row(f"CONNECT {target}", "connect", "rejected", data)
    yield Row(
        "CONNECT with a request in the tunnel",
        "connect",
        "closed",
        get(target="$UPSTREAM", method="CONNECT", host="Host: $UPSTREAM\r\n"),
    )
    for method in ("OPTIONS", "PATCH", "PROPFIND", "FOO", "PRI", "M-SEARCH", "A" * 200):
        yield Row(f"method {method[:20]}", "methods", "either", get(method=method), [(method, PATH)], method=method)
    for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        yield Row(f"method {method}", "methods", "passed", get(method=method), [(method, PATH)], method=method)


def chunks():
    bad = {
        "no number": "xyz\r\nhello\r\n0\r\n\r\n",
        "0x": "0x5\r\nhello\r\n0\r\n\r\n",
        "a minus": "-5\r\nhello\r\n0\r\n\r\n",
        "a plus": "+5\r\nhello\r\n0\r\n\r\n",
        "an underscore": "0_5\r\nhello\r\n0\r\n\r\n",
        "no size": "\r\nhello\r\n0\r\n\r\n",
        "only an extension": ";a=b\r\nhello\r\n0\r\n\r\n",
        "a NUL behind the size": "5\0\r\nhello\r\n0\r\n\r\n",
        "a letter behind the size": "5g\r\nhello\r\n0\r\n\r\n",
        "a comma": "5,5\r\nhello\r\n0\r\n\r\n",
        "too large for 64 bits": "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "far too large": "f" * 40 + "\r\nhello\r\n0\r\n\r\n",
        "data longer than its size": "4\r\nhello\r\n0\r\n\r\n",
        "data shorter than its size": "6\r\nhello\r\n0\r\n\r\n",
        "no line end behind the data": "5\r\nhello0\r\n\r\n",
        "LF behind the data": "5\r\nhello\n0\r\n\r\n",
        "CR behind the data": "5\r\nhello\r0\r\n\r\n",
        "CR CR LF behind the size": "5\r\r\nhello\r\n0\r\n\r\n",
        "CR in an extension": "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "a high octet for the size": "\xb5\r\nhello\r\n0\r\n\r\n",
    }
    for name, body in bad.items():
        yield Row(name, "chunk framing", "closed", chunked(body))
    for name, body in {
        "LF behind the size": "5\nhello\r\n0\r\n\r\n",
        "LF in an extension": "5;a\nhello\r\n0\r\n\r\n",
        "LF behind the last chunk": "5\r\nhello\r\n0\n\r\n",
    }.items():
        yield Row(name, "chunk framing", "either", chunked(body), [PUT5])
    for name, body in {
        "leading zeros": "00000005\r\nhello\r\n000\r\n\r\n",
        "capitals": "A\r\nhellohello\r\n0\r\n\r\n",
        "two chunks": "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "an extension": "5;a=b\r\nhello\r\n0;c\r\n\r\n",
        "a quoted extension": '5;a="b;c"\r\nhello\r\n0\r\n\r\n',
    }.items():
        wanted = b"hellohello" if name == "capitals" else b"hello"
        yield Row(name, "chunk framing", "passed", chunked(body), [("PUT", PATH, wanted)])
    for name, body in {
        "a blank before the size": " 5\r\nhello\r\n0\r\n\r\n",
        "a blank behind the size": "5 \r\nhello\r\n0\r\n\r\n",
        "a quoted line end": '5;a="\r\n"\r\nhello\r\n0\r\n\r\n',
        "an extension of 20 KB": "5;" + "a" * 20000 + "\r\nhello\r\n0\r\n\r\n",
        "seventeen zeros": "0" * 16 + "5\r\nhello\r\n0\r\n\r\n",
    }.items():
        yield Row(name, "chunk framing", "either", chunked(body), [PUT5])
    data = chunked("5\r\nhello\r\n0\r\n\n")
    yield Row("LF for the last line", "chunk framing", "either", data, [PUT5], half_close=True)
    for name, body in {
        "in a size": "5",
        "in the data": "5\r\nhel",
        "before the last chunk": "5\r\nhello\r\n",
        "in the trailer": "5\r\nhello\r\n0\r\n",
        "in the last line": "5\r\nhello\r\n0\r\n\r",
    }.items():
        yield Row(f"the client leaves {name}", "chunk framing", "closed", chunked(body), half_close=True)


def trailers():
    for name, trailer in {
        "a field": "X-T: a\r\n",
        "authorization": "Authorization: AWS4-HMAC-SHA256 Credential=x\r\n",
        "metadata": "X-Amz-Meta-T: a\r\n",
        "an ACL": "X-Amz-Acl: public-read\r\n",
        "the connection": "X-Signing-Proxy-Connection: lim\r\n",
        "a date": "X-Amz-Date: 20200101T000000Z\r\n",
    }.items():
        names = ("x-t", "x-amz-meta-t", "x-amz-acl", "transfer-encoding", "trailer")
        yield Row(name, "trailers", "passed", chunked(f"5\r\nhello\r\n0\r\n{trailer}\r\n"), [PUT5], absent=names)
    # A sender must not (RFC 9110, 6.5.1), and who merges them reads another request than who does not.
    for name, trailer in {
        "a length": "Content-Length: 100\r\n",
        "a coding": "Transfer-Encoding: chunked\r\n",
        "a host": "Host: evil.example\r\n",
    }.items():
        yield Row(name, "trailers", "closed", chunked(f"5\r\nhello\r\n0\r\n{trailer}\r\n"))
    for name, trailer in {
        "no colon": "trailer\r\n",
        "a fold": "X-T: a\r\n b\r\n",
        "a NUL": "X-T: a\0\r\n",
        "a bare LF": "X-T: a\nX-U: b\r\n",
        "a blank before the colon": "X-T : a\r\n",
        "20 KB": "X-T: " + "a" * 20000 + "\r\n",
        "200 fields": "X-T: a\r\n" * 200,
    }.items():
        yield Row(
            f"malformed: {name}",
            "trailers",
            "either",
            chunked(f"5\r\nhello\r\n0\r\n{trailer}\r\n"),
            [PUT5],
            absent=("x-t", "x-u"),
        )


def expect():
    yield Row("100-continue", "expect", "passed", put("hello", "Expect: 100-continue"), [PUT5])
    yield Row("in odd case", "expect", "passed", put("hello", "eXPECT: 100-CONTINUE"), [PUT5])
    yield Row(
        "on HTTP/1.0",
        "expect",
        "passed",
        get("Content-Length: 5", "Expect: 100-continue", version="HTTP/1.0", method="PUT") + "hello",
        [PUT5],
    )
    yield Row("another expectation", "expect", "either", put("hello", "Expect: the-unexpected"), [PUT5])
    yield Row("twice", "expect", "either", put("hello", "Expect: 100-continue", "Expect: 100-continue"), [PUT5])
    yield Row("on a GET", "expect", "either", get("Expect: 100-continue"), [GET])
    yield Row("chunks", "expect", "passed", chunked("5\r\nhello\r\n0\r\n\r\n", "Expect: 100-continue"), [PUT5])
    head = f"PUT {PATH} HTTP/1.1\r\nHost: other.example\r\nExpect: 100-continue\r\nContent-Length: {len(INNER)}\r\n\r\n"
    yield Row("rejected, and the body looks like a request", "expect", "rejected", head + INNER)
    yield Row("rejected, and the body comes later", "expect", "rejected", [head, INNER])


def lengths_cut():
    """Bodies that are shorter than announced."""
    for name, data in {
        "half a body": get("Content-Length: 10", method="PUT") + "hello",
        "no body": get("Content-Length: 10", method="PUT"),
        "half a head": f"PUT {PATH} HTTP/1.1\r\nHost: $HO",
        "a request line": f"PUT {PATH} HTTP/1.1\r\n",
    }.items():
        # Who leaves within a head gets nothing.
        silent = name in ("half a head", "a request line")
        yield Row(f"the client leaves behind {name}", "cut requests", "closed", data, half_close=True, silent=silent)

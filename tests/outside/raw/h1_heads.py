"""Heads of HTTP/1: what cannot be read in exactly one way is rejected, and the connection closed."""

from raw.make import GET, HOST, PATH, chunked, get, put
from raw.probe import Row

PUT5 = ("PUT", PATH, b"hello")

# (name, bytes) of heads that are ambiguous or malformed, by kind. Used alone and behind other requests.
AMBIGUOUS = {
    "two lengths": [
        ("length, then chunked", get("Content-Length: 3", "Transfer-Encoding: chunked", method="PUT") + "0\r\n\r\n"),
        ("chunked, then length", get("Transfer-Encoding: chunked", "Content-Length: 3", method="PUT") + "0\r\n\r\n"),
        ("length 0 and chunked", get("Content-Length: 0", "Transfer-Encoding: chunked", method="PUT") + "0\r\n\r\n"),
        ("a length that differs", get("Content-Length: 3", "Content-Length: 5", method="PUT") + "hello"),
        ("a list of two that differ", get("Content-Length: 5, 3", method="PUT") + "hello"),
        ("chunked in odd case and a length", get("tRANSFER-eNCODING: cHUNKED", "content-LENGTH: 5", method="PUT") + "0\r\n\r\n"),
        ("on a GET", get("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n"),
    ],
    "odd lengths": [
        (repr(length), get(f"Content-Length: {length}", method="PUT") + "hello")
        for length in (
            "+5",
            "-5",
            "0x5",
            "5 5",
            "5;",
            "5e0",
            "5.0",
            "five",
            "5,",
            "\xb2",
            "18446744073709551621",
            "5\x0b",
            "'5'",
            "5_0",
        )
    ]
    + [("empty", get("Content-Length:", method="PUT") + "hello")],
    "transfer codings": [
        (coding or "empty", get(f"Transfer-Encoding: {coding}", method="PUT") + "5\r\nhello\r\n0\r\n\r\n")
        for coding in (
            *(
                "gzip, chunked",
                "chunked, gzip",
                "chunked, chunked",
                "identity",
                "xchunked",
                "chunkedx",
                "chunked;q=1",
                '"chunked"',
            ),
            *("chunk ed", "", "gzip", "identity, chunked", "chunked\x0b", "\x0bchunked", "chunked identity", "\xe3hunked"),
        )
    ]
    + [
        ("twice", get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", method="PUT") + "0\r\n\r\n"),
        ("identity, then chunked", get("Transfer-Encoding: identity", "Transfer-Encoding: chunked", method="PUT") + "0\r\n\r\n"),
        ("chunked, then identity", get("Transfer-Encoding: chunked", "Transfer-Encoding: identity", method="PUT") + "0\r\n\r\n"),
        ("on HTTP/1.0", get("Transfer-Encoding: chunked", method="PUT", version="HTTP/1.0") + "5\r\nhello\r\n0\r\n\r\n"),
    ],
    "bare line ends": [
        ("LF behind the request line", f"GET {PATH} HTTP/1.1\nHost: $HOST\r\n\r\n"),
        ("LF behind a field", f"GET {PATH} HTTP/1.1\r\nHost: $HOST\n\r\n"),
        ("LF at the end of the head", f"GET {PATH} HTTP/1.1\r\nHost: $HOST\r\n\n"),
        ("LF everywhere", f"GET {PATH} HTTP/1.1\nHost: $HOST\n\n"),
        ("LF in a value", get("X-A: a\nX-B: b")),
        ("LF hides a length", get("X-A: a\nContent-Length: 5", method="PUT") + "hello"),
        ("CR in a value", get("X-A: a\rb")),
        ("CR ends a field", f"GET {PATH} HTTP/1.1\r\nX-A: a\rHost: $HOST\r\n\r\n"),
        ("CR CR LF", get("X-A: a\r")),
        ("CR in a name", get("X-\rA: a")),
        ("CR in the request line", f"GET {PATH}\rHTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("CR behind the request line", f"GET {PATH} HTTP/1.1\rHost: $HOST\r\n\r\n"),
        ("CR hides a coding", get("X-A: a\rTransfer-Encoding: chunked", "Content-Length: 5", method="PUT") + "hello"),
    ],
    "folds and blanks": [
        ("a fold by a blank", get("X-A: a\r\n b")),
        ("a fold by a tab", get("X-A: a\r\n\tb")),
        ("a folded length", get("Content-Length:\r\n 5", method="PUT") + "hello"),
        ("a folded coding", get("Transfer-Encoding:\r\n chunked", method="PUT") + "0\r\n\r\n"),
        ("a fold of nothing", get("X-A: a\r\n ")),
        ("a blank before the first field", f"GET {PATH} HTTP/1.1\r\n Host: $HOST\r\n\r\n"),
        ("a tab before the first field", f"GET {PATH} HTTP/1.1\r\n\tX: y\r\nHost: $HOST\r\n\r\n"),
        ("a blank before the colon", get("X-A : a")),
        ("a tab before the colon", get("X-A\t: a")),
        ("a blank before the colon of a length", get("Content-Length : 5", method="PUT") + "hello"),
        ("a blank before the colon of a coding", get("Transfer-Encoding : chunked", method="PUT") + "0\r\n\r\n"),
        ("a blank in a name", get("X A: a")),
        ("no name", get(": a")),
        ("no colon", get("Transfer-Encoding chunked")),
    ],
    "control bytes": [
        ("NUL in a value", get("X-A: a\0b")),
        ("NUL in a name", get("X\0A: b")),
        ("NUL in the target", get(target=PATH + "\0")),
        ("NUL in the method", get(method="G\0ET")),
        ("DEL in a name", get("X\x7fA: b")),
        ("a vertical tab for a blank", f"GET\x0b{PATH}\x0bHTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("a form feed in the target", get(target=PATH + "\x0c")),
        ("a tab in the target", get(target=PATH + "\tx")),
        ("DEL in the target", get(target=PATH + "\x7f")),
        ("a brace in a name", get("X{A: b")),
        ("a high octet in a name", get("X\xe9: b")),
        ("a slash in a name", get("X/A: b")),
        ("a form feed before a coding", get("Transfer-Encoding: \x0cchunked", method="PUT") + "0\r\n\r\n"),
    ],
    "fragment": [
        ("in the path", get(target=PATH + "#1", method="DELETE")),
        ("in the query", get(target=PATH + "?a=1#b")),
        ("at the end", get(target=PATH + "#")),
        ("before the query", get(target=PATH + "#?a=1")),
        ("of a whole URL", get(target="http://$UPSTREAM" + PATH + "#1", host="Host: $UPSTREAM\r\n")),
        ("at once", get(target="/#" + PATH)),
        ("doubled", get(target=PATH + "##")),
    ],
    "target without a slash": [
        ("a word", get(target="$TAG")),
        ("a host of AWS", get(target="b.s3.us-east-1.amazonaws.com", method="DELETE")),
        ("a host with a port", get(target="b.s3.us-east-1.amazonaws.com:80", method="DELETE")),
        ("the proxy", get(target="$HOST", method="DELETE")),
        ("the upstream", get(target="$UPSTREAM", method="DELETE")),
        ("a path without its slash", get(target="b/$TAG")),
        ("a query alone", get(target="?list-type=2")),
        ("an asterisk", get(target="*")),
        ("a backslash", get(target="\\b\\$TAG")),
        ("a scheme without slashes", get(target="http:b")),
        ("a scheme and a path", get(target="http:/b/$TAG")),
        ("a dot", get(target=".")),
        ("an escaped slash", get(target="%2Fb%2F$TAG")),
        ("a word, with a body", put("hello", target="$TAG")),
    ],
    "request line": [
        ("one blank too many before the target", f"GET  {PATH} HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("a blank in the target", f"GET {PATH} x HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("a second version", f"GET {PATH} HTTP/1.1 HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("no target", "GET HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("no method", f" {PATH} HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("a blank before the method", f" GET {PATH} HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("a blank in the method", f"G ET {PATH} HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("a parenthesis in the method", f"GE(T {PATH} HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
        ("a colon in the method", f"GET: {PATH} HTTP/1.1\r\nHost: $HOST\r\n\r\n"),
    ],
    "versions": [
        (version, get(version=version))
        for version in (
            "HTTP/2.0",
            "HTTP/0.9",
            "HTTP/3.7",
            "http/1.1",
            "HTTP/01.1",
            "HTTP/1.10",
            "HTTP/1,1",
            "HTTP/1",
            "HTTP/",
            "HTTP /1.1",
            "HTCPCP/1.1",
            "HTTP/11",
            "HTTP/+1.1",
        )
    ]
    + [("none", f"GET {PATH}\r\nHost: $HOST\r\n\r\n"), ("none and no field", f"GET {PATH}\r\n\r\n")],
}


def rows():
    for kind, heads in AMBIGUOUS.items():
        for name, data in heads:
            yield Row(name, kind, "closed", data)
    yield from lenient()
    yield from split()


def lenient():
    """What a recipient may take, or must."""
    yield Row("OPTIONS and an asterisk", "target without a slash", "rejected", get(target="*", method="OPTIONS"))
    rows = [
        (
            "one length twice",
            "two lengths",
            "either",
            get("Content-Length: 5", "Content-Length: 5", method="PUT") + "hello",
            [PUT5],
        ),
        ("a list of one length twice", "two lengths", "either", get("Content-Length: 5, 5", method="PUT") + "hello", [PUT5]),
        ("leading zeros", "odd lengths", "either", get("Content-Length: 005", method="PUT") + "hello", [PUT5]),
        ("blanks around", "odd lengths", "passed", get("Content-Length: \t 5 \t", method="PUT") + "hello", [PUT5]),
        ("no blank", "odd lengths", "passed", get("Content-Length:5", method="PUT") + "hello", [PUT5]),
        ("length of nothing", "odd lengths", "passed", get("Content-Length: 0", method="PUT"), [("PUT", PATH, b"")]),
        (
            "odd case",
            "transfer codings",
            "passed",
            get("transfer-ENCODING: cHuNkEd", method="PUT") + "5\r\nhello\r\n0\r\n\r\n",
            [PUT5],
        ),
        (
            "blanks around",
            "transfer codings",
            "passed",
            get("Transfer-Encoding: \tchunked \t", method="PUT") + "5\r\nhello\r\n0\r\n\r\n",
            [PUT5],
        ),
        (
            "an empty element",
            "transfer codings",
            "either",
            get("Transfer-Encoding: chunked,", method="PUT") + "5\r\nhello\r\n0\r\n\r\n",
            [PUT5],
        ),
        (
            "an empty element first",
            "transfer codings",
            "either",
            get("Transfer-Encoding: ,chunked", method="PUT") + "5\r\nhello\r\n0\r\n\r\n",
            [PUT5],
        ),
        ("a GET in chunks", "transfer codings", "either", chunked("0\r\n\r\n", method="GET"), [GET]),
        ("empty lines before the request", "bare line ends", "either", "\r\n\r\n" + get(), [GET]),
        ("0x01 in a value", "control bytes", "either", get("X-A: a\x01b"), [GET]),
        ("DEL in a value", "control bytes", "either", get("X-A: a\x7fb"), [GET]),
        ("a form feed in a value", "control bytes", "either", get("X-A: a\x0cb"), [GET]),
        ("a tab in a value", "control bytes", "passed", get("X-A: a\tb"), [GET]),
        ("high octets in a value", "control bytes", "either", get("X-A: \xc3\xa9"), [GET]),
        ("high octets in a signed value", "control bytes", "either", get("X-Amz-Meta-A: \xc3\xa9"), [GET]),
        ("an empty value", "folds and blanks", "passed", get("X-A:"), [GET]),
        ("a value of blanks", "folds and blanks", "passed", get("X-A: \t "), [GET]),
        ("blanks in a signed value", "folds and blanks", "passed", get("X-Amz-Meta-A:  a  b\t"), [GET]),
        ("a signed field twice", "folds and blanks", "passed", get("X-Amz-Meta-A: a", "x-amz-META-a: b"), [GET]),
        ("a colon in a value", "folds and blanks", "passed", get("X-A::a:"), [GET]),
        ("a blank behind the version", "request line", "either", f"GET {PATH} HTTP/1.1 \r\n{HOST}\r\n", [GET]),
        ("HTTP/1.2", "versions", "either", get(version="HTTP/1.2"), [GET]),
        ("HTTP/1.0", "versions", "passed", get(version="HTTP/1.0"), [GET]),
        ("HTTP/1.0 kept alive", "versions", "passed", get("Connection: keep-alive", version="HTTP/1.0"), [GET]),
        (
            "HTTP/1.0 with a body",
            "versions",
            "passed",
            get("Content-Length: 5", version="HTTP/1.0", method="PUT") + "hello",
            [PUT5],
        ),
        ("an escaped number sign", "fragment", "passed", get(target=PATH + "%231"), [("GET", PATH + "%231")]),
    ]
    for name, kind, end, data, sent in rows:
        yield Row(name, kind, end, data, sent)


def split():
    """Where segments end says nothing."""
    for kind, name in (
        ("two lengths", "length, then chunked"),
        ("bare line ends", "LF behind a field"),
        ("fragment", "in the path"),
        ("target without a slash", "a word"),
    ):
        data = dict(AMBIGUOUS[kind])[name]
        for cut in (1, 7, 40):
            yield Row(f"{name}, in segments of {cut}", kind, "closed", data, cut=cut)
    for cut in (1, 7, 40):
        yield Row(f"a body in segments of {cut}", "segments", "passed", put("hello"), [PUT5], cut=cut)
        yield Row(f"chunks in segments of {cut}", "segments", "passed", chunked("5\r\nhello\r\n0\r\n\r\n"), [PUT5], cut=cut)

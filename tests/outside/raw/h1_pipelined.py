"""Ambiguous heads behind other requests: every head of a connection is checked, whatever it comes behind."""

from raw.h1_heads import AMBIGUOUS
from raw.make import INNER, PATH, chunked, get, put
from raw.probe import Row

BODY = "5\r\nhello\r\n0\r\n\r\n"
# What stands in front: its bytes, and what the service gets of it.
FRONT = {
    "a GET": (get(target=PATH + "-1"), [("GET", PATH + "-1")]),
    "a HEAD": (get(target=PATH + "-1", method="HEAD"), [("HEAD", PATH + "-1")]),
    "a PUT": (put("hello", target=PATH + "-1"), [("PUT", PATH + "-1", b"hello")]),
    "a PUT of nothing": (put("", target=PATH + "-1"), [("PUT", PATH + "-1", b"")]),
    "chunks": (chunked(BODY, target=PATH + "-1"), [("PUT", PATH + "-1", b"hello")]),
    "a trailer": (chunked("5\r\nhello\r\n0\r\nX-T: a\r\n\r\n", target=PATH + "-1"), [("PUT", PATH + "-1", b"hello")]),
    "two requests": (
        get(target=PATH + "-1") + put("hello", target=PATH + "-2"),
        [("GET", PATH + "-1"), ("PUT", PATH + "-2", b"hello")],
    ),
    "empty lines": ("\r\n" + get(target=PATH + "-1") + "\r\n", [("GET", PATH + "-1")]),
}
CHOSEN = [
    ("two lengths", "length, then chunked"),
    ("two lengths", "chunked, then length"),
    ("two lengths", "a length that differs"),
    ("odd lengths", "'+5'"),
    ("transfer codings", "gzip, chunked"),
    ("transfer codings", "twice"),
    ("bare line ends", "LF behind a field"),
    ("bare line ends", "LF at the end of the head"),
    ("bare line ends", "CR in a value"),
    ("folds and blanks", "a fold by a blank"),
    ("folds and blanks", "a blank before the colon of a length"),
    ("fragment", "in the path"),
    ("fragment", "in the query"),
    ("target without a slash", "a word"),
    ("target without a slash", "a host of AWS"),
    ("versions", "HTTP/2.0"),
]


def rows():
    for kind, name in CHOSEN:
        head = dict(AMBIGUOUS[kind])[name]
        for front, (data, sent) in FRONT.items():
            yield Row(f"{kind}, {name}, behind {front}", "pipelined", "closed", data + head, sent)
    head = dict(AMBIGUOUS["fragment"])["in the path"]
    for front, (data, sent) in FRONT.items():
        yield Row(f"fragment behind {front}, in segments of 11", "pipelined", "closed", data + head, sent, cut=11)
        yield Row(f"fragment in the segment behind {front}", "pipelined", "closed", [data, head], sent)
        # The body's last octets, and the head behind them, come together.
        yield Row(f"fragment with the last octets of {front}", "pipelined", "closed", [data[:-2], data[-2:] + head], sent)
    # Behind a request that was rejected, whose body nobody wanted.
    rejected = put("hello", target=PATH, host="Host: other.example\r\n")
    yield Row("a rejected PUT, its body and another request", "pipelined", "rejected", rejected)
    yield Row("a rejected GET", "pipelined", "rejected", get(host="Host: other.example\r\n"))
    inner = INNER
    for name, data in {
        "a request in a body": put(inner, target=PATH),
        "a request in chunks": chunked(f"{len(inner):x}\r\n{inner}\r\n0\r\n\r\n"),
    }.items():
        sent = [("PUT", PATH, inner.encode())]
        yield Row(name, "pipelined", "passed", data, sent)
        yield Row(f"{name} that is rejected", "pipelined", "rejected", data.replace("Host: $HOST", "Host: other.example", 1))
    many = "".join(get(target=f"{PATH}-{number}") for number in range(20))
    yield Row("twenty requests", "pipelined", "passed", many, [("GET", f"{PATH}-{number}") for number in range(20)])
    mixed = "".join(
        put("x" * number, target=f"{PATH}-{number}") + get(target=f"{PATH}-{number}g", method="HEAD") for number in range(1, 9)
    )
    wanted = [
        request
        for number in range(1, 9)
        for request in (("PUT", f"{PATH}-{number}", b"x" * number), ("HEAD", f"{PATH}-{number}g"))
    ]
    yield Row("bodies of growing length between HEADs", "pipelined", "passed", mixed, wanted)
    yield Row("the same in segments of 13", "pipelined", "passed", mixed, wanted, cut=13)

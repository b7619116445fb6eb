"""HTTP/2: frames, compression and windows that are wrong, and floods. None of it may hold up others."""

from raw.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    block,
    frame,
    integer,
    literal,
    settings,
)
from raw.make import GET, PATH, fields2
from raw.probe import Row

ENDS = END_STREAM | END_HEADERS


def request(fill, *more, method="GET", path=PATH):
    """The block of an ordinary request."""
    return block([(name, fill(value)) for name, value in fields2(method, path, *more)])


def rows():
    for part in (broken_frames, compression, large_lists, windows, floods):
        yield from part()


def row(name, kind, end, data, sent=(), **more):
    return Row(name, kind, end, data, list(sent), http2=True, **more)


def broken_frames():
    kind = "frames"

    def then(extra):
        """An ordinary request behind frames that are wrong."""
        return lambda fill: extra + frame(HEADERS, ENDS, 1, request(fill))

    for name, extra in {
        "DATA on stream 0": frame(DATA, 0, 0, b"x"),
        "DATA on an idle stream": frame(DATA, 0, 5, b"x"),
        "HEADERS on stream 0": frame(HEADERS, ENDS, 0, b""),
        "HEADERS on an even stream": frame(HEADERS, ENDS, 2, b""),
        "SETTINGS on a stream": frame(SETTINGS, 0, 1),
        "SETTINGS of 5 octets": frame(SETTINGS, 0, 0, b"12345"),
        "an acknowledgement with settings": frame(SETTINGS, 1, 0, b"\0\3\0\0\0\1"),
        "a window beyond 2^31": settings(window=1 << 31),
        "frames of 1 octet": settings(frame=1),
        "push: 2": settings(push=2),
        "PING of 7 octets": frame(PING, 0, 0, b"1234567"),
        "PING on a stream": frame(PING, 0, 1, b"12345678"),
        "WINDOW_UPDATE of 0": frame(WINDOW_UPDATE, 0, 0, bytes(4)),
        "WINDOW_UPDATE of 3 octets": frame(WINDOW_UPDATE, 0, 0, bytes(3)),
        "WINDOW_UPDATE on an idle stream": frame(WINDOW_UPDATE, 0, 5, b"\0\0\0\1"),
        "a window that overflows": frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2,
        "RST_STREAM on an idle stream": frame(RST_STREAM, 0, 5, bytes(4)),
        "RST_STREAM on stream 0": frame(RST_STREAM, 0, 0, bytes(4)),
        "PUSH_PROMISE": frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2"),
        "CONTINUATION at first": frame(CONTINUATION, END_HEADERS, 1, b""),
        "GOAWAY of 4 octets": frame(GOAWAY, 0, 0, bytes(4)),
        "a frame beyond 16 KiB": frame(DATA, 0, 1, bytes(16385)),
    }.items():
        yield row(name, kind, "closed", then(extra))
    for name, extra in {
        "an unknown frame": frame(0xBB, 0xFF, 1, b"what is this"),
        "an unknown setting": frame(SETTINGS, 0, 0, b"\xbb\xbb\0\0\0\1"),
        "PRIORITY on an idle stream": frame(PRIORITY, 0, 5, bytes(5)),
        "PING": frame(PING, 0, 0, b"12345678"),
    }.items():
        yield row(name, kind, "passed", then(extra), [GET])
    yield row(
        "no preface",
        kind,
        "closed",
        lambda fill: b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + frame(HEADERS, ENDS, 1, request(fill)),
        first=b"",
    )
    yield row(
        "DATA behind the end",
        kind,
        "either",
        lambda fill: frame(HEADERS, ENDS, 1, request(fill)) + frame(DATA, 0, 1, b"x"),
        [GET],
    )
    yield row("a second HEADERS behind the end", kind, "either", lambda fill: frame(HEADERS, ENDS, 1, request(fill)) * 2, [GET])
    yield row(
        "a stream number that goes back",
        kind,
        "closed",
        lambda fill: frame(HEADERS, END_HEADERS, 5, request(fill, method="PUT")) + frame(HEADERS, ENDS, 1, request(fill)),
    )

    def parts(fill, between=b"", stream=1, end=END_HEADERS):
        text = request(fill)
        return frame(HEADERS, END_STREAM, 1, text[:9]) + between + frame(CONTINUATION, end, stream, text[9:])

    yield row("CONTINUATION", kind, "passed", parts, [GET])
    yield row("a frame between", kind, "closed", lambda fill: parts(fill, frame(PING, 0, 0, b"12345678")))
    yield row("DATA between", kind, "closed", lambda fill: parts(fill, frame(DATA, END_STREAM, 1, b"x")))
    yield row("CONTINUATION of another stream", kind, "closed", lambda fill: parts(fill, stream=3))
    yield row("octet by octet in CONTINUATION", kind, "either", lambda fill: split_block(request(fill), 8), [GET])
    yield row("padding", kind, "passed", lambda fill: frame(HEADERS, ENDS | PADDED, 1, b"\x05" + request(fill) + bytes(5)), [GET])
    yield row(
        "padding longer than the frame", kind, "closed", lambda fill: frame(HEADERS, ENDS | PADDED, 1, b"\xff" + request(fill))
    )
    yield row(
        "a stream that depends on itself",
        kind,
        "either",
        lambda fill: frame(HEADERS, ENDS | 0x20, 1, b"\0\0\0\1\0" + request(fill)),
        [GET],
    )


def split_block(text, size):
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    out = frame(HEADERS, END_STREAM, 1, pieces[0])
    for index, piece in enumerate(pieces[1:], 2):
        out += frame(CONTINUATION, END_HEADERS if index == len(pieces) else 0, 1, piece)
    return out


def compression():
    kind = "header compression"

    def behind(extra):
        return lambda fill: frame(HEADERS, ENDS, 1, request(fill) + extra)

    for name, extra in {
        "index 0": b"\x80",
        "an index beyond the tables": integer(70, 7, 0x80),
        "an index far beyond": integer(1 << 28, 7, 0x80),
        "an integer without an end": b"\xff" + b"\xff" * 12,
        "a name cut off": b"\x00\x05ab",
        "a value cut off": b"\x00\x01a\x05bc",
        "no value": b"\x00\x01a",
        "Huffman padded by zeros": b"\x00\x01a\x81\x00",
        "Huffman with its end": b"\x00\x01a\x84\xff\xff\xff\xff",
        "a table beyond the setting": integer(1 << 20, 5, 0x20),
        "a table size behind a field": integer(0, 5, 0x20),
    }.items():
        end = "either" if "behind a field" in name else "closed"
        yield row(name, kind, end, behind(extra), [GET] if end == "either" else [])
    yield row("the static table", kind, "passed", lambda fill: frame(HEADERS, ENDS, 1, request(fill) + b"\x90"), [GET])
    yield row(
        "never indexed", kind, "passed", lambda fill: frame(HEADERS, ENDS, 1, request(fill) + literal("x-a", "b", 0x10)), [GET]
    )
    yield row(
        "indexed, then used",
        kind,
        "passed",
        lambda fill: frame(HEADERS, ENDS, 1, request(fill) + literal("x-a", "b", 0x40) + b"\xbe\xbe"),
        [GET],
    )
    yield row("a smaller table", kind, "passed", lambda fill: frame(HEADERS, ENDS, 1, integer(0, 5, 0x20) + request(fill)), [GET])


def large_lists():
    """A list of fields beyond 16 KiB (RFC 9113, 6.5.2: names, values and 32 octets for each), whatever it takes on the wire."""
    kind = "header bombs"
    entry = literal("x-amz-meta-a", "v" * 4000, 0x40)

    def references(count):
        return lambda fill: frame(HEADERS, ENDS, 1, request(fill) + entry + b"\xbe" * count)

    for count in (4, 14, 60, 1000, 10000):
        yield row(f"4 KB referred to {count} times", kind, "rejected", references(count))
    yield row("4 KB referred to twice", kind, "passed", references(2), [GET])
    yield row("one field of 17 KB", kind, "rejected", lambda fill: split_block(request(fill) + literal("x-a", "b" * 17000), 9000))
    yield row(
        "one field of 100 KB", kind, "rejected", lambda fill: split_block(request(fill) + literal("x-a", "b" * 100000), 16000)
    )
    yield row("600 small fields", kind, "rejected", lambda fill: frame(HEADERS, ENDS, 1, request(fill) + literal("a", "b") * 600))
    yield row(
        "16,000 empty fields",
        kind,
        "rejected",
        lambda fill: split_block(request(fill) + literal("a", "", 0x40) + b"\xbe" * 16000, 16000),
    )
    yield row(
        "200 small fields", kind, "passed", lambda fill: frame(HEADERS, ENDS, 1, request(fill) + literal("a", "b") * 200), [GET]
    )
    yield row(
        "CONTINUATION without an end",
        kind,
        "rejected",
        lambda fill: frame(HEADERS, END_STREAM, 1, request(fill)) + frame(CONTINUATION, 0, 1, literal("x-a", "b" * 8000)) * 200,
    )
    yield row(
        "empty CONTINUATIONs",
        kind,
        "either",
        lambda fill: (
            frame(HEADERS, END_STREAM, 1, request(fill)) + frame(CONTINUATION, 0, 1) * 3000 + frame(CONTINUATION, END_HEADERS, 1)
        ),
        [GET],
    )


def windows():
    """A client that takes its response late, or not at all, holds up nobody else on its connection."""
    kind = "windows"
    zero = settings(window=0)

    def opened(step):
        def data(fill):
            updates = frame(WINDOW_UPDATE, 0, 1, step.to_bytes(4, "big")) * (100 // step + 1)
            return frame(HEADERS, ENDS, 1, request(fill)) + updates + settings(window=65535)

        return data

    yield row("of zero, then opened", kind, "passed", opened(100), [GET], first=zero)
    yield row("octet by octet", kind, "passed", opened(1), [GET], first=zero)
    yield row(
        "by a later setting",
        kind,
        "passed",
        lambda fill: frame(HEADERS, ENDS, 1, request(fill)) + settings(window=65535),
        [GET],
        first=zero,
    )
    yield row(
        "largest of all",
        kind,
        "passed",
        lambda fill: frame(HEADERS, ENDS, 1, request(fill)),
        [GET],
        first=settings(window=(1 << 31) - 1),
    )


def floods():
    kind = "floods"

    for name, extra in {
        "2,000 PING": frame(PING, 0, 0, b"12345678") * 2000,
        "2,000 SETTINGS": settings() * 2000,
        "2,000 PRIORITY": frame(PRIORITY, 0, 3, bytes(4) + b"\x10") * 2000,
    }.items():
        yield row(name, kind, "either", lambda fill, extra=extra: frame(HEADERS, ENDS, 1, request(fill)) + extra, [GET])

    def resets(fill):
        out = frame(HEADERS, ENDS, 1, request(fill))
        for number in range(3, 900, 2):
            out += frame(
                HEADERS,
                END_HEADERS,
                number,
                block([(":method", "PUT"), (":scheme", "http"), (":authority", fill("$HOST")), (":path", "/b/reset")]),
            )
            out += frame(RST_STREAM, 0, number, b"\0\0\0\x08")
        return out

    yield row("450 streams reset at once", kind, "either", resets, [GET])

    def empty(fill):
        return (
            frame(HEADERS, END_HEADERS, 1, request(fill, method="PUT"))
            + frame(DATA, 0, 1) * 20000
            + frame(DATA, END_STREAM, 1, b"x")
        )

    yield row("20,000 empty DATA", kind, "either", empty, [("PUT", PATH, b"x")])

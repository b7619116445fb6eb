"""What clients can do to a proxy's memory, each a function that makes a crowd's connections do it."""

from raw import frames

KIB, MIB = 1024, 1024 * 1024
# Requests at once on one HTTP/2 connection: the proxy's own bound.
STREAMS = 32
# What is kept in memory of a body, less a little: more goes to the disk by itself.
LARGE = 8 * MIB - KIB


def http1(crowd, method, target, *fields):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {crowd.authority}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def http2(crowd, method, target, *fields):
    """The field block of a request."""
    return frames.block([(":method", method), (":scheme", "http"), (":path", target), (":authority", crowd.authority), *fields])


def opening(window=None):
    return frames.PREFACE + (frames.settings() if window is None else frames.settings(window=window))


def head(number, block, ends=False):
    """The frames of the head of a connection's request of this number."""
    parts = [block[begin : begin + 16_000] for begin in range(0, len(block), 16_000)]
    out = b""
    for index, part in enumerate(parts):
        flags = (frames.END_STREAM if ends and index == 0 else 0) | (frames.END_HEADERS if index == len(parts) - 1 else 0)
        out += frames.frame(frames.CONTINUATION if index else frames.HEADERS, flags, 2 * number + 1, part)
    return out


def joined(crowd, count, **how):
    for _ in range(count):
        yield crowd.join(**how)


def heads_of_60_kib(crowd, count):
    """Heads as large as they may be, whose bodies never come."""
    fields = [(f"x-amz-meta-{index}", "v" * 650) for index in range(90)]
    for member in joined(crowd, count):
        member.send(http1(crowd, "PUT", "/@s3/b/k", ("Content-Length", 5), *fields))


def heads_without_end(crowd, count):
    """The same, but the end of the head never comes either."""
    for member in joined(crowd, count):
        member.send(http1(crowd, "PUT", "/@s3/b/k", *[(f"x-{index}", "v" * 650) for index in range(95)])[:-2])


def open_streams(crowd, count):
    """As many requests as there can be, whose bodies never come."""
    block = http2(crowd, "PUT", "/@s3/b/k", ("content-length", "5"))
    for member in joined(crowd, count):
        member.send(opening() + b"".join(head(number, block) for number in range(STREAMS)))


def many_fields(crowd, count):
    """Heads of 400 short fields, which are a byte each once the table has them, and no bodies."""
    names = [chr(97 + index // 26) + chr(97 + index % 26) for index in range(60)]
    first = b"".join(frames.literal(name, "", 0x40) for name in names)
    base = http2(crowd, "PUT", "/@s3/b/k", ("content-length", "5"))
    rest = b"".join(frames.integer(62 + index % 60, 7, 0x80) for index in range(400))
    for member in joined(crowd, count):
        member.send(opening() + b"".join(head(number, base + (rest if number else first + rest[60:])) for number in range(STREAMS)))


def long_values(crowd, count):
    """Heads of 12,000 bytes that are three once the table has them, and no bodies."""
    base = http2(crowd, "PUT", "/@s3/b/k", ("content-length", "5"))
    entry = frames.literal("x-amz-meta-a", "v" * 4000, 0x40)
    for member in joined(crowd, count):
        later = b"".join(head(number, base + b"\xbe" * 3) for number in range(1, STREAMS))
        member.send(opening() + head(0, base + entry + b"\xbe" * 2) + later)


def pipelined(crowd, count):
    """5,000 requests at once, whose responses nobody takes."""
    for member in joined(crowd, count, small_buffer=True):
        member.send(http1(crowd, "GET", "/@s3/b/large") * 5000)


def unread(crowd, count):
    """Responses of a gibibyte that nobody takes."""
    for member in joined(crowd, count, small_buffer=True):
        member.send(http1(crowd, "GET", "/@s3/b/large"))


def unread_streams(crowd, count):
    """The same on HTTP/2, with all window there can be."""
    more = frames.frame(frames.WINDOW_UPDATE, 0, 0, (2**31 - 1 - 65_535).to_bytes(4, "big"))
    block = http2(crowd, "GET", "/@s3/b/large")
    for member in joined(crowd, count, small_buffer=True):
        member.send(opening(2**31 - 1) + more + b"".join(head(number, block, ends=True) for number in range(STREAMS)))


def unread_everywhere(crowd, count):
    """The same of all connections of the configuration, each of which has upstream permits of its own."""
    more = frames.frame(frames.WINDOW_UPDATE, 0, 0, (2**31 - 1 - 65_535).to_bytes(4, "big"))
    for index, member in enumerate(joined(crowd, count, small_buffer=True)):
        name = ("s3", "chunks", "small", "pipe", "bucket")[index % 5]
        block = http2(crowd, "GET", f"/@{name}/b/large")
        member.send(opening(2**31 - 1) + more + b"".join(head(number, block, ends=True) for number in range(STREAMS)))


def unread_rejections(crowd, count):
    """The proxy's own responses without window for them: nothing of what is shared is held, but they are kept."""
    block = http2(crowd, "GET", "/@nothing/b/k")
    for member in joined(crowd, count):
        member.send(opening(0) + b"".join(head(number, block, ends=True) for number in range(STREAMS)))


def rapid_resets(crowd, count):
    """Requests that are taken back at once, again and again."""
    block = http2(crowd, "GET", "/@s3/b/large")
    for member in joined(crowd, count):
        for number in range(1000):
            reset = frames.frame(frames.RST_STREAM, 0, 2 * number + 1, (8).to_bytes(4, "big"))
            member.send((b"" if number else opening()) + head(number, block, ends=True) + reset)


def bodies(crowd, count):
    """Bodies of 8 MiB that lack their last byte: memory for bodies first, the disk then."""
    for member in joined(crowd, min(count, 100)):
        member.send(http1(crowd, "PUT", "/@s3/b/k", ("Content-Length", LARGE + 1)))
        member.send(bytes(LARGE))


def small_bodies(crowd, count):
    """As many bodies as there can be, all of which lack their last byte."""
    for member in joined(crowd, count):
        member.send(http1(crowd, "PUT", "/@s3/b/k", ("Content-Length", 190_001)) + bytes(190_000))


def small_bodies_in_streams(crowd, count):
    """The same, with a stream for each body."""
    block = http2(crowd, "PUT", "/@s3/b/k", ("content-length", "125001"))
    for member in joined(crowd, count):
        member.send(opening())
        for number in range(STREAMS):
            member.send(head(number, block))
            member.send_body(2 * number + 1, bytes(125_000))


def chunked_bodies(crowd, count):
    """Bodies in aws-chunked of very small chunks, which also lack their end."""
    chunks = b"10\r\n" + bytes(16) + b"\r\n"
    fields = (
        ("Content-Encoding", "aws-chunked"),
        ("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("X-Amz-Trailer", "x-amz-checksum-crc32"),
        ("X-Amz-Decoded-Content-Length", MIB),
        ("Content-Length", MIB // 16 * len(chunks) + 100),
    )
    for member in joined(crowd, count):
        member.send(http1(crowd, "PUT", "/@s3/b/k", *fields) + chunks * (MIB // 16))


def pipes(crowd, count):
    """Bodies of unknown length, which become multipart uploads, to a service that does not read their parts."""
    piece = b"100000\r\n" + bytes(MIB) + b"\r\n"
    for member in joined(crowd, min(count, 100)):
        member.send(http1(crowd, "PUT", "/@pipe/b/stuck", ("Transfer-Encoding", "chunked")))
        for _ in range(24):
            member.send(piece)


def uploads_ahead(crowd, count):
    """Uploads that go out while they come in, to a service that does not read."""
    for member in joined(crowd, count):
        member.send(http1(crowd, "PUT", "/@chunks/b/stuck", ("Content-Length", 100 * MIB)) + bytes(MIB))


def uploads_from_disk(crowd, count):
    """Uploads that are on the disk, to a service that does not read."""
    for member in joined(crowd, count):
        member.send(http1(crowd, "PUT", "/@small/b/stuck", ("Content-Length", 300_000)) + bytes(300_000))


def rejections_of_service(crowd, count):
    """Error responses of the service, which are looked into, that never end."""
    for member in joined(crowd, count):
        member.send(http1(crowd, "GET", "/@s3/b/error"))


def packed_rejections(crowd, count):
    """Error responses of the service that are a thousand times as long once they are unpacked, which nobody takes."""
    for member in joined(crowd, count, small_buffer=True):
        member.send(http1(crowd, "GET", "/@s3/b/packed") * 2)


def decided(crowd, count, body, target="DynamoDB_20120810.PutItem"):
    fields = ("X-Amz-Target", target), ("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", len(body))
    for member in joined(crowd, min(count, 100)):
        member.send(http1(crowd, "POST", "/@table/", *fields) + body)


def repeated(begin, piece, end, size=LARGE):
    return begin + piece * ((size - len(begin) - len(end)) // len(piece)) + end


def json_wide(crowd, count):
    """More values than are looked at."""
    decided(crowd, count, repeated(b'{"RequestItems":{"t":[', b"{},", b"0]}}"), "DynamoDB_20120810.BatchWriteItem")


def json_members(crowd, count):
    """The same with a name for each."""
    members = b",".join(b'"%07x":{}' % index for index in range(LARGE // 13))
    decided(crowd, count, b'{"RequestItems":{' + members + b"}}", "DynamoDB_20120810.BatchWriteItem")


def json_texts(crowd, count):
    """As many names as are looked at, so long that the body is as long as may be; all of it is read."""
    names = b",".join(b'"%05x%s":[]' % (index, b"x" * 240) for index in range(32_000))
    decided(crowd, count, b'{"RequestItems":{' + names + b"}}", "DynamoDB_20120810.BatchWriteItem")


def json_deep(crowd, count):
    decided(crowd, count, b"[" * LARGE)


def partiql(crowd, count):
    decided(crowd, count, repeated(b'{"Statement":"', b"(", b'"}'), "DynamoDB_20120810.ExecuteStatement")


def sent(crowd, count, target, body, *fields):
    for member in joined(crowd, count):
        member.send(http1(crowd, "POST", target, *fields, ("Content-Length", len(body))) + body)


def form(crowd, count, value=b"%41" * 38):
    """As many parameters as are looked at, in the largest form."""
    pairs = b"".join(b"&Filter.%d.Value=%s" % (index, value) for index in range(7_600))
    fields = ("Content-Type", "application/x-www-form-urlencoded")
    sent(crowd, count, "/@ec2/", (b"Action=DescribeVpcs&Version=2016-11-15" + pairs)[: MIB - 1], fields)


def xml(crowd, count):
    """As many keys as are looked at, each of which has to be unescaped, in the largest document."""
    fields = ("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Content-Type", "application/xml")
    body = b"<Delete>" + (b"<Object><Key>" + b"&amp;" * 409 + b"</Key></Object>") * 1000 + b"</Delete>"
    sent(crowd, count, "/@bucket/b?delete", body, *fields)


ROWS = [
    heads_of_60_kib,
    heads_without_end,
    open_streams,
    many_fields,
    long_values,
    pipelined,
    unread,
    unread_streams,
    unread_everywhere,
    unread_rejections,
    rapid_resets,
    bodies,
    small_bodies,
    small_bodies_in_streams,
    chunked_bodies,
    pipes,
    uploads_ahead,
    uploads_from_disk,
    rejections_of_service,
    packed_rejections,
    json_wide,
    json_members,
    json_texts,
    json_deep,
    partiql,
    form,
    xml,
]
# The worst of each kind, for the short form.
WORST = [heads_of_60_kib, many_fields, unread_streams, small_bodies, uploads_ahead, json_texts]
# Several at once, each with its part of the connections, in hundredths.
COMBINED = [
    {heads_of_60_kib: 20, many_fields: 20, bodies: 20, unread_streams: 20, json_members: 20},
    {many_fields: 25, small_bodies_in_streams: 25, uploads_from_disk: 25, json_texts: 25},
    {unread: 20, uploads_ahead: 20, small_bodies: 20, long_values: 20, xml: 20},
    # Each budget is taken by as few connections as can take it, and what is in none by all others.
    {unread_everywhere: 4, many_fields: 6, small_bodies_in_streams: 6, uploads_ahead: 84},
]

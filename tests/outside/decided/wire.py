"""Sends a request in one of the ways that HTTP has for it."""

import socket

from raw import frames
from raw.http1 import Reader, read_response

FRAMINGS = ("length", "chunks", "1.0", "HTTP/2", "aws-chunked")


def send(dice, port, request, probe):
    """By which framing it went, and its response: status and the fields by name."""
    framing = dice.choice(FRAMINGS)
    if framing == "aws-chunked" and not (request.service == "s3" and request.method == "PUT" and request.body):
        framing = "length"
    headers = [*request.headers, ("X-Probe", str(probe))]
    body = request.body
    if framing == "aws-chunked":
        pieces = cut(dice, body)
        signature = ";chunk-signature=" + "0" * 64
        headers += [
            ("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("X-Amz-Decoded-Content-Length", str(len(body))),
        ]
        headers += [("Content-Encoding", "aws-chunked")]
        body = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), signature.encode(), piece) for piece in [*pieces, b""])
    if framing == "HTTP/2":
        return framing, *http2(dice, port, request.method, request.target, headers, body)
    return framing, *http1(dice, port, request, framing, headers, body)


def cut(dice, body):
    """The body in random pieces, none of them empty."""
    pieces = []
    while body:
        size = dice.randrange(1, len(body) + 1)
        pieces.append(body[:size])
        body = body[size:]
    return pieces


def http1(dice, port, request, framing, headers, body):
    version = "HTTP/1.0" if framing == "1.0" else "HTTP/1.1"
    if framing == "chunks" and (body or dice.random() < 0.3):
        headers = [*headers, ("Transfer-Encoding", "chunked")]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*cut(dice, body), b""])
    elif body or request.method in ("PUT", "POST") or dice.random() < 0.2:
        headers = [*headers, ("Content-Length", str(len(body)))]
    headers = [*headers, ("Host", f"127.0.0.1:{port}")]
    dice.shuffle(headers)
    lines = "".join(f"{name}:{dice.choice(['', ' ', '  '])}{value}\r\n" for name, value in headers)
    head = f"{request.method} {request.target} {version}\r\n{lines}\r\n".encode("latin-1")
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(head + body)
        response = read_response(Reader(connection), request.method)
    return response.status, dict(response.headers)


def http2(dice, port, method, target, headers, body):
    client = frames.Client(port, timeout=30)
    try:
        fields = [(":method", method), (":scheme", "http"), (":authority", f"127.0.0.1:{port}"), (":path", target)]
        dice.shuffle(headers)
        fields += [(name.lower(), value.encode("latin-1")) for name, value in headers]
        has_data = bool(body) or dice.random() < 0.2
        client.send(frames.headers(1, fields, frames.END_HEADERS | (0 if has_data else frames.END_STREAM)))
        if has_data:
            for piece in cut(dice, body):
                client.send(frames.frame(frames.DATA, 0, 1, piece))
            client.send(frames.frame(frames.DATA, frames.END_STREAM, 1))
        stream = client.stream(1)
        client.until(lambda: stream.is_over)
        return stream.status, dict(stream.headers)
    finally:
        client.close()

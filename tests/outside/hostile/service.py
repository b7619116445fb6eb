"""A service that responds at once, except for keys that say otherwise: `python service.py PORT`.

    /large   a response of 1 GiB, as fast as it is taken
    /stuck   reads nothing behind the head
    ?uploads begins a multipart upload of any key
    /packed  a rejection whose 57 KiB become 57 MiB once they are unpacked
    /error   a rejection of 60,000 bytes that never ends, so that what was read of it has to be kept
"""

import asyncio
import gzip
import re
import sys

PIECE = bytes(64 * 1024)
PACKED = gzip.compress(b"<Error><Code>SignatureDoesNotMatch</Code><Message>" + bytes(57 * 1024 * 1024))


class Connection(asyncio.Protocol):
    def __init__(self):
        self.read, self.left, self.sends, self.may_write = b"", 0, 0, True

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=0)

    def pause_writing(self):
        self.may_write = False

    def resume_writing(self):
        self.may_write = True
        while self.sends and self.may_write:
            self.sends -= 1
            self.transport.write(PIECE)

    def data_received(self, data):
        self.read += data
        while True:
            if self.left:
                taken = min(self.left, len(self.read))
                self.left -= taken
                self.read = self.read[taken:]
                if self.left:
                    return
                self.respond(b"200 OK", b"{}")
            end = self.read.find(b"\r\n\r\n")
            if end < 0:
                return
            head, self.read = self.read[:end], self.read[end + 4 :]
            self.begin(head)

    def begin(self, head):
        target = head.split(b" ", 2)[1]
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        if target.endswith(b"?uploads"):
            upload = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            self.respond(b"200 OK", upload)
        elif b"/packed" in target:
            self.respond(b"403 Forbidden\r\nContent-Encoding: gzip", PACKED)
        elif b"/stuck" in target:
            self.transport.pause_reading()
        elif b"/large" in target:
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
            self.sends = (1 << 30) // len(PIECE)
            self.resume_writing()
        elif b"/error" in target:
            start = b"<Error><Code>SignatureDoesNotMatch</Code><Message>" + b"x" * 59_900
            self.transport.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 60000\r\n\r\n" + start)
        elif length and int(length[1]):
            self.left = int(length[1])
        else:
            self.respond(b"200 OK", b"{}")

    def respond(self, status, body):
        self.transport.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


async def main(port):
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

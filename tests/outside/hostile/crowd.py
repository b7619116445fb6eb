"""Many connections at once, from a hundred addresses, that send all they may and read only what makes room for more."""

import collections
import socket
import time

from raw import frames

ADDRESSES = 100
# What a client of HTTP/2 may send before anything comes back (RFC 9113, 6.9.2), per stream and per connection.
FIRST_WINDOW = 65_535
LARGEST_FRAME = 16_384


class Connection:
    """One of them: bytes, or on HTTP/2 also DATA that waits for window."""

    def __init__(self, port, number, small_buffer=False):
        self.socket = socket.socket()
        if small_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind((f"127.0.1.{1 + number % ADDRESSES}", 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.out, self.read = memoryview(b""), b""
        # Pieces still to send: (stream, bytes); stream 0 for what needs no window.
        self.pieces = collections.deque()
        self.window, self.windows = FIRST_WINDOW, collections.defaultdict(lambda: FIRST_WINDOW)
        self.is_gone = False

    def send(self, data):
        self.pieces.append((0, data))

    def send_body(self, stream, body, is_last=False):
        """DATA frames, as soon as there is window for them."""
        for begin in range(0, len(body), LARGEST_FRAME):
            self.pieces.append((stream, body[begin : begin + LARGEST_FRAME]))
        if is_last:
            self.send(frames.frame(frames.DATA, frames.END_STREAM, stream))

    def wants_to_send(self):
        if self.is_gone:
            return False
        if self.out:
            return True
        batch = []
        while self.pieces:
            stream, data = self.pieces[0]
            if stream:
                if min(self.window, self.windows[stream]) < len(data):
                    break
                self.window -= len(data)
                self.windows[stream] -= len(data)
                data = frames.frame(frames.DATA, 0, stream, data)
            batch.append(data)
            self.pieces.popleft()
        self.out = memoryview(b"".join(batch))
        return bool(self.out)

    def waits_for_window(self):
        return bool(self.pieces) and not self.is_gone

    def write(self):
        try:
            sent = self.socket.send(self.out[: 1 << 18])
            self.out = self.out[sent:]
            return sent
        except BlockingIOError:
            return 0
        except OSError:
            self.is_gone = True
            return 0

    def take(self):
        """Takes what came, for the windows in it."""
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.is_gone = True
            return
        self.read += data
        while len(self.read) >= 9:
            length = 9 + int.from_bytes(self.read[:3], "big")
            if len(self.read) < length:
                return
            kind, number = self.read[3], int.from_bytes(self.read[5:9], "big")
            if kind == frames.WINDOW_UPDATE:
                more = int.from_bytes(self.read[9:13], "big")
                if number:
                    self.windows[number] += more
                else:
                    self.window += more
            self.read = self.read[length:]


class Crowd:
    """All connections of a row."""

    def __init__(self, port, count):
        self.port, self.count = port, count
        self.members = []

    @property
    def authority(self):
        return f"127.0.0.1:{self.port}"

    def join(self, small_buffer=False):
        """A further connection."""
        member = Connection(self.port, len(self.members), small_buffer)
        self.members.append(member)
        return member

    def press(self, proxy, seconds):
        """Sends until neither a byte moves nor the proxy's memory changes for a second, or the time is over, or the proxy is."""
        end, quiet_since, last = time.monotonic() + seconds, time.monotonic(), 0
        while time.monotonic() < end and time.monotonic() - quiet_since < 1:
            moved = self._round()
            if proxy.process.poll() is not None:
                return
            now = proxy.memory("VmRSS")
            if moved or abs(now - last) > 256 * 1024:
                quiet_since, last = time.monotonic(), now
            if not moved:
                time.sleep(0.02)

    def _round(self):
        moved = 0
        for member in self.members:
            if member.wants_to_send():
                moved += member.write()
            elif member.waits_for_window():
                member.take()
        return moved

    def leave(self):
        for member in self.members:
            member.socket.close()

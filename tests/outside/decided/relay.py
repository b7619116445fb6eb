"""Between proxy and moto: keeps the bytes of every request as they were sent."""

import socket

from decided.executed import PROBE
from listening import Listener
from raw.http1 import Malformed, Reader, read_request


class Taking(Reader):
    """A reader that keeps what it has read."""

    def __init__(self, connection):
        super().__init__(connection)
        self.seen = b""

    def more(self):
        before = len(self.buffer)
        super().more()
        self.seen += self.buffer[before:]


class Relay:
    """By probe: the requests (as messages) that went to moto."""

    def __init__(self, port):
        self.port = port
        self.captured, self.problems = {}, []
        self.listener = Listener(self._serve)
        self.address = f"127.0.0.1:{self.listener.port}"

    def stop(self):
        self.listener.stop()

    def _serve(self, client):
        with client:
            try:
                reader = Taking(client)
                message = read_request(reader)
                if message is None:
                    return
                self.captured.setdefault(message.first(PROBE.lower()), []).append(message)
                with socket.create_connection(("127.0.0.1", self.port)) as server:
                    server.sendall(reader.seen)
                    # moto closes behind each response.
                    while data := server.recv(1 << 16):
                        client.sendall(data)
            except Malformed as error:
                self.problems.append(f"malformed: {error}")
            except OSError:
                pass
            except EOFError:
                self.problems.append("a request that breaks off")

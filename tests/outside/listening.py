"""Servers of the tests' own: who takes connections on a port of loopback, and lets it go at the end."""

import socket
import threading


class Listener:
    """A port that nobody else has. Each connection is handed to `serve`: in a thread of its own or, with `in_turn`, in the one
    that accepts, one after the other; then `serve` must not wait."""

    def __init__(self, serve, in_turn=False):
        self._serve, self._in_turn = serve, in_turn
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        # Closing alone leaves a thread in `accept`, and with it the socket: it would still take a connection.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            if self._in_turn:
                self._serve(client)
            else:
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

"""A line between a client and a server that a test can cut and mend."""

import contextlib
import socket
import threading


class Relay:
    """Hands on what comes in on a port of its own to another one."""

    def __init__(self, port: int) -> None:
        """Listen at once."""
        self._server_port = port
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection, and take no other."""
        with self._lock:
            self._is_cut = True
            sockets, self._sockets = self._sockets, []
        for each in sockets:
            hang_up(each)

    def mend(self) -> None:
        """Take connections again."""
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        """End it all."""
        self.cut()
        hang_up(self._listener)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                with self._lock:
                    is_cut = self._is_cut
                    self._sockets += [] if is_cut else [client, server]
                if is_cut:
                    hang_up(client)
                    hang_up(server)
                    continue
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=hand_on, args=(source, sink), daemon=True).start()


def hand_on(source: socket.socket, sink: socket.socket) -> None:
    """Copy bytes until one side hangs up."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    hang_up(source)
    hang_up(sink)


def hang_up(connection: socket.socket) -> None:
    """End a connection for both sides, also where another thread waits for it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

"""A line that can be cut: bytes go through it to another port until somebody cuts it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Line:
    """Listens on a port of its own and passes everything on to `to`, both ways."""

    def __init__(self, *, to: int) -> None:
        self._to = to
        self._is_cut = False
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._is_flowing = threading.Event()
        self._is_flowing.set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self) -> None:
        """End what goes through it, and let nothing through until it is mended."""
        with self._guard:
            self._is_cut = True
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        """Let everything through again."""
        with self._guard:
            self._is_cut = False

    def hold(self) -> None:
        """Leave everything open, and let nothing through."""
        self._is_flowing.clear()

    def let_go(self) -> None:
        """Let through what was held."""
        self._is_flowing.set()

    def end(self) -> None:
        """Nothing of it stays."""
        self.let_go()
        self.cut()
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._door.accept()
                threading.Thread(target=self._join, args=[caller], daemon=True).start()

    def _join(self, caller: socket.socket) -> None:
        with caller, suppress(OSError):
            with self._guard:
                if self._is_cut:
                    return
            with socket.create_connection(("127.0.0.1", self._to)) as called:
                with self._guard:
                    self._open |= {caller, called}
                back = threading.Thread(target=self._pass_on, args=[called, caller], daemon=True)
                back.start()
                self._pass_on(caller, called)
                back.join()

    def _pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65_536):
                self._is_flowing.wait()
                there.sendall(data)
        with suppress(OSError):
            there.shutdown(socket.SHUT_WR)

"""A fake instrument answers as if all had been done, and notes what would have been sent.

For a rehearsal a driver is connected to a recording fake on a loopback port instead of its
instrument. What it would have set is noted and remembered, so that reading it back gives it.
"""

import socketserver
import threading
from collections.abc import Callable, Mapping
from typing import Self

from podium.firmware_interfaces.ieee4882.channel_list import channel_numbers

Note = Callable[[str], None]
"""Called with every message that would have set something, from a thread of its own."""

CHANNELS_MAX = 1000
"""Of a channel list."""
UNKNOWN = "0"
"""Answer to a question that nothing was said about."""


class RecordingFake:
    """Listens in place of one instrument. Whoever opens it closes it."""

    def __init__(self, answers: Mapping[str, str], note: Note) -> None:
        """``answers``: by header, without the question mark and a colon before it."""
        self._held = {_header(header): answer for header, answer in answers.items()}
        self._note = note
        fake = self

        class Line(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while line := self.rfile.readline():
                    answer = fake.hear(line.decode("ascii", "replace").strip())
                    if answer is not None:
                        ending = b"\r\n" if line.endswith(b"\r\n") else b"\n"
                        self.wfile.write(answer.encode("ascii") + ending)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Line)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def visa(self) -> str:
        """Return the address at which it listens."""
        host, port = self._server.server_address[:2]
        return f"TCPIP::{host!s}::{port}::SOCKET"

    def hear(self, message: str) -> str | None:
        """Take one message; return the answer, if it asks for one."""
        units = [unit.strip() for unit in message.split(";") if unit.strip()]
        answers = []
        told = False
        for unit in units:
            head, _, value = unit.partition(" ")
            if head.endswith("?"):
                asked = f"{head} {value}" if value else head
                answers.append(self._answer(asked))
            else:
                told = True
                self._held[_header(head)] = value
        if told:
            self._note(message)
        return ";".join(answers) if answers else None

    def _answer(self, asked: str) -> str:
        """Return what is held; a channel list asks for what was set by the header's suffix."""
        header = _header(asked)
        if header in self._held:
            return self._held[header]
        head, _, listed = header.partition(" (@")
        if not listed:
            return UNKNOWN
        root, colon, rest = head.partition(":")
        usual = self._held.get(head, UNKNOWN)
        return ",".join(
            self._held.get(f"{root}{number}{colon}{rest}", usual)
            for number in channel_numbers(f"(@{listed}", CHANNELS_MAX)
        )

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _header(text: str) -> str:
    return text.replace("?", "").lstrip(":").upper()

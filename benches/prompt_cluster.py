"""A cluster that answers at once and plays for as long as its program lasts.

It stands between a twin and control, on sockets. Until it is told how long a program plays all
bytes go through to the twin and back. From then on it answers by itself what a fire of a prepared
program asks: programs are assembled and taken at once, sequencers are armed when told, run for so
long from their start, and have stopped then. Bins are what the twin held last. Whatever else is
asked goes to the twin. So the wall of a fire is what host, wire and the hardware's playing take,
and neither the twin's physics nor its assembler.

    python prompt_cluster.py ENDPOINTS NEW_ENDPOINTS     (lines on its standard input: played, ms)

Each line ends a phase: ``1.25`` answers by itself from now on, ``through`` hands on again. It says
by ``used <s>`` on its standard output what processor time it has used so far.
"""

import json
import random
import re
import selectors
import socket
import sys
import time
from pathlib import Path

PROGRAM = re.compile(rb"SEQuencer\d+:PROGram #(\d)")
ERRORS, ASSEMBLED = b"SYSTem:ERRor:COUNt?", b"STATus:ASSEMbler:SUCCess?"
TIME = b"TIMEkeeping:CURRent:TIMEstamp?"
BLOCKS = 9
"""Of each acquisition: its name, its index, six of its scope, its bins."""
SLOTS = 20


class Link:
    """One connection of control's, and its own to the twin."""

    def __init__(self, cluster: "PromptCluster", near: socket.socket, far: socket.socket) -> None:
        self.near, self.far = near, far
        self._cluster = cluster
        self._held = b""
        self._bins: dict[bytes, bytes] = {}
        """What each question for bins was answered."""
        self._armed: dict[bytes, bool] = {}

    def from_twin(self) -> bool:
        """Hand on what the twin says; return whether it is still there."""
        chunk = self.far.recv(1 << 20)
        self.near.sendall(chunk)
        return bool(chunk)

    def from_control(self) -> bool:
        """Answer, or hand on; return whether control is still there."""
        chunk = self.near.recv(1 << 20)
        if self._cluster.played_s is None:
            self.far.sendall(chunk)
            return bool(chunk)
        self._held += chunk
        answers: list[bytes] = []
        while (command := self._next()) is not None:
            answers.append(self._answer(command))
        if told := b"".join(answers):
            self.near.sendall(told)
        return bool(chunk)

    def _next(self) -> bytes | None:
        """Return the next whole command, without the text of a program."""
        held = self._held
        if (head := PROGRAM.match(held)) is not None:
            begins = head.end() + int(head[1])
            if len(held) < begins:
                return None
            end = begins + int(held[head.end() : begins]) + 1
            if len(held) < end:
                return None
            self._held = held[end:]
            return b":PROGram"
        end = held.find(b"\n")
        if end < 0:
            return None
        self._held = held[end + 1 :]
        return held[:end].rstrip()

    def _answer(self, command: bytes) -> bytes:
        sequencer, _, verb = command.partition(b":")
        if command == ERRORS:
            return b"0\r\n"
        if command == ASSEMBLED:
            return b"1\r\n"
        if command == TIME:
            told = json.dumps({"ns": time.time_ns() + self._cluster.ahead_ns, "sub": 0}).encode()
            return b"#2%d%s\r\n" % (len(told), told)
        if verb == b"PROGram" or command.endswith(b':DELete "all"'):
            return b""
        if verb == b"ARM":
            self._armed[sequencer] = True
            return b""
        if verb == b"START":
            self._armed[sequencer] = False
            self._cluster.started_s = time.monotonic()
            return b""
        if verb == b"STATE?":
            if self._armed.get(sequencer, False):
                return b"OKAY;ARMED;0;;;;\r\n"
            return b"OKAY;RUNNING;0;;;;\r\n" if self._cluster.runs else b"OKAY;STOPPED;0;;;;\r\n"
        if verb == b"ACQ:ALISt?":
            if command not in self._bins:
                self._bins[command] = self._asked(command)
            return self._bins[command]
        return self._asked(command)

    def _asked(self, command: bytes) -> bytes:
        """Return what the twin answers."""
        self.far.sendall(command + b"\n")
        if b"?" not in command:
            return b""
        with self.far.makefile("rb") as answer:
            if not command.endswith(b":ACQ:ALISt?"):
                return answer.readline()
            told, count = _block(answer)
            for _ in range(BLOCKS * int.from_bytes(count, "little")):
                told += _block(answer)[0]
            return told + answer.read(2)


def _block(answer) -> tuple[bytes, bytes]:  # type: ignore[no-untyped-def]  # a file of a socket
    """Return a block with its head, and without."""
    head = answer.read(2)
    head += answer.read(int(head[1:]))
    content = answer.read(int(head[2:]))
    return head + content, content


class PromptCluster:
    """All links, and when what they have started ends."""

    def __init__(self, host: str) -> None:
        self.played_s: float | None = None
        """None: all goes through to the twin."""
        self.started_s = 0.0
        self.ahead_ns = 37_000_000_000
        """TAI over the host's UTC."""
        self._twin = host
        self._selector = selectors.DefaultSelector()

    @property
    def runs(self) -> bool:
        """Whether what was started has not ended."""
        return time.monotonic() < self.started_s + (self.played_s or 0.0)

    def listen(self, ports: dict[str, int]) -> str:
        """Listen at a loopback address of its own on the twin's ports; return it."""
        wanted = [ports["scpi"], *(ports["module_scpi_base"] + k for k in range(1, SLOTS + 1))]
        there = [port for port in wanted if _is_open(self._twin, port)]
        while True:
            host = ".".join(map(str, (127, *(random.randint(1, 254) for _ in range(3)))))
            opened: list[socket.socket] = []
            try:
                opened += [socket.create_server((host, port)) for port in there]
            except OSError:
                for one in opened:
                    one.close()
                continue
            for server, port in zip(opened, there, strict=True):
                self._selector.register(
                    server, selectors.EVENT_READ, lambda one=server, at=port: self._accept(one, at)
                )
            return host

    def serve(self) -> None:
        """Serve until standard input closes."""
        self._selector.register(sys.stdin, selectors.EVENT_READ, self._told)
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _told(self) -> None:
        line = sys.stdin.readline()
        if not line:
            raise SystemExit
        self.played_s = None if line.strip() == "through" else 1e-3 * float(line)
        print(f"used {time.process_time():.6f}", flush=True)

    def _accept(self, server: socket.socket, port: int) -> None:
        near, _ = server.accept()
        far = socket.create_connection((self._twin, port))
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(self, near, far)

        def move(hand_on) -> None:  # type: ignore[no-untyped-def]  # a method of the link
            try:
                there = hand_on()
            except OSError:
                there = False
            if not there:
                for one in (near, far):
                    self._selector.unregister(one)
                    one.close()

        self._selector.register(near, selectors.EVENT_READ, lambda: move(link.from_control))
        self._selector.register(far, selectors.EVENT_READ, lambda: move(link.from_twin))


def _is_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1.0).close()
    except OSError:
        return False
    return True


def main() -> None:
    """Read the addresses, write our own in their place, and serve."""
    old, new = map(Path, sys.argv[1:3])
    endpoints = json.loads(old.read_text())
    ((_, entry),) = endpoints["instruments"].items()
    cluster = PromptCluster(entry["host"])
    entry["host"] = cluster.listen(entry["ports"])
    part = new.with_suffix(".part")
    part.write_text(json.dumps(endpoints))
    part.rename(new)
    cluster.serve()


if __name__ == "__main__":
    main()

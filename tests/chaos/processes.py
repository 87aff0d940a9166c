"""Processes of a facility, started anew when they have ended."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class Processes:
    """By name. What they say goes into the file ``log`` of a folder."""

    def __init__(self, folder: Path) -> None:
        self.log = (folder / "log").open("wb")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def ended(self, name: str) -> bool:
        return self._running[name].poll() is not None

    def start(self, name: str, words: Sequence[object], inherits: Sequence[int] = ()) -> None:
        """Start ``python -m WORDS``; it ends with this process, and has these descriptors of it."""
        self._running[name] = subprocess.Popen(
            [sys.executable, "-m", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            cwd=Path(__file__).parents[2],
            pass_fds=inherits,
        )

    def kill(self, name: str) -> None:
        process = self._running[name]
        process.kill()
        process.wait()
        process.stdin.close()

    def close(self) -> None:
        for name in self._running:
            self.kill(name)
        self.log.close()


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()

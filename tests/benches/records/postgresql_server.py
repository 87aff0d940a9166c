"""Starts a PostgreSQL server of its own, on a socket in a folder: no port is open."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_S = 30.0


def programs() -> Path | None:
    """Return the folder of the server's programs; None: there is none on this computer."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    named = shutil.which("postgres")
    return None if named is None else Path(named).resolve().parent


@dataclass
class PostgresServer:
    """A server; the same data folder each time that it is started."""

    folder: Path
    bin: Path
    as_user: dict[str, Any]
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://records@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start it, and return once it answers.

        What a killed server has left ends a moment later, and none starts before.
        """
        words = [
            str(self.bin / "postgres"),
            "-D",
            str(self.folder / "data"),
            "-k",
            str(self.folder),
        ]
        words += ["-c", "listen_addresses=", "-c", "max_connections=20"]
        self._begin(words)
        ready = [str(self.bin / "pg_isready"), "-q", "-h", str(self.folder)]
        give_up = time.monotonic() + READY_S
        while subprocess.run(ready, check=False).returncode:
            if time.monotonic() > give_up:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)
            if self.process is None or self.process.poll() is not None:
                self._begin(words)

    def _begin(self, words: list[str]) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, **self.as_user)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it; SIGKILL leaves it as a loss of its process does."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Have a server while the context is open; it does not run as root, so another user has it."""
    bin_folder = programs()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="podium-pg-"))
    as_user: dict[str, Any] = {"cwd": folder}
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        words = [str(bin_folder / "initdb"), "-D", str(folder / "data"), "-U", "records"]
        words += ["-A", "trust", "--no-sync", "--locale=C.UTF-8", "-E", "UTF8"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **as_user)
        server = PostgresServer(folder, bin_folder, as_user)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

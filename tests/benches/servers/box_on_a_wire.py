"""A made-up instrument, and a wire to it in memory."""

import asyncio
from dataclasses import dataclass, field

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import ConnectionFaults, TwinConnection
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf
from podium.sim_instruments.twins.twin import Horizon


@dataclass(eq=False)
class Box:
    """An instrument with one line for each command. A question echoes, ``DONE?`` waits."""

    port: int = 5025
    done: list[tuple[str, int]] = field(default_factory=list)
    """Commands and when they were carried out, fs."""
    armed: bool = False
    busy_until_fs: int | None = None
    computing: bool = False
    opened: int = 0

    @property
    def ports(self) -> dict[str, int]:
        return {"scpi": self.port}

    def open(self, port: str) -> "BoxSession":
        self.opened += 1
        return BoxSession(self)

    def horizon(self, now_fs: int) -> Horizon:
        busy = self.busy_until_fs if self.busy_until_fs and self.busy_until_fs > now_fs else None
        return Horizon(self.armed, busy, self.computing)

    def tallies(self) -> dict[str, int]:
        return {"commands": len(self.done), "unknown": 0, "unmeant": 0}


class BoxSession:
    def __init__(self, box: Box) -> None:
        self.box = box
        self.buffer = b""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        self.buffer += data
        answers = b""
        while b"\n" in self.buffer:
            line, _, rest = self.buffer.partition(b"\n")
            command = line.decode()
            if command == "DONE?" and self.box.horizon(now_fs).busy_until_fs is not None:
                break
            self.buffer = rest
            self.box.done.append((command, now_fs))
            match command.split():
                case ["RUN", seconds]:
                    self.box.busy_until_fs = now_fs + round(float(seconds) * FS_PER_S)
                case ["COMPUTE"]:
                    self.box.computing = True
                case ["BUSY?"]:
                    busy = self.box.horizon(now_fs).busy_until_fs is not None
                    answers += b"1\n" if busy else b"0\n"
                case [question] if question.endswith("?"):
                    answers += line + b"\n"
        return answers


class Wire(asyncio.Transport):
    """The server's end of a connection, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.aborted = False
        self.reading = True
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def write(self, data) -> None:
        self.sent.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


@dataclass
class Bench:
    """A box behind a wire, with the clock and the faults in hand."""

    mode: ClockMode
    box: Box = field(default_factory=Box)
    faults: ConnectionFaults = field(default_factory=ConnectionFaults)
    wall_ns: int = 0
    leaps: int = 0

    def __post_init__(self) -> None:
        self.clock = WorldClock(self.mode, monotonic_ns=lambda: self.wall_ns)
        self.timekeeper = Timekeeper(self.clock, {"box": self.box})

    def connect(self) -> tuple[TwinConnection, Wire]:
        connection = TwinConnection(
            lambda: self.box.open("scpi"), TimeOf(self.timekeeper, "box"), self.faults, self._leapt
        )
        wire = Wire()
        connection.connection_made(wire)
        return connection, wire

    def _leapt(self) -> None:
        self.leaps += 1

    @property
    def since_start_s(self) -> float:
        return (self.clock.now_fs() - self.clock.start_fs) / FS_PER_S

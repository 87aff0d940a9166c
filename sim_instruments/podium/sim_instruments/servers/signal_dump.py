"""The signals of played runs become variables of a value change dump."""

import cmath
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.firmware_interfaces.value_change_dump import TIME_MAX_FS, DumpedSignal, dump
from podium.sim_instruments.physics.digital_lines import EdgeTrain
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain
from podium.sim_instruments.servers.signal_log import PlayedRun, SignalLog

VOLTS_OF_ROOT_WATT = math.sqrt(2 * IMPEDANCE_OHM)
"""Peak voltage into 50 ohms of a tone of 1 W: |a|**2 = V**2 / (2 * 50 ohm)."""
CHANGES_MAX = 1_000_000
"""Of one dump: some 20 MB. It ends at the pulse that goes beyond."""


class NothingPlayed(LookupError):
    """There is nothing to dump. The message says what is kept."""


@dataclass(slots=True)
class _Variable:
    """One variable while its changes come in, in the order of time."""

    scope: tuple[str, ...]
    name: str
    kind: str
    at_fs: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def put(self, at_fs: int, value: float) -> None:
        """Note a value from an instant on."""
        while self.at_fs and self.at_fs[-1] >= at_fs:  # what begins cuts off what would end
            self.at_fs.pop()
            self.values.pop()
        self.at_fs.append(at_fs)
        self.values.append(value)


def dump_runs(log: SignalLog, since: int = 0, instrument: str = "") -> str:
    """Return a dump of the runs after number ``since``, of one instrument or of all (empty).

    With ``since`` 0 of each instrument's latest run. Raises :class:`NothingPlayed`.
    """
    runs = [one for one in log.runs(since) if instrument in ("", one.instrument)]
    if not since:
        latest = {one.instrument: one for one in runs}
        runs = list(latest.values())
    if not runs:
        kept = ", ".join(f"{one.number} ({one.instrument})" for one in log.runs()) or "none"
        raise NothingPlayed(
            f"no run{f' of {instrument}' if instrument else ''} is kept that became known after "
            f"number {since}; kept are the latest: {kept}"
        )
    origin_fs = min(one.start_tai_fs for one in runs)
    dumped = _Dump(origin_fs)
    for run in runs:
        dumped.add_run(log, run)
    end_fs = dumped.end_fs
    for owner, train in log.edges():
        if instrument in ("", owner):
            dumped.add_edges(owner, train, end_fs)
    words = [
        f"{one.instrument} run {one.run}, number {one.number}, begins at TAI {one.start_tai_fs} fs"
        + (f"; {one.left_out} later pulses and windows are not kept" if one.left_out else "")
        for one in runs
    ]
    comments = [f"time 0 is TAI {origin_fs} fs (since 1970-01-01)", *words, *dumped.notes]
    return "".join(dump(dumped.signals(), comments))


class _Dump:
    """Variables of one dump; times count from ``origin_fs``."""

    def __init__(self, origin_fs: int) -> None:
        self._origin_fs = origin_fs
        self._variables: dict[tuple[tuple[str, ...], str], _Variable] = {}
        self._changes = 0
        self.notes: list[str] = []
        self.end_fs = 0
        """When the last pulse or window is over."""

    def signals(self) -> list[DumpedSignal]:
        """Return all variables, in the order of their names."""
        return [
            DumpedSignal(
                one.scope, one.name, "real" if one.kind == "real" else "wire", one.at_fs, one.values
            )
            for _, one in sorted(self._variables.items())
        ]

    def add_run(self, log: SignalLog, run: PlayedRun) -> None:
        """Add what a run played and listened to."""
        for scope, trains in _by_scope(run):
            sender = trains[0].sender
            stopped_fs = log.stopped_fs(run, sender)
            limit_fs = TIME_MAX_FS if stopped_fs is None else stopped_fs - self._origin_fs
            if not self._add_trains(scope, trains, run, limit_fs):
                self.notes.append(f"{'.'.join(scope)}: more than {CHANGES_MAX} changes; cut off")
        numbers: Counter[str] = Counter()
        for capture in run.captures:
            name = f"window_{numbers[capture.line]}"
            numbers[capture.line] += 1
            self._add_windows((run.instrument, capture.line), name, capture, run)

    def add_edges(self, instrument: str, train: EdgeTrain, end_fs: int) -> None:
        """Add edges of a marker, digital output or trigger, as far as they are of these runs."""
        edges = [
            (at_fs - self._origin_fs, float(up))
            for at_fs, up in zip(train.at_fs, train.rising, strict=True)
            if at_fs - self._origin_fs >= 0
        ]
        if not edges or edges[0][0] > end_fs:
            return
        wire = self._variable((instrument, train.connector), "level", "wire")
        if edges[0][1] == 0.0:
            edges.insert(0, (0, 1.0))  # it was up before
        joined = sorted([*zip(wire.at_fs, wire.values, strict=True), *edges])
        wire.at_fs, wire.values = [one[0] for one in joined], [one[1] for one in joined]

    def _variable(self, scope: tuple[str, ...], name: str, kind: str) -> _Variable:
        return self._variables.setdefault((scope, name), _Variable(scope, name, kind))

    def _add_trains(
        self,
        scope: tuple[str, ...],
        trains: Sequence[PulseTrain],
        run: PlayedRun,
        limit_fs: int,
    ) -> bool:
        """Add trains that never sound together; tell whether all of it had room."""
        i, q = (self._variable(scope, name, "real") for name in ("i_v", "q_v"))
        carrier = self._variable(scope, "carrier_hz", "real")
        on = self._variable(scope, "on", "wire")
        pulses = sorted(
            (int(start), number, k)
            for number, train in enumerate(trains)
            for k, start in enumerate(train.start_ns.tolist())
        )
        for start_ns, number, k in pulses:
            train = trains[number]
            piece = train.pieces[train.piece[k]]
            begin_fs = run.when(start_ns) - self._origin_fs
            if begin_fs >= limit_fs:
                break
            self._changes += 2 * piece.samples.size + 6
            if self._changes > CHANGES_MAX:
                return False
            turned = VOLTS_OF_ROOT_WATT * cmath.exp(2j * math.pi * float(train.phase_turns[k]))
            carrier.put(begin_fs, piece.carrier_hz)
            on.put(begin_fs, 1.0)
            steps = [
                *piece.samples.tolist(),
                *([piece.level] * (piece.samples.size < piece.duration_ns)),
            ]
            for offset, sample in enumerate(steps):
                at_fs = run.when(start_ns + offset) - self._origin_fs
                if at_fs >= limit_fs:
                    break
                volts = sample * turned
                i.put(at_fs, volts.real)
                q.put(at_fs, volts.imag)
            over_fs = min(run.when(start_ns + piece.duration_ns) - self._origin_fs, limit_fs)
            for one in (i, q, on):
                one.put(over_fs, 0.0)
            self.end_fs = max(self.end_fs, over_fs)
        return True

    def _add_windows(
        self, scope: tuple[str, ...], name: str, capture: CaptureTrain, run: PlayedRun
    ) -> None:
        wire = self._variable(scope, name, "wire")
        for start_ns, window in zip(
            capture.start_ns.tolist(), capture.window.tolist(), strict=True
        ):
            over_ns = start_ns + capture.windows[window].duration_ns
            wire.put(run.when(start_ns) - self._origin_fs, 1.0)
            wire.put(run.when(over_ns) - self._origin_fs, 0.0)
            self.end_fs = max(self.end_fs, wire.at_fs[-1])


def _by_scope(run: PlayedRun) -> Iterator[tuple[tuple[str, ...], list[PulseTrain]]]:
    """Yield the trains of a run with the modules that their variables stand in.

    A train that only ends what another has begun stands with it.
    """
    groups: dict[tuple[str, ...], list[PulseTrain]] = {}
    for train in run.drives:
        scope = (run.instrument, train.line, train.sender or "signal")
        begun = scope in groups and any(not one.goes_on for one in groups[scope])
        number = 2
        while begun and not train.goes_on and scope in groups:
            scope = (*scope[:2], f"{train.sender or 'signal'}_{number}")
            number += 1
        groups.setdefault(scope, []).append(train)
    yield from groups.items()

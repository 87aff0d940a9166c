"""Sweeps of one channel of a network analyzer: what is driven when, and what is averaged.

Points are measured one after the other, each for as long as the channel's bandwidth asks, and once
for each port that has to be driven. What comes back at a port without the analyzer's own tone is
white noise; a strong signal also has noise in proportion to itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.twins.network_ports import NetworkPorts, PortResponse, PortTone
from podium.sim_instruments.twins.twin import IDLE, Horizon

if TYPE_CHECKING:
    from podium.sim_instruments.execution.playback import Ticket

TRACE_NOISE_BANDWIDTH_HZ = 1e4
"""Bandwidth for which data sheets state the noise on a strong signal."""

Traces = Mapping[str, NDArray[np.complex128]]


@dataclass(frozen=True, slots=True)
class Receiver:
    """The noise of an analyzer's own receivers."""

    floor_w_per_hz: float
    """Noise power that each of its receivers sees without a signal, W/Hz, at the test port."""
    trace_noise: float
    """Standard deviation of each quadrature over the signal, at 10 kHz of bandwidth."""


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """Settings of a channel with which a sweep begins."""

    kind: str
    """``LIN``, ``LOG``, ``POW``, or what stays at one frequency: ``CW``, ``POIN``."""
    start_hz: float
    stop_hz: float
    points: int
    cw_hz: float
    power_dbm: float
    """Of each driving port; a sweep of power has its own."""
    power_start_dbm: float
    power_stop_dbm: float
    bandwidth_hz: float
    point_fs: int
    """Time of one point at one driving port."""
    parameters: tuple[str, ...]
    """Measured S-parameters: ``S21`` is what comes in at port 2 of what port 1 puts out."""
    output: bool
    """The source is on."""
    averages: int
    """Sweeps that a trace is the mean of; 1: it is not averaged."""

    def frequency_hz(self) -> NDArray[np.float64]:
        """Return the frequency of each point, shape (points,)."""
        if self.kind == "LIN":
            return np.linspace(self.start_hz, self.stop_hz, self.points)
        if self.kind == "LOG":
            return np.geomspace(self.start_hz, self.stop_hz, self.points)
        return np.full(self.points, self.cw_hz)

    def power_w(self) -> NDArray[np.float64]:
        """Return the power of the driving port at each point, W, shape (points,)."""
        dbm = np.full(self.points, self.power_dbm)
        if self.kind == "POW":
            dbm = np.linspace(self.power_start_dbm, self.power_stop_dbm, self.points)
        return np.asarray(1e-3 * 10 ** (dbm / 10))

    def axis(self) -> NDArray[np.float64]:
        """Return the stimulus axis: Hz, of a sweep of power dBm, of one of time s; (points,)."""
        if self.kind == "POW":
            return np.linspace(self.power_start_dbm, self.power_stop_dbm, self.points)
        if self.kind in ("CW", "POIN"):
            return np.linspace(0.0, self.duration_fs / FS_PER_S, self.points)
        return self.frequency_hz()

    @property
    def drives(self) -> dict[str, tuple[str, ...]]:
        """Driving ports, each with the parameters that are measured meanwhile."""
        found: dict[str, tuple[str, ...]] = {}
        for one in dict.fromkeys(self.parameters):
            found[one[2]] = (*found.get(one[2], ()), one)
        return found

    @property
    def duration_fs(self) -> int:
        """Time of one sweep, fs: that of all its partial measurements."""
        return self.points * self.point_fs * max(1, len(self.drives))


@dataclass(slots=True)
class _Work:
    """The world's answers to one sweep, or to several in a row that are averaged."""

    settings: SweepSettings
    start_fs: int
    sweeps: int
    number: int
    """Of the first of these sweeps since power-on: keys its noise."""
    tickets: dict[str, "Ticket[list[PortResponse]]"] = field(default_factory=dict)

    def done(self) -> bool:
        return all(ticket.done() for ticket in self.tickets.values())

    def end_fs(self) -> int:
        return self.start_fs + self.sweeps * self.settings.duration_fs


class Sweeps:
    """The data that one channel has measured, and measures now."""

    def __init__(self, ports: NetworkPorts, receiver: Receiver, seed: int, name: str) -> None:
        """``seed`` and ``name`` key the noise."""
        self._ports = ports
        self._receiver = receiver
        self._key = key(seed, name, "receivers")
        self._single: _Work | None = None
        """The sweeps that were triggered last, until they are in :attr:`_kept`."""
        self._free: tuple[SweepSettings, int, int | None] | None = None
        """Sweeps that follow each other by themselves: settings, first start, and end."""
        self._seen: _Work | None = None
        """Of these the one that somebody reads."""
        self._kept: dict[str, NDArray[np.complex128]] = {}
        self._averaged = 0
        """So many sweeps are in :attr:`_kept`."""
        self._number = 0

    def trigger(self, settings: SweepSettings, sweeps: int, now_fs: int) -> None:
        """Begin so many sweeps, in the place of what was measured at this moment."""
        self.settle(now_fs)
        self._free = self._seen = None
        self._single = self._begin(settings, now_fs, sweeps, self._number)
        self._number += sweeps

    def run(self, settings: SweepSettings, now_fs: int) -> None:
        """Sweep on and on from now."""
        self.settle(now_fs)
        self._single = self._seen = None
        self._averaged = 0
        self._free = (settings, now_fs, None)

    def hold(self, now_fs: int) -> None:
        """Stop sweeping on and on: the sweep under way is not finished."""
        if self._free is not None and self._free[2] is None:
            self._free = (self._free[0], self._free[1], now_fs)

    def restart_average(self) -> None:
        """Let the next sweep be the first of its average."""
        self._averaged = 0

    def forget(self) -> None:
        """Stop, and forget all data."""
        self._single = self._free = self._seen = None
        self._kept, self._averaged = {}, 0

    def settle(self, now_fs: int) -> None:
        """Put triggered sweeps that have ended among the data that is kept."""
        work = self._single
        if work is None or not work.done() or now_fs < work.end_fs():
            return
        self._kept = dict(self._merged(work))
        self._averaged = min(self._averaged + work.sweeps, work.settings.averages)
        self._single = None

    def busy(self, now_fs: int) -> bool:
        """Tell whether triggered sweeps are under way."""
        self.settle(now_fs)
        return self._single is not None

    def horizon(self, now_fs: int) -> Horizon:
        """Return when triggered sweeps end."""
        self.settle(now_fs)
        waits = any(work is not None and not work.done() for work in (self._single, self._seen))
        if self._single is None:
            return replace(IDLE, computing=waits)
        return replace(IDLE, busy_until_fs=self._single.end_fs(), computing=waits)

    def ready(self, now_fs: int) -> bool:
        """Tell whether :meth:`traces` can answer; begins what it needs."""
        if self._single is not None:
            return self._single.done()
        if self._free is None:
            return True
        if self._seen is None:
            settings, begun_fs, _ = self._free
            number, _ = self._last(now_fs)
            start_fs = begun_fs + number * settings.duration_fs
            self._seen = self._begin(settings, start_fs, 1, self._number + number)
        return self._seen.done()

    def traces(self, now_fs: int) -> Traces:
        """Return the data by parameter, shape (points,) each; points not measured yet are 0.

        While a sweep is under way, its points so far stand before those of the sweep before.
        """
        self.settle(now_fs)
        if self._single is not None and self._single.done():
            work = self._single
            share = (now_fs - work.start_fs) / max(1, work.end_fs() - work.start_fs)
            return self._partly(self._merged(work), work.settings, share)
        if self._free is not None and self._seen is not None:
            return self._running(self._seen, now_fs)
        return dict(self._kept)

    def _running(self, work: _Work, now_fs: int) -> Traces:
        _, whole = self._last(now_fs)
        settings, begun_fs, until_fs = self._free or (work.settings, now_fs, None)
        averaged = min(whole, settings.averages)
        found = self._measured(work, max(1, averaged))
        if whole == 0:
            share = (min(now_fs, until_fs or now_fs) - begun_fs) / settings.duration_fs
            found = dict(self._partly(found, settings, share))
        if until_fs is not None and whole:
            self._kept, self._averaged = dict(found), averaged
            self._free = None
            self._number += whole
        self._seen = None
        return found

    def _last(self, now_fs: int) -> tuple[int, int]:
        """Return which of the sweeps on and on is shown, and how many are whole."""
        if self._free is None:
            return 0, 0
        settings, begun_fs, until_fs = self._free
        now_fs = now_fs if until_fs is None else min(now_fs, until_fs)
        whole = max(0, now_fs - begun_fs) // settings.duration_fs
        return max(0, whole - 1), whole

    def _begin(self, settings: SweepSettings, start_fs: int, sweeps: int, number: int) -> _Work:
        work = _Work(settings, start_fs, sweeps, number)
        span_fs = sweeps * settings.duration_fs
        for driving, parameters in settings.drives.items():
            tone = PortTone(
                f"port{driving}", settings.frequency_hz(), settings.power_w(), start_fs, span_fs
            )
            receivers = tuple(f"port{one[1]}" for one in parameters)
            work.tickets[driving] = self._ports.respond(tone, receivers)
        return work

    def _measured(self, work: _Work, averaged: int) -> dict[str, NDArray[np.complex128]]:
        """Return the mean of so many sweeps, with the noise that is left in it."""
        settings = work.settings
        power_w = settings.power_w()
        found: dict[str, NDArray[np.complex128]] = {}
        for driving, parameters in settings.drives.items():
            responses = work.tickets[driving].result()
            for name, response in zip(parameters, responses, strict=True):
                signal = response.ratio if settings.output else np.zeros_like(response.ratio)
                floor = self._receiver.floor_w_per_hz + response.noise_w_per_hz
                white = floor * settings.bandwidth_hz / power_w / 2
                relative = self._receiver.trace_noise**2 * (
                    settings.bandwidth_hz / TRACE_NOISE_BANDWIDTH_HZ
                )
                sigma = np.sqrt((white + relative * np.abs(signal) ** 2) / averaged)
                found[name] = signal + sigma * self._normal(work.number, name, signal.size)
        return found

    def _normal(self, number: int, name: str, size: int) -> NDArray[np.complex128]:
        words = (self._key + number, int(name[1:]))
        drawn = np.random.Generator(np.random.Philox(key=words[0] % 2**64, counter=words[1]))
        values = drawn.standard_normal((2, size))
        return np.asarray(values[0] + 1j * values[1])

    def _merged(self, work: _Work) -> dict[str, NDArray[np.complex128]]:
        """Return the averages with these sweeps in them.

        ASSUMED: beyond so many sweeps as are averaged, each new one has its share and all older
        ones together have what is left.
        """
        settings = work.settings
        count = min(work.sweeps, settings.averages)
        new = self._measured(work, count)
        total = min(self._averaged + work.sweeps, settings.averages)
        share = count / total
        return {
            name: share * values + (1 - share) * self._kept[name]
            if share < 1 and name in self._kept and self._kept[name].size == values.size
            else values
            for name, values in new.items()
        }

    def _partly(self, new: Traces, settings: SweepSettings, share: float) -> Traces:
        measured = int(min(1.0, max(0.0, share)) * settings.points)
        found = {}
        for name, values in new.items():
            before = self._kept.get(name)
            shown = np.zeros_like(values)
            if before is not None and before.size == values.size:
                shown = before.copy()
            shown[:measured] = values[:measured]
            found[name] = shown
        return found

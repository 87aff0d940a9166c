"""Keeps what is known of the skew of each pair of ports, from all measurements."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Protocol

from podium.control.timebase.drift_filter import DriftFilter, DriftModel
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair, Skew, SkewMeasured
from podium.control.timebase.start_setting import SkewsMeasured, StartKept
from podium.firmware_interfaces.exact_time import TickGrid
from podium.firmware_interfaces.tai import Tai


@dataclass(frozen=True, slots=True)
class Correction:
    """By how much one port is to be delayed."""

    ticks: int
    """Whole ticks by which its program starts later."""
    remainder_fs: Fraction
    """What is left, from half a tick earlier (included) to half a tick later."""


def delays_fs(skews_fs: Mapping[str, int]) -> dict[str, int]:
    """Return by how much each port is to be delayed so that all their edges come together.

    ``skews_fs``: of each port against the same reference. The latest of all is not delayed, as no
    port can be made earlier.
    """
    latest_fs = max(skews_fs.values(), default=0)
    return {port: latest_fs - skew_fs for port, skew_fs in skews_fs.items()}


def split(delay_fs: int, grid: TickGrid) -> Correction:
    """Return the nearest whole ticks of a delay, and the rest; ``ValueError`` below 0 fs."""
    if delay_fs < 0:
        raise ValueError(
            f"a port can be delayed, not made earlier: {delay_fs} fs; delay the others instead"
        )
    ticks = math.floor(delay_fs / grid.period_fs + Fraction(1, 2))
    return Correction(ticks, delay_fs - ticks * grid.period_fs)


class NotMeasured(LookupError):
    """The skew of a pair was never measured: measure it by loopback or by a photon scan."""


class TooUncertain(ValueError):
    """A skew is not known well enough for what it is wanted for: measure it anew."""


class OtherDelays(ValueError):
    """A skew was measured with other delays of the triggers than it is wanted for: measure anew."""


class Kept(Protocol):
    """Keeps measurements that outlive the process (:class:`.skew_store.SkewStore`)."""

    def put(
        self,
        skews: Sequence[SkewMeasured],
        starts: Sequence[StartKept] = (),
        *,
        anew: bool = False,
    ) -> None:
        """Keep one measurement, all of it or nothing."""
        ...

    def all(self) -> Iterable[tuple[SkewMeasured, bool]]:
        """Return every skew, oldest first, and whether it began its pair anew."""
        ...

    def starts(self) -> Iterable[StartKept]:
        """Return all that was found of starts, oldest first."""
        ...


class InMemory:
    """Keeps nothing for who comes after: for a facility that has no file to keep it in."""

    def put(
        self,
        skews: Sequence[SkewMeasured],
        starts: Sequence[StartKept] = (),
        *,
        anew: bool = False,
    ) -> None:
        """Keep nothing: the ledger itself remembers."""

    def all(self) -> Iterable[tuple[SkewMeasured, bool]]:
        """Return nothing: there was nobody before."""
        return ()

    def starts(self) -> Iterable[StartKept]:
        """Return nothing."""
        return ()


class SkewLedger:
    """Follows the skews of all pairs that were measured; goes on from what was kept."""

    def __init__(
        self,
        kept: Kept,
        models: Mapping[Pair, DriftModel] | None = None,
        model: DriftModel | None = None,
    ) -> None:
        """``models``: of single pairs; ``model``: of all others."""
        self._kept = kept
        self._models = dict(models or {})
        self._model = model
        self._filters: dict[Pair, DriftFilter] = {}
        self._latest: dict[Pair, SkewMeasured] = {}
        for measured, anew in kept.all():
            self._filters[measured.pair] = self._followed(measured, anew)
            self._latest[measured.pair] = measured
        self._starts = {one.controller: one for one in kept.starts()}

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All that were ever measured, in the order of their names."""
        return tuple(sorted(self._filters))

    @property
    def starts(self) -> Mapping[str, StartKept]:
        """Return the latest findings about the start of each controller, by its name."""
        return self._starts

    def latest(self, pair: Pair) -> SkewMeasured:
        """Return the latest measurement of a pair; raises ``NotMeasured``."""
        self._check_measured(pair)
        return self._latest[pair]

    def record(self, measured: SkewMeasured, anew: bool = False) -> None:
        """Take a measurement, and keep it.

        Raises ``SkewJumped`` where no drift explains it, and ``OutOfOrder``: then nothing was
        kept. ``anew`` forgets what was known of the pair.
        """
        self._take((measured,), (), anew)

    def record_all(self, found: SkewsMeasured, anew: bool = False) -> None:
        """Take all skews of one measurement, and what it found of starts, or nothing of it.

        Raises as :meth:`record`, and ``ValueError`` where the parts do not belong together.
        """
        if not found.skews:
            raise ValueError("a measurement of no skew: there is nothing to record")
        for one in found.skews:
            ends = [found.starts.get(port) for port in (one.pair.port, one.pair.reference)]
            if one.pair.reference != found.reference or None in ends:
                raise ValueError(
                    f"{one.pair}: measured against {found.reference}, with the starts of "
                    f"{', '.join(found.starts)}: these do not belong together"
                )
            delays_ns = tuple(end.delay_ns for end in ends if end is not None)
            epochs = Epochs.union(end.epochs for end in ends if end is not None)
            if (one.delays_ns, one.epochs) != (delays_ns, epochs):
                raise ValueError(
                    f"{one.pair}: measured with delays of {one.delays_ns} ns under "
                    f"{dict(one.epochs.numbers)}, started with {delays_ns} ns under "
                    f"{dict(epochs.numbers)}: these do not belong together"
                )
        at = max(one.at for one in found.skews)
        starts = tuple(StartKept(name, one, at) for name, one in found.starts.items())
        self._take(found.skews, starts, anew)

    def skew(
        self,
        pair: Pair,
        at: Tai,
        temperature_k: float,
        epochs: Epochs,
        delays_ns: tuple[int, int] | None = None,
    ) -> Skew:
        """Return a skew as it is believed to be at ``at``, with a sigma that has grown since.

        ``epochs``: of the clock domains of both ports, now; ``delays_ns``: of their triggers, as
        they will be (None: whatever they are). Raises ``EpochMoved`` or ``OtherDelays`` if it was
        measured under others (refused, not corrected), ``NotMeasured``, and ``OutOfOrder`` for a
        time before it.
        """
        self._check_measured(pair)
        known = self._filters[pair]
        if delays_ns not in (None, known.delays_ns):
            raise OtherDelays(
                f"the skew of {pair} was measured with their triggers delayed by "
                f"{_in_words(known.delays_ns)}, and holds for these only; asked for is "
                f"{_in_words(delays_ns)}"
            )
        return known.skew(at, temperature_k, epochs)

    def believed(self, pair: Pair, at: Tai, temperature_k: float) -> Skew:
        """Return a skew as it would be had no epoch moved since it was measured, for a person."""
        return self.skew(pair, at, temperature_k, self.latest(pair).epochs)

    def corrections(
        self,
        reference: str,
        ports: Mapping[str, tuple[TickGrid, Epochs]],
        at: Tai,
        temperature_k: float,
        sigma_limit_fs: float,
        delays_ns: Mapping[str, int] | None = None,
    ) -> dict[str, Correction]:
        """Return what brings the edges of ``ports`` together.

        ``ports``: of each its tick grid and the epochs of its pair with the reference, which need
        not be among them; ``delays_ns``: of the triggers, the reference's too. Raises what
        :meth:`skew` raises, and ``TooUncertain`` where two ports are not known well enough
        against each other.
        """
        values_fs: dict[str, int] = {}
        sigmas_fs: dict[str, float] = {}
        for port, (_, epochs) in ports.items():
            values_fs[port], sigmas_fs[port] = 0, 0.0
            if port == reference:
                continue
            pair = Pair(port, reference)
            delays = None if delays_ns is None else (delays_ns[port], delays_ns[reference])
            skew = self.skew(pair, at, temperature_k, epochs, delays)
            values_fs[port], sigmas_fs[port] = skew.value_fs, skew.sigma_fs
        for one, other in combinations(sorted(ports, key=lambda port: port == reference), 2):
            # What both have in common, as the reference's cable, makes it less than that.
            sigma_fs = math.hypot(sigmas_fs[one], sigmas_fs[other])
            if sigma_fs > sigma_limit_fs:
                raise TooUncertain(
                    f"the skew of {Pair(one, other)} is known to {sigma_fs:.0f} fs, one sigma; "
                    f"{sigma_limit_fs:.0f} fs are asked for"
                )
        return {
            port: split(delay_fs, ports[port][0]) for port, delay_fs in delays_fs(values_fs).items()
        }

    def _take(self, skews: Sequence[SkewMeasured], starts: Sequence[StartKept], anew: bool) -> None:
        followed = {one.pair: self._followed(one, anew) for one in skews}
        self._kept.put(skews, starts, anew=anew)
        self._filters |= followed
        self._latest |= {one.pair: one for one in skews}
        self._starts |= {one.controller: one for one in starts}

    def _check_measured(self, pair: Pair) -> None:
        if pair not in self._filters:
            measured = ", ".join(map(str, self.pairs)) or "none"
            raise NotMeasured(f"the skew of {pair} was never measured (measured: {measured})")

    def _followed(self, measured: SkewMeasured, anew: bool) -> DriftFilter:
        before = self._filters.get(measured.pair)
        if before is None or anew:
            return DriftFilter.begin(measured, self._models.get(measured.pair, self._model))
        return before.after(measured)


def _in_words(delays_ns: tuple[int, int] | None) -> str:
    return "unknown spans" if delays_ns is None else f"{delays_ns[0]} and {delays_ns[1]} ns"

"""The skew ledger: what is known of the skew of each pair of ports, from all that was measured."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from podium.control.timebase.correction import Correction, delays_fs, split
from podium.control.timebase.drift_filter import DriftFilter, DriftModel
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair, Skew, SkewMeasured
from podium.firmware_interfaces.exact_time import TickGrid
from podium.firmware_interfaces.tai import Tai


class NotMeasured(LookupError):
    """The skew of a pair was never measured: measure it by loopback or by a photon scan."""


class TooUncertain(ValueError):
    """A skew is not known well enough for what it is wanted for: measure it anew."""


class Kept(Protocol):
    """Where measurements outlive the process (:class:`.skew_store.SkewStore`)."""

    def put(self, measured: SkewMeasured, anew: bool = False) -> None:
        """Keep a measurement."""
        ...

    def all(self) -> Iterable[tuple[SkewMeasured, bool]]:
        """Return every measurement, oldest first, and whether it began its pair anew."""
        ...


class SkewLedger:
    """Follows the skews of all pairs that were measured; goes on from what was kept."""

    def __init__(self, kept: Kept, models: Mapping[Pair, DriftModel] | None = None) -> None:
        self._kept = kept
        self._models = dict(models or {})
        self._filters: dict[Pair, DriftFilter] = {}
        for measured, anew in kept.all():
            self._filters[measured.pair] = self._followed(measured, anew)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All that were ever measured, in the order of their names."""
        return tuple(sorted(self._filters))

    def record(self, measured: SkewMeasured, anew: bool = False) -> None:
        """Take a measurement, and keep it.

        Raises ``SkewJumped`` where no drift explains it, and ``OutOfOrder``: then nothing was
        kept. ``anew`` forgets what was known of the pair.
        """
        followed = self._followed(measured, anew)
        self._kept.put(measured, anew)
        self._filters[measured.pair] = followed

    def skew(self, pair: Pair, at: Tai, temperature_k: float, epochs: Epochs) -> Skew:
        """Return a skew as it is believed to be at ``at``, with a sigma that has grown since.

        ``epochs``: of the clock domains of both ports, now. Raises ``EpochMoved`` if one has
        moved since the latest measurement (refused, not corrected), ``NotMeasured``, and
        ``OutOfOrder`` for a time before it.
        """
        if pair not in self._filters:
            measured = ", ".join(map(str, self.pairs)) or "none"
            raise NotMeasured(f"the skew of {pair} was never measured (measured: {measured})")
        return self._filters[pair].skew(at, temperature_k, epochs)

    def corrections(
        self,
        reference: str,
        ports: Mapping[str, tuple[TickGrid, Epochs]],
        at: Tai,
        temperature_k: float,
        sigma_limit_fs: float,
    ) -> dict[str, Correction]:
        """Return what brings the edges of ``ports`` and of ``reference`` together.

        ``ports``: of each its tick grid and the epochs of its pair with the reference; the
        reference itself among them. Raises what :meth:`skew` raises, and ``TooUncertain``.
        """
        values_fs = {}
        for port, (_, epochs) in ports.items():
            if port == reference:
                values_fs[port] = 0
                continue
            skew = self.skew(Pair(port, reference), at, temperature_k, epochs)
            if skew.sigma_fs > sigma_limit_fs:
                raise TooUncertain(
                    f"the skew of {skew.pair} is known to {skew.sigma_fs:.0f} fs; "
                    f"{sigma_limit_fs:.0f} fs are asked for"
                )
            values_fs[port] = skew.value_fs
        return {
            port: split(delay_fs, ports[port][0]) for port, delay_fs in delays_fs(values_fs).items()
        }

    def _followed(self, measured: SkewMeasured, anew: bool) -> DriftFilter:
        before = self._filters.get(measured.pair)
        if before is None or anew:
            return DriftFilter.begin(measured, self._models.get(measured.pair))
        return before.after(measured)

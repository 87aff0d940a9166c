"""Runs of a lab that share pairs over its links, for ``podium link request``."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    from podium.control.calibration.links.shared_heralds import HeraldedPair, SharedHeralds
    from podium.control.calibration.links.shared_pairs import SharedPairs
    from podium.control.client.lab import Lab
    from podium.control.links.heralded_links import HeraldedFigure
    from podium.control.links.network import Link
    from podium.control.links.pair_source import NewPair
    from podium.control.parameters.store import ParameterStore
    from podium.control.records.calibration_folder import CalibrationFolder


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredPair:
    """A pair that a run has made and measured, with what JSON says of it."""

    run: str
    epochs: Mapping[str, int]
    fidelity: float
    sigma: float
    read: tuple[int, int]
    herald: Mapping[str, object] | None = None
    """Of a heralded pair: scheme, alpha, clicks, state, phase, attempts."""


class DeadlineClock:
    """Reads a lab's clock; while nobody answers, the wall's time goes on from the last reading.

    A request outlives the process that reads the clock: its deadline is kept meanwhile.
    """

    def __init__(self, lab: "Lab") -> None:
        self._lab = lab
        self._before: tuple[int, int] | None = None
        """The last reading, TAI in fs, and the wall's time of it, ns."""

    async def now_fs(self) -> int:
        """Return TAI, fs since 1970; raises ``RunError`` where it was never read."""
        from podium.control.runs.errors import RunError

        try:
            now_fs = (await self._lab.now()).total_fs
        except RunError:
            if self._before is None:
                raise
            read_fs, at_ns = self._before
            return read_fs + (time.monotonic_ns() - at_ns) * FS_PER_NS
        self._before = now_fs, time.monotonic_ns()
        return now_fs


class Runs:
    """Shares pairs over links of a lab, and keeps what their runs said."""

    def __init__(
        self,
        lab: "Lab",
        store: "ParameterStore",
        place: "CalibrationFolder",
        figures: "Mapping[str, HeraldedFigure]",
        wanted: float,
        until_fs: int,
    ) -> None:
        """``figures``: of heralded links, by their names in the network.

        ``wanted``: fidelity of the request; ``until_fs``: its deadline, TAI. No run of attempts
        begins that does not fit before it.
        """
        self._lab, self._store, self._place = lab, store, place
        self._figures, self._wanted = figures, wanted
        self._epochs: dict[str, Mapping[str, int]] = {}
        self._until_fs = until_fs
        self.made: dict[int, MeasuredPair] = {}
        """By the instant at which it was made."""
        self.attempts: dict[str, int] = {}
        """Attempts at heralds that were played, by the names of links."""

    async def share(self, link: "Link", number: int) -> "Sequence[NewPair]":
        """Make pairs over a link by one run; raises ``PairSourceFailed`` with the reason."""
        from podium.control.calibration.fits.least_squares import FitFailed
        from podium.control.links.pair_source import PairSourceFailed
        from podium.control.parameters.entry import NotMeasured
        from podium.control.runs.errors import RunError

        try:
            if link.name in self._figures:
                return await self._heralded(link, self._figures[link.name], number)
            return await self._sent(link, number)
        except (FitFailed, NotMeasured, RunError) as error:
            raise PairSourceFailed(link.name, str(error)) from error

    async def _sent(self, link: "Link", number: int) -> "Sequence[NewPair]":
        """Make pairs over a link whose photons go from end to end, or over a hub."""
        from podium.control.calibration.links.link_bench import LinkBench
        from podium.control.calibration.links.link_session import link_validities
        from podium.control.calibration.links.relay_bench import RelayBench
        from podium.control.calibration.links.shared_pairs import share_pairs, share_swapped
        from podium.control.facility.links import relays_of
        from podium.control.facility.owner_clocks import owner_clocks

        facility = self._lab.facility
        keep, validities = self._place.keep, link_validities(facility)
        found: SharedPairs
        if link.name in facility.links:
            own = facility.links[link.name]
            bench = LinkBench.of(self._lab, own, self._store, keep, validities)
            found = await share_pairs(bench, number)
        else:
            relays = {one.name: one for one in relays_of(facility.links.values())}
            relay = relays[link.name]
            over = RelayBench.of(self._lab, relay, self._store, keep, validities)
            found = await share_swapped(over, number)
        clocks = owner_clocks(facility)[link.name]
        judges = (f"{link.name}.bell_fidelity", f"{link.name}.swapped_fidelity")
        await self._check_epochs(link, judges, found.epochs, link.name)
        self._check_worth(link, _worth(found))
        pairs = [
            MeasuredPair(found.run, found.epochs, found.fidelity, found.sigma, (int(a), int(b)))
            for a, b in found.outcomes
        ]
        return [
            self._new(link, clocks, made_fs, one)
            for made_fs, one in zip(found.made_fs, pairs, strict=True)
        ]

    async def _heralded(
        self, link: "Link", figure: "HeraldedFigure", number: int
    ) -> "Sequence[NewPair]":
        """Make pairs by heralds; none begins that is not likely to be there by the deadline."""
        from podium.control.calibration.links.heralded_pair import SCHEMES, with_alpha
        from podium.control.calibration.links.link_bench import LinkBench
        from podium.control.calibration.links.link_session import link_validities
        from podium.control.calibration.links.shared_heralds import share_heralds
        from podium.control.facility.owner_clocks import owner_clocks
        from podium.control.links.heralded_links import shots_for, unlikely
        from podium.control.links.pair_source import PairSourceFailed
        from podium.firmware_interfaces.exact_time import FS_PER_S

        shots = shots_for(figure, self._wanted, number)
        left_s = (self._until_fs - (await self._lab.now()).total_fs) / FS_PER_S
        if reason := unlikely(figure, shots, number, left_s):
            raise PairSourceFailed(link.name, reason)
        facility = self._lab.facility
        own = facility.links[figure.link]
        validities = link_validities(facility)
        bench = LinkBench.of(self._lab, own, self._store, self._place.keep, validities)
        scheme = with_alpha(SCHEMES[figure.scheme], figure.alpha)
        found = await share_heralds(bench, scheme, shots, figure.chance)
        await self._check_epochs(link, (f"{link.name}_fidelity",), found.epochs, own.name)
        before = self.attempts.get(link.name, 0)
        self.attempts[link.name] = before + found.attempts
        self._check_worth(link, max((_worth(one) for one in found.pairs), default=0.0))
        clocks = owner_clocks(facility)[own.name]
        return [
            self._new(link, clocks, one.made_fs, _heralded_pair(found, one)) for one in found.pairs
        ]

    def _new(
        self, link: "Link", clocks: tuple[str, ...], made_fs: int, pair: MeasuredPair
    ) -> "NewPair":
        from podium.control.facility.owner_clocks import epoch_number
        from podium.control.links.measured_pairs import epochs_of_link
        from podium.control.links.pair_source import NewPair

        self.made[made_fs] = pair
        epochs = epochs_of_link(link, epoch_number(pair.epochs, clocks) or 0)
        return NewPair(made_fs, epochs, _worth(pair))

    def _check_worth(self, link: "Link", worth: float) -> None:
        """Raise ``PairSourceFailed`` where pairs of a run are not worth what is asked for.

        Further runs would be made until one errs on the kind side.
        """
        from podium.control.links.pair_source import PairSourceFailed

        if worth < self._wanted:
            raise PairSourceFailed(
                link.name,
                f"by what the run has measured its pairs are worth {worth:.3f} at least; "
                f"{self._wanted:.3f} is asked for",
            )

    async def _check_epochs(
        self, link: "Link", judges: Sequence[str], now: Mapping[str, int], name: str
    ) -> None:
        """Raise ``PairSourceFailed`` where a clock was set anew since the link was judged."""
        from podium.control.links.pair_source import PairSourceFailed

        then = self._epochs.setdefault(link.name, await self._calibrated_under(judges) or now)
        moved = [
            f"{domain}: epoch {then.get(domain)} then, {epoch} now"
            for domain, epoch in now.items()
            if then.get(domain) != epoch
        ]
        if moved:
            raise PairSourceFailed(link.name, f"{'; '.join(moved)}; calibrate {name}")

    async def _calibrated_under(self, judges: Sequence[str]) -> Mapping[str, int] | None:
        """Return all epochs of the run that judged a link, where its data are still there."""
        from podium.control.records.datasets import load_dataset
        from podium.control.records.run_attributes import epochs_of

        known = next((one for one in map(self._store.get, judges) if one is not None), None)
        files = [] if known is None else sorted(self._place.datasets.glob(f"*{known.run}*"))
        for file in files:
            try:
                data = await asyncio.to_thread(load_dataset, file)
                return epochs_of(data)
            except (OSError, ValueError, KeyError):
                continue
        return None


def _worth(judged: "MeasuredPair | SharedPairs | HeraldedPair") -> float:
    """Return the fidelity that pairs have at least."""
    from podium.control.links.network import SIGMAS

    return max(0.0, judged.fidelity - SIGMAS * judged.sigma)


def _heralded_pair(found: "SharedHeralds", pair: "HeraldedPair") -> MeasuredPair:
    herald = {
        "scheme": found.scheme,
        "alpha": found.alpha,
        "clicks": list(pair.clicks),
        "state": pair.state,
        "phase_turns": found.phase_turns,
        "attempt": pair.attempt,
    }
    read = (int(pair.read[0]), int(pair.read[1]))
    return MeasuredPair(found.run, found.epochs, pair.fidelity, pair.sigma, read, herald)

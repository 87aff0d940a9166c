"""Gives routines the record, and refuses what is too old."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from podium.control.facility.owner_clocks import epoch_number
from podium.control.parameters.entry import NotMeasured, ParameterEntry, ParameterRecord
from podium.control.parameters.validity import Validities


class StaleParameter(NotMeasured):
    """A parameter is too old for what is built on it. Measure it anew, as the message says."""


@dataclass(slots=True, eq=False)
class KnownValues:
    """A :class:`.ParameterRecord` that judges the age of its entries."""

    record: ParameterRecord
    validities: Validities
    needs: tuple[str, ...] = ()
    """What the routine at work needs: refused when old; all else is left out, and said."""
    now_tai_s: float | None = None
    clocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The clock domains that parameters stand on, by their owner's name."""
    epochs: Mapping[str, int] = field(default_factory=dict)
    """Of clock domains, as the last run told them."""
    epoch: int | None = None
    """Of a run that names no clocks, or for owners without: None before the first run."""
    said: dict[str, str] = field(default_factory=dict)
    """What was said of parameters since the routine began, by name."""
    handed_out: dict[str, ParameterEntry] = field(default_factory=dict)
    """What the routine has been given, by name."""
    _read: dict[str, ParameterEntry | None] | None = field(default=None, init=False, repr=False)
    """What :meth:`unchanged` has read so far; None: the record is asked each time."""

    def begin(self, needs: tuple[str, ...], now_tai_s: float) -> None:
        """A routine begins: nothing has been said or handed out yet."""
        self.needs, self.now_tai_s = needs, now_tai_s
        self.said.clear()
        self.handed_out.clear()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Read each name once meanwhile: a fit, and its repetitions, see one state of the record.

        They ask for the same few names some thousand times. What is put here counts at once.
        """
        before = self._read
        self._read = {} if before is None else before
        try:
            yield
        finally:
            self._read = before

    def get(self, name: str) -> ParameterEntry | None:
        """Return the newest entry of that name; None where there is none or it is too old.

        Raises :class:`StaleParameter` for an old one that the routine's result would stand on.
        """
        read = self._read
        if read is None:
            return self._judged(name)
        if name not in read:
            read[name] = self._judged(name)
        return read[name]

    def _judged(self, name: str) -> ParameterEntry | None:
        """Return what :meth:`get` does, as the record has it now."""
        entry = self.record.get(name)
        if entry is None:
            return None
        complaint = self.complaint(entry)
        if complaint is None:
            self.handed_out[name] = entry
            return entry
        if name.rpartition(".")[2] in self.needs:
            raise self.stale(name, complaint)
        self.said[name] = f"{complaint}: not used"
        return None

    def put(self, entries: Iterable[ParameterEntry]) -> None:
        """Keep all of them or, on an error, none."""
        self.record.put(entries)
        if self._read is not None:
            self._read.clear()

    def all(self, path: str = "") -> dict[str, ParameterEntry]:
        """Return the newest entry, where it is good, of each name at or below ``path``."""
        good, epochs = {}, dict[str, int | None]()
        for name, entry in self.record.all(path).items():
            owner = name.rpartition(".")[0]
            if owner not in epochs:
                epochs[owner] = self.epoch_of(name)
            if self.validities.complaint(entry, self.now_tai_s, epochs[owner]) is None:
                good[name] = entry
        return good

    def complaint(self, entry: ParameterEntry) -> str | None:
        """Return why ``entry`` is too old by now, or None."""
        return self.validities.complaint(entry, self.now_tai_s, self.epoch_of(entry.name))

    def epoch_of(self, name: str) -> int | None:
        """Return the epoch of what a parameter stands on; None where no run has told it.

        Of an owner with several clocks it is one number that goes up with each of them.
        """
        owner = name
        while owner := owner.rpartition(".")[0]:
            if owner in self.clocks:
                domains = self.clocks[owner]
                return epoch_number(self.epochs, domains) if self.epochs else self.epoch
        return self.epoch

    def stale(self, name: str, complaint: str) -> StaleParameter:
        """Return the refusal, with what would help."""
        by = self.validities.of(name).measured_by
        remedy = f"; run {by} first" if by else "; measure it first"
        return StaleParameter(complaint + remedy, name)

    def learn(
        self, now_tai_s: float | None, epoch: int, epochs: Mapping[str, int] | None = None
    ) -> None:
        """A run has told the time, if it knows it, and the epochs of the clocks that took part.

        Raises :class:`StaleParameter` when its program was laid out with a needed parameter of
        another epoch: what it measured means something else.
        """
        if now_tai_s is not None:
            self.now_tai_s = max(now_tai_s, self.now_tai_s or now_tai_s)
        told = {**self.epochs, **(epochs or {})}
        if epoch == self.epoch and told == self.epochs:
            return
        self.epoch, self.epochs = epoch, told
        for name, entry in self.handed_out.items():
            complaint = self.validities.complaint(entry, None, self.epoch_of(name))
            if complaint is None:
                continue
            if name.rpartition(".")[2] in self.needs:
                raise self.stale(name, complaint)
            self.said[name] = f"{complaint}: this run was still laid out with it"

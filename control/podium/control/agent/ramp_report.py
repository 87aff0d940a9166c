"""Reports the ends of ramps that were cut off to the parameter store."""

from pathlib import Path

from podium.control.agent.ramp_journal import JournalError, Ramp, RampJournal
from podium.control.timebase.host_clock import host_tai_s

QUANTITY = "flux_bias"
ROUTINE = "safe_rule"
SIGMA_V = 1e-4
"""ASSUMED: a level that is read back is at the terminals within this: the coarsest source that
holds a bias (a Qblox QCM) sets 5 V in 16 bits."""


def report_ramps(store: str, journal: RampJournal, address: str, who: str) -> str:
    """Put where the biases of an instrument ended into ``store``; return what went wrong.

    Each end is put once, also when an earlier owner has died between the store and the journal.
    """
    try:
        untold = journal.untold(address)
    except JournalError as error:
        return str(error)
    return _tell(store, journal, untold, who) if untold else ""


def _tell(store: str, journal: RampJournal, untold: tuple[Ramp, ...], who: str) -> str:
    from podium.control.parameters.entry import BadEntry, ParameterEntry
    from podium.control.parameters.store import ParameterStore, StoreError

    def entry_of(ramp: Ramp) -> ParameterEntry:
        return ParameterEntry(
            name=f"{ramp.intent.port.rpartition('.')[0]}.{QUANTITY}",
            value=ramp.end_v or 0.0,
            sigma=SIGMA_V,
            unit="V",
            run=f"ramp {ramp.id}, begun {ramp.begun}",
            routine=ROUTINE,
            tai_s=host_tai_s() if ramp.ended_tai_s is None else ramp.ended_tai_s,
            epoch=ramp.epoch,
            who=who,
            why=ramp.why,
        )

    try:
        if "://" not in store:
            Path(store).parent.mkdir(parents=True, exist_ok=True)
        with ParameterStore(store) as opened:
            for ramp in untold:
                entry = entry_of(ramp)
                if all(one.run != entry.run for one in opened.history(entry.name)):
                    opened.put([entry])
                journal.told(ramp)
    except (BadEntry, JournalError, StoreError, OSError) as error:
        return str(error)
    return ""

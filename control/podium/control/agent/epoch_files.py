"""Stores the epochs of clock domains where a restart does not forget them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from podium.control.timebase.epochs import DomainRecord, Epochs
from podium.firmware_interfaces.json_text import parse_json

Signs = Mapping[str, int] | None
"""What an instrument shows of its clock's history; None: it could not be asked."""


class EpochFiles:
    """Records of clock domains, a file for each. Blocking; one caller at a time.

    Whoever owns the instruments of a domain goes on with its file: agents of ``podium up`` and a
    facility that is opened in one process count the same epochs.
    """

    def __init__(self, folder: Path | None) -> None:
        """Read what ``folder`` holds; None: kept in memory only. Raises ``ValueError``."""
        self._folder = folder
        self._records: dict[str, DomainRecord] = {}
        if folder is None or not folder.exists():
            return
        for file in sorted(folder.glob("*.json")):
            self._records[file.stem] = _read(file)

    def seen(self, shown: Mapping[str, Signs]) -> Epochs:
        """Return the epochs of the domains that have shown their signs now.

        Once it returns, what is new is on the disk. Raises ``OSError``: what could not be written
        is not noted.
        """
        for domain, signs in shown.items():
            record = self._records.get(domain)
            known = DomainRecord.first(domain, signs) if record is None else record.seen(signs)
            if known != record:
                self._write(known)
                self._records[domain] = known
        return Epochs.of({domain: self._records[domain].epoch for domain in shown})

    def unchanged(self, shown: Mapping[str, Signs]) -> Epochs | None:
        """Return the epochs if nothing is new in what was shown, at once; None: ask :meth:`seen`.

        Nothing blocks here.
        """
        for domain, signs in shown.items():
            record = self._records.get(domain)
            if record is None or signs is None or record.seen(signs) != record:
                return None
        return Epochs.of({domain: self._records[domain].epoch for domain in shown})

    def sign(self, domain: str, name: str) -> int:
        """Return what a domain has shown last under ``name``; 0: nothing."""
        record = self._records.get(domain)
        return 0 if record is None else dict(record.signs or ()).get(name, 0)

    def _write(self, record: DomainRecord) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{record.domain}.json"
        fresh = file.with_name(f"{file.name}.new")
        with fresh.open("w", encoding="utf-8") as opened:
            opened.write(json.dumps({"epoch": record.epoch, "signs": record.signs}))
            opened.flush()
            os.fsync(opened.fileno())
        fresh.replace(file)


def _read(file: Path) -> DomainRecord:
    try:
        plain = parse_json(file.read_bytes())
        epoch, signs = plain["epoch"], plain["signs"]
        shown = None if signs is None else tuple((str(k), int(v)) for k, v in signs)
        return DomainRecord(file.stem, int(epoch), shown)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{file}: the epoch cannot be read ({error}); move it away, and measure the skew anew: "
            "epochs of this clock begin at 1 again"
        ) from error

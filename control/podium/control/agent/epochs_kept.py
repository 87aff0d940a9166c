"""The epochs of an agent's clock domains, kept where a restart does not forget them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from podium.control.timebase.epochs import DomainRecord, Epochs

Signs = Mapping[str, int] | None
"""What an instrument shows of its clock's history; None: it could not be asked."""


class EpochsKept:
    """Records of clock domains. Blocking; one caller at a time."""

    def __init__(self, file: Path | None) -> None:
        """Read ``file`` if it is there; None: kept in memory only. Raises ``ValueError``."""
        self._file = file
        self._records: dict[str, DomainRecord] = {}
        if file is None or not file.exists():
            return
        try:
            for domain, (epoch, signs) in json.loads(file.read_text(encoding="utf-8")).items():
                shown = None if signs is None else tuple((str(k), int(v)) for k, v in signs)
                self._records[domain] = DomainRecord(domain, int(epoch), shown)
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{file}: epochs cannot be read ({error}); move it away, and calibrate the skew "
                "anew: epochs begin at 1 again"
            ) from error

    def seen(self, shown: Mapping[str, Signs]) -> Epochs:
        """Return the epochs of the domains that have shown their signs now.

        Once it returns, what is new is on the disk. Raises ``OSError``: then nothing is noted.
        """
        before = dict(self._records)
        for domain, signs in shown.items():
            record = before.get(domain)
            known = DomainRecord.first(domain, signs) if record is None else record.seen(signs)
            self._records[domain] = known
        if self._records != before:
            try:
                self._write()
            except OSError:
                self._records = before
                raise
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

    def _write(self) -> None:
        if self._file is None:
            return
        text = json.dumps({one.domain: [one.epoch, one.signs] for one in self._records.values()})
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_name(f"{self._file.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)

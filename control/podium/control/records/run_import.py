"""Takes data into the records that were measured before, or by others.

A file that is no data, or that is damaged, is named in a line; nothing of it is taken, and it stays
as it is. Said twice, everything is taken once.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.bus.records import KeepRun, RunFacts
from podium.control.records.copied_process import Died, in_a_copy
from podium.control.records.labber_logs import imported_log
from podium.control.records.qcodes_database import imported_runs
from podium.control.records.record_folder import RecordFolder, hash_of
from podium.control.records.records_error import RecordsError
from podium.control.records.run_attributes import qubits_of
from podium.control.records.snapshots import FOLDER

if TYPE_CHECKING:
    import xarray

READ_S, READ_BYTES_PER_S = 20, 10_000_000
"""Processor time that reading a file may take: HDF5 has been seen to go round for ever in one that
was damaged. ASSUMED: a tenth of what it takes to unpack is plenty."""
QCODES, LABBER, OURS = frozenset((".db", ".sqlite")), frozenset((".hdf5", ".h5")), ".nc"


@dataclass(frozen=True, slots=True)
class Imported:
    """One run that was taken in."""

    source: Path
    run: str
    new: bool
    """False: it was in the records before."""


@dataclass(frozen=True, slots=True)
class NotImported:
    """A file that was left where it is, and why."""

    source: Path
    why: str


class NoData(ValueError):
    """A file holds no data that can be taken in; the message says why."""


def import_all(
    records: RecordFolder, places: list[Path], by: str
) -> Iterator[Imported | NotImported]:
    """Take in files, and all files of folders: ours, QCoDeS databases, logs of Labber.

    ``by``: who takes them in, where a file does not say who measured. Raises ``RecordsError``
    where the records cannot be written.
    """
    for place in places:
        for path in _files(place):
            try:
                for wanted in _runs_of(path, by):
                    with records.index.writing() as connection:
                        _, before = records.index.name_of(connection, wanted.facts)
                    yield Imported(path, records.keep(wanted).run, not before)
            except NoData as error:
                yield NotImported(path, str(error))
            except OSError as error:
                yield NotImported(path, error.strerror or str(error))


def _files(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    for folder, folders, names in os.walk(place):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in QCODES | LABBER | {OURS} and not name.startswith("."):
                yield path


def _runs_of(path: Path, by: str) -> Iterator[KeepRun]:
    """Yield the runs of a file; raises :class:`NoData` and OSError."""
    try:
        if path.suffix in QCODES:
            for data in imported_runs(path):
                yield _foreign(data, by)
        else:  # HDF5 has been brought down by damaged files
            read = _log if path.suffix in LABBER else _own
            within_s = READ_S + path.stat().st_size // READ_BYTES_PER_S
            yield in_a_copy(partial(read, path, by), within_s)
    except (NoData, OSError, RecordsError):
        raise
    except Died as error:
        raise NoData(str(error)) from error
    except Exception as error:
        # Of somebody's damaged file: HDF5, SQLite, numpy and xarray complain in many ways.
        raise NoData(f"no data can be read there: {type(error).__name__}: {error}"[:300]) from error


def _log(path: Path, by: str) -> KeepRun:
    """Return the run of a log of Labber."""
    return _foreign(imported_log(path), by)


def _own(path: Path, by: str) -> KeepRun:
    """Return a run of a netCDF file that Podium has written, byte by byte as it is."""
    from podium.control.records.datasets import load_dataset

    content = path.read_bytes()
    data = load_dataset(path)
    run = str(data.attrs.get("run", ""))
    if not run:
        raise NoData("it names no run: Podium has not written it")
    beside = path.parent / FOLDER / f"{data.attrs.get('snapshot', '')}.json"
    snapshot = ""
    if beside.is_file():
        snapshot = beside.read_text(encoding="utf-8")
    at_s = path.stat().st_mtime
    return KeepRun(
        _facts(data, run, by, at_s, hash_of(content)), content, hash_of(content), snapshot
    )


def _foreign(data: "xarray.Dataset", by: str) -> KeepRun:
    from podium.control.records.datasets import dataset_content
    from podium.control.records.netcdf_content import NotStorable

    try:
        content, digest = dataset_content(data)
    except NotStorable as error:
        raise NoData(str(error)) from error
    at_s = float(data.attrs.get("started_unix_s", 0.0))
    ticket = hashlib.sha256(str(data.attrs["source"]).encode()).hexdigest()
    return KeepRun(_facts(data, str(data.attrs["run"]), by, at_s, ticket), content, digest)


def _facts(data: "xarray.Dataset", run: str, by: str, at_s: float, ticket: str) -> RunFacts:
    import json

    attributes = data.attrs
    ports: list[str] = []
    try:
        plain = json.loads(str(attributes.get("program_json", "{}")))
        ports = [str(frame["port"]) for frame in plain.get("frames", ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        ports = []
    routine, named = str(attributes.get("routine", "")), str(attributes.get("qubits", ""))
    try:
        state = json.loads(str(attributes.get("calibration_state", "{}")))
        routine = routine or str(state.get("routine", ""))
        named = named or " ".join(map(str, state.get("qubits", ())))
    except (ValueError, TypeError, AttributeError):
        pass
    qubits = qubits_of(ports, named)
    of_ports = (name.partition(".")[0] for name in [*ports, *qubits])
    tai = attributes.get("started_tai_s", 0.0)
    complete = bool(attributes.get("complete", True))
    return RunFacts(
        ticket=f"import-{ticket}",
        run=run,
        program=str(attributes.get("program", run)),
        state="done" if complete else "stopped",
        by=str(attributes.get("by", by)),
        nodes=tuple(dict.fromkeys(of_ports)),
        qubits=qubits,
        asked_s=at_s,
        ended_s=float(attributes.get("ended_unix_s", at_s)),
        routine=routine,
        error=str(attributes.get("stopped", "")),
        tai_s=float(tai) if isinstance(tai, int | float) else 0.0,
        program_hash=str(attributes.get("program_hash", "")),
        facility_hash=str(attributes.get("facility_hash", "")),
        snapshot=str(attributes.get("snapshot", "")),
    )

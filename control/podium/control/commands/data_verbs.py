"""The verbs of ``podium data``, each with the records in hand."""

import getpass
import json
import sqlite3
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from podium.control.bus.records import FindRuns, RecordedRun
from podium.control.facility.command import DONE, FOUND_PROBLEM
from podium.control.records import search_words
from podium.control.records.reading_recorder import READINGS
from podium.control.records.reading_store import ReadingStore
from podium.control.records.record_folder import RecordFolder
from podium.control.records.records_error import RecordsError
from podium.control.records.run_times import EARLIEST_S, LATEST_S, begin_of, end_of, length_s
from podium.control.records.search_words import FILTERS

MB = 1_000_000
QCODES_DATABASE = "runs.db"
"""Name of the database into which runs are exported where none is named."""
DEFAULT_STORE = Path("podium_calibration") / "parameters.sqlite"


class WrongWords(ValueError):
    """A request makes no sense; nothing was changed."""


def row_of(one: RecordedRun, folder: Path) -> dict[str, object]:
    """Return a run as ``--json`` has it; times are UTC, ISO 8601."""
    started = datetime.fromtimestamp(one.started_s, tz=UTC)
    return {
        "run": one.run,
        "nodes": list(one.nodes),
        "qubits": list(one.qubits),
        "routine": one.routine,
        "program": one.program,
        "started": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "took_s": one.took_s,
        "waited_s": one.waited_s,
        "by": one.by,
        "state": one.state,
        "error": one.error,
        "parameters": list(one.parameters),
        "file": str(folder / one.file) if one.file else None,
        "hash": one.hash or None,
        "tags": list(one.tags),
    }


def asked_of(arguments: Namespace, words: str = "") -> FindRuns:
    """Return what the options ask for; raises ``NoTime``."""
    if arguments.limit < 1:
        raise WrongWords(f"--limit {arguments.limit}: one run at least")
    given = {name: getattr(arguments, name, "") for name in FILTERS}
    return search_words.asked_of(
        given | ({"words": words} if words else {}), time.time(), arguments.limit
    )


def _list(arguments: Namespace, records: RecordFolder) -> int:
    words = " ".join(getattr(arguments, "rest", ()))
    found = records.index.find(asked_of(arguments, words))
    if arguments.json:
        print(json.dumps([row_of(one, records.data_folder) for one in found]))
        return DONE
    if not found:
        print("no run fits")
    for one in found:
        print(line_of(one))
    return DONE


def line_of(one: RecordedRun) -> str:
    """Return one run in a line: when, which, what, of whom, how it ended, by whom, tags."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.started_s))
    what = one.routine or one.program
    where = ", ".join(one.qubits or one.nodes)
    tags = "".join(f" #{tag}" for tag in one.tags)
    state = one.state if not one.error or one.state == "done" else f"{one.state}: {one.error:.60}"
    return f"{when}  {one.run:<16}  {what:<24}  {where:<20}  {state}  {one.by}{tags}".rstrip()


def _run(arguments: Namespace, records: RecordFolder) -> RecordedRun:
    if not arguments.rest:
        raise WrongWords(f"podium data {arguments.verb} RUN: say which run")
    return records.index.run(arguments.rest[0])


def _show(arguments: Namespace, records: RecordFolder) -> int:
    one = _run(arguments, records)
    outcome = records.index.outcome(one.run)
    notes = records.index.notes(one.run)
    files = [
        {"name": f.name, "version": f.version, "file": str(records.path_of(f)), "hash": f.hash,
         "bytes": f.size, "by": f.by}
        for f in records.index.files(one.run)
    ]  # fmt: skip
    known = row_of(one, records.data_folder) | {
        "procedure": one.procedure,
        "started_tai_s": one.tai_s,
        "snapshot": one.snapshot,
        "program_hash": one.program_hash,
        "facility_hash": one.facility_hash,
        "code_version": one.code_version,
        "files": files,
        "notes": [{"at_s": at_s, "by": by, "text": text} for at_s, by, text in notes],
        "outcome": outcome,
    }
    if arguments.json:
        print(json.dumps(known))
        return DONE
    for name, value in known.items():
        if value not in (None, "", [], 0.0) and name not in ("files", "notes", "outcome"):
            said = ", ".join(map(str, value)) if isinstance(value, list) else value
            print(f"{name:>14}: {said}")
    for file in files:
        print(f"{'file':>14}: {file['name']} {file['version']}: {file['file']}")
    for at_s, by, text in notes:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))
        print(f"{'note':>14}: {when} {by}: {text}")
    for name, (value, sigma, unit) in (outcome or {}).get("values", {}).items():
        print(f"{'found':>14}: {name} = {value:.9g} ± {sigma:.2g} {unit}")
    for name, why in (outcome or {}).get("failures", {}).items():
        print(f"{'failed':>14}: {name}: {why}")
    return DONE


def _open(arguments: Namespace, records: RecordFolder) -> int:
    from podium.control.client.lab_data import opened_dataset

    place = records.located(_run(arguments, records).run)
    line = f'xarray.open_dataset("{place.file}", engine="h5netcdf")'
    if arguments.json:
        print(json.dumps({"run": place.run, "file": place.file, "hash": place.hash, "open": line}))
        return DONE
    with opened_dataset(Path(place.file), place.hash) as data:
        sizes = ", ".join(f"{name}: {size}" for name, size in data.sizes.items())
        print(f"{place.run}: {', '.join(map(str, data.data_vars))} over {sizes or 'nothing'}")
    print(line)
    return DONE


def _tag(arguments: Namespace, records: RecordFolder) -> int:
    run, tags = _run(arguments, records).run, arguments.rest[1:]
    if not tags and not arguments.remove:
        raise WrongWords("podium data tag RUN TAG: say which tag")
    who = arguments.who or getpass.getuser()
    records.index.label(run, who, time.time(), tags, arguments.remove, "")
    return _told(arguments, records, run)


def _note(arguments: Namespace, records: RecordFolder) -> int:
    run, text = _run(arguments, records).run, " ".join(arguments.rest[1:])
    if not text:
        raise WrongWords("podium data note RUN TEXT: say what to note")
    who = arguments.who or getpass.getuser()
    records.index.label(run, who, time.time(), (), (), text)
    return _told(arguments, records, run)


def _told(arguments: Namespace, records: RecordFolder, run: str) -> int:
    one = records.index.run(run)
    print(json.dumps(row_of(one, records.data_folder)) if arguments.json else line_of(one))
    return DONE


def _export(arguments: Namespace, records: RecordFolder) -> int:
    from podium.control.client.lab_data import opened_dataset
    from podium.control.facility.atomic_files import check_writable, write_text
    from podium.control.records.run_export import csv_text, free_place

    if arguments.rest:
        found = tuple(records.index.run(one) for one in arguments.rest)
    else:
        found = tuple(one for one in records.index.find(asked_of(arguments)) if one.file)
    if arguments.format == "qcodes":
        return _export_to_qcodes(arguments, records, found)
    check_writable(arguments.out)
    written = []
    for one in found:
        place = records.located(one.run)
        if arguments.format == "csv":
            with opened_dataset(Path(place.file), place.hash) as data:
                path = free_place(arguments.out, f"{one.run}.csv")
                write_text(path, csv_text(data))
        else:
            path = free_place(arguments.out, f"{one.run}.nc")
            path.write_bytes(records.content(place))
        written.append({"run": one.run, "file": str(path)})
        if not arguments.json:
            print(path)
    if arguments.json:
        print(json.dumps(written))
    return DONE


def _export_to_qcodes(
    arguments: Namespace, records: RecordFolder, runs: tuple[RecordedRun, ...]
) -> int:
    import sqlite3

    from podium.control.client.lab_data import opened_dataset
    from podium.control.facility.atomic_files import check_writable
    from podium.control.records.qcodes_export import NotExported, add_run, qcodes_database
    from podium.control.records.records_error import NoRun

    out = arguments.out
    path = out if out.suffix == ".db" else out / QCODES_DATABASE
    check_writable(path.parent)
    written = []
    try:
        with qcodes_database(path) as database:
            for one in reversed(runs):  # the oldest first: QCoDeS numbers them as they come
                place = records.located(one.run)
                try:
                    snapshot = records.snapshot(one.run).text
                except NoRun:
                    snapshot = ""
                except RecordsError as error:
                    print(f"podium data: {error}; exported without it", file=sys.stderr)
                    snapshot = ""
                with opened_dataset(Path(place.file), place.hash) as data:
                    facility = str(data.attrs.get("facility", ""))
                    number, new = add_run(database, one, data, facility, snapshot)
                written.append({"run": one.run, "file": str(path), "run_id": number, "new": new})
                if not arguments.json:
                    print(f"{path}: run {number}{'' if new else ' was there before'}: {one.run}")
    except (NotExported, sqlite3.Error) as error:
        raise RecordsError(str(error)) from error
    if arguments.json:
        print(json.dumps(written))
    return DONE


def _prune(arguments: Namespace, records: RecordFolder) -> int:
    from podium.control.records.pruning import PruneRule, prunable, prune

    wanted = (arguments.older, arguments.tag, arguments.above, arguments.down_to)
    if not any(one is not None and one != "" for one in wanted):
        raise WrongWords("say what may go: --older, --tag, --above or --down-to")
    rule = PruneRule(
        None if arguments.older is None else time.time() - length_s(arguments.older),
        arguments.tag,
        0 if arguments.above is None else int(arguments.above * MB),
        None if arguments.down_to is None else int(arguments.down_to * MB),
    )
    found = prunable(records, rule, _named_by_stores(arguments.store))
    gone = [str(path) for path in prune(records, found)] if arguments.yes else []
    told = {
        "files": [str(records.path_of(one)) for one in found.files],
        "bytes": found.size,
        "protected": list(found.protected),
        "done": arguments.yes,
    }
    if arguments.json:
        print(json.dumps(told))
        return DONE
    verb = f"{len(gone)} files were taken away" if arguments.yes else (
        f"{len(found.files)} files would go; --yes takes them away"
    )  # fmt: skip
    print(f"{verb}: {found.size / MB:.1f} MB")
    if found.protected:
        print(f"{len(found.protected)} runs stay: parameters come from them, or they are kept")
    return DONE


def _named_by_stores(stores: list[str]) -> set[str]:
    from podium.control.parameters.store import ParameterStore, StoreError

    usual = [str(DEFAULT_STORE)] if DEFAULT_STORE.exists() else []
    named: set[str] = set()
    for place in [*usual, *stores]:
        try:
            with ParameterStore(place, make=False) as store:
                named |= store.runs()
        except StoreError as error:
            raise RecordsError(f"nothing was pruned: {error}") from error
    return named


def _verify(arguments: Namespace, records: RecordFolder) -> int:
    from podium.control.records.disk_forecast import disk_forecast
    from podium.control.records.record_check import check

    findings = list(check(records, hashes=not arguments.quick))
    disk = disk_forecast(records, time.time())
    bad = [one for one in findings if not one.harmless]
    files = len(records.index.files())
    if arguments.json:
        rows = [{"kind": f.kind, "run": f.run, "what": f.what, "harmless": f.harmless}
                for f in findings]  # fmt: skip
        told = {"free_bytes": disk.free_bytes, "day_bytes": disk.day_bytes}
        print(json.dumps({"files": files, "findings": rows, "whole": not bad, "disk": told}))
        return FOUND_PROBLEM if bad else DONE
    for one in findings:
        print(f"{one.kind}: {one.run + ': ' if one.run else ''}{one.what}")
    if disk.fills:
        print(disk)
    print(f"{files} files, {len(bad)} of them lost or changed" if bad else f"{files} files: whole")
    return FOUND_PROBLEM if bad else DONE


def _import(arguments: Namespace, records: RecordFolder) -> int:
    from podium.control.records.run_import import Imported, import_all

    if not arguments.rest:
        raise WrongWords("podium data import PATH: say which files or folders")
    taken, known, left = [], 0, []
    for one in import_all(records, [Path(path) for path in arguments.rest], getpass.getuser()):
        if not isinstance(one, Imported):
            left.append({"file": str(one.source), "why": one.why})
            print(f"podium data: {one.source}: {one.why}", file=sys.stderr)
        elif one.new:
            taken.append({"file": str(one.source), "run": one.run})
        else:
            known += 1
    if arguments.json:
        print(json.dumps({"imported": taken, "known": known, "left": left}))
    else:
        print(f"{len(taken)} runs were taken in, {known} were there before")
    return FOUND_PROBLEM if left else DONE


def _events(arguments: Namespace, records: RecordFolder) -> int:
    if arguments.limit < 1:
        raise WrongWords(f"--limit {arguments.limit}: one event at least")
    now_s = time.time()
    found = records.events.find(
        since_s=begin_of(arguments.since, now_s) if arguments.since else EARLIEST_S,
        until_s=end_of(arguments.until, now_s) if arguments.until else LATEST_S,
        process=arguments.process,
        level=arguments.level,
        words=arguments.words,
        limit=arguments.limit,
    )
    if arguments.json:
        print(json.dumps([asdict(one) for one in found]))
        return DONE
    if not found:
        print("no event fits")
    for one in found:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.at_s))
        told = "".join(f"  {name}={value}" for name, value in one.told.items())
        print(f"{when}  {one.process:<16}  {one.level:<7}  {one.what}{told}")
    return DONE


def _readings(arguments: Namespace, records: RecordFolder) -> int:
    file = records.folder / READINGS
    if not file.exists():
        raise RecordsError(f"no readings are kept in {records.folder}; `podium up` keeps them")
    if arguments.points < 1:
        raise WrongWords(f"--points {arguments.points}: one at least")
    now_s = time.time()
    since_s = begin_of(arguments.since, now_s)
    until_s = end_of(arguments.until, now_s) if arguments.until else now_s
    try:
        store = ReadingStore(file)
        try:
            units = store.units()
            unknown = [one for one in arguments.rest if one not in units]
            if unknown:
                near = get_close_matches(unknown[0], units, 3)
                told = f"; did you mean {' or '.join(near)}?" if near else ""
                raise WrongWords(f"nothing was ever read of {unknown[0]!r}{told}")
            courses = store.courses(arguments.rest, since_s, until_s, arguments.points)
        finally:
            store.close()
    except sqlite3.Error as error:
        raise RecordsError(f"the readings {file}: {error}") from error
    if arguments.json:
        print(
            json.dumps({name: {"unit": one.unit, **one.columns()} for name, one in courses.items()})
        )
        return DONE
    if not arguments.rest:
        for name, course in courses.items():
            told = f"{course.mean[-1]:.6g} {course.unit}" if course.at_s.size else "nothing"
            print(f"{name:<40}  {told}")
        return DONE
    for name, course in courses.items():
        print(f"{name} ({course.unit or '1'}): mean, least and greatest")
        for at_s, mean, low, high in zip(
            course.at_s, course.mean, course.low, course.high, strict=True
        ):
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_s))
            print(f"{when}  {mean:.6g}  {low:.6g}  {high:.6g}")
        if not course.at_s.size:
            print("nothing was read in that time")
    return DONE


VERBS: Mapping[str, Callable[[Namespace, RecordFolder], int]] = {
    "list": _list,
    "search": _list,
    "show": _show,
    "open": _open,
    "tag": _tag,
    "note": _note,
    "export": _export,
    "prune": _prune,
    "verify": _verify,
    "events": _events,
    "readings": _readings,
    "import": _import,
}

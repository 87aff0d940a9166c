"""Mutates indexes, their schema and version, data, snapshots and files to import, one at a time.

As a program it prints JSON: how many of each kind were tried, and what went wrong. A person's
commands are said over each: they answer in words and take nothing away. Batches run in a child, so
that the end of a process by a damaged file is seen, as is one that never ends.
What goes wrong is written to its standard error at once, with the count of a batch.
"""

import io
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path

import h5py
import numpy as np
from tests.benches.records.recorded_runs import NOON_S, facts, outcome_of, scan, wanted

from podium.control.bus.records import FindRuns, KeepRun
from podium.control.commands.data import command
from podium.control.records.datasets import dataset_content, save_dataset
from podium.control.records.qcodes_export import add_run, qcodes_database
from podium.control.records.record_folder import DATA, INDEX, RecordFolder, hash_of
from podium.control.records.snapshots import FOLDER, digest_of
from podium_command_line import carry_out, parser_of_one

KINDS = ("index", "schema", "version", "data", "snapshot", "import")
HANG_S = 60
RUNS = range(1, 6)
"""Numbers of the runs that are there."""
SNAPSHOT = json.dumps({"instruments": {"cluster_a": {"settings": {"gain": 3}}}})
TEXT = h5py.string_dtype()
DATA_VERBS = (
    "open 1-2",
    "export --limit 5 --out OUT",
    "export --format qcodes --out OUT",
    "verify",
)
VERBS = (
    "list",
    "search warm --qubit q0",
    "show 1-1",
    "open 1-2",
    "export 1-3 --out OUT",
    "tag 1-4 odd",
    "note 1-4 warm",
    "prune --above 0",
    "verify",
)
VERBS_OF = {
    "index": VERBS,
    "schema": VERBS,
    "version": ("list", "tag 1-4 odd", "verify", "import THEIRS/9-1.nc"),
    "data": DATA_VERBS,
    "snapshot": DATA_VERBS[2:],
    "import": ("import THEIRS",),
}
"""What is said over each kind of mutant."""


def whole_records(place: Path) -> None:
    """Make records of five runs, and beside them files of others to import."""
    with RecordFolder(place / "records") as records:
        for number in RUNS:
            content, digest = dataset_content(scan(f"1-{number}"))
            said = facts(f"1-{number}", number, snapshot=digest_of(SNAPSHOT))
            records.keep(KeepRun(said, content, digest, SNAPSHOT))
        records.keep_outcome(outcome_of("1-1", "1-2"))
        records.index.label("1-3", "ann", NOON_S, ["good"], [], "the fridge was warm")
        run = records.index.find(FindRuns(run="1-1"))[0]
    (place / "theirs").mkdir()
    with qcodes_database(place / "theirs" / "lab.db") as database:
        add_run(database, run, scan("1-1"))
    save_dataset(scan("9-1"), place / "theirs")
    with h5py.File(place / "theirs" / "log.hdf5", "w") as file:
        file.attrs["log_name"], file.attrs["creation_time"] = "power", 1.7e9
        rows = [("P", "dBm"), ("S", "")]
        file["Channels"] = np.array(rows, [("name", TEXT), ("unitPhys", TEXT)])
        file["Log list"] = np.array([("S",)], [("channel_name", TEXT)])
        names = [("P", ""), ("S", "")]
        file["Data/Channel names"] = np.array(names, [("name", TEXT), ("info", TEXT)])
        file["Data/Data"] = np.arange(8.0).reshape(4, 2, 1)
        file["Data"].attrs["Step dimensions"] = np.array([4, 1])


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with one thing wrong: cut, less in the middle, more at the end, changed."""
    found = bytearray(content)
    begin = chance.randrange(len(found))
    match chance.randrange(6):
        case 0:
            return bytes(found[:begin])
        case 1:
            return bytes(found[:begin] + found[begin + chance.randrange(1, 600) :])
        case 2:
            return bytes(found) + chance.randbytes(chance.randrange(1, 5000))
        case 3:
            found[begin : begin + 200] = chance.randbytes(200)
        case 4:
            found[begin : begin + chance.randrange(1, 64)] = b""
        case _:
            for _ in range(chance.randrange(1, 20)):
                found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def mutate(kind: str, place: Path, chance: random.Random) -> Path:
    """Change one file of ``place``; return which."""
    records = place / "records"
    if kind in ("schema", "version"):
        path = records / INDEX
        with closing(sqlite3.connect(path)) as database:
            (_schema if kind == "schema" else _version)(database, chance)
        return path
    if kind == "index":
        path = records / INDEX
    elif kind == "data":
        path = chance.choice(sorted((records / DATA).rglob("*.nc")))
    elif kind == "snapshot":
        path = chance.choice(sorted((records / FOLDER).glob("*.json")))
    else:
        path = chance.choice(sorted((place / "theirs").iterdir()))
    path.write_bytes(damaged(path.read_bytes(), chance))
    return path


def _version(database: sqlite3.Connection, chance: random.Random) -> None:
    """Say that the tables have another version."""
    odd: list[object] = [0, -1, 2, 7, 10**9, 2**62, 1.5, "one", "", None, b"\x00", "1; DROP"]
    drawn: list[object] = [chance.randrange(-(2**40), 2**40), chance.random() * 100]
    said = chance.choice((*odd, *drawn))
    database.execute("CREATE TABLE other (version)")
    database.execute("DROP TABLE podium_records")
    database.execute("ALTER TABLE other RENAME TO podium_records")
    for one in (said, said)[: chance.randrange(3)]:
        database.execute("INSERT INTO podium_records VALUES (?)", (one,))
    database.commit()


def _schema(database: sqlite3.Connection, chance: random.Random) -> None:
    """Change a table: gone, renamed, without a column, with another, with odd values in it."""
    database.execute("DROP TRIGGER notes_words")
    tables = ("runs", "files", "run_names", "notes", "outcomes", "podium_records", "note_words")
    table = chance.choice(tables)
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    column = chance.choice(columns)
    odd = chance.choice(("x'00ff'", "'../../etc/passwd'", "-1", "9e999", "'\n'", "''", "'{'"))
    statement = chance.choice(
        (
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} RENAME TO mine",
            f"ALTER TABLE {table} DROP COLUMN {column}",
            f"ALTER TABLE {table} RENAME COLUMN {column} TO mine",
            f"ALTER TABLE {table} ADD COLUMN mine TEXT NOT NULL DEFAULT 'x'",
            f"UPDATE OR IGNORE {table} SET {column} = {odd}",
            f"DELETE FROM {table}",
            f"PRAGMA user_version = {chance.randrange(1000)}",
        )
    )
    try:
        database.execute(statement)
        database.commit()
    except sqlite3.Error:  # a column that an index needs: its values, then
        database.rollback()
        try:
            database.execute(f"UPDATE OR IGNORE {table} SET {column} = {odd}")
        except sqlite3.Error:  # of a number that names the row
            database.execute(f"UPDATE OR IGNORE {table} SET {column} = -{column}")
        database.commit()


def said_over(place: Path, verbs: Iterable[str]) -> list[str]:
    """Say a person's commands, and what the records are asked; return what is wrong."""
    wrong = []
    records, out = str(place / "records"), place / "out"
    out.mkdir()
    parser = parser_of_one("data", command)  # the same for all: it takes longer than most verbs
    for words in verbs:
        told, complained = io.StringIO(), io.StringIO()
        plain = words.replace("OUT", str(out)).replace("THEIRS", str(place / "theirs")).split()
        with redirect_stdout(told), redirect_stderr(complained):
            try:
                status: object = carry_out(["data", *plain, "--records", records], lambda _: parser)
            except BaseException as error:  # SystemExit, too
                wrong.append(f"podium data {words}: {type(error).__name__}: {error}"[:400])
                continue
        said = complained.getvalue()
        if status not in (0, 1, 2) or "Traceback" in said or (status and not _told(told, said)):
            wrong.append(f"podium data {words}: {status}, {said[-300:]!r}")
    return wrong + _asked(place)


def _told(told: io.StringIO, said: str) -> bool:
    return bool(said.strip() or told.getvalue().strip())


def _asked(place: Path) -> list[str]:
    """Ask as the page and a client do; only errors of the records may come of it."""
    from podium.control.records.records_error import NoRun, RecordsError

    wrong: list[str] = []
    try:
        records = RecordFolder(place / "records")
    except RecordsError:
        return wrong
    asked: tuple[Callable[[], object], ...] = (
        lambda: [json.loads(records.snapshot(f"1-{number}").text) for number in RUNS],
        lambda: [records.preview(f"1-{number}") for number in RUNS],
        lambda: [records.slice_of(f"1-{k}", "q0_i", "0:2", "data", 0) for k in RUNS],
        lambda: [records.description(f"1-{number}") for number in RUNS],
        lambda: records.keep(wanted("1-99", 99, content=b"new")),
    )
    with records:
        for number, one in enumerate(asked):
            try:
                one()
            except (RecordsError, NoRun):
                continue
            except Exception as error:
                wrong.append(f"question {number}: {type(error).__name__}: {error}"[:400])
    return wrong


def tried(whole: Path, number: int, seed: int) -> tuple[str, list[str]]:
    """Try one mutant; return its kind and what is wrong."""
    chance = random.Random(f"{seed}-{number}")
    kind = chance.choice(KINDS)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "mutant")
        shutil.copytree(whole, place)
        changed = mutate(kind, place, chance)
        before = _hashes(place)
        wrong = said_over(place, VERBS_OF[kind])
        after = _hashes(place)
        gone = [str(path) for path in before if path not in after]
        # an index is written to; everything else stays as it is, to the byte
        other = [
            str(path)
            for path, digest in before.items()
            if path in after and after[path] != digest and path.name != INDEX
        ]
        name = changed.name
    return kind, [f"{name}: {one}" for one in (*wrong, *(f"gone: {g}" for g in gone), *other)]


def _hashes(place: Path) -> dict[Path, str]:
    kept = (place / "records", place / "theirs")
    return {
        path: hash_of(path.read_bytes())
        for folder in kept
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith((f"{INDEX}-", "lab.db-"))
    }


def campaign(count: int, seed: int) -> dict[str, object]:
    """Try so many mutants; return how many of each kind, and what went wrong."""
    kinds: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole")
        whole.mkdir()
        whole_records(whole)
        number = 0
        while number < count:
            ours, its = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(ours)
                try:
                    _try_from(whole, number, count, seed, its)
                    os._exit(0)
                finally:  # what is the parent's stays the parent's
                    traceback.print_exc()
                    os._exit(1)
            os.close(its)
            with os.fdopen(ours, "rb") as told:
                lines = [json.loads(line) for line in told]
            status = os.waitpid(child, 0)[1]
            done = [one for one in lines if len(one) > 1]
            print(number, [said for one in done for said in one[2]], file=sys.stderr, flush=True)
            kinds.update(one[1] for one in done)
            wrong += [f"{one[0]}: {said}" for one in done for said in one[2]]
            number = lines[-1][0] + 1 if lines else count
            if status:
                end = signal.Signals(status & 0x7F).name if status & 0x7F else str(status)
                wrong.append(f"{number - 1}: its process ended by {end}")
    return {"tried": dict(kinds), "wrong": wrong}


def _try_from(whole: Path, first: int, count: int, seed: int, pipe: int) -> None:
    for number in range(first, min(count, first + 250)):
        os.write(pipe, json.dumps([number]).encode() + b"\n")
        signal.alarm(HANG_S)  # ends the process
        kind, wrong = tried(whole, number, seed)
        signal.alarm(0)
        os.write(pipe, json.dumps([number, kind, wrong]).encode() + b"\n")


if __name__ == "__main__":
    print(json.dumps(campaign(int(sys.argv[1]), int(sys.argv[2]))))

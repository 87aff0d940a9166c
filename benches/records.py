"""How long the records take: a durable run, a search among 100,000, a parameter among a million.

``python -m benches.records [--runs N] [--searched N] [--entries N]`` prints JSON. Beside a run of
ours stands the same data in a QCoDeS database, durable as well (its default, synchronous = FULL),
and the bare disk: a file of that size, written and synced, its folder synced.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import sqlalchemy as sa
import xarray

from podium.control.bus.records import FindRuns, KeepRun, RunFacts
from podium.control.facility.append_only import writing
from podium.control.parameters.store import ParameterStore
from podium.control.parameters.store_schema import ENTRIES
from podium.control.records.datasets import dataset_content
from podium.control.records.index_schema import FILES, NAMES, NOTES, RUNS
from podium.control.records.record_folder import RecordFolder

POINTS = 4_200
"""Of three variables of doubles: 100 kB."""
DAY_S = 86_400.0
QCODES = """
import json, sys, time
import numpy as np
from qcodes.dataset import Measurement, experiments, initialise_or_create_database_at
from qcodes.dataset import load_or_create_experiment
initialise_or_create_database_at(sys.argv[1])
experiment = load_or_create_experiment("bench", "none")
x, i, q = np.random.default_rng(1).normal(size=(3, int(sys.argv[3])))
one = Measurement(exp=experiment)
one.register_custom_parameter("x", paramtype="array")
one.register_custom_parameter("i", setpoints=("x",), paramtype="array")
one.register_custom_parameter("q", setpoints=("x",), paramtype="array")
took, spent = [], []
for _ in range(int(sys.argv[2])):
    began, begun = time.perf_counter(), time.process_time()
    with one.run(write_in_background=False) as data:
        data.add_result(("x", x), ("i", i), ("q", q))
    took.append(time.perf_counter() - began)
    spent.append(time.process_time() - begun)
began = time.process_time()
listed = [data.run_id for known in experiments() for data in known.data_sets()]
print(json.dumps([took, spent, [(time.process_time() - began) / len(listed)]]))
"""


def percentiles_ms(took: list[float]) -> dict[str, float]:
    """Return median and 99th percentile, ms."""
    return {f"p{p}": round(float(np.percentile(took, p)) * 1e3, 2) for p in (50, 99)}


def timed(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes, s."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def spent_on(work: Callable[[], object]) -> float:
    """Return how much processor time ``work`` takes, s."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def written(folder: Path, runs: int) -> dict[str, dict[str, float]]:
    """Return how long runs of 100 kB take until they are durable: dataset to answer."""
    values = np.random.default_rng(1).normal(size=(3, POINTS))
    volt = {"units": "V"}
    variables = {name: ("x", one, volt) for name, one in zip("xiq", values, strict=True)}
    encoded, kept, bare, spent = [], [], [], []
    with RecordFolder(folder / "records") as records:
        for number in range(runs + 5):
            data = xarray.Dataset(variables, attrs={"run": f"1-{number}", "program": "bench"})
            began, begun = time.perf_counter(), time.process_time()
            content, digest = dataset_content(data)
            between = time.perf_counter()
            now_s = time.time()
            facts = RunFacts(
                uuid.uuid4().hex, f"1-{number}", "bench", "done", "bench", ("node_a",),
                ("node_a.q0",), now_s - 1.0, now_s, routine="t1",
            )  # fmt: skip
            records.keep(KeepRun(facts, content, digest))
            if number >= 5:  # the first ones make folders and tables
                encoded.append(between - began)
                kept.append(time.perf_counter() - began)
                spent.append(time.process_time() - begun)
                bare.append(timed(partial(on_the_disk, folder, number, content)))
    words = [sys.executable, "-W", "ignore", "-c", QCODES, str(folder / "q.db"), str(runs)]
    home = os.environ | {"HOME": str(folder)}
    said = subprocess.run([*words, str(POINTS)], check=True, env=home, stdout=subprocess.PIPE)
    peer, peer_spent, listed = json.loads(said.stdout.splitlines()[-1])
    return {
        "podium_ms": percentiles_ms(kept),
        "of_which_encoding_ms": percentiles_ms(encoded),
        "bare_disk_ms": percentiles_ms(bare),
        "qcodes_ms": percentiles_ms(peer),
        "podium_processor_ms": percentiles_ms(spent),
        "qcodes_processor_ms": percentiles_ms(peer_spent),
        "qcodes_listing_processor_ms_each": percentiles_ms(listed),
    }


def on_the_disk(folder: Path, number: int, content: bytes) -> None:
    """Write a file, with its folder, so that a loss of power does not take it away."""
    with (folder / f"bare-{number}").open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def filled(records: RecordFolder, runs: int) -> float:
    """Fill an index with runs of a year, ten nodes of five qubits; return when the last began."""
    begin_s = time.time() - 365 * DAY_S
    chance = np.random.default_rng(2)
    routines = ["", "t1", "ramsey", "rabi", "echo", "single_shot", "resonator_spectroscopy"]
    rows, names, files = [], [], []
    for number in range(1, runs + 1):
        at_s = begin_s + number * 365 * DAY_S / runs
        node, qubit = f"node_{chance.integers(10)}", f"q{chance.integers(5)}"
        routine = routines[chance.integers(len(routines))]
        rows.append(
            {"id": number, "run": f"1-{number:07}", "ticket": f"t{number}", "program": routine,
             "routine": routine, "state": "done" if chance.random() > 0.02 else "failed",
             "by_whom": f"person{chance.integers(12)}@desk", "started_s": at_s, "took_s": 1.0,
             "error": "", "hash": "", "tai_s": at_s}
        )  # fmt: skip
        mine = [("node", node), ("qubit", f"{node}.{qubit}"), ("qubit", qubit)]
        if routine:
            mine += [("parameter", f"{node}.{qubit}.{routine}"), ("parameter", routine)]
        if number % 50 == 0:
            mine.append(("tag", "good"))
        names += [
            {"kind": kind, "name": name, "started_s": at_s, "run_id": number} for kind, name in mine
        ]
        files.append(
            {"run_id": number, "name": "data", "version": 1, "path": f"2026/{number}.nc",
             "hash": "0" * 64, "size": 100_000, "at_s": at_s}
        )  # fmt: skip
    for row in rows:
        del row["hash"]
    notes = [
        {"run_id": n, "by_whom": "ann", "at_s": 1.0, "text": f"note {n} odd dip after warm-up"}
        for n in range(1, runs, 100)
    ]
    with records.index.writing() as connection:
        for table, several in ((RUNS, rows), (NAMES, names), (FILES, files), (NOTES, notes)):
            connection.execute(sa.insert(table), several)
        connection.exec_driver_sql("ANALYZE")
    return begin_s + 365 * DAY_S


def searches(last_s: float) -> Iterator[tuple[str, FindRuns]]:
    """Yield searches by each word, alone and together, with many hits, few and none."""
    yield "latest", FindRuns()
    yield "node", FindRuns(node="node_3")
    yield "qubit", FindRuns(qubit="node_3.q1")
    yield "qubit of any node", FindRuns(qubit="q1")
    yield "routine", FindRuns(routine="t1")
    yield "parameter", FindRuns(parameter="node_3.q1.t1")
    yield "person", FindRuns(by="person7")
    yield "state", FindRuns(state="failed")
    yield "tag", FindRuns(tag="good")
    yield "words", FindRuns(words="odd dip")
    yield "rare word", FindRuns(words="4501")
    yield "week", FindRuns(since_s=last_s - 200 * DAY_S, until_s=last_s - 193 * DAY_S)
    yield "id", FindRuns(run="1-0050000")
    yield (
        "qubit, routine, week",
        FindRuns(
            qubit="q1", routine="t1", since_s=last_s - 200 * DAY_S, until_s=last_s - 193 * DAY_S
        ),
    )
    yield "qubit, person, failed", FindRuns(qubit="q1", by="person7", state="failed")
    yield "tag, words", FindRuns(tag="good", words="odd dip")
    yield "node, nobody", FindRuns(node="node_3", by="nobody")
    yield "routine, nobody", FindRuns(routine="t1", by="nobody")
    yield "state, no tag", FindRuns(state="done", tag="none")
    yield "qubit, other node", FindRuns(qubit="node_3.q1", node="node_4")


def searched(folder: Path, runs: int) -> dict[str, tuple[float, float]]:
    """Return how long each search takes among so many runs, ms, the worst of five after the first,
    and the processor time of the quickest."""
    with RecordFolder(folder / "many") as records:
        last_s = filled(records, runs)
        found = {}
        for name, asked in searches(last_s):
            work = partial(records.index.find, asked)
            took = [timed(work) for _ in range(5)]
            spent_s = min(spent_on(work) for _ in range(3))
            found[name] = round(max(took[1:]) * 1e3, 2), round(spent_s * 1e3, 2)
        return found


def got(folder: Path, entries: int) -> dict[str, float]:
    """Return how long a parameter takes among so many entries, ms."""
    with ParameterStore(folder / "parameters.sqlite") as store:
        rows = [
            {"name": f"node_{n % 10}.q{n % 100}.p{n % 13}", "value": 1.0, "sigma": 0.1,
             "unit": "Hz", "run": f"1-{n}", "routine": "t1", "tai_s": float(n), "epoch": 1}
            for n in range(100_000)
        ]  # fmt: skip
        for _ in range(max(1, entries // len(rows))):
            with writing(store._engine) as connection:
                connection.execute(sa.insert(ENTRIES), rows)
        took = [timed(lambda n=n: store.get(rows[n]["name"])) for n in range(2000)]
    return percentiles_ms(took)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--searched", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument(
        "--folder", type=Path, help="on which disk (default: that of temporary files)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        print(json.dumps({"write": written(folder, arguments.runs)}), flush=True)
        print(
            json.dumps({"search_ms_and_processor_ms": searched(folder, arguments.searched)}),
            flush=True,
        )
        print(json.dumps({"get_ms": got(folder, arguments.entries)}), flush=True)


if __name__ == "__main__":
    main()

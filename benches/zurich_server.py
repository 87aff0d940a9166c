"""The simulated data server over its socket: gets, a transaction, memory; and the vendor's client.

The server is `podium twin serve` in a process of its own with eight instruments; the clients are in
processes of their own, too: one on pycapnp, and the vendor's.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from podium.firmware_interfaces import zurich

SCHEMA = Path(zurich.__file__).with_name("session.capnp")
PODIUM = (sys.executable, "-m", "podium.control.cli", "twin")
DEVICES = {
    12000: "SHFQC",
    12001: "SHFQC",
    12002: "SHFSG8",
    12003: "SHFSG8",
    12004: "SHFQA4",
    8001: "HDAWG8",
    8002: "HDAWG8",
    10001: "PQSC",
}
GETS, ONE_BY_ONE, NODES, TRANSACTIONS = 40_000, 3_000, 500, 15
WARM_UP = 200
"""Calls that the client makes before it looks at the clock."""
GETS_PER_S, TRANSACTION_MS, MEMORY_MB = 20_000, 30.0, 300.0
"""Floor and ceilings."""
PATIENCE_S = 60.0
MOCK_VERSION = "1.1.0"
"""Of labone, which contains the vendor's mock."""
LABONE = Path(__file__).parents[1] / ".venv-referees-labone" / "bin" / "python"
"""A Python that has it; PODIUM_LABONE names another."""
TURNS, MOCK_GETS, MOCK_TRANSACTIONS = 7, 500, 3
"""Of the vendor's client on our server and on the mock."""
VENDOR = """
import sys, time, zhinst.core
client = zhinst.core.ziDAQServer(sys.argv[1], int(sys.argv[2]), 6)
client.connectDevice("dev12000", "1GbE")
count, nodes, times = (int(word) for word in sys.argv[3:])
client.getInt("/dev12000/sgchannels/0/output/on")
begin = time.perf_counter()
for _ in range(count):
    client.getInt("/dev12000/sgchannels/0/output/on")
gets = time.perf_counter() - begin
took = []
for again in range(times):
    batch = [(f"/dev12000/sgchannels/{n % 6}/oscs/{n // 6 % 8}/freq", n + again * 1.0)
             for n in range(nodes)]
    begin = time.perf_counter()
    client.set(batch)
    took.append(time.perf_counter() - begin)
listed = []
for _ in range(times):
    begin = time.perf_counter()
    paths = client.listNodes("/dev12000/sgchannels/*/oscs/*/freq", 3)
    listed.append(time.perf_counter() - begin)
begin = time.perf_counter()
for again in range(count):
    client.setDouble("/dev12000/sgchannels/0/oscs/0/freq", float(again))
sets = time.perf_counter() - begin
print(count / gets, sorted(took)[times // 2], count / sets, sorted(listed)[times // 2], len(paths))
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured."""

    gets_per_s: float
    """200 on their way at once."""
    one_by_one_per_s: float
    transaction_s: float
    vendor_gets_per_s: float
    """One by one: the vendor's client cannot otherwise."""
    vendor_transaction_s: float
    work_s: float
    """Of the server's process for one get, by its own clock: what load does not change much."""
    memory_bytes: int
    """Resident, of the process that serves all."""


def measure() -> Found:
    """Measure all of it. Each number is the best of what the machine gives: see the load."""
    with serving() as (host, port, pid):
        before_s, rounds = _worked_s(pid), 3
        gets = max(_rate(host, port, "gets", GETS) for _ in range(rounds))
        work_s = (_worked_s(pid) - before_s) / (rounds * (GETS + WARM_UP))
        single = _rate(host, port, "one_by_one", ONE_BY_ONE)
        sets = sorted(
            _client(host, port, "sets", NODES)["seconds"] for _ in range(TRANSACTIONS // 3)
        )
        words = [host, str(port), str(ONE_BY_ONE), str(NODES), str(TRANSACTIONS)]
        said = _run([sys.executable, "-c", VENDOR, *words]).split()
        return Found(
            gets,
            single,
            sets[len(sets) // 2],
            float(said[0]),
            float(said[1]),
            work_s,
            _resident(pid),
        )


@dataclass(frozen=True, slots=True)
class Beside:
    """The vendor's client on one server; the best of its turns, which load spoils least."""

    gets_per_s: float
    sets_per_s: float
    transaction_s: float
    list_s: float
    """To list 48 nodes by a wildcard."""


def beside_the_mock() -> tuple[Beside, Beside] | None:
    """Return the vendor's client on our server and on its vendor's mock, in turns; None: no mock.

    Nobody else's mock speaks the protocol: LabOne Q's emulation replaces the client, not the
    server. Of a wildcard the mock tells all that it has; it has these 48 nodes and six others.
    """
    labone = os.environ.get("PODIUM_LABONE", str(LABONE))
    if not Path(labone).exists():
        return None
    version = metadata.version("zhinst-core").rsplit(".", 1)[0]
    with serving() as (host, port, _), _mock(labone, version) as mock:
        found: tuple[list[list[float]], list[list[float]]] = ([], [])
        for _ in range(TURNS):
            for side, at in ((0, (host, port)), (1, ("127.0.0.1", mock))):
                words = [at[0], str(at[1]), str(MOCK_GETS), str(NODES), str(MOCK_TRANSACTIONS)]
                said = _run([sys.executable, "-c", VENDOR, *words]).split()
                found[side].append([float(word) for word in said[:4]])
    ours, theirs = (list(zip(*rows, strict=True)) for rows in found)
    return _best(ours), _best(theirs)


def _best(columns: list[tuple[float, ...]]) -> Beside:
    gets, transactions, sets, lists = columns
    return Beside(max(gets), max(sets), min(transactions), min(lists))


@contextmanager
def _mock(labone: str, version: str) -> Iterator[int]:
    script = Path(__file__).with_name("labone_mock.py")
    environment = os.environ | {"PYTHONPATH": str(SCHEMA.parents[3])}
    with subprocess.Popen(
        [labone, str(script), version],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


@contextmanager
def serving() -> Iterator[tuple[str, int, int]]:
    """Serve eight instruments meanwhile; yield host, port and process id."""
    with tempfile.TemporaryDirectory() as folder:
        facility, twin, endpoints = (Path(folder) / name for name in ("f.yaml", "t.yaml", "e.json"))
        facility.write_text(_yaml())
        subprocess.run([*PODIUM, "sample", facility, "--out", twin], check=True)
        words = [*PODIUM, "serve", facility, "--twin", twin, "--endpoints", endpoints]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
            try:
                until_s = time.monotonic() + PATIENCE_S
                while not endpoints.exists():
                    if process.poll() is not None or time.monotonic() > until_s:
                        raise RuntimeError("podium twin serve does not begin")
                    time.sleep(0.05)
                entry = json.loads(endpoints.read_text())["instruments"]["zi"]
                yield entry["host"], entry["ports"]["data_server"], process.pid
            finally:
                process.terminate()


def _yaml() -> str:
    devices = ", ".join(f"{serial}: {model}" for serial, model in DEVICES.items())
    return (
        "facility: zurich_bench\nnodes: {}\ninstruments:\n"
        f"  zi: {{model: zurich, address: 192.168.0.9, devices: {{{devices}}}}}\n"
    )


def _rate(host: str, port: int, what: str, count: int) -> float:
    return count / _client(host, port, what, count)["seconds"]


def _client(host: str, port: int, what: str, count: int) -> dict[str, float]:
    script = Path(__file__).with_name("zurich_client.py")
    words = [sys.executable, str(script), host, str(port), str(SCHEMA), what, str(count)]
    found: dict[str, float] = json.loads(_run(words).splitlines()[-1])
    return found


def _run(words: list[str]) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _worked_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(measure())
    print(beside_the_mock())

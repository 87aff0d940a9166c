"""``--dry-run`` shows every message that would set something; none is sent.

No instrument is connected to. It is shown as from the first time: what an instrument holds
already, and would therefore not be sent again, is not known. Content of blocks is shown by
its size; ``podium compile`` prints the programs in them.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.facility.command import DONE, FOUND_PROBLEM
from podium.control.facility.problems import suggest
from podium.control.runs.errors import RunError

if TYPE_CHECKING:
    from podium.control.agent.rehearsal import Rehearsal
    from podium.control.bus.manual_access import Ask
    from podium.control.calibration.declaration import Routine
    from podium.control.facility.edges import Edge
    from podium.control.facility.facility import Facility, Qubit
    from podium.control.parameters.entry import ParameterRecord
    from podium.control.program.program import Program


@asynccontextmanager
async def _told(facility: "Facility", only: str | None = None) -> AsyncGenerator["Rehearsal"]:
    from podium.control.agent.rehearsal import rehearsal

    def told(instrument: str, message: str) -> None:
        print(f"{instrument}: {message}", flush=True)

    async with rehearsal(facility, told, only) as runner:
        yield runner


async def tell_run(facility: "Facility", program: "Program") -> int:
    """Print what ``podium run`` would send; return the exit status."""
    from podium.control.agent.rehearsal import NothingMeasured

    async with _told(facility) as runner:
        try:
            await runner.run(program)
        except NothingMeasured:
            print("dry run: nothing was sent")
            return DONE
        except RunError as error:
            print(f"dry run: nothing was sent; it would be refused: {error}")
    return FOUND_PROBLEM


async def tell_ask(facility: "Facility", request: "Ask") -> int:
    """Print what ``podium ask`` would send that sets something; return the exit status.

    Whether a run is on, or the instrument is released, is not looked at.
    """
    name = request.instrument
    if name not in facility.instruments:
        print(
            f"dry run: nothing was sent; it would be refused: {facility.name} has no instrument "
            f"{name!r}; {suggest(name, facility.instruments)}"
        )
        return FOUND_PROBLEM
    async with _told(facility, name) as runner:
        try:
            await runner.ask(request)
        except RunError as error:
            print(f"dry run: nothing was sent; it would be refused: {error}")
            return FOUND_PROBLEM
    only_read = "" if request.sets else "; it would only read"
    print(f"dry run: nothing was sent{only_read}")
    return DONE


async def tell_calibration(
    facility: "Facility",
    qubits: "tuple[Qubit, ...]",
    edges: "tuple[Edge, ...]",
    steps: tuple[str, ...],
    routines: "Mapping[str, Routine]",
    store: str,
) -> int:
    """Print what ``podium calibrate`` would send: biases, and each routine up to its first data.

    What comes after depends on what is measured. Parameters are read from ``store`` if it is
    there; nothing is written.
    """
    from podium.control.agent.rehearsal import NothingMeasured
    from podium.control.calibration.bench import Bench
    from podium.control.calibration.catalogue import needs_of, targets_edges
    from podium.control.parameters.entry import NotMeasured

    record = await asyncio.to_thread(_record, store)
    problems = False
    async with _told(facility) as runner:
        try:
            levels = {
                qubit.flux_port: _bias_v(facility, record, qubit)
                for qubit in facility.with_flux_line(qubits)
            }
            if levels:
                await runner.bias(levels)
        except RunError as error:
            print(f"dry run: nothing was sent; the biases would be refused: {error}")
            return FOUND_PROBLEM
        for node in dict.fromkeys(qubit.node for qubit in qubits):
            chosen = tuple(qubit for qubit in qubits if qubit.node == node)
            for routine in steps:
                bench = Bench(runner, node, chosen, record, keep=lambda data: None)
                bench.edges = tuple(edge for edge in edges if edge.node == node)
                targets = bench.edges if targets_edges(routine) else chosen
                try:
                    await bench.begin(needs_of(routine), targets)
                    outcome = await routines[routine](bench, targets)
                    print(f"# {routine} on {node}: it runs nothing")
                    for note in outcome.notes:
                        print(f"#   {note}")
                except NothingMeasured as end:
                    print(f"# {routine} on {node}: {end}")
                except NotMeasured as missing:
                    print(f"# {routine} on {node}: cannot be told before it is measured: {missing}")
                except RunError as error:
                    problems = True
                    print(f"# {routine} on {node}: it would be refused: {error}")
    print("dry run: nothing was sent")
    return FOUND_PROBLEM if problems else DONE


def _record(store: str) -> "ParameterRecord":
    """Return a copy of what the store knows, in memory."""
    from podium.control.parameters.memory_record import MemoryRecord
    from podium.control.parameters.store import ParameterStore

    record = MemoryRecord()
    if "://" in store or Path(store).is_file():
        with ParameterStore(store) as kept:
            record.put(kept.all().values())
    return record


def _bias_v(facility: "Facility", record: "ParameterRecord", qubit: "Qubit") -> float:
    known = record.get(f"{qubit.name}.sweet_spot")
    return facility.bias_at(qubit, None if known is None else known.value)

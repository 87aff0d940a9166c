"""Opens a facility in this process, or joins one that is up.

In one process, for a notebook or a script:

    async with open_facility("facility.yaml", endpoints="endpoints.json") as lab:
        data = await lab.run(program)

With the processes that ``podium up`` has started: ``join_facility`` instead.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.bus.gather import ungrouped
from podium.control.client.lab import Lab
from podium.control.runs.errors import RunFailed, RunRefused

if TYPE_CHECKING:
    from podium.control.agent.agent import Agent
    from podium.control.bus.memory import MemoryBus
    from podium.control.facility.facility import Facility
    from podium.control.records.record_folder import RecordFolder
    from podium.control.security.access import Member

AGENT = "room"
"""Name of the agent that owns everything when a facility is opened in one process."""


@asynccontextmanager
async def open_facility(
    path: Path | str | None = None,
    endpoints: Path | str | None = None,
    *,
    who: str | None = None,
    state: Path | None = None,
    store: Path | str | None = None,
    reading_only: bool = False,
    recorded: bool = True,
) -> AsyncGenerator[Lab]:
    """Own all instruments of a facility in this process while the context is open.

    ``path``: its file (default: what ``PODIUM_FACILITY`` names, else ``./facility.yaml``).
    ``endpoints``: a file that lays addresses over the facility file; ``who``: as whom others
    see what is asked here (default: user and program). Connecting only reads, but for a bias
    that an earlier owner has left in the middle of a ramp: its safe rule is carried out (with
    ``reading_only`` before the first job instead), and controllers that a trigger starts, which
    are disarmed and silenced (with ``reading_only`` left alone; then nothing starts at a time).
    ``store`` is the parameter store that receives where it ended. ``state``: as given to
    ``podium up``; the journal of ramps, the epochs of clocks, measured skews and the records of
    runs lie beside it; without ``recorded`` no run goes there.
    Leaving aborts what runs, makes it safe, and closes all connections.
    """
    from podium.control.bus.memory import MemoryBus
    from podium.control.client.state_examination import examine_state
    from podium.control.coordinator.coordinator import Coordinator
    from podium.control.coordinator.findings_file import FindingsFile
    from podium.control.facility.endpoints import let_programs_last
    from podium.control.facility.load import load_facility
    from podium.control.facility.state_folder import default_state_file, skews_file
    from podium.control.records.record_service import RecordService
    from podium.control.timebase.skew_store import SkewStore, SkewStoreError

    path = _file_of(path, not_yet_up=True)
    await asyncio.to_thread(let_programs_last, endpoints)
    facility = await asyncio.to_thread(load_facility, path, endpoints)
    state_file = state or default_state_file(Path(path))
    found = await asyncio.to_thread(examine_state, state_file, store)
    if stops := [one.what for one in found if one.stops]:
        raise RunFailed("; ".join(stops))
    bus = MemoryBus()
    agent = _agent_of(
        facility, bus, state_file, None if store is None else str(store), reading_only=reading_only
    )
    try:
        skews = await asyncio.to_thread(SkewStore, skews_file(state_file))
    except SkewStoreError as error:
        raise RunFailed(str(error)) from error
    findings = FindingsFile(None)
    findings.only(tuple(one.what for one in found))
    with closing(skews):
        coordinator = Coordinator(facility, bus, skews=skews, findings=findings)
        records = RecordService(facility.name, bus, partial(_open_records, state_file))
        async with ungrouped(), agent.running(), records.running(), coordinator.running():
            lab = Lab(facility, bus, who, file=Path(path), recorded=recorded)
            async with lab.recorder.running():
                yield lab


def _agent_of(
    facility: "Facility",
    bus: "MemoryBus",
    state_file: Path,
    store: str | None,
    *,
    reading_only: bool,
) -> "Agent":
    """Return the agent that owns all instruments of a facility."""
    from podium.control.agent.agent import Agent
    from podium.control.agent.instruments import Instruments
    from podium.control.agent.ramp_journal import RampJournal
    from podium.control.facility.state_folder import epochs_folder, journal_file
    from podium.control.families.family import compiler_for, wirings_of

    instruments = Instruments.of(facility, facility.instruments)
    return Agent(
        AGENT,
        facility,
        instruments,
        compiler_for(facility),
        bus,
        journal=RampJournal(journal_file(state_file)),
        store=store,
        reading_only=reading_only,
        starts=() if reading_only else wirings_of(facility, instruments.names),
        epochs=epochs_folder(state_file),
    )


def _open_records(state_file: Path) -> "RecordFolder":
    from podium.control.facility.state_folder import records_folder
    from podium.control.records.record_folder import RecordFolder

    return RecordFolder(records_folder(state_file))


@asynccontextmanager
async def join_facility(
    path: Path | str | None = None,
    coordinator: str | None = None,
    endpoints: Path | str | None = None,
    *,
    who: str | None = None,
    me: "Member | None" = None,
    state: Path | None = None,
    recorded: bool = True,
) -> AsyncGenerator[Lab]:
    """Ask the processes of a facility that is up.

    ``path``: its file (default: as commands find it: what ``PODIUM_FACILITY`` names, else the one
    that is up, else ``./facility.yaml``). ``coordinator``: its endpoint on the bus (default: what
    ``podium up`` has written into the file ``state``, which is as given to it); where the facility
    file names a meeting point, that is used instead. This process is a client of the facility
    there, or ``me``, and finds its certificate by itself: that of this user; where a facility file
    names a folder of them, ``PODIUM_CLIENT`` says which. Without ``recorded`` its runs go into no
    records. Raises ``RunRefused`` when it cannot be.
    """
    from podium.control.bus.bus import BusError
    from podium.control.bus.process_bus import client_of, join_bus
    from podium.control.facility.endpoints import let_programs_last
    from podium.control.facility.load import load_facility

    path = _file_of(path)
    await asyncio.to_thread(let_programs_last, endpoints)
    facility = await asyncio.to_thread(load_facility, path, endpoints)
    if facility.bus is None and coordinator is None:
        coordinator = _coordinator_of(Path(path), state)
    async with AsyncExitStack() as stack:
        try:
            me = me or client_of(facility.bus)
            bus = await stack.enter_async_context(join_bus(facility, me, coordinator))
        except BusError as error:
            raise RunRefused(str(error)) from error
        lab = Lab(facility, bus, who, file=Path(path), recorded=recorded)
        async with lab.recorder.running():
            yield lab


def _file_of(path: Path | str | None, *, not_yet_up: bool = False) -> Path:
    from podium.control.facility.facility_in_use import WhichFacility, usual_facility

    try:
        return usual_facility(not_yet_up=not_yet_up) if path is None else Path(path)
    except WhichFacility as error:
        raise RunRefused(str(error)) from error


def _coordinator_of(path: Path, state: Path | None) -> str:
    """Return where the coordinator of a facility is that ``podium up`` keeps up."""
    from podium.control.facility.state_file import NotUp, read_state
    from podium.control.facility.state_folder import default_state_file

    try:
        return read_state(state or default_state_file(path)).coordinator
    except NotUp as error:
        raise RunRefused(
            f"{path} is not up, or elsewhere: {error}, or name its coordinator"
        ) from error

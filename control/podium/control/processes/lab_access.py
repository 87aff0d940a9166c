"""Opens a facility for a command: joined if it is up, else owned for the time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from podium.control.client.facility_access import join_facility, open_facility
from podium.control.client.lab import Lab
from podium.control.facility.state_file import NotUp, kept_up, where_up
from podium.control.facility.state_folder import default_state_file


@asynccontextmanager
async def reached(
    facility: Path,
    endpoints: Path | None,
    state_file: Path | None,
    *,
    all_of_it: bool = True,
    store: Path | str | None = None,
    reading_only: bool = False,
) -> AsyncGenerator[Lab]:
    """Ask the processes of ``podium up`` if there are any; own the instruments otherwise.

    Raises ``AlreadyUp`` when somebody is about to put it up or to take it down, ``RunFailed``
    when an instrument does not answer, unless not ``all_of_it`` is wanted. ``store`` and
    ``reading_only``: as of :func:`~podium.control.client.facility_access.open_facility`.
    """
    state_file = state_file or default_state_file(facility)
    try:
        state = where_up(facility, state_file)
    except NotUp:
        with kept_up(state_file):
            async with open_facility(
                facility, endpoints, state=state_file, store=store, reading_only=reading_only
            ) as lab:
                if all_of_it:
                    await lab.all_connected()
                yield lab
        return
    # Addresses are for those who own instruments: the file over them may be gone by now.
    async with join_facility(facility, state.coordinator) as lab:
        if all_of_it:
            await lab.all_connected()
        yield lab

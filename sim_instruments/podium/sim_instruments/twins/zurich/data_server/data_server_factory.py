"""Builds a data server whose instruments execute uploaded programs, as a laboratory has it."""

from collections.abc import Callable, Mapping

from podium.firmware_interfaces.zurich.inventory.models import MODELS
from podium.sim_instruments.execution.playback import WiredPlayback
from podium.sim_instruments.physics.digital_lines import LinesEnd
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText
from podium.sim_instruments.twins.zurich.pqsc.register_bank import RegisterBank
from podium.sim_instruments.twins.zurich.pqsc.zsync_cables import PQSC, cabled, show_links
from podium.sim_instruments.twins.zurich.runs.clocked_execution import ClockedExecution
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.program_execution import ProgramExecution
from podium.sim_instruments.twins.zurich.signals.marker_lines import MarkerLines
from podium.sim_instruments.twins.zurich.triggers.trigger_inputs import TriggerInputs
from podium.sim_instruments.twins.zurich.triggers.trigger_levels import TriggerLevels


def running_data_server(
    serial: str,
    devices: Mapping[int, str],
    texts: Callable[[], VendorText] = VendorText,
    playback: WiredPlayback | None = None,
    clock: TickCounter | None = None,
    lines: LinesEnd | None = None,
    options: Mapping[int, str] | None = None,
    zsync: Mapping[int, str] | None = None,
    labone_version: str | None = None,
    noise_seed: int | None = None,
) -> DataServer:
    """Return a data server whose instruments execute what is uploaded to them.

    ``clock``: the instruments' counter, where the timing plane starts them; ``lines``: cables at
    their markers and trigger inputs; ``options``: of quantum analyzers, by serial number, where
    they differ from what most buy; ``zsync``: instrument by port of the PQSC; None: all are
    connected; ``labone_version``: the version it claims; ``noise_seed``: of the noise of inputs
    without a world; None: they have none. Raises ValueError for an instrument that is not there,
    and for a text that is no version.
    """
    cables = cabled(devices, zsync)
    time = LocalTime(clock)
    counts = {f"dev{n}": MODELS[model].counts for n, model in devices.items() if model in MODELS}
    hubs = [f"dev{n}" for n, model in devices.items() if model == PQSC]
    markers = None if lines is None else MarkerLines(lines)
    executing = ProgramExecution(
        playback=playback,
        zsync=tuple(cables.values()),
        time=time,
        markers=markers,
        bank=RegisterBank(cables),
        noise_seed=noise_seed,
        levels=None if lines is None else TriggerLevels(lines, time),
    )
    execution = ClockedExecution(executing, time, TriggerInputs(counts, hubs))
    if lines is not None:
        lines.watch(execution.advance)
    server = DataServer(serial, devices, texts, execution, options, time, labone_version)
    show_links(server.devices, cables)
    return server

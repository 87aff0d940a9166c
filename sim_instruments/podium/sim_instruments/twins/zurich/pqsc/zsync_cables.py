"""ZSync cables of a rack connect instruments to ports of its PQSC, which shows them.

One PQSC for each data server.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.nodes.device import Device

PQSC: Final = "PQSC"
PORTS: Final = 18
ZSYNC_CLOCK: Final = 2
"""``system/clocks/referenceclock/in/source`` (``.../source`` of an HDAWG): node documentation."""
IN_PROGRESS, LINKED = 1, 2
"""``zsyncs/N/connection/status``, as zhinst-toolkit 1.4.0 tells of them; 0 is no instrument.
ASSUMED: the first is what an instrument shows that takes its clock from elsewhere."""


def cabled(devices: Mapping[int, str], cables: Mapping[int, str] | None) -> dict[int, str]:
    """Return the instrument at each port of the PQSC: ``dev12000``.

    ``cables``: as the facility file says; None: all are connected, by their numbers.
    """
    if cables is not None:
        return dict(cables)
    others = [f"dev{serial}" for serial, model in sorted(devices.items()) if model != PQSC]
    return dict(enumerate(others[:PORTS])) if PQSC in devices.values() else {}


def clock_node(is_hdawg: bool) -> str:
    """Return the node that says what an instrument takes its clock from."""
    return f"system/clocks/referenceclock/{'source' if is_hdawg else 'in/source'}"


def show_links(devices: Sequence[Device], cables: Mapping[int, str]) -> None:
    """Have the PQSC tell who is at its ports."""
    by_name = {device.name: device for device in devices}
    for pqsc in devices:
        if pqsc.model.name != PQSC:
            continue
        for port, name in cables.items():
            node = f"zsyncs/{port}/connection"
            other = by_name[name]
            pqsc.store.put(f"{node}/serial", str(other.serial), 0)
            pqsc.store.put(f"{node}/devtype", other.model.name, 0)
            pqsc.store.show(f"{node}/status", partial(_status, other))


def _status(device: Device, now_fs: int) -> Value:
    node = clock_node(device.model.name.startswith("HDAWG"))
    return LINKED if device.store.value(node, now_fs) == ZSYNC_CLOCK else IN_PROGRESS

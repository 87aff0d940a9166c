"""Racks of instruments behind one data server: what hangs on the hub that starts them all."""

from podium.control.facility.parsed import Complaints
from podium.control.facility.problems import KeyPath, suggest
from podium.firmware_interfaces.models import InstrumentModel
from podium.firmware_interfaces.zurich.limits import HUB


def check_cables(
    cables: object, modules: object, model: InstrumentModel, path: KeyPath, complaints: Complaints
) -> None:
    """Check that a hub is there, and that its cables go to instruments that are."""
    if not isinstance(cables, dict) or not isinstance(modules, dict):
        return
    hubs = [f"{model.place}{number}" for number, kind in modules.items() if kind == HUB]
    if len(hubs) != 1:
        there = f"there are {len(hubs)}" if hubs else "there is none"
        message = f"cables of one {HUB} are written here; behind this {model.product} {there}"
        complaints.at(path, message, at_key=True)
        return
    others = [f"{model.place}{number}" for number in modules]
    others.remove(hubs[0])
    for port, word in cables.items():
        if isinstance(word, str) and word not in others:
            where = "is the hub itself" if word == hubs[0] else "is not there"
            complaints.at((*path, port), f"{word!r} {where}; {suggest(word, others)}")

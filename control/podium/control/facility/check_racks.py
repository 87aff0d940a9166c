"""Racks of instruments behind one data server: the PQSC that starts them, and its cables."""

from podium.control.facility.file_contents import Complaints
from podium.control.facility.problems import KeyPath, suggest
from podium.firmware_interfaces.models import InstrumentModel
from podium.firmware_interfaces.zurich.limits import PQSC


def check_cables(
    cables: object, modules: object, model: InstrumentModel, path: KeyPath, complaints: Complaints
) -> None:
    """Check that a PQSC is there, and that its cables go to instruments that are."""
    if not isinstance(cables, dict) or not isinstance(modules, dict):
        return
    pqscs = [f"{model.place}{number}" for number, kind in modules.items() if kind == PQSC]
    if len(pqscs) != 1:
        there = f"there are {len(pqscs)}" if pqscs else "there is none"
        message = f"cables of one {PQSC} are written here; behind this {model.product} {there}"
        complaints.at(path, message, at_key=True)
        return
    others = [f"{model.place}{number}" for number in modules]
    others.remove(pqscs[0])
    for port, word in cables.items():
        if isinstance(word, str) and word not in others:
            where = "is the PQSC itself" if word == pqscs[0] else "is not there"
            complaints.at((*path, port), f"{word!r} {where}; {suggest(word, others)}")

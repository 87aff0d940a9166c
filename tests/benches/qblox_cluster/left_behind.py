"""Everything that a client can read of a cluster after a run of the bench of feedback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from benches import feedback
from podium.firmware_interfaces.qblox_cluster.framing import Command, encode_command
from podium.sim_instruments.physics.drive_crosstalk import NO_CROSSTALK, DriveCrosstalk
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer

END_FS = 10**18
LOOK_FS = 3 * 10**9
"""3 us: nothing has been measured by then."""


@dataclass(frozen=True)
class Left:
    states: tuple[bytes, ...]
    data: tuple[bytes, ...]
    """Bins and scope."""
    registers: tuple[bytes, ...]
    counts: tuple[int, ...]
    """Of the trigger network, by address."""


class Unplanned(feedback.ChipPlay):
    """A chip before which every run is played as it comes."""

    def planned(self, carriers) -> None:
        return None


def left_behind(
    used: Sequence[feedback.Sequencer],
    chip: FeedlinePoint,
    qubits: int,
    *,
    plans: bool,
    mixers: Mapping[str, Mixer] | None = None,
    edges_fs: Sequence[int] = (),
    bins: int = 1,
    lines: Mapping[str, str] = feedback.LINES,
    crosstalk: DriveCrosstalk = NO_CROSSTALK,
    los_hz: Mapping[int, int] = MappingProxyType({}),
) -> Left:
    """Run programs, planned ahead or as they come; ``bins``: of each acquisition.

    ``los_hz``: of the first local oscillator of a slot, where it is not as it was switched on.

    ``edges_fs``: when edges come to the trigger input, which is mapped to address 15 and open, if
    any come. The cluster is spoken to a moment after each.
    """
    play = (feedback.ChipPlay if plans else Unplanned)(chip, lines, crosstalk)
    modules = {2: "QRM-RF", 4: "QCM-RF", 6: "QCM-RF"}
    twin = ClusterTwin(modules, "1", play, mixers=mixers)
    sessions = {slot: twin.open(f"slot{slot}") for slot in (2, 4, 6)}
    for slot, hz in los_hz.items():
        twin.modules[slot].oscillators[0].tune(hz)

    def send(one: feedback.Sequencer, header: str, *arguments, block=None, now_fs=0) -> bytes:
        command = Command(f"SEQuencer{one.number}:{header}", arguments, block)
        return sessions[one.slot].feed(encode_command(command), now_fs)

    for one in used:
        out = one.number if one.slot == 4 else 0
        send(one, "CONFiguration", block=json_bytes(feedback.settings(one, qubits)))
        send(one, "CHANnelmap", block=json_bytes([[2 * out], [2 * out + 1]]))
        send(one, "PROGram", block=one.program.encode())
        for name in "ab" if one.slot == 2 else "":
            send(one, "ACQ:ALISt:ACQuisition:NEW", name, str(bins))
    if edges_fs:
        for line in (("ADDRess", "15"), ("ENAble", "1")):
            command = Command(f"TRG:IN:MAP:{line[0]}", line[1:], None)
            twin.open("scpi").feed(encode_command(command), 0)
    for verb in ("ARM", "START"):
        for one in used:
            send(one, verb)
    for at_fs in edges_fs:
        twin.edge(at_fs)
        twin.horizon(at_fs + LOOK_FS)
    twin.horizon(END_FS)
    states = tuple(send(one, "STATE?", now_fs=END_FS) for one in used)
    readers = [one for one in used if one.slot == 2]
    for one in readers:
        send(one, "ACQ:ALISt:ACQuisition:DATA:STORe", "a", now_fs=END_FS)
    data = tuple(send(one, "ACQ:ALISt?", now_fs=END_FS) for one in readers)
    assert all(len(one) > 100 for one in data)
    registers = tuple(send(one, "REGisterS?", now_fs=END_FS) for one in used)
    return Left(states, data, registers, tuple(twin.management.network.counts))


def both(
    used: Sequence[feedback.Sequencer], chip: FeedlinePoint, qubits: int = 1, **given: Any
) -> Left:
    """Return what is left of a run that is planned ahead: the same to the bit as it comes."""
    planned = left_behind(used, chip, qubits, plans=True, **given)
    assert planned == left_behind(used, chip, qubits, plans=False, **given)
    return planned

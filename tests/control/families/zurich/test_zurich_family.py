"""What a trigger at a PQSC starts: a rack of Zurich Instruments, executed by its twin."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.nodes.two_nodes_up import MIXED, MIXED_RACK
from tests.benches.referees import seqc_corpus
from tests.benches.zurich.device_bench import MS, US
from tests.benches.zurich.plane import World

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.external_start import FIRST_MARKER_FS, FIRST_SHOT_FS
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for, wirings_of
from podium.control.families.zurich.family import ZurichFamily
from podium.control.program.parameters import with_parameters
from podium.control.program.program import (
    Capture,
    Delay,
    Frame,
    Parameter,
    Play,
    Program,
    ShiftPhase,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.limits import TRIGGER_LATENCY_NS
from podium.firmware_interfaces.zurich.rack import ZurichRack
from podium.firmware_interfaces.zurich.values import bytes_vector, text_vector, vector_of
from podium.sim_instruments.physics.clock_makes import CONTROLLER
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.twins.zurich.data_server.data_server_factory import running_data_server

NS = FS_PER_NS
DRIVE = Frame("d", "node_b.q0.drive", 6.05e9)
FLUX = Frame("f", "node_b.q0.flux", 0.0)
READ = Frame("r", "node_b.q0.readout", 7.15e9)
ELSEWHERE = Frame("a", "node_a.q0.drive", 6.0e9)
PULSES = (
    Play("d", Square(64 * NS), 0.5),
    Play("f", Square(64 * NS), 0.3),
    Play("a", Gaussian(40 * NS, 10 * NS), 0.5),
    Delay(("d", "f", "a"), 2 * US),
)
PLAYED = Program("played", (DRIVE, FLUX, ELSEWHERE), PULSES)
HEARD = Program(
    "heard",
    (DRIVE, READ),
    (Play("d", Square(64 * NS), 0.5), Capture("r", "c", 400 * NS, 100 * NS),
     Play("r", Square(400 * NS), 0.1), Delay(("d", "r"), 2 * US)),
)  # fmt: skip
SHFQC, HDAWG, PQSC = "dev12001", "dev8001", "dev10001"
OUTPUTS = [ConnectorRef("zi_b", f"{SHFQC}.sg0_marker")]
SEES_NS = 4
"""From the trigger to the first instruction after the wait."""


class RackPlane:
    """The rack of the example on a clock of its own, before a world that answers with numbers."""

    def __init__(self) -> None:
        self.counter = TickCounter(Clock(7, "zi", CONTROLLER, Room(7)))
        self.lines = DigitalLines()
        self.lines.connect(("tagger", "io0"), ("zi", f"{SHFQC}.sg0_marker"), 0)
        self.world = World()
        self.server = running_data_server(
            "1",
            {10001: "PQSC", 12001: "SHFQC", 8001: "HDAWG4"},
            playback=self.world,
            clock=self.counter,
            lines=LinesEnd(self.lines, "zi"),
            zsync={0: SHFQC, 1: HDAWG},
        )
        self.devices = {one.name: one for one in self.server.devices}
        self.now_fs = FS_PER_S
        self.server._power_on(self.now_fs)
        self.set(SHFQC, "system/clocks/referenceclock/in/source", 2)
        self.set(HDAWG, "system/clocks/referenceclock/source", 2)

    def set(self, device, path, value) -> None:
        self.devices[device].store.set(f"/{device}/{path}", value, self.now_fs)

    def get(self, device, path):
        self.devices[device].update(self.now_fs)
        return self.devices[device].store.value(path, self.now_fs)

    def wait(self, fs) -> None:
        self.now_fs += fs
        for device in (*self.devices.values(), *self.devices.values()):
            device.update(self.now_fs)

    def load(self, program) -> None:
        """Bring one instrument's program there, as the driver does, and enable its cores."""
        device = program.instrument.partition(".")[2]
        kinds = {"qa": "SHFQA4", "sg": "SHFQC", "hdawg": "HDAWG8"}
        for core in program.cores:
            elf, said = seqc_corpus.vendor_elf(core.text, kinds[core.kind])
            assert not said
            self.set(device, f"{core.node}/elf/data", bytes_vector(elf))
            for wave in core.waveforms:
                parts = [np.array(one, np.int16) for one in (wave.i, wave.q) if one is not None]
                words = np.stack(parts, axis=1).ravel().view(np.uint16)
                at = "waveform/waves"
                self.set(device, f"{core.node}/{at}/{wave.index}", vector_of(words))
            if core.command_table is not None:
                table = text_vector(core.command_table)
                self.set(device, f"{core.node}/commandtable/data", table)
            for weights in core.weights:
                samples = np.array(weights.i) + 1j * np.array(weights.q)
                path = f"qachannels/{core.index}/readout/integration/weights/{weights.slot}/wave"
                self.set(device, path, vector_of(samples))
            for pulse in core.readout_waveforms:
                samples = np.array(pulse.i) + 1j * np.array(pulse.q)
                path = f"qachannels/{core.index}/generator/waveforms/{pulse.slot}/wave"
                self.set(device, path, vector_of(samples))
        for path, value in program.settings:
            self.set(device, path, value)
        if program.record is not None:
            self.set(device, f"qachannels/{program.record.channel}/readout/result/enable", 1)
        for core in program.cores:
            self.set(device, f"{core.node}/enable", 1)

    def start(self, rack: ZurichRack) -> int:
        """Start as the driver does; return when the PQSC's sample sees the edge, in its ticks."""
        for program in rack.programs:
            self.load(program)
        assert rack.trigger is not None
        self.set(PQSC, "execution/trigger", rack.trigger + 1)
        self.set(PQSC, "execution/repetitions", 1)
        self.set(PQSC, "execution/enable", 1)
        self.wait(US)
        edge_fs = self.now_fs + 100 * US + 1_234_567
        self.server.input(f"{PQSC}.trigger{rack.trigger}").edge(edge_fs)
        self.wait(MS)
        return -(-self.counter.to_ticks(edge_fs) // 4) * 4 + TRIGGER_LATENCY_NS

    def markers_ns(self) -> np.ndarray:
        """Return when the marker rose, by the instruments' counter."""
        edges = self.lines.heard(("tagger", "io0"), 0, self.now_fs)
        assert edges is not None
        return np.array([self.counter.to_ticks(at_fs) for at_fs, up in edges if up])

    def played_ns(self, line: str) -> int:
        """Return when the first piece leaves a line, by the instruments' counter."""
        signals = self.world.signals
        begun = self.counter.to_ticks(signals.start_tai_fs)
        return begun + min(int(one.start_ns[0]) for one in signals.drives if one.line == line)


@pytest.fixture
def plane():
    return RackPlane()


@pytest.fixture(scope="module")
def facility():
    return load_facility(MIXED_RACK)


def wiring(facility, offset_fs=0):
    (found,) = wirings_of(facility, ("zi_b", "wrtd_b"))
    return replace(found, offset_ns=offset_fs // NS, late_fs=offset_fs % NS)


@pytest.mark.parametrize("offset_fs", [0, 7_500_000])
def test_what_two_instruments_play_is_at_their_connectors_at_one_time(plane, facility, offset_fs):
    rack = ZurichFamily(facility).compile(PLAYED, "zi_b", wiring(facility, offset_fs))
    assert isinstance(rack, ZurichRack)
    assert (rack.pqsc, rack.trigger) == (PQSC, 0)
    seen = plane.start(rack)
    drive, flux = plane.played_ns(f"{SHFQC}.sg0"), plane.played_ns(f"{HDAWG}.sigout0")
    assert abs(drive - flux) <= 1, "half nanoseconds lie within the pieces"
    due = seen + rack.first_shot_fs // NS
    assert abs(drive - due) <= 1
    assert rack.first_shot_fs - offset_fs == FIRST_SHOT_FS + 308 * NS


@pytest.mark.parametrize("offset_fs", [0, 7_500_000])
def test_a_marker_is_as_late_as_a_pulse(plane, facility, offset_fs):
    rack = ZurichFamily(facility).markers(OUTPUTS, 5, wiring(facility, offset_fs))
    seen = plane.start(rack)
    due = seen + 308 + FIRST_MARKER_FS / NS + offset_fs / NS + np.arange(5) * 2_011
    found = plane.markers_ns()
    assert len(found) == 5
    assert np.abs(found - due).max() <= 1.5


@pytest.mark.parametrize("program", [PLAYED, HEARD])
@pytest.mark.parametrize("offset_fs", [0, 5_500_000])
def test_an_analyser_that_is_connected_to_it_records_when_all_began(
    plane, facility, program, offset_fs
):
    rack = ZurichFamily(facility).compile(program, "zi_b", wiring(facility, offset_fs))
    (one,) = (part for part in rack.programs if part.record is not None)
    assert one.instrument == f"zi_b.{SHFQC}"
    seen = plane.start(rack)
    slot = one.record.slot
    content = plane.get(SHFQC, f"qachannels/0/readout/result/data/{slot}/wave").content
    base = plane.devices[SHFQC].store.time_base
    stamp_fs = base.start_fs + int.from_bytes(content[64:72], "little") * 250_000
    began_fs = stamp_fs - one.record.after_fs
    late_fs = began_fs - (seen + SEES_NS) * NS
    assert 0 <= late_fs <= 300 * NS, "as late as its readouts are at the connector, and constant"
    again = plane.start(rack)
    content = plane.get(SHFQC, f"qachannels/0/readout/result/data/{slot}/wave").content
    stamp_fs = base.start_fs + int.from_bytes(content[64:72], "little") * 250_000
    assert abs(stamp_fs - one.record.after_fs - (again + SEES_NS) * NS - late_fs) <= NS


def test_who_is_connected_to_no_port_is_named(facility):
    options = {**facility.instruments["zi_b"].options, "zsync": FrozenMap({0: SHFQC})}
    entry = replace(facility.instruments["zi_b"], options=FrozenMap(options))
    cut = replace(facility, instruments=FrozenMap({**facility.instruments, "zi_b": entry}))
    with pytest.raises(
        DoesNotFit, match=r"'played': dev8001 are connected to no ZSync port of zi_b\.dev10"
    ):
        ZurichFamily(cut).compile(PLAYED, "zi_b", wiring(cut))


def test_a_rack_without_an_analyser_cannot_say_when_it_began(facility):
    modules = FrozenMap({10001: "PQSC", 12001: "SHFSG4", 8001: "HDAWG4"})
    options = {**facility.instruments["zi_b"].options, "devices": modules}
    entry = replace(facility.instruments["zi_b"], options=FrozenMap(options))
    bare = replace(facility, instruments=FrozenMap({**facility.instruments, "zi_b": entry}))
    with pytest.raises(DoesNotFit, match="none of its instruments has an analyser"):
        ZurichFamily(bare).compile(PLAYED, "zi_b", wiring(bare))


def test_one_that_is_triggered_itself_starts_no_other(facility):
    (found,) = wirings_of(load_facility(MIXED), ("zi_b", "wrtd_b"))
    with pytest.raises(DoesNotFit, match=r"node_b\.q0\.flux: not on zi_b\.dev12001.*a PQSC's"):
        ZurichFamily(facility).compile(PLAYED, "zi_b", found)


def test_what_is_fired_is_compiled_with_its_numbers() -> None:
    facility = load_facility(MIXED_RACK)
    turned = replace(HEARD, body=(ShiftPhase("d", Parameter("turn", 0.0)), *HEARD.body))
    name, fired = compiler_for(facility).prepare(turned)
    assert name == "zi_b"
    wanted = ZurichFamily(facility).compile(with_parameters(turned, {"turn": 0.25}), name, None)
    assert fired.patched_with(np.array([0.25])) in (wanted, None)
    assert fired.fired_with(np.array([0.25])) == wanted

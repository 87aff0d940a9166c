"""One simulated instrument behind the data server has nodes, and acts on their changes."""

import json
import re

from podium.firmware_interfaces.zurich.awg_limits import READOUT_SAMPLES
from podium.firmware_interfaces.zurich.inventory.models import fitted, nodes_of
from podium.firmware_interfaces.zurich.labone_version import LabOneVersion
from podium.firmware_interfaces.zurich.node_documentation import NodeDocumentation
from podium.firmware_interfaces.zurich.refusals import Code, Kind, Refusal, Refused
from podium.firmware_interfaces.zurich.values import Element, Value, Vector
from podium.sim_instruments.twins.zurich.data_server.sequencer_port import Execution
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore, TimeBase
from podium.sim_instruments.twins.zurich.nodes.output_delay_nodes import OutputDelayNodes
from podium.sim_instruments.twins.zurich.nodes.precompensation_nodes import PrecompensationNodes
from podium.sim_instruments.twins.zurich.nodes.qudits import Qudits
from podium.sim_instruments.twins.zurich.nodes.reference import REFERENCE, Reference
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.sequencer.pipeliner import Pipeliners
from podium.sim_instruments.twins.zurich.sequencer.sequencers import CheckTable, Sequencers

INTERFACES = ("1GbE", "USB")
_SELF_CLEARING = re.compile(
    r".*/(clear|clearwave|clearweight|reset|identify|load|commit|calibrate|saveip|all)"
    r"|raw/error/clear|system/(identify|preset/load|swtriggers/\d+/single)"
)
_READOUT_WAVE = re.compile(
    r"qachannels/\d+/(generator/waveforms|readout/integration/weights)/\d+/wave"
)
_CLOCK_SOURCE = re.compile(r"system/clocks/referenceclock/(in/)?source")


class Device:
    """An instrument. It knows nothing of who is connected."""

    def __init__(
        self,
        serial: int,
        model: str,
        options: str | None,
        documentation: NodeDocumentation,
        execution: Execution,
        check_table: CheckTable,
        table_schema: str,
        time: LocalTime | None = None,
        version: LabOneVersion | None = None,
    ) -> None:
        """``options``: of its quantum analyzer; None: what most buy; ``time``: by its clock, where
        that is not the world's; ``version``: of its firmware; None: the newest.

        Raises KeyError for a model that is not known.
        """
        entry = fitted(model, options)
        self.name = f"dev{serial}"
        self.model = entry
        self.serial = serial
        self.connected = False
        """Whether the data server has taken it. Until then it is only seen in the network."""
        self.owner = ""
        """Another data server that has it; empty: none."""
        ticking = time or LocalTime()
        time_base = TimeBase(round(1 / entry.time_base_s), local_fs=ticking.local_fs)
        nodes = nodes_of(model, options, version)
        self.store = NodeStore(f"/{self.name}", nodes, documentation, model, time_base)
        self._execution = execution
        store, put = self.store, self.store.put
        for path, value in (
            ("features/serial", str(serial)),
            ("features/devtype", model),
            ("features/options", "\n".join(entry.options)),
            ("clockbase", entry.clock_base_hz),
            ("system/properties/timebase", entry.time_base_s),
        ):
            put(path, value, 0)
        store.show("status/time", lambda now_fs: store.time_base.ticks(now_fs))
        execution.attached(
            self.name,
            lambda node: self.store.value(node, 0),
            lambda local_fs: store.time_base.counted(local_fs),
        )
        self.sequencers = Sequencers(
            self.name, model, store, execution, check_table, table_schema
        )  # fmt: skip
        self.reference = Reference(self.store, ticking.clock)
        self._pipeliners = Pipeliners(
            self.name, store, execution, self.sequencers.uploaded, self.sequencers.complain
        )
        self._attach()

    def update(self, now_fs: int) -> None:
        """Have nodes show what has happened by now."""
        self.reference.update(now_fs)
        self.sequencers.update(now_fs)
        self._pipeliners.update(now_fs)

    def summary(self, server: str) -> dict[str, object]:
        """Return what the data server tells of it in ``/zi/devices``.

        ASSUMED: which keys there are; they are those that clients were seen to read.
        """
        return {
            "DEVICETYPE": self.model.name,
            "OPTIONS": "\n".join(self.model.options),
            "SERIAL": str(self.serial),
            "OWNER": server if self.connected else self.owner,
            "INTERFACE": INTERFACES[0],
            "AVAILABLE": not (self.connected or self.owner),
            "STATUS": "In use" if self.connected or self.owner else "Free",
            "STATUSFLAGS": 0,
            "UPDATESTATUS": 0,
        }

    def _attach(self) -> None:
        if self.store.has("qachannels/0/readout/multistate/enable"):
            Qudits(self.store, self._tell)
        if self.store.has("sigouts/0/delay"):
            OutputDelayNodes(self.store)
        if self.store.has("sigouts/0/precompensation/enable"):
            PrecompensationNodes(self.store)
        for path in self.store.paths_below_root():
            shape = "/".join("#" if step.isdigit() else step for step in path.split("/"))
            if _SELF_CLEARING.fullmatch(path):
                self.store.when_set_if_free(shape, self._done)
            elif _CLOCK_SOURCE.fullmatch(path):
                self.store.when_set_if_free(shape, self._lock)
            elif path.startswith(("synthesizers/", "sgchannels/")) and path.endswith(
                ("#/centerfreq", "/synthesizer", "/centerfreq")
            ):
                self.store.when_set_if_free(shape, self._tune)
            elif path.startswith(
                (
                    "execution/",
                    "system/internaltrigger/",
                    "qachannels/",
                    "scopes/",
                    "zsyncs/",
                    "feedback/",
                    "raw/markers/",
                    "raw/triggers/",
                )
            ):
                self.store.when_set_if_free(shape, self._tell)
        if self.store.has("sgchannels/0/synthesizer"):
            self._lay_out_synthesizers()

    def _tell(self, path: str, value: Value, now_fs: int) -> None:
        if self._pipeliners.holds(path, value, now_fs):
            return
        if _READOUT_WAVE.fullmatch(path) and isinstance(value, Vector):
            self._check_length(path, value, now_fs)
        self._execution.written(self.name, path, value, now_fs)

    def _check_length(self, path: str, wave: Vector, now_fs: int) -> None:
        """Refuse what the memory does not hold. ASSUMED: in what words; it is empty then."""
        # The vendor's client sends two words of 32 bits a sample, others complex numbers.
        each = 1 if wave.element is Element.COMPLEX_DOUBLE else 2
        samples = len(wave) // each
        if samples > READOUT_SAMPLES:
            self.store.put(path, Vector(Element.COMPLEX_DOUBLE, b""), now_fs)
            message = f"{path}: {samples} samples, at most {READOUT_SAMPLES}"
            raise Refused(Refusal(Code.INVALID_ARGUMENT, message, Kind.BAD_REQUEST))

    def _done(self, path: str, value: Value, now_fs: int) -> None:
        """Carry out at once what a node is written for, and show that it is done."""
        self._tell(path, value, now_fs)
        if value:
            if path == "raw/error/clear":
                self.store.put("raw/error/json/errors", '{"messages":[]}', now_fs)
            elif path.endswith(("/clearwave", "/clearweight")):
                self._clear_waves(path.rpartition("/")[0], now_fs)
            elif path == "system/preset/load":
                self._load_factory_preset(now_fs)
            self.store.put(path, 0, now_fs)

    def _load_factory_preset(self, now_fs: int) -> None:
        """Have all settings as at power-on. ASSUMED: programs stay; there is no other preset."""
        self.store.put("system/preset/busy", 1, now_fs)
        self.store.settings_as_at_power_on(now_fs)
        if self.store.has("sgchannels/0/synthesizer"):
            self._lay_out_synthesizers()
        for node in ("status", "source", "in/status", "in/source"):
            # Whoever waits for the reference hears that it is there.
            path = f"system/clocks/referenceclock/{node}"
            if self.store.has(path):
                self.store.put(path, self.store.value(path, now_fs), now_fs)
        self.store.put("system/preset/busy", 0, now_fs)

    def _clear_waves(self, below: str, now_fs: int) -> None:
        """Empty all waveforms, or integration weights, below a path."""
        for path in self.store.paths_below_root():
            if path.startswith(f"{below}/") and path.endswith("/wave"):
                self.store.put(path, Vector(Element.COMPLEX_DOUBLE, b""), now_fs)

    def _lock(self, path: str, value: Value, now_fs: int) -> None:
        """Follow the reference that was chosen. ASSUMED, off a timing plane: it is there, and locks
        at once."""
        self._tell(path, value, now_fs)
        if path.startswith(REFERENCE) and self.reference.chosen(int(str(value)), now_fs):
            return
        if self.store.has(f"{path}actual"):
            self.store.put(f"{path}actual", value, now_fs)

    def _tune(self, path: str, value: Value, now_fs: int) -> None:
        """Have channels show the centre frequency of their synthesizer."""
        self._tell(path, value, now_fs)
        for channel in range(self.model.counts.get("sg", 0)):
            synthesizer = self.store.value(f"sgchannels/{channel}/synthesizer", now_fs)
            frequency = self.store.value(f"synthesizers/{synthesizer}/centerfreq", now_fs)
            if frequency != self.store.value(f"sgchannels/{channel}/centerfreq", now_fs):
                self.store.put(f"sgchannels/{channel}/centerfreq", frequency, now_fs)

    def _lay_out_synthesizers(self) -> None:
        """Give each pair of generators a synthesizer; on an SHFQC the first is the analyser's."""
        first = 1 if "qa" in self.model.counts else 0
        for channel in range(self.model.counts["sg"]):
            self.store.put(f"sgchannels/{channel}/synthesizer", first + channel // 2, 0)


def visible(devices: tuple[Device, ...]) -> str:
    """Return how ``/zi/devices/visible`` names instruments."""
    return ",".join(device.name.upper() for device in devices)


def described(devices: tuple[Device, ...], server: str) -> str:
    """Return ``/zi/devices``: JSON with an object for each instrument."""
    return json.dumps({device.name.upper(): device.summary(server) for device in devices})

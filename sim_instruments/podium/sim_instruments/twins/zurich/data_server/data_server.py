"""Twin of a LabOne data server and of the instruments that it serves.

One process of the vendor's on one computer, port 8004; clients reach every instrument through it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from podium.firmware_interfaces.zurich.discovery import DiscoveredDevice
from podium.firmware_interfaces.zurich.handshake import KernelRequest, NoKernel, Reason
from podium.firmware_interfaces.zurich.inventory.models import server_nodes
from podium.firmware_interfaces.zurich.limits import TCP_PORT
from podium.firmware_interfaces.zurich.refusals import Kind, Refusal
from podium.firmware_interfaces.zurich.session_messages import Request
from podium.sim_instruments.execution.breakpoints import Breakpoint, Halted
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.command_observer import CommandListener, Verdict
from podium.sim_instruments.twins.trigger_line import TriggerSink
from podium.sim_instruments.twins.twin import Horizon, Session
from podium.sim_instruments.twins.zurich.data_server.connection import Connection
from podium.sim_instruments.twins.zurich.data_server.kernel import Kernel
from podium.sim_instruments.twins.zurich.data_server.request_words import request_words
from podium.sim_instruments.twins.zurich.data_server.sequencer_port import (
    Execution,
    NothingExecutes,
)
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText
from podium.sim_instruments.twins.zurich.nodes.device import INTERFACES, Device, described, visible
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore, TimeBase
from podium.sim_instruments.twins.zurich.runs.clocked_execution import ClockedExecution
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.program_stops import sequencer_named

SERVER_TICKS_PER_S = 1_000_000
"""Time stamps of the server's own nodes. ASSUMED."""


class DataServer:
    """A data server with its instruments, seen in its network from the start."""

    kernels = "zurich"
    """Family of the kernels that its programs execute."""

    def __init__(
        self,
        serial: str,
        devices: Mapping[int, str],
        texts: Callable[[], VendorText] = VendorText,
        execution: Execution | None = None,
        options: Mapping[int, str] | None = None,
        time: LocalTime | None = None,
        labone_version: str | None = None,
    ) -> None:
        """``devices``: serial number -> model; ``texts``: finds the vendor's own; ``options``: of
        quantum analyzers, by serial number, where they are not what most buy; ``time``: by the
        instruments' clock, where that is not the world's; ``labone_version``: what it says that
        it is; None: what the client is that is installed.

        Raises ValueError for a model that there is none of, and for what is no version.
        """
        self.name = f"podium-{serial}"
        text = texts()
        if labone_version is not None:
            text = replace(text, installed=labone_version)
        version = text.version
        self.version = version.hello
        self._execution = execution or NothingExecutes()
        self._commands = 0
        self._unknown = 0
        self._unmeant_told = 0
        """Of the tallies, when the last request was reported."""
        self._listener: CommandListener | None = None
        documentation = text.documentation
        try:
            self.devices = tuple(
                Device(
                    number,
                    model,
                    (options or {}).get(number),
                    documentation,
                    self._execution,
                    text.table_check(model),
                    text.table_schema(model),
                    time,
                    version,
                )
                for number, model in sorted(devices.items())
            )
        except KeyError as error:
            raise ValueError(f"no model {error} behind a data server") from None
        self.store = NodeStore(
            "/zi", server_nodes(version), documentation, "", TimeBase(SERVER_TICKS_PER_S)
        )  # fmt: skip
        self._powered = False
        self._kernels = {"zi": Kernel("zi", self.store, self._count, hear=self._hear)}
        self._describe(text)

    # --- as any twin ------------------------------------------------------------------

    @property
    def ports(self) -> Mapping[str, int]:
        """The one port."""
        return {"data_server": TCP_PORT}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        if port not in self.ports:
            raise KeyError(f"no port {port!r}, there is {', '.join(self.ports)}")
        return Connection(self)

    def input(self, connector: str) -> TriggerSink:
        """Return a trigger input (``dev12000.sg0_trigger``); KeyError where there is none."""
        if not isinstance(self._execution, ClockedExecution):
            raise KeyError(f"no trigger input {connector}: nothing executes programs here")
        return self._execution.input(connector)

    def stop_at(self, sequencer: str, breakpoints: Sequence[Breakpoint], halted: Halted) -> str:
        """Stop a sequencer (``dev12000/sgchannels/0``) at lines of SeqC and at conditions.

        See :class:`.StopsPrograms`. It is stopped from its next start on.
        """
        known = [(one.name, at) for one in self.devices for at in one.sequencers.places]
        key = sequencer_named(sequencer, known)
        if not isinstance(self._execution, ClockedExecution):
            raise ValueError(f"{sequencer} cannot be stopped: nothing executes programs here")
        self._execution.stop_at(key, breakpoints, halted)
        return "/".join(key)

    def signals_until_now(self, sequencer: str) -> tuple[RunSignals, int] | None:
        """Return what a run plays until a sequencer of it stands at a breakpoint, and that time.

        In ns of the run. None: it stands at none, or the run depends on measurements.
        """
        if not isinstance(self._execution, ClockedExecution):
            return None
        device, _, at = sequencer.partition("/")
        return self._execution.signals_until_now((device, at))

    def horizon(self, now_fs: int) -> Horizon:
        """Return what execution says."""
        return self._execution.horizon(now_fs)

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": self._commands, "unknown": self._unknown, "unmeant": self._unmeant()}

    def _unmeant(self) -> int:
        return sum(device.store.unmeant for device in self.devices) + self.store.unmeant

    def tell(self, listener: CommandListener) -> None:
        """Tell of every request from now on; see :class:`.command_observer.ReportsCommands`."""
        self._listener = listener
        self._unmeant_told = self._unmeant()

    def lend(self, device: str, owner: str) -> None:
        """Let another data server have an instrument, or take it back (``owner`` empty)."""
        (lent,) = (one for one in self.devices if one.name == device)
        self._let_go(lent, 0)
        lent.owner = owner
        self._tell_of_devices(0)

    def discovered_devices(self) -> tuple[DiscoveredDevice, ...]:
        """Return the instruments as discovery tells of them."""
        return tuple(
            DiscoveredDevice(
                device.name,
                device.model.name,
                tuple(device.model.options),
                INTERFACES,
                INTERFACES[0] if device.connected else "",
                self.name if device.connected else device.owner,
            )
            for device in self.devices
        )

    # --- kernels ----------------------------------------------------------------------

    def kernel(self, request: KernelRequest, now_fs: int) -> Kernel | NoKernel:
        """Return the kernel asked for; an instrument is taken when its kernel is."""
        self._power_on(now_fs)
        if request.kernel == "zi":
            return self._kernels["zi"]
        device = next((one for one in self.devices if one.name == request.kernel), None)
        if device is None:
            return NoKernel(Reason.DEVICE_NOT_FOUND, f"Device {request.kernel} not found")
        if device.owner:
            message = f"Device {device.name} is in use by {device.owner}"
            return NoKernel(Reason.DEVICE_IN_USE, message)
        interface = request.query.get("interface", "")
        if interface and interface.lower() not in [one.lower() for one in INTERFACES]:
            message = f"Device {device.name} is not reached by {interface}"
            return NoKernel(Reason.INTERFACE_MISMATCH, message)
        if device.name not in self._kernels:
            if request.query.get("autolaunch") == "0":
                return NoKernel(Reason.KERNEL_NOT_FOUND, f"Device {device.name} is not connected")
            self._kernels[device.name] = Kernel(
                device.name,
                device.store,
                self._count,
                device.update,
                partial(self._let_go, device),
                self._hear,
            )
            device.connected = True
            self._tell_of_devices(now_fs)
        return self._kernels[device.name]

    def _power_on(self, now_fs: int) -> None:
        """Begin to count time stamps when somebody first looks."""
        if not self._powered:
            self._powered = True
            for store in (self.store, *(device.store for device in self.devices)):
                store.time_base = store.time_base.switched_on(now_fs)

    def _let_go(self, device: Device, now_fs: int) -> None:
        """Let go of an instrument. ASSUMED: whoever else has its kernel is cut off."""
        kernel = self._kernels.pop(device.name, None)
        if kernel is not None:
            kernel.closed = True
            device.connected = False
            self._tell_of_devices(now_fs)

    def _count(self) -> None:
        self._commands += 1

    def _hear(self, request: Request, refusals: Sequence[Refusal]) -> None:
        unknown = any(one.kind is Kind.NOT_FOUND for one in refusals)
        self._unknown += unknown
        if self._listener is None:
            return
        before, self._unmeant_told = self._unmeant_told, self._unmeant()
        verdict: Verdict = "unmeant" if self._unmeant_told > before else "known"
        if refusals:
            verdict = "unknown" if unknown else "refused"
        self._listener(request_words(request), verdict)

    def _describe(self, text: VendorText) -> None:
        version = text.version
        if self.store.has("about/fullversion"):
            self.store.put("about/fullversion", version.full, 0)
        for path, value in (
            ("about/version", version.short),
            ("about/revision", version.revision),
            ("about/fwrevision", version.revision),
            ("about/copyright", "a simulation, not made by Zurich Instruments"),
        ):
            self.store.put(path, value, 0)
        self._tell_of_devices(0)

    def _tell_of_devices(self, now_fs: int) -> None:
        connected = tuple(device for device in self.devices if device.connected)
        self.store.put("devices/visible", visible(self.devices), now_fs)
        self.store.put("devices/connected", visible(connected), now_fs)
        self.store.put("devices", described(self.devices, self.name), now_fs)

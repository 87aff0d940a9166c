"""Opens a cluster's external trigger for a start, and reads when the cluster itself saw it."""

import json
import threading
import time
from typing import Any

from qblox_instruments.qcodes_drivers.time import Polarity, SyncRef

from podium.drivers.errors import NotStarted, ProtocolError, Refused
from podium.drivers.qblox_cluster.completion import poll_pause_s
from podium.drivers.qblox_cluster.connection import asking, in_one_packet, in_words, telling
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.firmware_interfaces.tai import Tai

PARTY_LINE = 0
"""Source of the capture (qblox-instruments 1.4.1, ``Time.arm``)."""
ARM = f"TIMEkeeping:CAPTure:ARM {PARTY_LINE},{int(Polarity.RISING_EDGE)},{int(SyncRef.OFF)}"
"""What ``Time.arm`` says for that (ditto)."""
STATUS = "TIMEkeeping:CAPTure:STATus?"
"""Whether it has captured something (ditto, ``Time.get_capture_status``)."""
CAPTURE = "TIMEkeeping:CAPTure?"
"""The time that it captured, as a block of JSON (ditto, ``_get_timekeeping_capture``)."""
TIME = "TIMEkeeping:CURRent:TIMEstamp?"
"""The cluster's time, in the same way (ditto, ``_get_current_timestamp``)."""
ENABLE = "TRG:IN:MAP:ENAble"
"""Lets pulses through from the trigger input (ditto, ``ext_trigger_input_trigger_en``)."""
ADDRESS = "TRG:IN:MAP:ADDRess"
"""The address in the trigger network that they have (ditto, ``ext_trigger_input_trigger_address``).
"""
TICKS_PER_NS = 2048
"""Units of the cluster's time (qblox-instruments 1.4.1, ``Time._convert_time_format``)."""


def time_of(told: str) -> Tai:
    """Return a time of the cluster's from its JSON. ASSUMED: its counter was set to TAI."""
    found: Any = json.loads(told)
    ticks = int(found["ns"]) * TICKS_PER_NS + int(found["sub"])
    return Tai.from_fs(ticks * 1_000_000 // TICKS_PER_NS)


class TriggeredStart:
    """One cluster's trigger input and the capture of its party line."""

    def __init__(self, name: str, cluster: Any) -> None:
        self._name = name
        self._cluster = cluster
        self._start: ExternalStart | None = None
        self._started: Tai | None = None
        """What was captured since the start was prepared; it is captured once."""

    def prepare(self, start: ExternalStart) -> None:
        """Close the trigger input, map it, and wait for the release of the party line."""
        self._start, self._started = start, None
        address = start.address
        with telling(self._name, f"arming its trigger input, counter {address} and the capture"):
            in_one_packet(
                self._cluster,
                (f"{ENABLE} 0", f"{ADDRESS} {address}", f"TNN:TRG:MON:COUNT:RST {address}", ARM),
            )

    def open(self) -> None:
        """Let pulses through to the trigger network."""
        with telling(self._name, "enabling its trigger input"):
            in_one_packet(self._cluster, (f"{ENABLE} 1",))

    def close(self) -> None:
        """Let no further pulse through. What was captured stays."""
        with telling(self._name, "disabling its trigger input"):
            in_one_packet(self._cluster, (f"{ENABLE} 0",))

    def started_at(self) -> Tai | None:
        """Return when the party line was released since :meth:`prepare`, None: not yet."""
        if self._start is None or self._started is not None:
            return self._started
        with asking(self._name, "reading the capture of its party line"):
            status = json.loads(in_words(self._cluster, STATUS))
            if not isinstance(status, dict) or "captured" not in status:
                raise ProtocolError(f"{self._name}: status of the time capture is {status!r}")
            if not status["captured"]:
                return None
            self._started = time_of(in_words(self._cluster, CAPTURE))
            return self._started

    def pulses(self) -> int:
        """Return how many pulses the trigger network has sent at the address since prepared."""
        address = 0 if self._start is None else self._start.address
        with asking(self._name, f"reading the count of trigger {address}"):
            return int(self._cluster.parameters[f"trigger{address}_monitor_count"].get())

    def wait(self, what: str, within_s: float, interrupted: threading.Event) -> Tai:
        """Return when it started; raises ``NotStarted`` where that is not within ``within_s``.

        ``Refused`` when ``interrupted`` was set. The sequencers then still wait.
        """
        began = time.monotonic()
        waited_s = 0.0
        while (started := self.started_at()) is None:
            if waited_s > within_s:  # by a look that began after that
                raise NotStarted(
                    f"{self._name}: running {what!r}: no start within {within_s:g} s; its trigger "
                    f"network has sent {self.pulses()} pulses at address "
                    f"{self._start.address if self._start else 0} since it was armed, "
                    "and its sequencers still wait"
                )
            if interrupted.wait(poll_pause_s(waited_s)):
                interrupted.clear()
                raise Refused(f"{self._name}: running {what!r}: given up while it waited to start")
            waited_s = time.monotonic() - began
        return started

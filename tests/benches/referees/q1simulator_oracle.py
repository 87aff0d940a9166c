"""Runs a program on q1simulator (MIT, TU Delft), an independent model of the Q1 processor.

Its core and renderer are called directly; what they latch is recorded as rows. Importing it would
open a window system: the module that does is replaced by an empty one.
"""

import contextlib
import io
import logging
import sys
import types
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FIRST_CAST_ID = 16
"""Messages from here on are routed back to the sequencer; lower ids fail there (1.3.4)."""
MEASURED_NS = 1000
"""Integration of acquisitions whose results are given."""
GUI = "q1simulator.gui.program_browser"


@dataclass(frozen=True, slots=True)
class Row:
    """What one play, acquire or upd_param latched."""

    kind: str
    time_ns: int
    indices: tuple[int, ...]
    gain: tuple[int, int]
    offset: tuple[int, int]
    marker: int
    frequency_hz: float
    phase_turns: float


@dataclass(frozen=True, slots=True)
class Record:
    """One run."""

    rows: tuple[Row, ...]
    end_ns: int
    errors: frozenset[str]
    exit_code: int
    registers: tuple[int, ...]
    stale_read: bool
    """It was refused because a register was read right behind its write."""


def simulate(
    text: str,
    *,
    waveforms: Sequence[int] = (),
    weights: Sequence[int] = (),
    acquisitions: dict[int, int] | None = None,
    triggers: Sequence[tuple[int, int]] = (),
    sync: bool = True,
    readout: bool = True,
    measured: tuple[int, Sequence[int | complex]] | None = None,
) -> Record:
    """Run ``text`` on a sequencer; ``triggers`` are (time in ns, address).

    ``measured``: the address to which acquisitions of index 0 send triggers, and their results:
    bits, or integrals in full scales of one sample.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _simulate(
            text, waveforms, weights, acquisitions or {}, triggers, sync, readout, measured
        )


def _simulate(
    text: str,
    waveforms: Sequence[int],
    weights: Sequence[int],
    acquisitions: dict[int, int],
    triggers: Sequence[tuple[int, int]],
    sync: bool,
    readout: bool,
    measured: tuple[int, Sequence[int | complex]] | None,
) -> Record:
    sys.modules.setdefault(GUI, types.ModuleType(GUI)).__dict__.setdefault(
        "Q1ProgramBrowser", object
    )
    from q1simulator.event_distributor import EventDistributor
    from q1simulator.q1core import Q1Core
    from q1simulator.rt_renderer import Renderer

    rows: list[Row] = []

    class Recorder(Renderer):  # type: ignore[misc]
        def upd_param(self, wait_after):  # type: ignore[no-untyped-def]
            self._record(("update", (), super().upd_param, (wait_after,)))

        def play(self, wave0, wave1, wait_after):  # type: ignore[no-untyped-def]
            self._record(("play", (wave0, wave1), super().play, (wave0, wave1, wait_after)))

        def acquire(self, *args):  # type: ignore[no-untyped-def]
            self._record(("acquire", args[:-1], super().acquire, args))

        def acquire_weighted(self, *args):  # type: ignore[no-untyped-def]
            self._record(("weighed", args[:-1], super().acquire_weighted, args))

        def _record(self, call):  # type: ignore[no-untyped-def]
            kind, indices, run, args = call
            self.latched = False
            faults = len(self.errors)
            known = set(self.errors)
            self.errors.clear()
            run(*args)
            if self.latched:
                time_ns, settings = self.latched
                turns = self.nco_phase_offset + self.relative_phase + self.delta_phase
                refused = bool(self.errors - {"WAIT TIME < 4 ns", "WAIT TIME > 65535 ns"})
                rows.append(
                    Row(
                        "update" if refused else kind,
                        time_ns,
                        () if refused else tuple(int(index) for index in indices),
                        tuple(int(gain) for gain in settings.awg_gain),
                        tuple(int(offset) for offset in settings.awg_offs),
                        int(settings.marker),
                        float(self.nco_frequency),
                        float((turns + self.nco_frequency * 1e-9 * time_ns) % 1),
                    )
                )
            assert faults == len(known)
            self.errors |= known

        def _update_settings(self):  # type: ignore[no-untyped-def]
            super()._update_settings()
            self.latched = (self.time, self.settings)

        def _render_marker(self, *_):  # type: ignore[no-untyped-def]
            pass  # fails beyond max_render_time (1.3.4); markers are compared as rows

    events = EventDistributor()
    renderer = Recorder("sequencer", events)
    renderer.max_render_time = 0
    renderer.threshold_count[:] = 1
    renderer.set_waveforms({k: np.zeros(length) for k, length in enumerate(waveforms)})
    renderer.set_weights({k: np.zeros(length) for k, length in enumerate(weights)})
    renderer.set_acquisitions(acquisitions)
    events.set_sequencer_sync_en("sequencer", sync)
    core = Q1Core("sequencer", renderer, readout, events, isa_version=2)
    renderer.reset()
    if measured is not None:
        address, results = measured
        renderer.set_integratrion_length_acq(MEASURED_NS)
        renderer.acq_conf.trigger_en = True
        renderer.acq_conf.trigger_addr = address
        given = [
            result if isinstance(result, complex) else 1.0 if result else -1.0 for result in results
        ]
        renderer.set_mock_data(0, given)
    events.arm_sequencer("sequencer", sync)
    for id_ in range(FIRST_CAST_ID, 256):
        events.set_route(id_, "sequencer")
    for time_ns, address in triggers:
        events._sequencer_queue["sequencer"].add_trigger(time_ns, address, 1)
    stale = False
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            core.load(text)
            events.start_sequencer("sequencer")
            try:
                core.run()
            except Exception as error:
                stale = "immediately after write" in str(error)
                if not stale:
                    raise
    finally:
        logging.disable(logging.NOTSET)
    return Record(
        tuple(rows),
        int(renderer.time),
        frozenset(core.errors | renderer.errors),
        int(core.exit_code),
        tuple(int(value) for value in core.R),
        stale,
    )

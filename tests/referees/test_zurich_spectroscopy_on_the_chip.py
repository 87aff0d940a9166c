"""The vendor's own sweeper, over the vendor's client, finds the resonators that the world hides."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.command_line import values_of
from tests.benches.referees.zurich_laboratory import served
from zhinst.toolkit import Session
from zhinst.utils.shf_sweeper import (
    AvgConfig,
    EnvelopeConfig,
    RfConfig,
    ShfSweeper,
    SweepConfig,
    TriggerConfig,
)

FACILITY = Path(__file__).parents[2] / "examples" / "first_light_zi" / "facility.yaml"
CENTRE_HZ = 7.0e9
SPAN_HZ, POINTS = 12e6, 49
AVERAGES = 20


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spectroscopy")
    with served(folder, FACILITY.read_text(), "zi_a") as one:
        yield Session(one.host, one.port), folder


@pytest.fixture(scope="module")
def truth(laboratory):
    """What the chip is at the biases of this moment."""
    return values_of("--endpoints", laboratory[1] / "e.json", "--at", "now")


def swept(session, around_hz, trigger, envelope=None, **average):
    device = session.connect_device("dev12000")
    device.qachannels[0].output.on(1)
    device.qachannels[0].input.on(1)
    sweeper = ShfSweeper(session.daq_server, "dev12000")
    sweeper.configure(
        sweep_config=SweepConfig(
            start_freq=around_hz - CENTRE_HZ - SPAN_HZ / 2,
            stop_freq=around_hz - CENTRE_HZ + SPAN_HZ / 2,
            num_points=POINTS,
            oscillator_gain=0.02,
        ),
        avg_config=AvgConfig(num_averages=AVERAGES, **average),
        rf_config=RfConfig(channel=0, input_range=-50, output_range=-25, center_freq=CENTRE_HZ),
        trig_config=trigger,
        envelope_config=envelope,
    )
    hz = around_hz + np.linspace(-SPAN_HZ / 2, SPAN_HZ / 2, POINTS)
    return hz, sweeper, device


def dip(hz, points):
    """Return where the least comes back: of a parabola about the lowest point."""
    power = np.abs(points) ** 2
    k = int(np.argmin(power[2:-2])) + 2
    a, b, _ = np.polyfit(hz[k - 2 : k + 3] - hz[k], power[k - 2 : k + 3], 2)
    return hz[k] - b / (2 * a)


@pytest.mark.parametrize("qubit", ["q0", pytest.param("q2", marks=pytest.mark.slow)])
def test_a_tone_that_is_on_all_the_time_is_swept_over_a_resonator(laboratory, truth, qubit):
    name = f"node_a.{qubit}"
    # With the qubit in its ground state the resonator is chi away from the middle.
    resonator_hz = truth[f"{name}.readout_frequency"] - truth[f"{name}.chi"]
    hz, sweeper, _ = swept(
        laboratory[0], resonator_hz + 1.3e6, TriggerConfig(source=None), integration_time=10e-6
    )
    found = sweeper.run()["vector"]
    assert len(found) == POINTS
    assert abs(dip(hz, found) - resonator_hz) < 0.1 * truth[f"{name}.kappa"]
    far = np.abs(found[np.abs(hz - resonator_hz) > truth[f"{name}.kappa"]])
    assert np.abs(found).min() < 0.2 * far.max()


def test_pulses_with_an_envelope_wait_for_their_triggers(laboratory, truth):
    resonator_hz = truth["node_a.q1.readout_frequency"] - truth["node_a.q1.chi"]
    envelope = EnvelopeConfig(waveform=np.full(8000, 0.5 + 0j), delay=0.0)
    hz, sweeper, device = swept(
        laboratory[0],
        resonator_hz - 0.7e6,
        TriggerConfig(source="internal_trigger"),
        envelope,
        integration_time=3e-6,
        integration_delay=600e-9,
    )
    device.system.internaltrigger.repetitions(POINTS * AVERAGES)
    device.system.internaltrigger.holdoff(50e-6)
    enable = sweeper._enable_sequencer

    def armed_and_triggered():
        enable()
        device.system.internaltrigger.enable(1)

    sweeper._enable_sequencer = armed_and_triggered
    found = sweeper.run()["vector"]
    assert abs(dip(hz, found) - resonator_hz) < 0.15 * truth["node_a.q1.kappa"]

import numpy as np
import pytest
from tests.benches.zurich.processor import processor

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import trigger_edges
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy import (
    BadSpectroscopy,
    SpectroscopySettings,
    integrate,
    power_density,
    sent,
)
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators

SWEEP = (
    "configFreqSweep(0, -1e8, 2.5e7); var k;"
    "for (k = 0; k < 9; k++) { setSweepStep(0, k); resetOscPhase(); playZero(4096);"
    "setTrigger(1); playZero(512); setTrigger(0); }"
)


def resonance(hz: np.ndarray) -> np.ndarray:
    return 1 - 0.9 / (1 + 2j * (hz - 2e7) / 3e7)


def test_a_sweep_sees_a_resonance():
    trace = processor(SWEEP, "SHFQA4").run()
    triggers = trigger_edges(trace, 0)
    assert len(triggers) == 9
    frequencies = -1e8 + 2.5e7 * np.arange(9)
    settings = SpectroscopySettings(length=2000, delay=400)
    none = Oscillators()
    samples = 2400
    records = np.array(
        [
            resonance(hz) * sent(trace, none, settings, int(trigger), samples) * 0.2
            for hz, trigger in zip(frequencies, triggers, strict=True)
        ]
    )
    found = integrate(records, trace, none, settings, triggers)
    assert found == pytest.approx(0.2 * resonance(frequencies), rel=1e-9)
    assert power_density(found, settings).real == pytest.approx(np.abs(found) ** 2 * 1e-6)


def test_an_envelope_shapes_what_is_sent():
    trace = processor("playZero(512); setTrigger(1);", "SHFQA4").run()
    envelope = np.linspace(0, 1, 64) * np.exp(0.3j)
    settings = SpectroscopySettings(length=64, envelope=envelope, envelope_delay=8, gain=0.5)
    (trigger,) = trigger_edges(trace, 0).tolist()
    out = sent(trace, Oscillators((1e8,) + (0.0,) * 7), settings, trigger, 100)
    assert not out[:8].any()
    assert not out[72:].any()
    carrier = np.exp(2j * np.pi * 0.05 * (trigger + 8 + np.arange(64)))
    assert out[8:72] == pytest.approx(0.5 * envelope * carrier)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"length": 0}, "length 0"),
        ({"length": 8, "delay": 3}, "integration delay 3"),
        ({"length": 8, "envelope_delay": -4}, "envelope delay -4"),
        ({"length": 8, "envelope": np.ones(70_000)}, "70000 samples"),
        ({"length": 8, "envelope": np.array([1 + 1j])}, "unit circle"),
    ],
)
def test_spectroscopy_that_cannot_be_is_refused(settings, says):
    with pytest.raises(BadSpectroscopy, match=says):
        SpectroscopySettings(**settings)

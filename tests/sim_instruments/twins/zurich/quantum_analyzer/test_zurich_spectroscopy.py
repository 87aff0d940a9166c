import numpy as np
import pytest

from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy import (
    BadSpectroscopy,
    SpectroscopySettings,
)


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

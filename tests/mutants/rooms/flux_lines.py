"""Mistakes about what is undone of flux lines: when pulses arrive, and where else."""

from tests.mutants.mutant import Mutant

_COMPILERS = "control/podium/control/compilers"

MUTANTS = (
    Mutant(
        "flux-lines/a-late-line-plays-later",
        f"{_COMPILERS}/qblox/predistortion.py",
        "delay_ns += whole_ns",
        "delay_ns -= whole_ns",
        ("tests/control/compilers/qblox/test_predistortion.py",),
        "what arrives late is made later still",
    ),
    Mutant(
        "flux-lines/the-other-output-of-a-core-does-not-wait",
        f"{_COMPILERS}/zurich/settings.py",
        "delays.get(port.channel, 0) / rate_hz",
        "0 / rate_hz",
        ("tests/control/compilers/zurich/test_zurich_precompensation.py",),
        "the quicker line of a core arrives too early",
    ),
    Mutant(
        "flux-lines/companions-add-crosstalk",
        "control/podium/control/client/pulsed_crosstalk.py",
        "played = np.linalg.inv(arrives)",
        "played = arrives",
        ("tests/control/client/test_pulsed_crosstalk.py",),
        "what is to be taken away is played twice",
    ),
    Mutant(
        "flux-lines/a-companion-does-not-wait",
        f"{_COMPILERS}/crosstalk.py",
        "(*frames, *(c.name for c in beside))",
        "frames",
        ("tests/control/compilers/test_crosstalk.py",),
        "crosstalk is taken away at another instant",
    ),
)

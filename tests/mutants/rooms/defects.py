"""Mistakes about what a chip loses: defects beside transmons, losses of fluxoniums."""

from tests.mutants.mutant import Mutant

_PHYSICS = "sim_instruments/podium/sim_instruments/physics"
_DEFECTS = f"{_PHYSICS}/defects.py"
_REACHED = f"{_PHYSICS}/joint/reached_defects.py"
_LOSSES = f"{_PHYSICS}/relaxation.py"
_PATH = "control/podium/control/calibration/gate_path.py"
_TESTS = "tests/sim_instruments/physics"
_BY_RATES = (f"{_TESTS}/test_defects.py",)
_BY_SWAPS = (f"{_TESTS}/joint/test_reached_defects.py",)
_BY_LOSSES = (f"{_TESTS}/test_fluxonium_losses.py",)
_BY_ROUTINE = ("tests/control/calibration/test_defect_spectroscopy.py",)

MUTANTS = (
    Mutant(
        "defects/a-line-of-half-its-size",
        _DEFECTS,
        "return 2 * coupling**2 * width /",
        "return coupling**2 * width /",
        _BY_RATES,
        "idling near a defect costs half of what it does",
    ),
    Mutant(
        "defects/an-edge-of-no-time-reaches",
        _REACHED,
        "held = np.unique(np.array([0.0, *values]))",
        "held = np.linspace(min(values), max(values), 999)",
        _BY_SWAPS,
        "what is passed within a nanosecond shares a state",
    ),
    Mutant(
        "defects/the-second-level-reaches-nothing",
        _DEFECTS,
        "[:, :2] < reach_hz[:2]",
        "[:, :1] < reach_hz[:1]",
        _BY_SWAPS,
        "what a gate has in 2 is not lost",
    ),
    Mutant(
        "defects/those-that-have-gone-are-named",
        _PATH,
        "if entry.tai_s >= first.tai_s",
        "if entry.tai_s >= 0",
        _BY_ROUTINE,
        "a defect of an earlier measurement is in the path",
    ),
    Mutant(
        "losses/an-inductance-loses-half",
        _LOSSES,
        "return 2 * math.pi * 2 * inductive_hz",
        "return 2 * math.pi * inductive_hz",
        ("tests/referees/test_scqubits_fluxonium.py",),
        "T1 by an inductance is twice as long as scqubits has it",
    ),
    Mutant(
        "losses/quasiparticles-see-the-whole-phase",
        f"{_PHYSICS}/fluxonium.py",
        "np.sin(found.shifted / 2)",
        "np.sin(found.shifted)",
        _BY_LOSSES,
        "at the sweet spot 0-1 sees quasiparticles",
    ),
)

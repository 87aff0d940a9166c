"""Mistakes of the link layer and of heralded states: labels, qubits, epochs, deadlines."""

from tests.mutants.mutant import Mutant

_LINKS = "control/podium/control/links"
_STEPS = f"{_LINKS}/link_steps.py"
_PASS = f"{_LINKS}/request_pass.py"
_LINK_PHYSICS = "sim_instruments/podium/sim_instruments/physics/links"
_STATES = "sim_instruments/podium/sim_instruments/physics/links/heralded_states.py"
_BY_STEPS = ("tests/control/links/test_link_steps.py",)
_BY_FIDELITY = ("tests/control/links/test_pair_fidelity.py",)
_BY_STATES = ("tests/sim_instruments/physics/links/test_heralded_states.py",)
_STATIONS = f"{_LINKS}/heralded_links.py"
_RUNS = "control/podium/control/commands/link_runs.py"
_ATTEMPTS = "control/podium/control/calibration/links"
_BY_STATIONS = ("tests/control/links/test_heralded_links.py",)
_BY_FAULTS = ("tests/control/calibration/links/test_shared_heralds.py",)

MUTANTS = (
    Mutant(
        "heralds/a-runs-doubt-is-forgotten",
        _RUNS,
        "max(0.0, judged.fidelity - SIGMAS * judged.sigma)",
        "judged.fidelity",
        _BY_FAULTS,
        "a label is kinder than the world in every other run",
    ),
    Mutant(
        "heralds/runs-are-asked-until-one-is-kind",
        _RUNS,
        "if worth < self._wanted:",
        "if worth < 0.0:",
        _BY_FAULTS,
        "labels are chosen for their errors",
    ),
    Mutant(
        "links/a-pair-was-made-at-the-trigger",
        "control/podium/control/records/run_attributes.py",
        "if not shots:",
        "if True:",
        ("tests/control/records/test_run_attributes.py",),
        "a pair was made some microseconds before its photon left",
    ),
    Mutant(
        "heralds/one-arm-does",
        f"{_ATTEMPTS}/shared_heralds.py",
        "< ONE_SIDED * whole",
        "< -1.0",
        _BY_FAULTS,
        "a fibre that is out is not named",
    ),
    Mutant(
        "heralds/figures-do-not-age",
        _STATIONS,
        "abs(now_tai_s - entry.tai_s) / lasts_s",
        "0.0 / lasts_s",
        _BY_STATIONS,
        "what was measured yesterday counts as if it were new",
    ),
    Mutant(
        "heralds/the-slowest-alpha-is-best",
        _STATIONS,
        "chance > fits[0]",
        "chance < fits[0]",
        _BY_STATIONS,
        "pairs come at a tenth of the rate",
    ),
    Mutant(
        "heralds/any-deadline-does",
        _STATIONS,
        "< LIKELY",
        "< 0.0",
        _BY_STATIONS,
        "requests that will fail are played to their deadlines",
    ),
    Mutant(
        "heralds/the-farther-end-waits",
        f"{_ATTEMPTS}/heralded_pair.py",
        "return max(0, -apart_ns), max(0, apart_ns)",
        "return max(0, apart_ns), max(0, -apart_ns)",
        (
            "tests/control/calibration/links/test_photon_coincidences.py",
            "tests/control/calibration/links/test_heralded_pair.py",
        ),
        "photons miss each other by twice what was measured",
    ),
    Mutant(
        "links/swaps-of-werner-pairs",
        f"{_LINKS}/pair_fidelity.py",
        "return left * right * (1.0 - error)",
        "return swapped((left, right)) * (1.0 - error)",
        _BY_STEPS,
        "a label after a swap is kinder than the world where errors do not undo each other",
    ),
    Mutant(
        "links/gates-of-swaps-are-perfect",
        f"{_LINKS}/pair_fidelity.py",
        "return left * right * (1.0 - error)",
        "return left * right",
        _BY_STEPS,
        "a label forgets what the hub's gates cost",
    ),
    Mutant(
        "links/waiting-states-are-even",
        f"{_LINKS}/storage.py",
        "kept * fidelity - lost",
        "kept * fidelity",
        _BY_FIDELITY,
        "a pair whose excited half weighs more decays faster than its label",
    ),
    Mutant(
        "links/check-by-the-better-pair",
        _STEPS,
        "least = min(one.fidelity_at",
        "least = max(one.fidelity_at",
        _BY_STEPS,
        "an old pair counts for a new one",
    ),
    Mutant(
        "links/errors-of-a-check-pass-for-good",
        f"{_LINKS}/pair_fidelity.py",
        "return good * after / (good + error)",
        "return after",
        _BY_STEPS,
        "a check that failed by itself betters a label",
    ),
    Mutant(
        "links/a-station-comes-back-with-its-pairs",
        _STEPS,
        'state, actions = _down(state, name, "")',
        "actions: list[Action] = []",
        _BY_STEPS,
        "halves of pairs that a hub has lost are swapped and delivered",
    ),
    Mutant(
        "links/epochs-do-not-matter",
        _STEPS,
        "state, actions = _thrown(state, lambda pair: not _current(state, pair))",
        "actions: list[Action] = []",
        _BY_STEPS,
        "a pair of unknown phase is handed out",
    ),
    Mutant(
        "links/delivered-without-a-qubit",
        _PASS,
        "good = [one for one in good[: request.pairs] if self._claim(one)]",
        "good = good[: request.pairs]",
        _BY_STEPS,
        "a station holds more halves than it has qubits",
    ),
    Mutant(
        "links/late-requests-first",
        _PASS,
        "sorted(self._state.requests.values(), key=_by_deadline)",
        "sorted(self._state.requests.values(), key=_by_deadline, reverse=True)",
        _BY_STEPS,
        "a request misses its deadline for one that has time",
    ),
    Mutant(
        "links/a-switch-leads-an-arm-to-two-places",
        _PASS,
        "return not any(set(one.ends) & set(link.ends) for one in others)",
        "return True",
        _BY_STEPS,
        "two links ask for one arm of a switch",
    ),
    Mutant(
        "heralding/noise-that-does-not-bunch",
        _STATES,
        "stirred = np.linalg.inv(np.eye(2) + noise @ efficiency)",
        "stirred = np.eye(2)",
        _BY_STATES,
        "thermal photons come one by one",
    ),
    Mutant(
        "heralding/nobody-flips-the-qubits",
        _STATES,
        "flipped = then[::-1, ::-1]",
        "flipped = then",
        _BY_STATES,
        "the second window heralds what the first one did",
    ),
    Mutant(
        "links/silent-detectors-have-seen-it",
        f"{_LINK_PHYSICS}/generator_values.py",
        "complex(down[i, j] - field.unseen[i, j]) + noise",
        "complex(down[i, j]) + noise",
        ("tests/sim_instruments/physics/meeting/test_click_channel.py",),
        "no pattern of clicks has another chance or state than no pattern at all",
    ),
    Mutant(
        "links/blind-detectors-click",
        f"{_LINK_PHYSICS}/click_detector.py",
        "if after_fs < free_fs or after_fs >= until_fs - from_fs:",
        "if after_fs >= until_fs - from_fs:",
        ("tests/sim_instruments/physics/links/test_click_detector.py",),
        "a detector clicks within its dead time",
    ),
    Mutant(
        "links/both-detectors-announce-one-sign",
        "control/podium/control/calibration/links/heralded_pair.py",
        "return Heralds(sign > 0, sign < 0)",
        "return Heralds(sign != 0, sign > 1)",
        ("tests/control/calibration/links/test_heralded_pair.py",),
        "pairs of the second detector are taken for those of the first",
    ),
    Mutant(
        "links/a-station-knows-all-at-once",
        "sim_instruments/podium/sim_instruments/servers/herald_stations.py",
        "if busy and name not in self._awaited:",
        "if False:",
        ("tests/sim_instruments/servers/test_herald_stations.py",),
        "a time tagger reads its windows before the nodes' photons are worked out",
    ),
)

"""Mistakes about when starts are: skew ledger and routine, correction, start grid, lead."""

from tests.mutants.mutant import Mutant

_ROOM = "control/podium/control/timebase"
_TESTS = "tests/control/timebase"
_LEDGER = f"{_ROOM}/skew_ledger.py"
_SKEW = f"{_ROOM}/skew.py"
_CORRECTION = f"{_ROOM}/skew_ledger.py"
_LOOPBACK = f"{_ROOM}/loopback.py"
_ROUTINE = f"{_ROOM}/skew_routine.py"
_STORE = f"{_ROOM}/skew_store.py"
_GRID = f"{_ROOM}/start_grid.py"
_LEAD = f"{_ROOM}/lead_time.py"
_SKEWS = "control/podium/control/coordinator/skews.py"
_BY_FILTER = (f"{_TESTS}/test_drift_filter.py",)
_BY_LEDGER = (f"{_TESTS}/test_skew_ledger.py", f"{_TESTS}/test_skews_recorded.py")
_BY_LOOPBACK = (f"{_TESTS}/test_loopback.py",)
_BY_ROUTINE = (f"{_TESTS}/test_skew_routine.py",)
_BY_GRID = (f"{_TESTS}/test_start_grid.py",)
_BY_LEAD = (f"{_TESTS}/test_lead_time.py",)
_BY_SKEWS = ("tests/control/coordinator/test_skew_settings.py",)


MUTANTS = (
    Mutant(
        "ledger/sigma-of-one-end",
        _LEDGER,
        "math.hypot(sigmas_fs[one], sigmas_fs[other])",
        "max(sigmas_fs[one], sigmas_fs[other])",
        _BY_LEDGER,
        "two ports are corrected whose difference is not known well enough",
    ),
    Mutant(
        "ledger/limit-not-looked-at",
        _LEDGER,
        "if sigma_fs > sigma_limit_fs:",
        "if sigma_fs > 10 * sigma_limit_fs:",
        _BY_LEDGER,
        "a skew that nobody knows is a correction",
    ),
    Mutant(
        "ledger/kept-before-it-is-judged",
        _LEDGER,
        "        followed = {one.pair: self._followed(one, anew) for one in skews}\n"
        "        self._kept.put(skews, starts, anew=anew)\n",
        "        self._kept.put(skews, starts, anew=anew)\n"
        "        followed = {one.pair: self._followed(one, anew) for one in skews}\n",
        _BY_LEDGER,
        "a jump that was refused is there after a restart",
    ),
    Mutant(
        "ledger/noted-though-not-kept",
        _LEDGER,
        "        self._kept.put(skews, starts, anew=anew)\n        self._filters |= followed\n",
        "        self._filters |= followed\n        self._kept.put(skews, starts, anew=anew)\n",
        _BY_LEDGER,
        "what was not written counts until the restart",
    ),
    Mutant(
        "ledger/delays-not-looked-at",
        _LEDGER,
        "if delays_ns not in (None, known.delays_ns):",
        "if delays_ns is None and known.delays_ns:",
        _BY_LEDGER,
        "a skew of other trigger delays is a correction, whole samples off",
    ),
    Mutant(
        "ledger/anew-is-forgotten-at-restart",
        _STORE,
        '"anew": anew,',
        '"anew": False,',
        _BY_LEDGER,
        "a skew begun anew makes the ledger unreadable at the next start",
    ),
    Mutant(
        "ledger/newest-start-first",
        _STORE,
        "order_by(table.c.id)",
        "order_by(table.c.id.desc())",
        _BY_LEDGER,
        "after a restart the oldest delay of a trigger counts",
    ),
    Mutant(
        "skew/cables-the-wrong-way",
        _SKEW,
        "tagged_fs - port.delay_fs + reference.delay_fs",
        "tagged_fs + port.delay_fs - reference.delay_fs",
        (*_BY_LOOPBACK, *_BY_FILTER),
        "the cables' difference is put in twice instead of taken out",
    ),
    Mutant(
        "skew/sigma-of-one-cable",
        _SKEW,
        "math.hypot(port.sigma_fs, reference.sigma_fs)",
        "max(port.sigma_fs, reference.sigma_fs)",
        _BY_LOOPBACK,
        "one cable's error is left out",
    ),
    Mutant(
        "skew/sigma-of-one-start",
        _LOOPBACK,
        "float(np.std(tagged_fs, ddof=1)) / len(starts) ** 0.5",
        "float(np.std(tagged_fs, ddof=1))",
        _BY_LOOPBACK,
        "a hundred starts are worth no more than one",
    ),
    Mutant(
        "skew/border-at-a-whole-sample",
        _LOOPBACK,
        "spread_fs > period_ns * FS_PER_NS / 2",
        "spread_fs > period_ns * FS_PER_NS",
        _BY_LOOPBACK,
        "starts on both sides of a border are averaged",
    ),
    Mutant(
        "skew/delay-at-the-border",
        _LOOPBACK,
        "int(before - 0.5 + period_ns / 2) % period_ns",
        "int(before) % period_ns",
        _BY_LOOPBACK,
        "the edge is laid onto the border of a sample",
    ),
    Mutant(
        "skew/reset-between-starts",
        _ROUTINE,
        'self._epochs.check(seen.epochs, "a clock was reset while skews were measured")',
        "self._epochs = seen.epochs",
        _BY_ROUTINE,
        "a skew is the mean of two epochs",
    ),
    Mutant(
        "skew/record-is-exact",
        _ROUTINE,
        "RECORD_FS + max(late_fs) - min(late_fs)",
        "RECORD_FS",
        _BY_ROUTINE,
        "starts that scatter by a sample are later refused as wrong",
    ),
    Mutant(
        "skew/near-border-is-measured-on",
        _ROUTINE,
        "if choice == CHOICES - 1:",
        "if choice == CHOICES:",
        _BY_ROUTINE,
        "starts near a border end as a skew of too few of them",
    ),
    Mutant(
        "correction/earliest-is-the-mark",
        _CORRECTION,
        "max(skews_fs.values(), default=0)",
        "min(skews_fs.values(), default=0)",
        _BY_LEDGER,
        "ports would have to be made earlier",
    ),
    Mutant(
        "correction/cut-off-instead-of-rounded",
        _CORRECTION,
        "math.floor(delay_fs / grid.period_fs + Fraction(1, 2))",
        "math.floor(delay_fs / grid.period_fs)",
        _BY_LEDGER,
        "a remainder of up to a whole tick is left",
    ),
    Mutant(
        "settings/sigma-in-ps",
        _SKEWS,
        "SIGMA_LIMIT_FS = SKEW_FLOOR_FS",
        "SIGMA_LIMIT_FS = 1_000 * SKEW_FLOOR_FS",
        _BY_SKEWS,
        "nodes are started by a skew that is known to 100 ns",
    ),
    Mutant(
        "grid/product-for-common-multiple",
        _GRID,
        "math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator)",
        "math.lcm(one.numerator, other.numerator), math.lcm(one.denominator, other.denominator)",
        _BY_GRID,
        "a start lies between two ticks of a controller",
    ),
    Mutant(
        "grid/tick-before",
        _GRID,
        "ticks = -(-(instant.total_fs + lead_fs) // self.period_fs)",
        "ticks = (instant.total_fs + lead_fs) // self.period_fs",
        _BY_GRID,
        "a start comes sooner than the lead allows",
    ),
    Mutant(
        "grid/by-floats",
        _GRID,
        "ticks = -(-(instant.total_fs + lead_fs) // self.period_fs)",
        "ticks = math.ceil((instant.total_fs + lead_fs) / self.period_fs)",
        _BY_GRID,
        "an instant of TAI in fs has 25 digits, a float 16",
    ),
    Mutant(
        "lead/falls-at-once",
        _LEAD,
        "max(0.0, above_fs * kept)",
        "0.0 * kept",
        _BY_LEAD,
        "after one late start the next one is late again",
    ),
    Mutant(
        "lead/quantile-without-confidence",
        _LEAD,
        "if 1 - below < CONFIDENCE:",
        "if 1 - below < 1 - CONFIDENCE:",
        _BY_LEAD,
        "the lead is lowered on too few deliveries",
    ),
    Mutant(
        "lead/forgets-the-newest",
        _LEAD,
        "bisect_left(self._sorted, self._recent.popleft())",
        "bisect_left(self._sorted, self._recent.pop())",
        _BY_LEAD,
        "the window never moves on",
    ),
)

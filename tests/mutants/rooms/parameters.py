"""Mistakes about values and times: quantities, exact time, the store, how long a value is good."""

from tests.mutants.mutant import Mutant

_WIRE = "firmware_interfaces/podium/firmware_interfaces"
_CALIBRATION = "control/podium/control/calibration"
_PARAMETERS = "control/podium/control/parameters"
_QUANTITY = f"{_WIRE}/quantity.py"
_TIME = f"{_WIRE}/exact_time.py"
_TAI = f"{_WIRE}/tai.py"
_STORE = f"{_PARAMETERS}/store.py"
_SCHEMA = f"{_PARAMETERS}/store_schema.py"
_ENTRY = f"{_PARAMETERS}/entry.py"
_VALIDITY = f"{_PARAMETERS}/validity.py"
_KNOWN = f"{_PARAMETERS}/known_values.py"
_DISCRIMINATION = f"{_CALIBRATION}/discrimination.py"
_COMBINING = "control/podium/control/coordinator/batch_data.py"

_BY_QUANTITY = ("tests/firmware_interfaces/test_quantity.py",)
_BY_TIME = ("tests/firmware_interfaces/test_exact_time.py",)
_BY_TAI = ("tests/firmware_interfaces/test_tai.py",)
_BY_STORE = ("tests/control/parameters/test_store.py",)
_VALIDITY_TESTS = "tests/control/parameters/test_validity.py"
_BY_VALIDITY = (
    f"{_VALIDITY_TESTS}::test_a_parameter_is_good_for_its_time_and_no_longer",
    f"{_VALIDITY_TESTS}::test_a_parameter_from_a_clock_that_was_set_back_is_judged_by_its_distance",
    f"{_VALIDITY_TESTS}::test_only_what_depends_on_phases_ends_with_an_epoch",
    f"{_VALIDITY_TESTS}::test_an_old_value_gives_way_to_what_is_expected_and_that_is_said",
    f"{_VALIDITY_TESTS}::test_what_a_routine_stands_on_is_refused_when_old",
)
_BY_DISCRIMINATION = ("tests/control/calibration/test_discrimination.py",)
_BY_COMBINING = ("tests/control/coordinator/test_batch_data.py",)

MUTANTS = (
    Mutant(
        "quantity/mega-is-milli",
        _QUANTITY,
        '"MHz": 1e6, "GHz": 1e9, "mHz": 1e-3',
        '"MHz": 1e6, "GHz": 1e9, "mHz": 1e6',
        _BY_QUANTITY,
        "mHz is read as MHz",
    ),
    Mutant(
        "quantity/microvolts-a-second",
        _QUANTITY,
        '"V/s": {"V/s": 1.0, "mV/s": 1e-3, "uV/s": 1e-6',
        '"V/s": {"V/s": 1.0, "mV/s": 1e-3, "uV/s": 1e-3',
        _BY_QUANTITY,
        "a slew is a thousand times too fast",
    ),
    Mutant(
        "quantity/percent-is-a-number",
        _QUANTITY,
        '"1": {"%": 1e-2}',
        '"1": {"%": 1.0}',
        _BY_QUANTITY,
        "40 % is 40",
    ),
    Mutant(
        "quantity/bar-is-hectopascal",
        _QUANTITY,
        '"mbar": 1e2, "bar": 1e5',
        '"mbar": 1e2, "bar": 1e2',
        _BY_QUANTITY,
        "a pressure is a thousand times too low",
    ),
    Mutant(
        "quantity/no-unit-is-si",
        _QUANTITY,
        'if not suffix and unit != "1":',
        'if not suffix and unit not in ("1", "V"):',
        _BY_QUANTITY,
        "limit: 1200 is 1200 V",
    ),
    Mutant(
        "quantity/rounded-twice",
        _QUANTITY,
        "if float(exponent[0]) == 1.0:",
        "if float(exponent[0]) == 0.0:",
        _BY_QUANTITY,
        "33 us is not 3.3e-05 to the bit: two files differ that say the same",
    ),
    Mutant(
        "quantity/part-of-a-text",
        _QUANTITY,
        "_QUANTITY.fullmatch(str(text))",
        "_QUANTITY.match(str(text))",
        _BY_QUANTITY,
        "what follows the unit is not read",
    ),
    Mutant(
        "time/between-two-ticks-is-the-first",
        _TIME,
        "if exact.denominator != 1:",
        "if exact.denominator > 10**6:",
        _BY_TIME,
        "a time between two ticks is cut off in silence",
    ),
    Mutant(
        "time/period-by-floats",
        _TIME,
        "cls(Fraction(FS_PER_S, rate_hz))",
        "cls(Fraction(FS_PER_S / rate_hz))",
        _BY_TIME,
        "a grid of 2.4 GSa/s drifts away from its samples",
    ),
    Mutant(
        "time/period-is-whole",
        _TIME,
        "cls(Fraction(FS_PER_S, rate_hz))",
        "cls(Fraction(FS_PER_S // rate_hz))",
        _BY_TIME,
        "a tick of 2.4 GSa/s lasts a third of a femtosecond less",
    ),
    Mutant(
        "time/microsecond-is-a-millisecond",
        _TIME,
        "FS_PER_US = 1_000_000_000",
        "FS_PER_US = 1_000_000_000_000",
        _BY_TIME,
        "times are a thousand times too long",
    ),
    Mutant(
        "time/date-by-floats",
        _TAI,
        "return self.seconds * FS_PER_S + self.femtoseconds",
        "return int(self.seconds * 1e15) + self.femtoseconds",
        _BY_TAI,
        "an instant of today is a microsecond off",
    ),
    Mutant(
        "time/difference-the-other-way",
        _TAI,
        "return self.total_fs - earlier.total_fs",
        "return earlier.total_fs - self.total_fs",
        _BY_TAI,
        "late is early",
    ),
    Mutant(
        "time/full-second-of-femtoseconds",
        _TAI,
        "if not 0 <= self.femtoseconds < FS_PER_S:",
        "if not 0 <= self.femtoseconds <= FS_PER_S:",
        _BY_TAI,
        "one instant has two names: equal times compare unequal",
    ),
    Mutant(
        "store/newest-by-the-clock",
        _STORE,
        ".order_by(ENTRIES.c.id.desc())",
        ".order_by(ENTRIES.c.tai_s.desc())",
        _BY_STORE,
        "after a clock was set back what is measured does not count",
    ),
    Mutant(
        "store/oldest-counts",
        _STORE,
        ".order_by(ENTRIES.c.id.desc())",
        ".order_by(ENTRIES.c.id)",
        _BY_STORE,
        "what was measured first counts for ever",
    ),
    Mutant(
        "store/oldest-of-all",
        _STORE,
        "sa.select(sa.func.max(ENTRIES.c.id)).group_by",
        "sa.select(sa.func.min(ENTRIES.c.id)).group_by",
        _BY_STORE,
        "a table of all shows what was measured first",
    ),
    Mutant(
        "store/half-is-kept",
        "control/podium/control/facility/append_only.py",
        'connection.exec_driver_sql("BEGIN IMMEDIATE")',
        "pass",
        _BY_STORE,
        "of values that belong together some are kept",
    ),
    Mutant(
        "store/neighbour-with-a-longer-name",
        _STORE,
        'ENTRIES.c.name > f"{path}."',
        'ENTRIES.c.name > f"{path}"',
        _BY_STORE,
        "q0-x is taken for part of q0",
    ),
    Mutant(
        "store/as-it-was-when-measured",
        _STORE,
        "sa.func.coalesce(ENTRIES.c.put_tai_s, ENTRIES.c.tai_s) <= at_tai_s",
        "ENTRIES.c.tai_s <= at_tai_s",
        _BY_STORE,
        "a value put in later stands in the store of then",
    ),
    Mutant(
        "store/newer-schema-is-read",
        _SCHEMA,
        "if found > VERSION:",
        "if found > 100 * VERSION:",
        _BY_STORE,
        "what a newer Podium has written is misread",
    ),
    Mutant(
        "store/sigma-of-zero",
        _ENTRY,
        "math.isfinite(entry.sigma) and entry.sigma > 0",
        "math.isfinite(entry.sigma) and entry.sigma >= 0",
        _BY_STORE,
        "a value without error outweighs all others",
    ),
    Mutant(
        "store/infinite-sigma",
        _ENTRY,
        "if not (math.isfinite(entry.sigma) and entry.sigma > 0):",
        "if not entry.sigma > 0:",
        _BY_STORE,
        "a value of which nothing is known is kept",
    ),
    Mutant(
        "store/not-a-number",
        _ENTRY,
        "if not math.isfinite(entry.value):",
        "if math.isinf(entry.value):",
        _BY_STORE,
        "nan is a parameter",
    ),
    Mutant(
        "validity/of-the-quantity-first",
        _VALIDITY,
        "self.lasts_s.get(name, self.lasts_s.get(quantity))",
        "self.lasts_s.get(quantity, self.lasts_s.get(name))",
        _BY_VALIDITY,
        "what a person says of one qubit does not count",
    ),
    Mutant(
        "validity/any-epoch",
        _VALIDITY,
        "if validity.of_epoch and epoch is not None and entry.epoch != epoch:",
        "if validity.of_epoch and epoch is not None and entry.epoch > epoch:",
        _BY_VALIDITY,
        "levels of before a re-lock discriminate",
    ),
    Mutant(
        "validity/future-is-young",
        _VALIDITY,
        "if abs(age_s) <= validity.lasts_s:",
        "if age_s <= validity.lasts_s:",
        _BY_VALIDITY,
        "what a wrong clock has dated is good for ever",
    ),
    Mutant(
        "validity/old-is-handed-out",
        _KNOWN,
        'self.said[name] = f"{complaint}: not used"\n        return None',
        'self.said[name] = f"{complaint}: not used"\n        return entry',
        _BY_VALIDITY,
        "an old value is used and said not to be",
    ),
    Mutant(
        "validity/needed-though-old",
        _KNOWN,
        'if name.rpartition(".")[2] in self.needs:\n            raise self.stale'
        '(name, complaint)\n        self.said[name] = f"{complaint}: not used"',
        "if name in self.needs:\n            raise self.stale"
        '(name, complaint)\n        self.said[name] = f"{complaint}: not used"',
        _BY_VALIDITY,
        "a result stands on an old frequency",
    ),
    Mutant(
        "discriminator/turned-the-other-way",
        _DISCRIMINATION,
        "Discriminator(-phase(axis) / (2 * pi)",
        "Discriminator(phase(axis) / (2 * pi)",
        _BY_DISCRIMINATION,
        "results are drawn from what lies across the line",
    ),
    Mutant(
        "discriminator/threshold-from-nought",
        _DISCRIMINATION,
        "ground.real + threshold * abs(axis)",
        "threshold * abs(axis)",
        _BY_DISCRIMINATION,
        "the threshold does not know where level 0 is",
    ),
    Mutant(
        "discriminator/threshold-of-the-other-level",
        _DISCRIMINATION,
        "levels.ground * exp(-1j * phase(axis))",
        "levels.excited * exp(-1j * phase(axis))",
        _BY_DISCRIMINATION,
        "all shots read 0",
    ),
    Mutant(
        "batches/mean-of-means",
        _COMBINING,
        "part * one.counts, 0.0)",
        "part, 0.0)",
        _BY_COMBINING,
        "batches of few shots count as much as long ones",
    ),
    Mutant(
        "batches/clipped-in-the-last-one-only",
        _COMBINING,
        "self._clipped |= {",
        "self._clipped = {",
        _BY_COMBINING,
        "data that were out of range are not marked",
    ),
    Mutant(
        "batches/shots-of-one-batch",
        _COMBINING,
        "slice(batch.first_shot, batch.first_shot + batch.shots)",
        "slice(0, batch.shots)",
        _BY_COMBINING,
        "later batches are written over the first",
    ),
)

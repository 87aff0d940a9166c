"""Every parameter of the vendor's client is set to each kind of value it takes, and read back."""

import math
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from qcodes import validators as vals
from qcodes.parameters import Parameter
from qcodes.validators import Validator
from tests.benches.qblox_cluster import vendor_client as served
from tests.benches.thoroughness import cases, sampled

from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping

pytestmark = [
    pytest.mark.random_order(disabled=True),  # one box for all: they follow one another
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

ROOT = Path(__file__).parents[2]

MODULES = {2: "QRM-RF", 4: "QCM-RF", 6: "QCM", 8: "QRM", 10: "QTM", 12: "QRC"}
QUICK = (0, 6, 10, 12)
"""Slots whose modules have all kinds of parameters; the others have them as well."""


def exceptions(title: str) -> dict[str, str]:
    """Return pattern and reason of each row of a table of the reference page."""
    page = (ROOT / "docs/reference/qblox_cluster_parameters.md").read_text()
    section = page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[1].strip(" `"): row[2].strip() for row in rows}


NOT_READ_BACK = exceptions("Parameters that cannot be set and read back")
UNMEANT_PARAMETERS = exceptions("Parameters that mean nothing yet")
CLIENT_ALONE = exceptions("Values that the client alone refuses")


def matching(parameter: Parameter, patterns: dict[str, str]) -> set[str]:
    return {pattern for pattern in patterns if fnmatch(parameter.full_name, pattern)}


@pytest.fixture(scope="module")
def cluster():
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    world = served.Echo()
    twin = ClusterTwin(MODULES, "00015_2141_001", world)
    with served.running(twin, world) as (host, _):
        client = Cluster("every", host, debug=DebugLevel.ERROR_CHECK)
        client.twin = twin
        yield client
        served.close(client)
    world.pool.shutdown()


ALIKE = ("sequencer", "io_channel")
"""Parts of a module that are the same but for their number: the first and the last one are tried,
all of them by ``make test-all``. Inputs and outputs differ."""


def parts(owner: Any, slots: set[int]) -> Iterator[Any]:
    """Return the parts of an instrument that are tried."""
    for kind in ALIKE:
        same = [part for name, part in owner.submodules.items() if name.startswith(kind)]
        yield from same if cases(0, 1) else same[:1] + same[1:][-1:]
    for name, part in owner.submodules.items():
        other_module = name.startswith("module") and int(name.removeprefix("module")) not in slots
        if not name.startswith(ALIKE) and not other_module:
            yield part


def parameters(owner: Any, slots: set[int]) -> Iterator[Parameter]:
    """Return the parameters of an instrument, its modules in ``slots`` and their parts."""
    yield from owner.parameters.values()
    for part in parts(owner, slots):
        yield from parameters(part, slots)


def legal(parameter: Parameter, validator: Validator | None) -> list[Any]:
    """Return a sample of what a validator allows: all words, and ends and middle of a range."""
    match validator:
        case vals.MultiTypeAnd():
            found = [legal(parameter, part) for part in validator._validators]
            return [one for one in next(filter(None, found)) if passes(validator, one)]
        case vals.MultiType():
            return [one for part in validator._validators for one in legal(parameter, part)]
        case vals.Bool():
            return [True, False]
        case vals.Enum():
            return sorted(validator._values, key=str)
        case vals.Multiples():
            step = validator._divisor
            return [validator._min_value, validator._min_value + step, validator._max_value]
        case vals.Sequence():
            ends = legal(parameter, validator._elt_validator)
            return [[one] * validator._length for one in (ends[0], ends[-1])]
        case vals.Ints():
            return [validator._min_value, validator._max_value]
        case vals.Numbers():
            least, most = validator._min_value, validator._max_value
            least = 0.0 if math.isinf(least) else least
            most = max(1.0, 1000 * least) if math.isinf(most) else most
            middle = (least + most) / 2
            whole = parameter.set_parser is int or isinstance(least, int)
            return [least, int(middle) // 4 * 4 if whole else middle, most]
        case _ if "NetZeroAmplitude" in type(validator).__name__:
            return [0.5, 0.01]
        case _ if "NetZeroSlewRate" in type(validator).__name__:
            return [1e5, 1e6]
    return []


def passes(validator: Validator, value: Any) -> bool:
    try:
        validator.validate(value)
    except (ValueError, TypeError):
        return False
    return True


def past_the_cache(parameter: Parameter) -> Any:
    parameter.cache.invalidate()
    return parameter.get()


def kept_only(twin: ClusterTwin, slot: int) -> list[Any]:
    """Return what of a module's settings is kept and means nothing, as it is now."""
    if not slot:
        return []
    return [twin.modules[slot].user_plan]


@pytest.mark.parametrize("slot", sampled([0, *MODULES], kept=QUICK))
def test_each_parameter_reads_back_what_was_set_and_means_something(cluster, slot) -> None:
    failed, used, count = {}, set(), 0
    for parameter in parameters(cluster, {slot}):
        twin, name = cluster.twin, parameter.full_name
        before, kept = twin.tallies(), repr(kept_only(twin, slot))
        restored = parameter.settable and not matching(parameter, {"*_sequence": "asks for it"})
        first = past_the_cache(parameter) if restored and parameter.gettable else None
        excused = matching(parameter, NOT_READ_BACK)
        meant = True
        for value in legal(parameter, parameter.vals) if parameter.settable else ():
            count += 1
            try:
                parameter.cache.invalidate()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    parameter.set(value)
                    got = past_the_cache(parameter)
                if got != pytest.approx(value):
                    failed[name] = f"set to {value!r}, reads back {got!r}"
            except Exception as error:
                failed[name] = f"set to {value!r}: {type(error).__name__} {error}"
            meant &= repr(kept_only(twin, slot)) == kept
        if first is not None and passes(parameter.vals, first):
            parameter.set(first)
        if parameter.settable and not legal(parameter, parameter.vals):
            failed[name] = f"no value is known that {parameter.vals!r} allows"
        if parameter.gettable and not parameter.settable:
            past_the_cache(parameter)
        if name in failed and excused:
            used |= excused
            del failed[name]
        after = twin.tallies()
        assert after["unknown"] == before["unknown"], name
        if after["unmeant"] > before["unmeant"] or not meant:
            reasons = matching(parameter, UNMEANT_PARAMETERS)
            used |= reasons
            if not reasons:
                failed[name] = "means nothing, and the reference page does not say so"
    assert failed == {}
    assert count >= 1
    USED.update(used)


USED: set[str] = set()


def test_every_exception_has_a_reason_and_is_needed() -> None:
    assert all(NOT_READ_BACK.values())
    assert all(UNMEANT_PARAMETERS.values())
    assert {*NOT_READ_BACK, *UNMEANT_PARAMETERS} == USED


def beyond(validator: Validator | None) -> list[Any]:
    """Return values that a validator does not allow, of the kind that it does."""
    match validator:
        case vals.MultiTypeAnd():
            return beyond(validator._validators[0])
        case vals.Sequence():
            return [[one] * validator._length for one in beyond(validator._elt_validator)]
        case vals.Enum():
            return ["nonsense"]
        case vals.Numbers() | vals.Ints():
            least, most = validator._min_value, validator._max_value
            ends = (least - 1 - abs(least), most + 1 + abs(most))
            return [type(end)(one) for one, end in zip(ends, (least, most), strict=True)
                    if abs(end) < 1e15]  # fmt: skip
    return []


def writes(parameter: Parameter) -> bool:
    """Whether setting it sends anything: some live in the client alone."""
    return not parameter.name.endswith("cal_type_default")


@pytest.mark.parametrize("slot", sampled([0, *MODULES], kept=QUICK))
def test_what_the_validator_forbids_is_refused_by_the_client_and_by_the_box(cluster, slot) -> None:
    taken = {}
    for parameter in parameters(cluster, {slot}):
        if not parameter.settable or not parameter.gettable or parameter.name == "sequence":
            continue
        before = past_the_cache(parameter)
        for value in beyond(parameter.vals):
            try:
                parameter.set(value)
            except (ValueError, TypeError, KeyError, RuntimeError):
                pass
            else:
                taken[parameter.full_name] = f"{value!r} by the client"
            if parameter.val_mapping or isinstance(value, str) or not writes(parameter):
                continue  # no way past the client's own table of words
            try:
                parameter.set_raw(parameter._from_value_to_raw_value(value))
            except Exception:
                if past_the_cache(parameter) != before:
                    taken[parameter.full_name] = f"{value!r} is refused, but changes it"
            else:
                if matching(parameter, CLIENT_ALONE):
                    continue
                taken[parameter.full_name] = f"{value!r} -> {past_the_cache(parameter)!r}"
    while cluster.get_num_system_error():  # what a query was refused for is asked by nobody
        cluster.get_system_error()
    assert taken == {}


def test_the_clients_mixer_calibrations_find_the_best_settings(cluster) -> None:
    twin, readout, drive = cluster.twin, cluster.module2, cluster.module4
    twin.modules[2].mixers = (Mixer(0.97, -1.5, (3.0, 1.25)),)
    twin.modules[4].mixers = (Mixer(1.04, 2.0, (-4.0, 2.5)), Mixer(1.01, 1.0, (0.5, -0.75)))
    readout.out0_in0_lo_cal()
    assert (readout.out0_offset_path0(), readout.out0_offset_path1()) == (-3.0, -1.25)
    drive.disconnect_outputs()
    drive.sequencer1.connect_sequencer("out1")
    drive.out1_lo_freq(5e9, cal_type="lo and sidebands")
    assert (drive.out1_offset_path0(), drive.out1_offset_path1()) == (-0.5, 0.75)
    found = (
        drive.sequencer1.mixer_corr_gain_ratio(),
        drive.sequencer1.mixer_corr_phase_offset_degree(),
    )
    assert found == twin.modules[4].mixers[1].best_correction()
    assert drive.sequencer0.mixer_corr_gain_ratio() == 1.0
    drive.out0_lo_cal()
    assert (drive.out0_offset_path0(), drive.out0_offset_path1()) == (4.0, -2.5)


def test_the_clients_filters_are_those_of_the_output(cluster) -> None:
    flux = cluster.module6
    assert flux.out2_latency() == 0.0
    flux.out2_exp0_tau_constant(40e-9)
    flux.out2_exp0_amplitude(0.25)
    flux.out2_exp0_config("enabled")
    flux.out2_exp3_config("delay_comp")
    flux.out2_fir_coeffs([0.5] + [0.0] * 31)
    flux.out2_fir_config("enabled")
    flux.out2_latency.cache.invalidate()
    assert flux.out2_latency() == pytest.approx(240e-9)
    shaping = cluster.twin.modules[6].predistortion.shaping(2)
    assert shaping == OutputShaping(240, ((pytest.approx(40.0), 0.25),), (0.5, *[0.0] * 31))
    cluster.module4.out1_exp0_config("delay_comp")
    cluster.module4.out1_latency.cache.invalidate()
    assert cluster.module4.out1_latency() == pytest.approx(110e-9)
    assert cluster.twin.modules[4].predistortion.shaping(2) == OutputShaping(110)

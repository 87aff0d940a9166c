from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from podium.firmware_interfaces import (
    models,
    snmp,
    srs_fs725,
    white_rabbit_switch,
    wrtd,
    wrtd_node,
)
from podium.firmware_interfaces.built_in_models.qblox import QBLOX_CLUSTER, QBLOX_RELEASES
from podium.firmware_interfaces.built_in_models.thermometry import LAKESHORE_372
from podium.firmware_interfaces.built_in_models.timing import (
    SRS_FS725,
    WHITE_RABBIT_SWITCH,
    WRTD_NODE,
)
from podium.firmware_interfaces.models import (
    BUILT_IN,
    ENTRY_POINT_GROUP,
    ModelError,
    Range,
    _merged,
    known_models,
    model_named,
    output_full_scale_dbm,
)
from podium.firmware_interfaces.qblox_cluster.identity import RELEASES


def test_every_model_is_known_by_its_name() -> None:
    assert [known_models()[model.name] for model in BUILT_IN] == list(BUILT_IN)


def test_models_say_what_the_codecs_say() -> None:
    """The table is written without them: a box on a bench imports it, and none of these."""
    assert tuple(RELEASES) == QBLOX_RELEASES
    assert WRTD_NODE.ports == {"service": wrtd_node.TCP_PORT, "events": wrtd.UDP_PORT}
    assert len(WRTD_NODE.connectors) == wrtd_node.OUTPUTS
    assert WHITE_RABBIT_SWITCH.ports == {"snmp": snmp.PORT}
    assert [option.highest for option in WHITE_RABBIT_SWITCH.options if option.name == "links"] == [
        white_rabbit_switch.PORTS
    ]
    assert SRS_FS725.ports == {"serial": srs_fs725.TCP_PORT}


def test_a_model_of_the_house_is_found_without_asking_what_else_is_installed(monkeypatch) -> None:
    other = replace(LAKESHORE_372, name="other")
    monkeypatch.setattr(models, "known_models", lambda: {"other": other})
    assert model_named("lakeshore_372") is LAKESHORE_372
    assert model_named("other") is other
    with pytest.raises(KeyError):
        model_named("none")


def test_a_range_knows_its_grid_and_the_nearest_value_on_it() -> None:
    attenuation = Range(0, 31, "dB", step=2)
    assert 30 in attenuation
    assert 31 not in attenuation
    assert 3 not in attenuation
    assert -2 not in attenuation
    assert [attenuation.nearest(value) for value in (-5, 3.1, 31, 99)] == [0, 4, 30, 30]
    assert Range(0, 1, "V").nearest(0.3) == 0.3


def _point(value: str) -> EntryPoint:
    return EntryPoint("other", value, ENTRY_POINT_GROUP)


def test_a_model_of_another_package_is_added() -> None:
    point = _point("podium.firmware_interfaces.models:LAKESHORE_372")
    assert _merged((), (point,)) == {"lakeshore_372": LAKESHORE_372}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("podium.firmware_interfaces.models:LAKESHORE_372", "takes the name lakeshore_372"),
        ("podium.firmware_interfaces.models:BUILT_IN", "is a tuple, not an InstrumentModel"),
        ("podium_nothing_of_this_name:MODEL", "cannot be loaded: No module named"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_with_the_entry_point_that_brings_it(
    value: str, says: str
) -> None:
    with pytest.raises(ModelError) as refused:
        _merged(BUILT_IN, (_point(value),))
    assert f"other = {value}" in str(refused.value)
    assert says in str(refused.value)


def test_full_scale_is_known_of_rf_outputs_only() -> None:
    modules = {2: "QRM-RF", 6: "QCM"}
    assert output_full_scale_dbm(QBLOX_CLUSTER, modules, "slot2.out0") == 5.0
    for channel in ("slot2.in0", "slot6.out0", "slot3.out0", "out0"):
        with pytest.raises(ModelError, match="has no RF output"):
            output_full_scale_dbm(QBLOX_CLUSTER, modules, channel)

import pytest

from podium.firmware_interfaces.zurich import limits
from podium.firmware_interfaces.zurich.inventory.models import MODELS, nodes_of, server_nodes
from podium.firmware_interfaces.zurich.labone_version import LabOneVersion
from podium.firmware_interfaces.zurich.node import Access, Limits, NodeType
from podium.firmware_interfaces.zurich.node_table import nodes


def test_a_facility_file_may_name_what_there_are_nodes_of():
    assert tuple(MODELS) == limits.DEVICE_MODELS


@pytest.mark.parametrize("model", MODELS)
def test_every_node_holds_from_the_start_what_it_takes(model):
    for node in nodes_of(model).values():
        if node.limits is not None:
            assert isinstance(node.initial, int | float)
            assert node.limits.nearest(node.initial) == pytest.approx(node.initial), node
        if Access.SETTING in node.access:
            assert Access.WRITE in node.access, node


def test_what_a_model_has_is_counted():
    shfqc = nodes_of("SHFQC")
    assert "sgchannels/5/awg/elf/data" in shfqc
    assert "sgchannels/6/awg/elf/data" not in shfqc
    assert "qachannels/0/generator/elf/data" in shfqc
    assert "qachannels/3/readout/result/data/15/wave" in nodes_of("SHFQA4")
    assert "awgs/3/elf/data" in nodes_of("HDAWG8")
    assert "zsyncs/17/connection/serial" in nodes_of("PQSC")
    assert server_nodes()["devices/visible"].kind is NodeType.STRING


def test_a_line_of_a_table_is_read():
    table = "a/<two>/b double rw =2.0 0:4:0.5\nc/<99>! vector do\nd string ro =x\ne int rw {1,5}"
    found = {node.path: node for node in nodes(table, {"two": 2})}
    assert list(found) == ["a/0/b", "a/1/b", "c/#", "d", "e"]
    assert found["a/1/b"].limits == Limits(0.0, 4.0, 0.5)
    assert found["a/1/b"].initial == 2.0
    assert found["c/#"].many == 99
    assert found["d"].initial == "x"
    assert found["e"].limits is not None
    assert found["e"].limits.nearest(4) == 5


@pytest.mark.parametrize("line", ["a", "a int", "a whole rw", "a int maybe"])
def test_a_line_that_says_nothing_is_refused(line):
    with pytest.raises(ValueError, match="no line"):
        list(nodes(line, {}))


def test_what_lies_beside_is_moved_to_the_nearest():
    assert [Limits(-30, 10, 5).nearest(x) for x in (-99, -3, 7.4, 99)] == [-30, -5, 5, 10]


@pytest.mark.parametrize(
    ("model", "path", "first", "before"),
    [
        ("SHFQC", "sgchannels/3/busy", "25.04", "25.01"),
        ("SHFQA4", "qachannels/0/busy", "25.04", "24.10"),
        ("HDAWG8", "sines/7/freq", "25.07", "25.04"),
        ("PQSC", "execution/trigger", "25.07", "25.04"),
    ],
)
def test_an_older_version_has_not_what_came_later(model, path, first, before):
    newest = nodes_of(model)
    old = nodes_of(model, version=LabOneVersion.of(before))
    assert path in newest
    assert path not in old
    assert nodes_of(model, version=LabOneVersion.of(first)).keys() >= old.keys() | {path}
    assert nodes_of(model, version=LabOneVersion.of("26.07")) == newest


def test_a_signal_generator_has_always_told_the_frequency_of_its_sine():
    oldest = nodes_of("SHFSG8", version=LabOneVersion.of("24.10"))
    assert "sgchannels/0/sines/0/freq" in oldest

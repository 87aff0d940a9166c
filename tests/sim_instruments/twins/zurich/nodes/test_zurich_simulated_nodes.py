"""Which settings mean something without anybody being called: those that are read when it runs."""

import pytest

from podium.firmware_interfaces.zurich.node import Access
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.nodes.node_settings import (
    model_of,
    oscillators,
    rate_hz,
    setup,
)
from podium.sim_instruments.twins.zurich.nodes.simulated_nodes import READ

DEVICES = {12000: "SHFQC", 8001: "HDAWG8"}


def shape(path: str) -> str:
    return "/".join("#" if step.isdigit() else step for step in path.split("/"))


@pytest.fixture(scope="module")
def stores():
    return {device.name: device.store for device in DataServer("1", DEVICES).devices}


def test_each_is_a_setting_that_some_instrument_has(stores):
    known = {
        shape(path)
        for store in stores.values()
        for path in store.paths_below_root()
        if Access.WRITE in store._nodes[path].access
    }
    assert known >= READ


@pytest.mark.parametrize(
    ("name", "at", "channel"),
    [("dev12000", "sgchannels/0/awg", "sgchannels/0"), ("dev8001", "awgs/0", "")],
)
def test_what_a_generator_reads_counts_as_meant(stores, name, at, channel):
    store = stores[name]
    read = []

    def setting(path):
        read.append(path)
        return store.value(path, 0)

    setup(setting, at)
    oscillators(setting, channel)
    rate_hz(setting, model_of(at))
    assert len(read) > 10
    for path in read:
        before = store.unmeant
        store.set(f"/{name}/{path}", store.value(path, 0), 0)
        assert store.unmeant == before, path

"""Only what a data server's nodes do not hold is sent to them, whoever has set them since."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.zurich.driver_programs import PROGRAM

from podium.drivers.errors import Refused
from podium.drivers.zurich.data_server import ZurichDataServer
from podium.drivers.zurich.sequential_steps import one_by_one
from podium.drivers.zurich.settings_cache import SettingsCache
from podium.drivers.zurich.vendor_session import EXPRESSION_MAX, expressions

GAIN, RANGE, MODE = "/dev1/gain", "/dev1/range", "/dev1/mode"
ITEMS = [(GAIN, 0.30001), (RANGE, 10), (MODE, 1)]


class Nodes:
    """Holds nodes that round to tenths, counts requests, and resets one with another if told to."""

    def __init__(self):
        self.nodes = {}
        self.sent = []
        self.requests = 0
        self.resets = {}
        self.refused = False
        self.limits = {}
        self.hidden = set()

    def set(self, asked, items):
        if self.refused:
            raise Refused("no")
        for path, value in items:
            if path in self.limits and value > self.nodes[self.limits[path]]:
                raise Refused("too much")
            self.sent.append(path)
            self.nodes[path] = value if isinstance(value, np.ndarray) else round(value, 1)
            self.nodes.update(self.resets.get(path, {}))

    def values(self, asked, paths):
        self.requests += 1
        return {
            path: self.nodes[path]
            for path in paths
            if path not in self.hidden
            and not isinstance(self.nodes.get(path, np.zeros(1)), np.ndarray)
        }

    def several(self, steps):
        return one_by_one(self, steps)

    def taken(self):
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture
def server():
    return Nodes()


@pytest.fixture
def cache(server):
    made = SettingsCache(server)
    made.set("", ITEMS)
    server.taken()
    return made


def test_what_is_held_is_not_sent_again_though_it_was_rounded(cache, server):
    before, asked = cache.changes, server.requests
    cache.set("", ITEMS)
    assert server.taken() == []
    assert (cache.changes, server.requests) == (before, asked + 1)
    cache.set("", [(GAIN, 0.5), *ITEMS[1:]])
    assert server.taken() == [GAIN]


def test_where_somebody_else_has_set_a_node_all_are_set_again_in_their_order(cache, server):
    server.nodes[RANGE] = 9
    before = server.requests
    cache.set("", [*ITEMS[:2], (MODE, 2)])
    assert server.taken() == [MODE, GAIN, RANGE, MODE]
    assert server.nodes == {GAIN: 0.3, RANGE: 10, MODE: 2}
    cache.set("", [*ITEMS[:2], (MODE, 2)])
    assert server.taken() == []
    assert server.requests == before + 3


def test_what_a_setting_that_is_sent_moves_is_sent_after_it(cache, server):
    server.resets[MODE] = {GAIN: 0.0}
    cache.set("", [*ITEMS[:2], (MODE, 2)])
    assert server.taken() == [MODE, GAIN, RANGE, MODE, GAIN]
    assert server.nodes == {GAIN: 0.3, RANGE: 10, MODE: 2}


def test_where_a_node_that_was_left_out_is_why_others_are_refused_all_are_set(cache, server):
    server.nodes[RANGE] = 1
    server.limits = {GAIN: RANGE}  # a gain is at most the range
    cache.set("", [(RANGE, 10), (GAIN, 5)])
    assert server.taken() == [RANGE, GAIN]
    assert server.nodes == {GAIN: 5, RANGE: 10, MODE: 1}
    with pytest.raises(Refused):
        cache.set("", [(RANGE, 10), (GAIN, 11)])


def test_a_node_that_is_set_twice_or_takes_a_vector_is_always_sent(server):
    cache = SettingsCache(server)
    items = [("/dev1/enable", 0), (GAIN, 0.1), ("/dev1/enable", 1), ("/dev1/fir", np.ones(2))]
    cache.set("", items)
    server.taken()
    cache.set("", items)
    assert server.taken() == ["/dev1/enable", "/dev1/enable", "/dev1/fir"]


def test_a_node_that_cannot_be_read_is_always_sent(cache, server):
    del server.nodes[GAIN]
    server.hidden = {GAIN}
    cache.set("", ITEMS)
    server.taken()
    cache.set("", ITEMS)
    assert server.taken() == [GAIN]


def test_after_a_refusal_all_is_sent(cache, server):
    server.refused = True
    with pytest.raises(Refused):
        cache.set("", [(GAIN, 0.7)])
    server.refused = False
    cache.set("", ITEMS)
    assert server.taken() == [GAIN, RANGE, MODE]


def test_what_was_set_by_another_way_is_sent_again(cache, server):
    cache.take_unread()
    cache.note([(RANGE, 0)])
    assert cache.take_unread() == {RANGE}
    cache.set("", ITEMS)
    assert server.taken() == [RANGE]


def test_paths_are_asked_for_in_expressions_that_are_not_too_long():
    paths = [f"/dev12000/sgchannels/{n}/output/range" for n in range(400)]
    parts = list(expressions(paths))
    assert ",".join(parts).split(",") == paths
    assert len(parts) > 1
    assert all(len(one) <= EXPRESSION_MAX for one in parts)
    assert list(expressions([])) == []


@pytest.fixture
def driver(server):
    made = ZurichDataServer.rehearse("zi", print, {12000: "SHFQC"})
    made._server, made._settings = server, SettingsCache(server)
    server.settings = lambda asked, path: dict(server.nodes)
    return made


def test_a_snapshot_again_reads_what_was_set_and_nothing_else(driver, server):
    other = "/dev12000/sgchannels/0/output/on"
    where = "/dev12000/sgchannels/2/output/on"
    server.nodes = {other: 0, where: 0}
    assert driver.snapshot_again() == {other: 0, where: 0}
    before = driver.changes
    driver._settings.set("", [(where, 1)])
    server.nodes[other] = 5
    assert driver.changes > before
    assert driver.snapshot_again() == {other: 0, where: 1}
    assert driver.snapshot() == {other: 5, where: 1}


def test_outputs_made_safe_are_switched_on_by_the_next_program(driver, server):
    where = f"/dev12000/{PROGRAM.settings[0][0]}"
    one = replace(PROGRAM, cores=())
    driver._server.refused = False
    driver.load(one)
    server.taken()
    driver.safe()
    assert server.nodes[where] == 0
    server.taken()
    driver.load(one)
    assert where in server.taken()
    assert server.nodes[where] == 1

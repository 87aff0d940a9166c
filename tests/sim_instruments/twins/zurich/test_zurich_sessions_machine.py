"""Clients come, set, subscribe, confirm, refuse and die in any order: a dict knows better."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.benches.thoroughness import cases
from tests.benches.zurich.requests import (
    get,
    opened,
    returned,
    set_value,
    subscribe,
    told,
    unsubscribe,
)

from podium.firmware_interfaces.zurich import rpc
from podium.sim_instruments.twins.zurich.data_server import subscriber
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer

ALL = "/dev12001/sgchannels/*/output/on"
NODES = tuple(ALL.replace("*", str(channel)) for channel in range(4))
QUESTION, HANDLE = 900, 7
IN_FLIGHT = 3
"""Sends that a client may leave unconfirmed; few, so that it comes to that."""


class Client:
    """One connection, and what it has heard and should have heard."""

    def __init__(self, server: DataServer) -> None:
        self.connection = opened(server, "dev12001")
        self.subscribed: set[str] = set()
        self.heard: list[tuple[str, object]] = []
        self.due: list[tuple[str, object]] = []
        self.unconfirmed: list[int] = []

    def ask(self, data: bytes):
        answer = told(self.connection.feed(data, 0))
        for question, handle, values in answer.sends:
            assert handle == HANDLE
            self.unconfirmed.append(question)
            self.heard += values
        return answer


class Sessions(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(subscriber, "IN_FLIGHT_MAX", IN_FLIGHT)
        self.server = DataServer("1", {12001: "SHFSG4"})
        self.holds = dict.fromkeys(NODES, 0)
        self.clients = [Client(self.server)]

    def teardown(self) -> None:
        self.patch.undo()

    def client(self, number: int) -> Client:
        return self.clients[number % len(self.clients)]

    @precondition(lambda self: len(self.clients) < 4)
    @rule()
    def another_client_comes(self) -> None:
        self.clients.append(Client(self.server))

    @rule(
        number=st.integers(0, 9),
        node=st.sampled_from(NODES),
        value=st.sampled_from([-3, 0, 1, 7]),
        together=st.booleans(),
    )
    def one_sets(self, number: int, node: str, value: int, together: bool) -> None:
        path = ALL if together else node
        changed = NODES if together else (node,)
        held = min(max(value, 0), 1)
        for one in changed:
            self.holds[one] = held
            for client in self.clients:
                if one in client.subscribed:
                    client.due.append((one, held))
        data = set_value(QUESTION, path, value, expand=together) + rpc.finish(QUESTION)
        assert self.client(number).ask(data).values(QUESTION) == [held] * len(changed)

    @rule(number=st.integers(0, 9), node=st.sampled_from(NODES))
    def one_gets(self, number: int, node: str) -> None:
        answer = self.client(number).ask(get(QUESTION, node) + rpc.finish(QUESTION))
        assert answer.values(QUESTION) == [self.holds[node]]

    @rule(number=st.integers(0, 9), node=st.sampled_from((*NODES, ALL)))
    def one_subscribes(self, number: int, node: str) -> None:
        client = self.client(number)
        client.ask(subscribe(QUESTION, node, HANDLE) + rpc.finish(QUESTION))
        client.subscribed |= set(NODES) if node == ALL else {node}

    @rule(number=st.integers(0, 9), node=st.sampled_from((*NODES, ALL)))
    def one_unsubscribes(self, number: int, node: str) -> None:
        client = self.client(number)
        client.ask(unsubscribe(QUESTION, b"me", (node,)) + rpc.finish(QUESTION))
        client.subscribed -= set(NODES) if node == ALL else {node}

    @rule(number=st.integers(0, 9))
    def one_confirms_what_it_got(self, number: int) -> None:
        client = self.client(number)
        client.ask(b"")
        questions, client.unconfirmed = client.unconfirmed, []
        client.ask(b"".join(returned(question) for question in questions))

    @precondition(lambda self: any(client.unconfirmed for client in self.clients))
    @rule()
    def one_wants_no_more(self) -> None:
        client = next(client for client in self.clients if client.unconfirmed)
        client.ask(b"")
        answer = client.ask(returned(client.unconfirmed.pop(), done=False))
        assert [handle for handle, _ in answer.released] == [HANDLE]
        client.subscribed.clear()
        # What waited for it is no longer sent.
        client.due = client.due[: len(client.heard)]
        # Its other sends are still confirmed, as a client does that was slow.
        client.ask(b"".join(returned(question) for question in client.unconfirmed))
        client.unconfirmed.clear()

    @precondition(lambda self: len(self.clients) > 1)
    @rule(number=st.integers(0, 9))
    def one_dies(self, number: int) -> None:
        client = self.client(number)
        self.clients.remove(client)
        client.connection.hung_up()

    @invariant()
    def all_is_heard_once_and_in_order(self) -> None:
        for client in self.clients:
            client.ask(b"")
            assert client.heard == client.due[: len(client.heard)]
            if len(client.unconfirmed) < IN_FLIGHT:
                assert client.heard == client.due
            assert not client.connection.ended

    @invariant()
    def nobody_listens_who_is_not_there(self) -> None:
        wanted = sum(len(client.subscribed) for client in self.clients)
        assert self.server.devices[0].store.subscriptions() == wanted


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=cases(25, 60), stateful_step_count=50, deadline=None)

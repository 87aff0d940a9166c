"""Who may do what: as a table, in words, and as Zenoh is told."""

import json

import pytest
import zenoh
from tests.benches.security.certificates import ANN, COORDINATOR, PAGE, RECORDS, ROUTER, SUPERVISOR

from podium.control.bus import cold, direct_fires, messages, news, progress, queue, readings
from podium.control.security.access import (
    ROLES,
    ZENOH_MESSAGES,
    Admission,
    Member,
    access_key,
    control_of_others,
    judge,
    may,
    rules_of,
)

A, B = Member("agent", "node_a"), Member("agent", "node_b")
EVERYBODY = (ROUTER, COORDINATOR, PAGE, SUPERVISOR, RECORDS, A, B, ANN)
ADMITTED = Admission.of("x", "router", ["node_a", "node_b"], ["ann"])


def test_a_certificate_is_named_after_what_it_is_for() -> None:
    names = [member.common_name for member in EVERYBODY]
    alone = ["router", "coordinator", "page", "supervisor", "records"]
    assert names == [*alone, "agent.node_a", "agent.node_b", "client.ann"]


@pytest.mark.parametrize(
    ("does", "key", "who"),
    [
        ("ask", messages.agent_key("x", "node_a"), {COORDINATOR, SUPERVISOR}),
        ("ask", messages.agent_key("x", "*"), {COORDINATOR, SUPERVISOR}),
        ("ask", cold.cold_key("x"), {PAGE, ANN}),
        ("answer", cold.cold_key("x"), {SUPERVISOR}),
        ("publish", cold.cold_news_key("x"), {SUPERVISOR}),
        ("hear", cold.cold_news_key("x"), {PAGE}),
        ("ask", messages.coordinator_key("x"), {COORDINATOR, PAGE, ANN}),
        ("ask", news.past_runs_key("x"), {PAGE}),
        ("ask", access_key("x"), set(EVERYBODY)),
        ("ask", "podium/**", set()),
        ("ask", messages.coordinator_key("y"), set()),
        ("answer", messages.agent_key("x", "node_a"), {A}),
        ("ask", direct_fires.fires_key("x", "node_a"), {ANN}),
        ("answer", direct_fires.fires_key("x", "node_a"), {A}),
        ("answer", messages.coordinator_key("x"), {COORDINATOR}),
        ("answer", news.past_events_key("x", "agent node_b"), {B}),
        ("announce", messages.agent_key("x", "node_b"), {B}),
        ("announce", messages.agent_key("x", "*"), set()),
        ("publish", messages.heartbeat_key("x", "node_a"), {A}),
        ("publish", news.status_key("x", "node_b"), {B}),
        ("publish", news.events_key("x", "router"), {ROUTER}),
        ("publish", news.runs_key("x"), {COORDINATOR}),
        ("publish", readings.readings_key("x", "node_a"), {A}),
        ("hear", readings.readings_key("x", "*"), {PAGE, SUPERVISOR, RECORDS, A, B}),
        ("ask", readings.clock_key("x", "node_a"), {SUPERVISOR, A, B}),
        ("answer", readings.clock_key("x", "node_a"), {A}),
        ("hear", messages.heartbeat_key("x", "*"), {COORDINATOR, PAGE}),
        ("hear", news.data_key("x"), {PAGE}),
        ("publish", queue.queue_key("x"), {COORDINATOR}),
        ("hear", queue.queue_key("x"), {PAGE, ANN}),
        ("publish", progress.progress_key("x"), {COORDINATOR}),
        ("hear", progress.outcomes_key("x"), {PAGE, ANN}),
        ("watch", messages.agent_key("x", "*"), {COORDINATOR, PAGE}),
    ],
)
def test_only_they_may(does, key, who) -> None:
    assert {member for member in EVERYBODY if may("x", member, does, key)} == who


def test_every_no_says_whose_certificate_would_do() -> None:
    told = judge("x", A, "publish", news.events_key("x", "agent node_b")).words
    assert told == (
        "denied: the certificate agent.node_a may not publish podium/x/events/agent_node_b: it may "
        "publish podium/x/heartbeat/node_a, podium/x/status/node_a, "
        "podium/x/readings/node_a, podium/x/events/agent_node_a; "
        "that takes the certificate agent.node_b"
    )
    assert judge("x", A, "ask", access_key("x")).allowed
    assert "that takes" not in judge("x", A, "ask", "podium/**").words


def test_zenoh_is_told_what_the_table_says() -> None:
    control = json.loads(json.dumps(ADMITTED.control()))
    rules = {rule["id"]: rule for rule in control["rules"]}
    assert (control["enabled"], control["default_permission"]) == (True, "deny")
    by_subject = {policy["subjects"][0]: policy["rules"] for policy in control["policies"]}
    for member in ADMITTED.members:
        told = [rules[name] for name in by_subject[member.common_name]]
        come_in = {
            (message, key)
            for rule in told
            if "ingress" in rule["flows"]
            for message in rule["messages"]
            for key in rule["key_exprs"]
        }
        answered = [rule for rule in rules_of("x", member) if rule.does == "answer"]
        assert come_in == {
            (message, key)
            for rule in rules_of("x", member)
            for message in ZENOH_MESSAGES[rule.does]
            for key in rule.keys
        } | {("liveliness_token", f"{key}/answered_by/*") for rule in answered for key in rule.keys}
    (anybody,) = (one for one in control["subjects"] if one["id"] == "anybody")
    assert {key for name in by_subject["anybody"] for key in rules[name]["key_exprs"]} == {
        access_key("x")
    }
    assert anybody == {"id": "anybody"}


@pytest.mark.parametrize("control", [ADMITTED.control(), control_of_others("x", "coordinator")])
def test_zenoh_understands_it(control) -> None:
    config = zenoh.Config()
    config.insert_json5("access_control", json.dumps(control))
    assert json.loads(config.get_json("access_control"))["default_permission"] == "deny"


def test_who_is_not_admitted_is_told_how_to_be() -> None:
    told = ADMITTED.judge("client.eve", "", "").words
    assert "the router of x does not know the certificate client.eve" in told
    assert "agent.node_b, client.ann" in told
    assert not ADMITTED.judge(None, "ask", messages.coordinator_key("x")).allowed
    assert ADMITTED.judge("client.ann", "", "").allowed
    assert {member.role for member in ADMITTED.members} == set(ROLES) - {"router"}

"""Files of rules: what they may do, and what is refused before anything is played."""

import pytest

from podium.sim_instruments.scenarios.act_execution import ActExecution
from podium.sim_instruments.scenarios.rules import Rule, rule_function
from podium.sim_instruments.scenarios.scenario import ScenarioError

RULE = """
def act(desk):
    desk.memory["calls"] = desk.memory.get("calls", 0) + 1
    if desk.elapsed_s >= 60.0:
        desk.do("repair", "fridge_a")
        desk.operate("fridge_a", "water.on", 1.0)
        desk.note(f"call {desk.memory['calls']}")
"""


def test_a_rule_acts_through_the_back_door_and_remembers(tmp_path) -> None:
    (tmp_path / "rule.py").write_text(RULE)
    asked: list[dict[str, object]] = []
    execution = ActExecution(asked.append, {})
    rule = Rule(rule_function(tmp_path / "rule.py"), execution)
    assert rule.act(0.0) == []
    assert rule.act(60.0) == ["repair fridge_a", "fridge_a.water.on = 1", "call 2"]
    assert [(one["do"], one["on"], one["by"]) for one in asked] == [
        ("fault", "fridge_a", "rule"),
        ("operate", "fridge_a", "rule"),
    ]


@pytest.mark.parametrize(
    ("text", "words"), [("x = 1", "no function act"), ("def act(", "rule.py"), (None, "rule.py")]
)
def test_a_file_that_is_no_rule_is_refused(tmp_path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "rule.py").write_text(text)
    with pytest.raises(ScenarioError, match=words):
        rule_function(tmp_path / "rule.py")


def test_without_control_processes_no_command_is_run(tmp_path) -> None:
    (tmp_path / "rule.py").write_text('def act(desk):\n    desk.podium("cold", "status")\n')
    rule = Rule(rule_function(tmp_path / "rule.py"), ActExecution(lambda request: None, {}))
    with pytest.raises(ScenarioError, match="no control processes run here"):
        rule.act(0.0)

"""What is said about a start goes over the bus as it is."""

from dataclasses import dataclass

from podium.control.bus.messages import RunId
from podium.control.bus.wire import decode, encode
from podium.control.runs import messages
from podium.control.runs.messages import (
    Abort,
    AtATime,
    Beat,
    Fenced,
    Greet,
    Prepare,
    Present,
    Refusal,
    StoodDown,
    is_answer_to,
)
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.tai import Tai


@dataclass(frozen=True, slots=True)
class OfRun:
    said: messages.Request | messages.Answer


def test_every_message_of_a_start_goes_over_the_bus() -> None:
    run, epochs, now = RunId(1, 2), Epochs((("house", 3),)), Tai(7, 8)
    start = messages.Start(now, 1_000, messages.CAPTURE)
    relocks = (messages.Relock("house", 4),)
    for message in (
        Greet(1),
        Prepare(run, 2, "program", AtATime()),
        messages.Arm(run, messages.Token("hash", epochs, 4, 0.5)),
        messages.Fire(run, now),
        messages.AskReport(run),
        Abort(run, "reason"),
        Beat("node_a", 7),
        Present("node_a", 7, None, ""),
        Fenced("node_a", 3),
        messages.Prepared("node_a", run, "h", epochs, 4, 5, messages.CAPTURE, 6, 7, 8, 9),
        messages.Armed("node_a", run),
        messages.Armed("node_a", run, now, 0.06),
        messages.FireTaken("node_a", run, 9),
        messages.Report("node_a", run, "", "h", epochs, relocks, start, 1, 0, 0, b"data"),
        messages.Report("node_a", run, "", "h", epochs, (), None, 0, 0, 0, b""),
        StoodDown("node_a", run, None),
        Refusal("node_a", run, "fire", "late", "reason", 5),
    ):
        assert decode(encode(message), type(message)) == message
        if not isinstance(message, Beat):
            assert decode(encode(OfRun(message)), OfRun) == OfRun(message)


def test_each_answer_belongs_to_one_request_of_its_run() -> None:
    run, other, epochs = RunId(1, 2), RunId(1, 3), Epochs(())
    token = messages.Token("hash", epochs, 4, 0.5)
    requests = (
        Greet(1),
        Prepare(run, 2, "program", AtATime()),
        messages.Arm(run, token),
        messages.Fire(run, Tai(7, 8)),
        messages.AskReport(run),
        Abort(run, "reason"),
    )
    answers = (
        Present("node_a", 7, None, ""),
        messages.Prepared("node_a", run, "h", epochs, 4, 5, messages.CAPTURE, 6, 7, 8, 9),
        messages.Armed("node_a", run),
        messages.FireTaken("node_a", run, 9),
        messages.Report("node_a", run, "", "h", epochs, (), None, 0, 0, 0, b""),
        StoodDown("node_a", run, None),
    )
    for request in requests:
        fitting = [one for one in answers if is_answer_to(one, request)]
        assert fitting == [answers[requests.index(request)]]
        assert is_answer_to(Fenced("node_a", 3), request)
    for number, step in enumerate(("prepare", "arm", "fire", "report"), start=1):
        refusal = Refusal("node_a", run, step, "late", "reason")
        assert [one for one in requests if is_answer_to(refusal, one)] == [requests[number]]
    assert not is_answer_to(messages.Armed("node_a", other), requests[2])

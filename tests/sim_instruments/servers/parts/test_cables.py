"""Markers of another part: what is heard of them, and when that is known."""

from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.physics.digital_lines import DigitalLines, EdgeTrain
from podium.sim_instruments.servers.parts.cables import RemoteSender, RemoteTrigger
from podium.sim_instruments.servers.parts.messages import Message

CABLE_FS = 10
SINK, SOURCE = ("tagger", "in"), ("cluster", "marker")


class Parts:
    """The lines of the part that sends and of the one that hears, and who asks whom."""

    def __init__(self) -> None:
        self.here, self.there = DigitalLines(), DigitalLines()
        for lines in (self.here, self.there):
            lines.connect(SINK, SOURCE, CABLE_FS)
        self.asked: list[Message] = []
        self.sender = RemoteSender(self.here, "cluster", self.asked.append, 0)
        self.here.watch("cluster", self.sender.settle)

    def answer(self) -> None:
        """Answer as the part that sends does."""
        for message in self.asked:
            promised_fs = self.there.promised_fs("cluster")
            now_fs = message["now_fs"]
            known_fs = now_fs if promised_fs is None else min(now_fs, promised_fs)
            edges = {"marker": self.there.sent(SOURCE, message["since_fs"])}
            self.sender.take(edges, message["since_fs"], known_fs)
        self.asked.clear()


def test_nothing_is_known_of_another_part_until_it_has_answered() -> None:
    parts = Parts()
    promise = parts.there.promise("cluster", 0)
    parts.there.keep(promise, [EdgeTrain("marker", (100, 150), (True, False))])
    assert parts.here.heard(SINK, 0, 200) is None
    parts.here.catch_up(SINK, 200)
    parts.here.catch_up(SINK, 200)
    assert len(parts.asked) == 1, "asked once"
    assert parts.sender.asked
    parts.answer()
    assert not parts.sender.asked
    assert parts.here.heard(SINK, 0, 200) == [(110, True), (160, False)]
    assert parts.here.heard(SINK, 0, 211) is None, "later is not known"
    parts.here.catch_up(SINK, 200)
    assert not parts.asked, "and was known"


def test_what_its_sender_still_computes_is_not_known() -> None:
    parts = Parts()
    promise = parts.there.promise("cluster", 120)
    parts.here.catch_up(SINK, 200)
    parts.answer()
    assert parts.here.heard(SINK, 0, 130) == []
    assert parts.here.heard(SINK, 0, 131) is None
    parts.there.keep(promise, [EdgeTrain("marker", (130,), (True,))])
    parts.here.catch_up(SINK, 200)
    parts.answer()
    assert parts.here.heard(SINK, 0, 200) == [(140, True)]


def test_a_part_that_has_ended_sends_nothing_and_is_not_waited_for() -> None:
    parts = Parts()
    parts.here.catch_up(SINK, 50)
    parts.sender.end()
    assert not parts.sender.asked
    assert parts.here.heard(SINK, 0, 10**18) == []


@given(
    st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=30),
    st.lists(st.integers(0, 400), max_size=8).map(sorted),
)
def test_however_often_is_asked_the_same_is_heard_as_in_one_process(sent, asked_at) -> None:
    parts = Parts()
    now_fs = 0
    for ask_fs in [*asked_at, 500]:
        for at_fs, up in sent:
            if now_fs <= at_fs < ask_fs:
                parts.there.send("cluster", "marker", at_fs, up)
        now_fs = max(now_fs, ask_fs)
        parts.here.catch_up(SINK, now_fs)
        parts.answer()
    assert parts.here.heard(SINK, 0, 450) == parts.there.heard(SINK, 0, 450)


def test_an_edge_of_a_trigger_goes_to_who_has_its_sink() -> None:
    posted: list[Message] = []
    RemoteTrigger("cluster_b", "cluster_b.trigger", posted.append).edge(77)
    assert posted == [{"to": "cluster_b", "do": "edge", "cable": "cluster_b.trigger", "at_fs": 77}]

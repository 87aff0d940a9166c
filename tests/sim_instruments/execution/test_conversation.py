"""A made-up family behind ``execution``: a sequencer of fifty lines plays on the world."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.benches.physics.small_chip import (
    coherent_turns,
    feedline_point,
    hann,
    pi_amplitude,
    qubit_point,
)

from podium.sim_instruments.execution.conversation import (
    FOR_EVER,
    Answer,
    Conversation,
    Events,
    Waiting,
)
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    Piece,
    PulseTrain,
    Window,
)
from podium.sim_instruments.physics.world import World

READ_HZ, DRIVE_HZ, WIDE_NS, PERIOD_NS = 7.26e9, 6.02e9, 1000, 120_000
QUBIT = qubit_point(thermal=0.2, t1=30e-6, n_crit=1e9)
PI = pi_amplitude(QUBIT, hann(40))


@dataclass
class MadeUp:
    """Each shot: drive as the sweep says, read; with ``resets``, flip what was read as 1, read."""

    amplitudes: list[float]
    resets: bool = False
    threshold: complex = 0j
    shot: int = 0
    half: int = 0
    values: list[complex] = field(default_factory=list)

    def feed(self, answer: Answer) -> None:
        self.values += answer.values.tolist()

    def run_until(self, known_ns: int) -> Events | Waiting:
        begin_ns = self.shot * PERIOD_NS
        if self.shot == len(self.amplitudes):
            return Events((), (), FOR_EVER)
        if self.half == 0:
            amplitude = self.amplitudes[self.shot]
            self.shot, self.half = (self.shot, 1) if self.resets else (self.shot + 1, 0)
            return self.measured(begin_ns, amplitude)
        needs_ns = begin_ns + 200 + WIDE_NS
        if known_ns < needs_ns:
            return Waiting("its own reading", begin_ns + 3000)
        excited = (self.values[-1] * self.threshold.conjugate()).real > abs(self.threshold) ** 2
        self.shot, self.half = self.shot + 1, 0
        return self.measured(begin_ns + 3000, PI if excited else 0.0, begin_ns + PERIOD_NS)

    def measured(self, at_ns: int, amplitude: float, until_ns: int = 0) -> Events:
        until_ns = until_ns or at_ns + (3000 if self.half else PERIOD_NS)
        drive = Piece(DRIVE_HZ, amplitude * hann(40), 0j, 40)
        tone = Piece(READ_HZ, np.zeros(0, complex), 5e-5 + 0j, WIDE_NS)
        window = Window(READ_HZ, WIDE_NS, None)

        def train(line: str, piece: Piece, start_ns: int) -> PulseTrain:
            turns = coherent_turns(piece.carrier_hz, [start_ns])
            one = np.zeros(1, np.int32)
            return PulseTrain(line, np.array([start_ns]), one, np.asarray(turns), (piece,))

        heard = CaptureTrain(
            "node_a.feedline",
            np.array([at_ns + 200]),
            np.zeros(1, np.int32),
            np.asarray(coherent_turns(READ_HZ, [at_ns + 200])),
            (window,),
        )
        drives = [train("node_a.feedline", tone, at_ns + 100)]
        if amplitude:
            drives.insert(0, train("node_a.q0.drive", drive, at_ns))
        return Events(drives, [heard], until_ns)


def played(*sequencers) -> Conversation:
    world = World(lambda _: (feedline_point(QUBIT, kelvin=1.0),), 5)
    conversation = Conversation(sequencers, lambda: world.begin(RunStart(1, 10**24, {})))
    conversation.run()
    return conversation


def clouds() -> tuple[complex, complex]:
    """Return the means of what is read after nothing and after a pi pulse."""
    one = MadeUp([0.0] * 100 + [PI] * 100)
    played(one)
    values = np.array(one.values)
    return complex(values[:100].mean()), complex(values[100:].mean())


def test_a_rabi_scan_turns_the_qubit_and_back() -> None:
    amplitudes = np.repeat(np.linspace(0, 2, 9) * PI, 60)
    one = MadeUp(amplitudes.tolist())
    conversation = played(one)
    assert not conversation.left_behind
    values = np.array(one.values).reshape(9, 60).mean(axis=1)
    low, high = values[0], values[4]
    seen = ((values - low) / (high - low)).real
    assert np.abs(seen - np.sin(np.linspace(0, np.pi, 9)) ** 2).max() < 0.25


def test_an_active_reset_leaves_fewer_excitations_than_it_finds() -> None:
    low, high = clouds()
    middle = (low + high) / 2
    one = MadeUp([0.0] * 400, resets=True, threshold=0j)
    axis = high - low
    one.threshold = axis * ((middle * axis.conjugate()).real / abs(axis) ** 2)
    conversation = played(one)
    assert not conversation.left_behind
    values = np.array(one.values).reshape(400, 2)
    excited = ((values - middle) * axis.conjugate()).real > 0
    assert excited[:, 0].mean() > 0.13
    assert excited[:, 1].mean() < 0.6 * excited[:, 0].mean()


class Stuck:
    """Says what it is told to, again and again."""

    def __init__(self, *said: Events | Waiting) -> None:
        self.said = list(said)

    def feed(self, answer: Answer) -> None:
        pass

    def run_until(self, known_ns: int) -> Events | Waiting:
        return self.said.pop(0) if len(self.said) > 1 else self.said[0]


def test_who_never_starts_stops_or_breaks_a_promise_is_left_behind_and_told() -> None:
    for stuck, why in (
        (Stuck(Waiting("a start", 0)), "waits for a start"),
        (Stuck(Events((), (), 100_000), Events((), (), 100_000)), "does not go on"),
        (Stuck(Events((), (), 50_000), Waiting("more", 10_000)), "promised until 50000"),
        (Stuck(Events((), (), 90_000), MadeUp([0.0]).measured(10_000, PI)), "before 90000"),
    ):
        one = MadeUp([0.0] * 5)
        conversation = played(one, stuck)
        assert len(one.values) == 5, "the other goes on"
        (left,) = conversation.left_behind
        assert left.sequencer == 1
        assert why in left.why


class Listens:
    """Says at once when it listens, each window as a listener of its own."""

    def __init__(self, *begins_ns: int, drives: Sequence[PulseTrain] = ()) -> None:
        self.begins_ns, self.drives = begins_ns, drives
        self.heard: list[tuple[int, int]] = []

    def feed(self, answer: Answer) -> None:
        self.heard.append((answer.listener, int(answer.ends_ns[0])))

    def run_until(self, known_ns: int) -> Events:
        window = Window(READ_HZ, WIDE_NS, None)
        one = np.zeros(1, np.int32)
        heard = [
            CaptureTrain("node_a.feedline", np.array([at]), one, np.zeros(1), (window,))
            for at in self.begins_ns
        ]
        return Events(self.drives, heard, FOR_EVER, range(10, 10 + len(heard)))


class Chunks:
    """A world that answers nothing but zeros, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def go_on(self, drives, captures, listeners):
        self.asked.append(list(listeners))
        return tuple(CaptureAnswer(np.zeros(1, complex), None) for _ in captures)

    def trace(self, listener):
        return None

    def end(self, signals) -> None:
        pass


class Steps:
    """Goes on in steps, and plays nothing."""

    def __init__(self, *until_ns: int) -> None:
        self.until_ns = [*until_ns, FOR_EVER]

    def feed(self, answer: Answer) -> None:
        pass

    def run_until(self, known_ns: int) -> Events:
        return Events((), (), self.until_ns.pop(0))


def test_windows_that_overlap_are_answered_together_and_each_listener_by_its_number() -> None:
    world = Chunks()
    listens = Listens(0, 600, 5_000)
    Conversation([listens, Steps(1_200, 2_000, 5_500)], lambda: world).run()
    assert world.asked == [[10, 11], [12]], "the first is over at 1,000 ns, and waits"
    assert listens.heard == [(10, 1_000), (11, 1_600), (12, 6_000)]


@dataclass
class Waits:
    """Plays nothing, and goes on once a listener has answered or more has come from outside."""

    until_ns: int
    listener: int | None = None
    heard: bool = False

    def feed(self, answer: Answer) -> None:
        self.heard |= answer.listener == self.listener

    def run_until(self, known_ns: int) -> Events | Waiting:
        if self.heard:
            return Events((), (), FOR_EVER)
        return Waiting("what comes", self.until_ns, outside=self.listener is None)


def test_who_needs_a_window_that_overlaps_with_a_longer_one_does_not_wait_for_both() -> None:
    world = Chunks()
    listens = Listens(0, 600)
    conversation = Conversation([listens, Waits(1_000, 10)], lambda: world)
    assert conversation.run()
    assert conversation.left_behind == []
    assert world.asked == [[10], [11]], "the second is over when nobody plays any longer"


def test_a_run_stands_still_while_somebody_waits_for_what_comes_from_outside() -> None:
    world = Chunks()
    listens, waits = Listens(0, 5_000), Waits(2_000)
    conversation = Conversation([listens, waits], lambda: world)
    assert not conversation.has_begun
    assert not conversation.run()
    assert not conversation.run(), "nothing has come"
    assert listens.heard == [(10, 1_000)]
    waits.heard = True
    assert conversation.run()
    assert listens.heard == [(10, 1_000), (11, 6_000)]
    assert conversation.left_behind == []


def pulse_at(start_ns: int) -> PulseTrain:
    piece = Piece(DRIVE_HZ, np.ones(40, complex), 0j, 40)
    one = np.zeros(1, np.int32)
    return PulseTrain("node_a.q0.drive", np.array([start_ns]), one, np.zeros(1), (piece,))


class Meets(Chunks):
    """A world in which windows may wait for what others play."""

    def __init__(self) -> None:
        super().__init__()
        self.meets = True
        self.may_go_on = True
        self.said_ns: list[int] = []

    def say(self, drives, until_ns) -> None:
        self.said_ns.append(until_ns)

    def asks(self, captures) -> bool:
        return self.may_go_on


def test_others_windows_may_close_between_any_two_and_nobody_has_said_more_before_it_asks() -> None:
    world, listens = Meets(), Listens(0, 600, 5_000, 9_000, drives=[pulse_at(0)])
    conversation = Conversation([listens], lambda: world, can_wait=True)
    assert conversation.run()
    assert world.asked[:3] == [[10, 11], [12], [13]]
    assert world.said_ns == [1_599, 5_999, 9_999]
    assert listens.heard == [(10, 1_000), (11, 1_600), (12, 6_000), (13, 10_000)]


def test_a_window_that_waits_leaves_those_behind_it_unasked() -> None:
    world, listens = Meets(), Listens(0, 5_000, drives=[pulse_at(0)])
    world.may_go_on = False
    conversation = Conversation([listens], lambda: world, can_wait=True)
    assert not conversation.run()
    assert conversation.waits_for_others is world
    assert (world.asked, world.said_ns) == ([], [999])
    world.may_go_on = True
    assert conversation.run()
    assert world.asked == [[10], [11]]

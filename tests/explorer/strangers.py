"""What no sound coordinator says: an agent refuses it all the same."""

from dataclasses import replace

from tests.explorer.machines import NOW, PATIENCE, quanta
from tests.explorer.node import UP, Node

from podium.control.bus.messages import RunId
from podium.control.runs.agent_values import Phase
from podium.control.runs.messages import Arm, AtATime, Fire, Prepare, Request, Token
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.tai import Tai


def strange_requests(node: Node) -> list[tuple[str, Request]]:
    """Return wrong requests that come in the right place, each with what is wrong."""
    hand, agent = node.agent.hand, node.agent
    if agent.unsafe and not agent.making_safe and hand is None and node.process == UP:
        run = RunId(agent.session + 1, 1)
        return [
            (
                "to who is not safe",
                Prepare(run, node.life, "program of job 1", AtATime(several=False)),
            )
        ]
    if hand is None or node.process != UP:
        return []
    if hand.phase is Phase.PREPARED and hand.prepared is not None:
        one = hand.prepared
        good = Token(one.program_hash, one.epochs, one.minimum_lead_fs, PATIENCE.lease_s)
        return [
            ("of another program", Arm(hand.run, replace(good, program_hash="another"))),
            ("under other epochs", Arm(hand.run, replace(good, epochs=Epochs(())))),
            ("with less lead", Arm(hand.run, replace(good, minimum_lead_fs=1))),
        ]
    if hand.phase is Phase.ARMED:
        if hand.at_once:
            return [("for a time, of what starts at once", Fire(hand.run, _from(NOW, 5)))]
        return [
            ("far ahead", Fire(hand.run, _from(NOW, 100))),
            ("at once, of what starts at a time", Fire(hand.run, None)),
        ]
    if hand.phase is Phase.WAITING and hand.t0 is not None:
        return [("for another time", Fire(hand.run, _from(hand.t0, 1)))]
    return []


def _from(instant: Tai, count: int) -> Tai:
    return Tai.from_fs(instant.total_fs + quanta(count))

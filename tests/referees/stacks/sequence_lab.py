"""SeQUeNCe, unmodified, runs a two-click link; prints JSON with its counts, fidelity and pace.

``python sequence_lab.py PROBLEM.json FOLDER``, in an environment of its own. Nodes, memories,
channels, station, detectors and the protocol of Barrett and Kok are all SeQUeNCe's; what stands
here wires them and begins one attempt after another.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from sequence.components.memory import Memory
from sequence.components.optical_channel import ClassicalChannel, QuantumChannel
from sequence.entanglement_management.generation import EntanglementGenerationA
from sequence.kernel.timeline import Timeline
from sequence.topology.node import BSMNode, Node

BELL = np.array([1, 0, 0, 1]) / np.sqrt(2)
"""What SeQUeNCe's protocol corrects its pairs to."""
DELAY_PS = 10**6


class Manager:
    """Counts what the protocol reports."""

    def __init__(self) -> None:
        self.made = 0

    def update(self, protocol, memory, state) -> None:
        """Take a report: the pair is there, or the memory is free again."""
        if state == "ENTANGLED":
            self.made += 1
        else:
            memory.reset()


class EmitterNode(Node):
    """A node with one memory, whose photons go to the station."""

    def __init__(self, name, timeline, problem) -> None:
        super().__init__(name, timeline)
        self.memory = Memory(
            f"{name}.memory",
            timeline,
            fidelity=(1 + problem["visibility"]) / 2,
            frequency=0,
            efficiency=problem["transmission"],
            coherence_time=-1,
            wavelength=1550,
        )
        self.add_component(self.memory)
        self.memory.add_receiver(self)
        self.resource_manager = Manager()

    def init(self) -> None:
        """Begin with a free memory."""
        self.memory.reset()

    def receive_message(self, src, msg) -> None:
        """Hand a message on to the protocol."""
        self.protocols[0].received_message(src, msg)

    def get(self, photon, **words) -> None:
        """Send a photon of the memory to the station."""
        self.send_qubit(words["dst"], photon)


def wired(problem):
    """Return timeline and both nodes, joined by a station."""
    timeline = Timeline()
    nodes = [EmitterNode("a", timeline, problem), EmitterNode("b", timeline, problem)]
    station = BSMNode("station", timeline, ["a", "b"])
    analyser = station.get_components_by_type("SingleAtomBSM")[0]
    for name, value in (
        ("efficiency", problem["efficiency"]),
        ("dark_count", 0),
        ("time_resolution", 1000),
        ("count_rate", 1e9),
    ):
        analyser.update_detectors_params(name, value)
    for index, node in enumerate([*nodes, station]):
        node.set_seed(problem["seed"] + index)
    for node in nodes:
        QuantumChannel(f"q.{node.name}", timeline, 0, 100).set_ends(node, "station")
    for source in (*nodes, station):
        for target in (*nodes, station):
            if source is not target:
                name = f"c.{source.name}.{target.name}"
                ClassicalChannel(name, timeline, 100, DELAY_PS).set_ends(source, target.name)
    timeline.init()
    return timeline, nodes


def attempt(timeline, nodes) -> bool:
    """Make one attempt; tell whether it has made a pair."""
    for node, other in ((nodes[0], nodes[1]), (nodes[1], nodes[0])):
        node.memory.reset()
        node.protocols = [
            EntanglementGenerationA.create(
                node, f"{node.name}.eg", "station", other.name, node.memory
            )
        ]
    for node, other in ((nodes[0], nodes[1]), (nodes[1], nodes[0])):
        partner = other.protocols[0]
        node.protocols[0].set_others(partner.name, other.name, [other.memory.name])
    before = nodes[0].resource_manager.made
    for node in nodes:
        node.protocols[0].start()
    timeline.run()
    return nodes[0].resource_manager.made > before


def main() -> None:
    """Run what the file asks for."""
    problem = json.loads(Path(sys.argv[1]).read_text())
    timeline, nodes = wired(problem)
    made, good = 0, 0.0
    began = time.perf_counter()
    for _ in range(problem["attempts"]):
        if attempt(timeline, nodes):
            made += 1
            state = timeline.quantum_manager.get(nodes[0].memory.qstate_key).state
            good += float(abs(np.vdot(BELL, state)) ** 2)
    took_s = time.perf_counter() - began
    print(
        json.dumps({"attempts": problem["attempts"], "made": made, "good": good, "took_s": took_s})
    )


main()

"""Programs that come again with other parameters: compiled the first time, then put anew."""

import threading
from collections import OrderedDict

from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.patching import Artifact, compile_artifact
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.program.parameters import parameters_of, with_parameters
from podium.control.program.program import Program
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart

KEPT = 16
"""How many programs with parameters are remembered."""


class Recompiler:
    """Compiles as ``compile_program`` does; may be called from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Program, str, ExternalStart | None], Artifact] = OrderedDict()
        self._lock = threading.Lock()
        self.compiled = 0
        """How many programs were compiled, not put anew."""

    def compile(
        self, program: Program, target: QbloxTarget, start: ExternalStart | None = None
    ) -> ClusterProgram:
        """Return what plays ``program``; raises as ``compile_program`` does."""
        values = parameters_of(program)
        if not values:
            self.compiled += 1
            return compile_program(program, target, start)
        alike = with_parameters(program, dict.fromkeys(values, 0.0))
        key = (alike, target.cluster, start)
        with self._lock:
            artifact = self._kept.get(key)
        if artifact is not None:
            return artifact.patched(values, compile_anew=True)
        artifact = compile_artifact(program, target, start)
        with self._lock:
            self.compiled += 1
            self._kept[key] = artifact
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return artifact.cluster

"""A runner that keeps the programs of a reset, and a facility with an SHFQC."""

from tests.benches.calibration.synthetic_data import EXAMPLE, MadeRunner

from podium.control.program.program import Program

ON_AN_SHFQC = EXAMPLE.parents[1] / "first_light_zi" / "facility.yaml"


class Listing(MadeRunner):
    """Notes the programs that are asked for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.programs: list[Program] = []

    async def run(self, program: Program):  # type: ignore[no-untyped-def]
        self.programs.append(program)
        return await super().run(program)

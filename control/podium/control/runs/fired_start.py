"""Says what is expected of a program that is held prepared and fired, and judges its report."""

from podium.control.bus.messages import RunId
from podium.control.runs import verdict
from podium.control.runs.messages import UNVERIFIED, Prepared, Report, Token


def agreed(agent: str, run: RunId, token: Token, duration_fs: int = 0) -> Prepared:
    """Return what an agent promises of a run for which nothing is prepared any longer."""
    lead_fs = token.minimum_lead_fs
    return Prepared(
        agent,
        run,
        token.program_hash,
        token.epochs,
        1,
        0,
        UNVERIFIED,
        lead_fs,
        lead_fs,
        duration_fs,
        duration_fs,
    )


def problems(token: Token, report: Report) -> tuple[str, ...]:
    """Return why the data of a fire count for nothing; empty: it was played as agreed."""
    if report.start is None:
        return (report.ended or "it has not started",)
    prepared = agreed(report.agent, report.run, token)
    return verdict.problems(report.start.at, [verdict.Expected(prepared, report)])

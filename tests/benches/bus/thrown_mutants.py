"""Everything that an identity may write on the bus, as damaged messages, key by key."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benches.bus.message_mutants import mutants, sample

from podium.control.agent.agent import REQUESTS as OF_AGENTS
from podium.control.bus import (
    cold,
    direct_fires,
    facility_growth,
    messages,
    news,
    progress,
    queue,
    readings,
    records,
)
from podium.control.bus.memory import matches
from podium.control.bus.refusals import AskRefusals, refusals_key
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.coordinator.coordinator import REQUESTS as OF_THE_COORDINATOR
from podium.control.records.record_service import REQUESTS as OF_THE_RECORDS
from podium.control.security.access import ROLES, MayI, Member, access_key, rules_of
from podium.control.supervision.cold_answers import REQUESTS as OF_THE_SUPERVISOR

SAMPLES = 5


@dataclass(frozen=True)
class Target:
    """A key that an identity may write, by publishing or by asking, and what belongs there."""

    member: Member
    does: str
    key: str
    kinds: tuple[Any, ...]

    def payloads(self, count: int, seed: int, *, sound: bool = True) -> Iterator[bytes]:
        """Give damaged messages. One that still is a request is an order that it may give.

        Not ``sound``: what is published is no message of its kind any longer either.
        """
        rng = random.Random(f"{self.member} {self.key} {seed}")
        for number in range(SAMPLES):
            good = encode(sample(rng.choice(self.kinds), rng))
            for payload in mutants(good, count // SAMPLES, rng.random() + number):
                if (sound and self.does == "publish") or not self._is_one(payload):
                    yield payload

    def _is_one(self, payload: bytes) -> bool:
        try:
            decode(payload, *self.kinds)
        except BadMessage:
            return False
        return True


def targets(facility: str, agent: str) -> list[Target]:
    """Return all that anybody may write; ``agent``: the name of one."""
    kinds = {
        messages.heartbeat_key(facility, "*"): (messages.Heartbeat,),
        news.status_key(facility, "*"): (messages.AgentStatus,),
        news.events_key(facility, "*"): (news.Event,),
        readings.readings_key(facility, "*"): (readings.InstrumentReadings,),
        readings.clock_key(facility, "*"): (messages.Now,),
        cold.cold_news_key(facility): (cold.ColdNews,),
        cold.cold_key(facility): OF_THE_SUPERVISOR,
        news.runs_key(facility): (news.RunNews,),
        news.data_key(facility): (news.DataSummary,),
        facility_growth.grown_key(facility): (facility_growth.GrowTo,),
        facility_growth.coordinator_grow_key(facility): (facility_growth.GrowTo,),
        facility_growth.agent_grow_key(facility, "*"): (facility_growth.GrowTo,),
        messages.coordinator_key(facility): OF_THE_COORDINATOR,
        messages.agent_key(facility, "*"): OF_AGENTS,
        direct_fires.fires_key(facility, "*"): (direct_fires.FireDirectly, direct_fires.GiveUpFire),
        news.past_runs_key(facility): (news.Recent,),
        news.past_events_key(facility, "*"): (news.Recent,),
        records.records_key(facility): OF_THE_RECORDS,
        records.recorded_key(facility): (records.Recorded,),
        queue.queue_key(facility): (queue.QueueNews,),
        progress.progress_key(facility): (progress.ProgressNews,),
        progress.outcomes_key(facility): (progress.OutcomeNews,),
        progress.past_outcomes_key(facility): (news.Recent,),
        access_key(facility): (MayI,),
        refusals_key(facility): (AskRefusals,),
    }
    found = []
    for role in ROLES:
        member = Member(role, {"agent": agent, "client": "ann"}.get(role, ""))
        for rule in rules_of(facility, member):
            if rule.does in ("publish", "ask"):
                for pattern in rule.keys:
                    key = pattern.replace("*", agent)
                    (expected,) = (kind for known, kind in kinds.items() if matches(known, key))
                    found.append(Target(member, rule.does, key, expected))
    return found

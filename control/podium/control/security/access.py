"""Decides who may do what on the bus, by the common name of a certificate.

Zenoh enforces it, in the process that holds the meeting point and, the other way round, in every
process that connects to it. Zenoh drops what it denies without a word; :class:`Verdict` is how
the one who asked learns that it was denied, and why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

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
from podium.control.bus.refusals import refusals_key
from podium.control.facility.meeting_point import Holder

Role = Literal["router", "coordinator", "page", "supervisor", "records", "agent", "client"]
ROLES: tuple[Role, ...] = get_args(Role)
NAMED: frozenset[Role] = frozenset(("agent", "client"))
"""Roles of which there are several processes."""

EVERY = "*"
"""Name of who stands for all processes of a role."""

Does = Literal["ask", "answer", "publish", "hear", "announce", "watch"]

ZENOH_MESSAGES: Mapping[Does, tuple[str, ...]] = {
    "ask": ("query",),
    "answer": ("declare_queryable", "reply"),
    "publish": ("put",),
    "hear": ("declare_subscriber",),
    "announce": ("liveliness_token",),
    "watch": ("declare_liveliness_subscriber", "liveliness_query"),
}
"""What each is among the messages that Zenoh's access control tells apart.
https://zenoh.io/docs/manual/access-control, as of 1.10."""
OF_ANSWERERS = ("liveliness_token",)
"""Beside its answers, who answers a key says that it is the one."""
ALL_MESSAGES = (*(one for several in ZENOH_MESSAGES.values() for one in several), "delete")
FLOWS = ("ingress", "egress")

Plain: TypeAlias = "dict[str, Plain] | list[Plain] | str | bool"


def access_key(facility: str) -> str:
    """Key under which the holder of the meeting point answers :class:`MayI`, to everybody."""
    return f"podium/{facility}/access"


def answerer_key(key: str, zid: str) -> str:
    """Key under which it is seen which process answers ``key`` (``*``: any)."""
    return f"{key}/answered_by/{zid}"


@dataclass(frozen=True, slots=True)
class MayI:
    """May I do this?"""

    zid: str
    """Zenoh's identity of who asks: the holder looks up the certificate of that connection."""
    does: str
    """What it wants to do; empty: be here at all."""
    key: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allows something, or says why not."""

    allowed: bool
    words: str
    """If not: who, what, of whom, and what would be right."""


@dataclass(frozen=True, slots=True)
class Member:
    """A process of a facility, as its certificate names it."""

    role: Role
    name: str = ""
    """Of an agent or a client."""

    @property
    def common_name(self) -> str:
        """The common name of its certificate: ``coordinator``, ``agent.node_a``, ``client.ann``.

        Of who stands for all of a role, the role: ``agent``.
        """
        named = self.role in NAMED and self.name != EVERY
        return f"{self.role}.{self.name}" if named else self.role


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a member may do, and to which keys (patterns of them)."""

    does: Does
    keys: tuple[str, ...]


def rules_of(facility: str, member: Member) -> tuple[Rule, ...]:
    """Return all that a member may do."""
    agents = messages.agent_key(facility, "*")
    coordinator = messages.coordinator_key(facility)
    waits = queue.queue_key(facility), progress.progress_key(facility)
    told = news.runs_key(facility), news.data_key(facility), *waits
    outcomes, past_outcomes = progress.outcomes_key(facility), progress.past_outcomes_key(facility)
    grow, grown = (
        facility_growth.coordinator_grow_key(facility),
        facility_growth.grown_key(facility),
    )
    clocks = readings.clock_key(facility, "*")
    recording = records.records_key(facility)
    match member.role:
        case "router":
            own = _log(facility, "router")
        case "coordinator":
            own = (
                Rule("ask", (agents, coordinator, facility_growth.agent_grow_key(facility, "*"))),
                Rule("ask", (refusals_key(facility),)),
                Rule("answer", (coordinator, grow, news.past_runs_key(facility))),
                Rule("publish", (*told, grown)),
                Rule("hear", (messages.heartbeat_key(facility, "*"),)),
                Rule("announce", (coordinator,)),
                Rule("watch", (agents,)),
                *_log(facility, "coordinator"),
            )
        case "page":
            own = _page_rules(facility, (*told, grown))
        case "supervisor":
            asked = cold.cold_key(facility)
            own = (
                Rule("ask", (agents, clocks)),
                Rule("answer", (asked,)),
                Rule("announce", (asked,)),
                Rule("publish", (cold.cold_news_key(facility),)),
                Rule("hear", (readings.readings_key(facility, "*"), grown)),
                Rule("hear", (news.status_key(facility, "*"),)),
                *_log(facility, "supervisor"),
            )
        case "records":
            own = (
                Rule("answer", (recording, past_outcomes)),
                Rule("announce", (recording,)),
                Rule("publish", (records.recorded_key(facility), outcomes)),
                Rule("hear", (news.runs_key(facility), news.events_key(facility, "*"))),
                Rule("hear", (readings.readings_key(facility, "*"),)),
                *_log(facility, "records"),
            )
        case "agent":
            own = _agent_rules(facility, member.name)
        case "client":
            own = (
                Rule("ask", (coordinator, grow, cold.cold_key(facility), recording)),
                Rule("ask", (past_outcomes, direct_fires.fires_key(facility, "*"))),
                Rule("hear", (*waits, outcomes)),
                Rule("watch", (recording,)),
            )
    return (*own, Rule("ask", (access_key(facility),)))


def _page_rules(facility: str, told: tuple[str, ...]) -> tuple[Rule, ...]:
    coordinator = messages.coordinator_key(facility)
    past = news.past_runs_key(facility), news.past_events_key(facility, "*")
    heard = (
        messages.heartbeat_key,
        news.status_key,
        news.events_key,
        readings.readings_key,
    )
    return (
        Rule("ask", (coordinator, *past, cold.cold_key(facility), records.records_key(facility))),
        Rule("hear", (*(key(facility, "*") for key in heard), *told)),
        Rule("hear", (cold.cold_news_key(facility), records.recorded_key(facility))),
        Rule("hear", (progress.outcomes_key(facility),)),
        Rule("ask", (progress.past_outcomes_key(facility),)),
        Rule("watch", (messages.agent_key(facility, "*"), coordinator)),
        *_log(facility, "page"),
    )


def _agent_rules(facility: str, name: str) -> tuple[Rule, ...]:
    here = messages.agent_key(facility, name)
    beats = messages.heartbeat_key(facility, name)
    told_here = (
        news.status_key(facility, name),
        readings.readings_key(facility, name),
    )
    clock = readings.clock_key(facility, name)
    grows = facility_growth.agent_grow_key(facility, name)
    return (
        Rule("ask", (readings.clock_key(facility, "*"),)),
        Rule("answer", (here, grows, clock, direct_fires.fires_key(facility, name))),
        Rule("announce", (here,)),
        Rule("publish", (beats, *told_here)),
        Rule("hear", (readings.readings_key(facility, "*"),)),
        *_log(facility, f"agent {'$*' if name == EVERY else name}"),
    )


def _log(facility: str, process: str) -> tuple[Rule, ...]:
    return (
        Rule("publish", (news.events_key(facility, process),)),
        Rule("answer", (news.past_events_key(facility, process),)),
    )


def may(facility: str, member: Member, does: str, key: str) -> bool:
    """Return whether a member may do this to ``key`` (or to all that a pattern stands for)."""
    return any(
        rule.does == does and any(matches(pattern, key) for pattern in rule.keys)
        for rule in rules_of(facility, member)
    )


@lru_cache(1024)
def judge(facility: str, member: Member, does: str, key: str) -> Verdict:
    """Return whether a member may do this, in words if not."""
    if may(facility, member, does, key):
        return Verdict(True, "")
    same = [key for rule in rules_of(facility, member) if rule.does == does for key in rule.keys]
    same = [one for one in same if one != access_key(facility)]
    own = f"it may {does} {', '.join(same)}" if same else f"it may {does} nothing"
    others = [
        other.common_name
        for other in _candidates(key)
        if other != member and may(facility, other, does, key)
    ]
    right = f"; that takes the certificate {' or '.join(others)}" if others else ""
    words = f"denied: the certificate {member.common_name} may not {does} {key}: {own}{right}"
    return Verdict(False, words)


def _candidates(key: str) -> tuple[Member, ...]:
    """Return the members who may be allowed to do something to ``key``."""
    last = key.rpartition("/")[2].removeprefix("agent_")
    return tuple(Member(role, last if role == "agent" else "NAME") for role in ROLES)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whom the holder of a meeting point lets in."""

    facility: str
    holder: Holder
    members: tuple[Member, ...]

    @classmethod
    def of(
        cls, facility: str, holder: Holder, agents: Iterable[str], clients: Iterable[str]
    ) -> "Admission":
        """Admit all processes of a facility, and these clients."""
        alone: tuple[Role, ...] = ("coordinator", "page", "supervisor", "records")
        members = (
            *(Member(role) for role in alone),
            *(Member("agent", name) for name in agents),
            *(Member("client", name) for name in clients),
        )
        return cls(facility, holder, members)

    def judge(self, common_name: str | None, does: str, key: str) -> Verdict:
        """Return whether the bearer of a certificate may do this; ``does`` empty: be here."""
        for member in self.members:
            if member.common_name == common_name:
                return judge(self.facility, member, does, key) if does else Verdict(True, "")
        known = ", ".join(member.common_name for member in self.members)
        words = (
            f"denied: the {self.holder} of {self.facility} does not know the certificate "
            f"{common_name or '(none)'}; it knows {known}. A client is named under bus > clients "
            f"in the facility file, an agent by its nodes; then the {self.holder} is started again"
        )
        return Verdict(False, words)

    def control(self) -> dict[str, Plain]:
        """Return Zenoh's ``access_control`` for the holder of the meeting point."""
        rules: list[Plain] = []
        subjects: list[Plain] = []
        policies: list[Plain] = []
        everything = f"podium/{self.facility}/**"
        rules.append(_rule("hear of it", ALL_MESSAGES, (everything,), "egress"))
        for member in self.members:
            name = member.common_name
            names: list[Plain] = ["hear of it"]
            for rule in rules_of(self.facility, member):
                label = f"{name} may {rule.does} {' '.join(rule.keys)}"
                rules.append(_rule(label, ZENOH_MESSAGES[rule.does], rule.keys, "ingress"))
                names.append(label)
                if rule.does == "answer":
                    says_so = f"{label}, and say that it does"
                    tokens = [answerer_key(key, "*") for key in rule.keys]
                    rules.append(_rule(says_so, OF_ANSWERERS, tokens, "ingress"))
                    names.append(says_so)
            subjects.append(_subject(name))
            policies.append({"rules": names, "subjects": [name]})
        here = (access_key(self.facility),)
        rules.append(_rule("anybody may ask why", ZENOH_MESSAGES["ask"], here, "ingress"))
        rules.append(_rule("anybody is told why", ZENOH_MESSAGES["answer"], here, "egress"))
        subjects.append({"id": "anybody"})
        why: list[Plain] = ["anybody may ask why", "anybody is told why"]
        policies.append({"rules": why, "subjects": ["anybody"]})
        return _control(rules, subjects, policies)


def control_of_others(facility: str, holder: Holder) -> dict[str, Plain]:
    """Return Zenoh's ``access_control`` for who connects: it deals with the holder alone.

    An impostor with another certificate of the same authority is neither asked nor answered.
    """
    label = f"{holder} relays"
    rule = _rule(label, ALL_MESSAGES, (f"podium/{facility}/**",), *FLOWS)
    return _control([rule], [_subject(holder)], [{"rules": [label], "subjects": [holder]}])


def _control(rules: list[Plain], subjects: list[Plain], policies: list[Plain]) -> dict[str, Plain]:
    return {
        "enabled": True,
        "default_permission": "deny",
        "rules": rules,
        "subjects": subjects,
        "policies": policies,
    }


def _rule(name: str, sorts: Iterable[str], keys: Iterable[str], *flows: str) -> dict[str, Plain]:
    return {
        "id": name,
        "permission": "allow",
        "flows": list(flows),
        "messages": list(sorts),
        "key_exprs": list(keys),
    }


def _subject(common_name: str) -> dict[str, Plain]:
    return {"id": common_name, "cert_common_names": [common_name], "link_protocols": ["tls"]}

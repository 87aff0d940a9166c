"""Mistakes of a coordinator: runs on several agents, sessions, jobs that are kept."""

from tests.mutants.mutant import Mutant

_START = "control/podium/control/runs"
_TESTS = "tests/control/runs"
_RUN = f"{_START}/run_machine.py"
_COORDINATOR = f"{_START}/coordinator_machine.py"
_JOURNAL = f"{_START}/journal.py"
_BY_RUN = (f"{_TESTS}/test_run_machine.py",)
_BY_COORDINATOR = (f"{_TESTS}/test_coordinator_machine.py",)
_BY_JOURNAL = (f"{_TESTS}/test_journal.py",)
_PLANNER = "control/podium/control/coordinator"
_QUEUE, _QUEUE_STEP = f"{_PLANNER}/queue.py", f"{_PLANNER}/queue_step.py"
_QUEUE_VALUES = f"{_PLANNER}/queue_values.py"
_BY_QUEUE = ("tests/control/coordinator/test_queue_file.py",)
_BY_QUEUE_STEP = ("tests/control/coordinator/test_queue_step.py",)
_LOCAL = "control/podium/control/bus/local_socket.py"
_BY_LOCAL = ("tests/control/bus/test_local_socket.py",)


MUTANTS = (
    Mutant(
        "bus/anybody-at-a-local-socket",
        _LOCAL,
        "return bool(user == os.getuid())",
        "return bool(user >= 0)",
        _BY_LOCAL,
        "processes of other users fire",
    ),
    Mutant(
        "bus/a-local-socket-without-a-secret",
        _LOCAL,
        "elif asyncio.get_running_loop().time() < self._callers.get(caller, 0.0):",
        "elif caller in self._callers:",
        _BY_LOCAL,
        "whoever sees a socket's name asks what no rule lets it ask",
    ),
    Mutant(
        "bus/a-secret-for-ever",
        _LOCAL,
        "{one: until_s for one, until_s in self._secrets.items() if now_s < until_s}",
        "{one: until_s + now_s for one, until_s in self._secrets.items()}",
        _BY_LOCAL,
        "a client that was struck off goes on asking",
    ),
    Mutant(
        "bus/a-local-socket-for-ever",
        _LOCAL,
        "return connection if asyncio.get_running_loop().time() < until_s else None",
        "return connection if until_s else None",
        _BY_LOCAL,
        "the router's rules are asked once in an agent's life",
    ),
    Mutant(
        "run/nodes-with-different-programs",
        _RUN,
        "if len(hashes) > 1:",
        "if len(hashes) > 2:",
        _BY_RUN,
        "two nodes play parts of different programs",
    ),
    Mutant(
        "run/grid-of-one-node",
        _RUN,
        "grid = StartGrid(math.lcm(*(one.grid_fs for one in prepared)))",
        "grid = StartGrid(max(one.grid_fs for one in prepared))",
        _BY_RUN,
        "T0 lies between two ticks of a node",
    ),
    Mutant(
        "run/lead-of-the-quickest",
        _RUN,
        "needed_fs = max(one.minimum_lead_fs for one in prepared)",
        "needed_fs = min(one.minimum_lead_fs for one in prepared)",
        _BY_RUN,
        "the slowest node is always late",
    ),
    Mutant(
        "run/old-reading-is-the-time",
        _RUN,
        "max(readings) if fresh else (None, now_s)",
        "max(readings) if readings else (None, now_s)",
        _BY_RUN,
        "T0 is counted from a reading of long ago",
    ),
    Mutant(
        "run/earliest-clock-is-the-time",
        _RUN,
        "max(readings) if fresh else (None, now_s)",
        "min(readings) if fresh else (None, now_s)",
        _BY_RUN,
        "T0 is too near for the node whose clock is ahead",
    ),
    Mutant(
        "run/recall-counts-from-now",
        _RUN,
        "until_s = now_s - age_s +",
        "until_s = now_s +",
        _BY_RUN,
        "FIRE is called back within the guard, where the time was told slowly",
    ),
    Mutant(
        "run/time-of-long-ago",
        _RUN,
        "if age_s > patience.reading_s:",
        "if False:",
        _BY_RUN,
        "a coordinator that was frozen fires by the time of before",
    ),
    Mutant(
        "run/own-pause-learnt",
        _COORDINATOR,
        "if not self.attendance.paused_since(since_s):",
        "if True:",
        _BY_COORDINATOR,
        "after a pause of its own a coordinator takes the way for slow, and starts a second late",
    ),
    Mutant(
        "run/aborts-only-who-answered",
        _RUN,
        "Abort(start.run, reason) for node in start.nodes if not node.down",
        "Abort(start.run, reason) for node in start.nodes if node.prepared",
        _BY_RUN,
        "a node that was slow to prepare stays in the run",
    ),
    Mutant(
        "run/over-when-one-is-down",
        _RUN,
        "if all(node.down for node in start.nodes):",
        "if any(node.down for node in start.nodes):",
        _BY_RUN,
        "a run is over while a node still plays",
    ),
    Mutant(
        "run/late-though-a-node-has-begun",
        _RUN,
        "if start.late and begun:",
        "if start.late and not begun:",
        _BY_RUN,
        "a run that a node has played is begun again as one that nobody has",
    ),
    Mutant(
        "coordinator/session-is-used-again",
        _COORDINATOR,
        "session = max(session, number + 1)",
        "session = max(session, number)",
        _BY_COORDINATOR,
        "two coordinators have one session: fencing tells them not apart",
    ),
    Mutant(
        "coordinator/fenced-goes-on",
        _COORDINATOR,
        "if session > self.session:",
        "if session > self.session + 1:",
        _BY_COORDINATOR,
        "a replaced coordinator does not stand aside",
    ),
    Mutant(
        "coordinator/agents-taken-twice",
        _COORDINATOR,
        "in_use = not asks and bool(taken & set(job.agents))",
        "in_use = not asks and taken == set(job.agents)",
        _BY_COORDINATOR,
        "two runs are begun on one agent",
    ),
    Mutant(
        "coordinator/later-job-overtakes",
        _COORDINATOR,
        "                taken |= set(job.agents)\n        return did",
        "                pass\n        return did",
        _BY_COORDINATOR,
        "a job waits for ever behind smaller ones",
    ),
    Mutant(
        "queue/waiting-counts-for-nothing",
        _QUEUE_VALUES,
        "return self.priority - self.asked_s / AGE_S",
        "return float(self.priority)",
        _BY_QUEUE_STEP,
        "usual work waits for as long as anything urgent comes",
    ),
    Mutant(
        "queue/nobody-drains",
        _QUEUE_STEP,
        "drains = now_s - work.asked_s > DRAIN_S",
        "drains = False",
        _BY_QUEUE_STEP,
        "work on all nodes is passed again and again by what overruns its estimate",
    ),
    Mutant(
        "queue/a-bias-is-let-in-at-a-safe-point",
        _QUEUE_STEP,
        "if not mine.yields or work.rank <= inherited[mine.ticket]:",
        "if not mine.yields:",
        _BY_QUEUE_STEP,
        "a bias moves between two batches of a stream",
    ),
    Mutant(
        "queue/rank-is-not-inherited",
        _QUEUE_STEP,
        "rank = inherited.get(work.ticket, work.rank)",
        "rank = work.rank",
        _BY_QUEUE_STEP,
        "a stream lets others in again and again while a bias waits for its end",
    ),
    Mutant(
        "queue/begins-into-a-reservation",
        _QUEUE_STEP,
        "into_it = at_s < begins_s < ends_s and not work.yields",
        "into_it = False",
        _BY_QUEUE_STEP,
        "a run of somebody else goes on when a reservation begins",
    ),
    Mutant(
        "queue/told-before-it-is-kept",
        _QUEUE,
        "if kept is not None and not kept.done():",
        "if False:",
        _BY_QUEUE,
        "a run is announced that a crash takes away",
    ),
    Mutant(
        "journal/torn-line-is-taken",
        _JOURNAL,
        'if not line.endswith(b"\\n") or check',
        "if check",
        _BY_JOURNAL,
        "the next entry is written onto a line without an end, and both are lost",
    ),
    Mutant(
        "journal/checksum-not-looked-at",
        _JOURNAL,
        'check != b"%08x" % zlib.crc32(text)',
        "len(check) != 8",
        _BY_JOURNAL,
        "damage is read as an entry",
    ),
    Mutant(
        "journal/taken-by-another-unseen",
        _JOURNAL,
        "if ours.st_ino != there.st_ino or there.st_size != self._size:",
        "if ours.st_ino != there.st_ino and there.st_size != self._size:",
        _BY_JOURNAL,
        "a replaced coordinator accepts jobs that nobody knows of",
    ),
    Mutant(
        "journal/forgotten-comes-back",
        _JOURNAL,
        "self._jobs.pop(ticket, None)",
        "pass",
        _BY_JOURNAL,
        "a job that is over is played again after a restart",
    ),
    Mutant(
        "coordinator/silence-ends-what-plays-alone",
        _COORDINATOR,
        "if start.at_once and lost.silent:",
        "if False:",
        ("tests/control/test_one_run.py",),
        "a loop that is blocked for a second costs a measurement that goes on",
    ),
)

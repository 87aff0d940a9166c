"""One state for all that are the same once agents, jobs and runs are exchanged."""

from tests.explorer.abstraction import exchanged
from tests.explorer.parts import Parts, Places, State
from tests.explorer.scenario import Group


class Representatives:
    """Finds the representative of a state."""

    def __init__(self, parts: Parts, groups: tuple[Group, ...], places: Places) -> None:
        self._parts = parts
        self._groups = groups
        self._newest, self._once, self._messages = places.newest, places.once, places.messages
        self._exchanged: dict[tuple[int, int], int] = {}

    def of(self, state: State) -> State:
        """Return the representative of ``state``."""
        best = state
        for group in self._groups:
            first = state[group.first]
            known = self._exchanged.get((first, group.number))
            if known is None:
                known = self._exchange(first, group)
            if known <= best[0]:
                new = self._as_exchanged(state, group)
                if new < best:
                    best = new
        return best

    def _as_exchanged(self, state: State, group: Group) -> State:
        known, number = self._exchanged, group.number
        parts = []
        for one in state:
            found = known.get((one, number))
            parts.append(self._exchange(one, group) if found is None else found)
        new = list(state)
        for place, goes in enumerate(group.places):
            new[goes] = parts[place]
        new[self._newest : self._once] = parts[self._newest : self._once]
        if len(state) > self._messages:
            new[self._messages :] = sorted(parts[self._messages :])
        return tuple(new)

    def _exchange(self, number: int, group: Group) -> int:
        value = exchanged(self._parts.values[number], group.exchange)
        found = self._exchanged[number, group.number] = self._parts.number(value)
        return found

"""Twins of Lake Shore thermometer boxes share what these do by themselves."""

from typing import Any

from podium.sim_instruments.twins.answer_pace import AnswerPace
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.fridge_readings import FridgeReadings
from podium.sim_instruments.twins.lakeshore_alarms import InputAlarms
from podium.sim_instruments.twins.lakeshore_outputs import LakeshoreOutputs
from podium.sim_instruments.twins.twin import Horizon


class LakeshoreTwin(MessageTwin):
    """A box with inputs that may alarm and outputs that regulate."""

    pace: AnswerPace
    _readings: FridgeReadings | None
    _outputs: LakeshoreOutputs[Any]
    _alarms: InputAlarms

    def horizon(self, now_fs: int) -> Horizon:
        """Return when what it is asked is answered; nothing else holds world time up."""
        return self.pace.horizon(now_fs)

    @property
    def acts(self) -> bool:
        """Tell whether a loop regulates, a warm-up may end or a limit may be passed."""
        return self._outputs.acts or self._alarms.watching

    def advance(self, now_fs: int) -> None:
        """Do what loops, limits and alarms do by themselves, up to ``now_fs``."""
        if self._readings is not None:
            self._readings.now_fs = now_fs
        self._outputs.advance(now_fs)
        self._alarms.advance(now_fs)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: settings are kept, outputs go off unless they are to stay on."""
        self.advance(now_fs)
        self._device.power_on()
        self._outputs.power_on(now_fs)
        self._alarms.reset()

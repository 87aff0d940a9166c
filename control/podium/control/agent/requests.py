"""Lists the requests that an agent answers."""

from podium.control.bus import manual_access, messages
from podium.control.bus.epochs import AskEpochs
from podium.control.bus.snapshots import TakeSnapshot
from podium.control.bus.streams import AskDuration, AskParts
from podium.control.runs.messages import OfRun

REQUESTS = (
    messages.Hello,
    OfRun,
    messages.Begin,
    messages.Await,
    messages.Cancel,
    messages.Read,
    messages.Now,
    messages.Status,
    AskDuration,
    AskParts,
    manual_access.Examine,
    manual_access.Ask,
    manual_access.Release,
    manual_access.TakeBack,
    TakeSnapshot,
    AskEpochs,
)

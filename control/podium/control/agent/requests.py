"""What an agent may be asked."""

from podium.control.bus import by_hand, messages
from podium.control.bus.epochs import AskEpochs
from podium.control.bus.snapshots import TakeSnapshot
from podium.control.bus.streams import AskParts, HowLong
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
    HowLong,
    AskParts,
    by_hand.Examine,
    by_hand.Ask,
    by_hand.Release,
    by_hand.TakeBack,
    TakeSnapshot,
    AskEpochs,
)

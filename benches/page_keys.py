"""How soon a run is drawn after an arrow key, on the page of recorded runs, in Chromium.

``python -m benches.page_keys [--runs N]`` prints JSON: of a thousand runs with data, lines and maps
by turns, the time from the key to the plot, the next key as soon as it is drawn.
"""

import argparse
import asyncio
import json
import socket
import tempfile
from pathlib import Path

import numpy as np
from benches.big_facility import EXAMPLE
from playwright.async_api import Page, async_playwright
from tests.benches.web.recorded import filled, run_name
from tests.conftest import chromium

from podium.control.bus.memory import MemoryBus
from podium.control.facility.load import load_facility
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import served

DRAWN = """(run) => new Promise((done) => {
  const plots = document.getElementById("plots");
  const began = performance.now();
  const look = () => {
    if (plots.dataset.run === run) done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true, cancelable: true }));
  look();
})"""


async def through_all(tab: Page, runs: int) -> list[float]:
    """Press the key until the oldest run is drawn; return how long each took, s."""
    took = []
    for number in range(runs - 1, 2, -1):
        took.append(await tab.evaluate(DRAWN, run_name(number)) / 1e3)
    return took


async def measure(runs: int) -> dict[str, object]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "records"
        with RecordFolder(folder) as records:
            filled(records, runs)
        facility, bus = load_facility(EXAMPLE), MemoryBus()
        service = RecordService(facility.name, bus, lambda: RecordFolder(folder))
        listening = socket.create_server(("127.0.0.1", 0))
        async with (
            service.running(),
            served(FacilityPicture(facility), bus, listening) as port,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox"]
            )
            tab = await browser.new_page()
            await tab.goto(f"http://127.0.0.1:{port}/data")
            await tab.locator(f'#plots[data-run="{run_name(runs)}"]').wait_for()
            took = await through_all(tab, runs)
            await browser.close()
    p50, p99 = np.percentile(took, [50, 99])
    return {
        "runs": runs,
        "keys": len(took),
        "each_s": {"p50": round(p50, 3), "p99": round(p99, 3), "worst": round(max(took), 3)},
        "mean_s": round(sum(took) / len(took), 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    print(json.dumps(asyncio.run(measure(parser.parse_args().runs))))

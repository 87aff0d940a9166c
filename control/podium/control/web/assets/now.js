// What runs: topics are swapped in as they come, runs are chosen and stopped, fits are drawn.
import { begin, bring, fill, post, reason, say } from "./live.js";
import { Panels } from "./panels.js";
import { Plots } from "./plots.js";
import { askToCancel, askToStop, lookAgain } from "./stop.js";

const plots = new Plots(document.getElementById("plots"), document.getElementById("data-of"));
const panels = new Panels(document.getElementById("outcome"), document.getElementById("outcome-of"));
const LOST = "Podium does not answer.";
let pinned = null;

// What a person does

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button === null) return;
  if (button.dataset.run !== undefined) await pin(button.dataset.run);
  else if (button.id === "newest") unpin();
  else if (button.dataset.history !== undefined) await history(button.dataset.history);
  else if (button.dataset.stop !== undefined) askToStop(button);
  else if (button.dataset.cancel !== undefined) askToCancel(button);
  else if (button.dataset.finding !== undefined) await lookedAt(button);
  else if (button.dataset.close !== undefined) button.closest("dialog").close();
});

document.getElementById("shown-as").addEventListener("change", (event) => {
  plots.shownAs = event.target.value;
});

async function lookedAt(button) {
  button.disabled = true;
  try {
    await post(`/api/findings/${encodeURIComponent(button.dataset.finding)}/looked`);
    tell("needs-said", "");
  } catch (error) {
    tell("needs-said", error instanceof TypeError ? LOST : error.message);
    button.disabled = false;
  }
}

function tell(id, text) {
  const place = document.getElementById(id);
  say(place, text);
  place.hidden = text === "";
}

async function pin(run) {
  let answer;
  try {
    answer = await fetch(`/api/runs/${encodeURIComponent(run)}/data`);
    tell("data-said", answer.ok ? "" : await reason(answer));
  } catch { tell("data-said", LOST); }
  if (!answer?.ok) return;
  pinned = run;
  document.getElementById("newest").hidden = false;
  plots.show(await answer.json());
  document.getElementById("h-data").scrollIntoView({ block: "nearest" });
}

async function unpin() {
  pinned = null;
  const button = document.getElementById("newest");
  if (document.activeElement === button) document.getElementById("shown-as").focus();
  button.hidden = true;
  const newest = document.querySelector("#runs button[data-run]");
  if (newest !== null) {
    const answer = await fetch(`/api/runs/${encodeURIComponent(newest.dataset.run)}/data`);
    if (answer.ok && pinned === null) plots.show(await answer.json());
  }
}

async function history(address) {
  const dialog = document.getElementById("history");
  await bring(address, document.getElementById("history-rows"));
  if (!dialog.open) dialog.showModal();
}

begin({
  taken: {
    plot: (text) => { if (pinned === null) plots.show(JSON.parse(text)); },
    outcome: (text) => panels.show(JSON.parse(text)),
  },
  after: { now: lookAgain, queue: lookAgain },
  drawn: () => { plots.redraw(); panels.redraw(); },
});
fill(document);

// Stopping what runs: asks first, then asks Podium, and says what came of it.

import { reason } from "./live.js";

const dialog = document.getElementById("stop");
const title = document.getElementById("h-stop");
const what = document.getElementById("stop-what");
const said = document.getElementById("stop-said");
const now = document.getElementById("stop-now");
const KEPT = {
  procedure: "What its steps have found so far is kept; the run that is on is given up, and nothing more of it begins",
  batches: "What was measured so far is kept and marked incomplete",
  nothing: "It is measured in one piece: nothing of it can be kept, and what waits for it fails",
};
let run = null; // whose stop is asked about

export function askToStop(button) {
  const { stop, program, by, kept } = button.dataset;
  run = stop;
  title.textContent = `Stop ${program}?`;
  const name = kept === "procedure" ? "It was" : `Run ${run},`;
  what.textContent = `${name} asked by ${by}. ${KEPT[kept]}; outputs are made safe.`;
  say("");
  now.hidden = false;
  now.disabled = false;
  leave("Let it run");
  dialog.showModal();
}

// Called whenever what runs has changed: the run may end by itself while one thinks.
export function lookAgain() {
  if (!dialog.open || now.disabled) return;
  const on = [...document.querySelectorAll("button[data-stop]")].map((one) => one.dataset.stop);
  if (!on.includes(run)) over("It has ended by itself.");
}

now.addEventListener("click", async () => {
  now.disabled = true;
  say("Stopping, and making outputs safe…");
  const asked = run;
  try {
    const answer = await fetch(`/api/runs/${encodeURIComponent(asked)}/stop`, {
      method: "POST", headers: { "X-Podium-Page": "stop" },
    });
    if (answer.ok) {
      if (run === asked) dialog.close();
    } else if (run === asked) {
      over(await reason(answer));
    }
  } catch {
    over("Podium does not answer: whether it has stopped is not known.");
  }
});

dialog.addEventListener("close", () => {
  // It comes late: the dialog may be open again. The button may be gone with the run: then the
  // keyboard goes on from what runs.
  if (!dialog.open && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
});

function over(text) {
  say(text);
  now.hidden = true;
  leave("Close");
}

function leave(text) { dialog.querySelector("[data-close]").textContent = text; }

function say(text) {
  said.textContent = text;
  said.hidden = text === "";
}

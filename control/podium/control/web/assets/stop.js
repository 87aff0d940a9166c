// Stopping what runs, cancelling what waits: asks first, then asks Podium, and says what came of it.

import { reason } from "./live.js";

const dialog = document.getElementById("stop");
const title = document.getElementById("h-stop");
const what = document.getElementById("stop-what");
const said = document.getElementById("stop-said");
const now = document.getElementById("stop-now");
const yes = document.getElementById("stop-yes");
const KEPT = {
  procedure: "What its steps have found so far is kept; the run that is on is given up, and nothing more of it begins",
  batches: "What was measured so far is kept and marked incomplete",
  nothing: "It is measured in one piece: nothing of it can be kept, and what waits for it fails",
};
let asked = null; // what is asked about: how its button is found, and the address of its end

export function askToStop(button) {
  const { stop, program, by, kept } = button.dataset;
  const name = kept === "procedure" ? "It was" : `Run ${stop},`;
  put({
    title: `Stop ${program}?`,
    what: `${name} asked by ${by}. ${KEPT[kept]}; outputs are made safe.`,
    yes: "Stop it",
    no: "Let it run",
    doing: "Stopping, and making outputs safe…",
    lost: "Podium does not answer: whether it has stopped is not known.",
    gone: "It has ended by itself.",
    address: `/api/runs/${encodeURIComponent(stop)}/stop`,
    isThere: (one) => one.stop === stop,
  });
}

export function askToCancel(button) {
  const { cancel, program, by } = button.dataset;
  put({
    title: `Cancel ${program}?`,
    what: `It was asked by ${by}, and waits for its turn: nothing of it has begun. Who asked is told.`,
    yes: "Cancel it",
    no: "Let it wait",
    doing: "Cancelling…",
    lost: "Podium does not answer: whether it waits any longer is not known.",
    gone: "It waits no longer: it has begun, or somebody has cancelled it.",
    address: `/api/queue/${encodeURIComponent(cancel)}/cancel`,
    isThere: (one) => one.cancel === cancel,
  });
}

function put(question) {
  asked = question;
  title.textContent = question.title;
  what.textContent = question.what;
  yes.textContent = question.yes;
  say("");
  now.hidden = false;
  now.disabled = false;
  leave(question.no);
  dialog.showModal();
}

// Called whenever what runs has changed: the run may end by itself while one thinks.
export function lookAgain() {
  if (!dialog.open || now.disabled) return;
  const there = [...document.querySelectorAll("button[data-stop], button[data-cancel]")];
  if (!there.some((one) => asked.isThere(one.dataset))) over(asked.gone);
}

now.addEventListener("click", async () => {
  now.disabled = true;
  const mine = asked;
  say(mine.doing);
  try {
    const answer = await fetch(mine.address, {
      method: "POST", headers: { "X-Podium-Page": "stop" },
    });
    if (answer.ok) {
      if (asked === mine) dialog.close();
    } else if (asked === mine) {
      over(await reason(answer));
    }
  } catch {
    over(mine.lost);
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

// The page of the cold side: parts are swapped in as they come; alarms are acknowledged and
// shelved, procedures rehearsed, begun, confirmed and stopped.
import { begin, fill, reason, say } from "./live.js";
import { Trends } from "./cold_trends.js";

const SHELVING = [[900, "15 min"], [3600, "1 h"], [28800, "8 h"], [null, "out of service, until put back"]];
const who = document.getElementById("who");
const said = document.getElementById("said");
const dialog = document.getElementById("ask");
const choices = document.getElementById("ask-choices");
const yes = document.getElementById("ask-yes");
const trends = [...document.querySelectorAll(".trend")].map((place) => new Trends(place, document.getElementById("last")));
let agreed = null; // what is done when somebody says yes
let asker = null; // the button that was pressed last

// What a person does

const DONE = {
  acknowledge: ({ alarm }) => post(`alarms/${encodeURIComponent(alarm)}/acknowledge`, {}),
  reset: ({ alarm }) => post(`alarms/${encodeURIComponent(alarm)}/reset`, {}),
  unshelve: ({ alarm }) => post(`alarms/${encodeURIComponent(alarm)}/shelve`, { for_s: 0 }),
  "in-service": ({ alarm }) => post(`alarms/${encodeURIComponent(alarm)}/service`, { in_service: true }),
  shelve: ({ alarm, what }) => ask({
    title: "Shelve this alarm?",
    what: `${what}. It calls nobody meanwhile, and is told of again when the time is over (facility time).`,
    yes: "Shelve it",
    options: SHELVING.map(([, words]) => words),
    done: (n) => (SHELVING[n][0] === null
      ? post(`alarms/${encodeURIComponent(alarm)}/service`, { in_service: false })
      : post(`alarms/${encodeURIComponent(alarm)}/shelve`, { for_s: SHELVING[n][0] })),
  }),
  confirm: ({ procedure }) => (named() ? post(`procedures/${encodeURIComponent(procedure)}/confirm`, {}) : null),
  stop: ({ procedure, what }) => ask({
    title: `Stop ${what}?`,
    what: "It ends where it is; valves, pumps and heaters stay as it has set them.",
    yes: "Stop it",
    done: () => post(`procedures/${encodeURIComponent(procedure)}/stop`, {}),
  }),
  rehearse: (_, place) => rehearse(place),
  "dry-run": (_, place) => post("procedures", { ...chosen(place), dry_run: true }),
  begin: (_, place) => (named() ? ask({
    title: `Begin ${place.querySelector("select").selectedOptions[0].textContent} on ${place.dataset.fridge}?`,
    what: "It operates pumps, valves and heaters by itself. Agents refuse what their interlocks forbid; the fridge's own interlocks stay in charge.",
    yes: "Begin",
    done: () => post("procedures", { ...chosen(place), dry_run: false }),
  }) : null),
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button === null) return;
  if (button.dataset.close !== undefined) { button.closest("dialog").close(); return; }
  const act = DONE[button.dataset.cold];
  if (act === undefined) return;
  asker = button;
  button.disabled = true;
  try { await act(button.dataset, button.closest("[data-fridge]")); } finally { button.disabled = false; }
});

function chosen(place) {
  return { procedure: place.querySelector("select").value, fridge: place.dataset.fridge };
}

function named() {
  if (who.value.trim() !== "") return true;
  tell("Who are you? Give your name above: what operates a fridge is done by somebody.");
  who.focus();
  return false;
}

async function rehearse(place) {
  const { procedure, fridge } = chosen(place);
  tell(`Rehearsing ${procedure} on ${fridge}…`);
  if (await post(`fridges/${encodeURIComponent(fridge)}/rehearse`, { procedure })) tell("");
}

async function post(address, body) {
  try {
    const answer = await fetch(`/api/cold/${address}`, {
      method: "POST",
      headers: { "X-Podium-Page": "cold", "Content-Type": "application/json" },
      body: JSON.stringify({ by: who.value.trim(), ...body }),
    });
    tell(answer.ok ? "" : await reason(answer));
    return answer.ok;
  } catch {
    tell("Podium does not answer: whether it was done is not known.");
    return false;
  }
}

function tell(text) {
  say(said, text);
  said.hidden = text === "";
}

// A fridge's readings are fetched while somebody looks at them, each time that there are new ones.
document.addEventListener("toggle", ({ target }) => {
  if (target.open && target.dataset.readings !== undefined) readings(target);
}, { capture: true });

async function readings(details) {
  try {
    const answer = await fetch(`/cold/fridges/${encodeURIComponent(details.dataset.readings)}/readings`);
    if (!answer.ok) return;
    const target = details.querySelector("div");
    htmx.swap({ text: await answer.text(), target, swap: "innerMorph" });
    fill(target);
  } catch { /* that nothing is heard is said above */ }
}

function live(trend, text) {
  trend.live(JSON.parse(text));
  const open = document.querySelector(`details[open][data-readings="${CSS.escape(trend.fridge)}"]`);
  if (open !== null) readings(open);
}

// A question before what matters

function ask({ title, what, yes: word, options = [], done }) {
  document.getElementById("h-ask").textContent = title;
  document.getElementById("ask-what").textContent = what;
  yes.textContent = word;
  choices.replaceChildren(...options.map((text, n) => {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "choice", value: String(n), checked: n === 0 });
    label.append(input, text);
    return label;
  }));
  agreed = done;
  dialog.showModal();
}

yes.addEventListener("click", async () => {
  const done = agreed, n = Number(choices.querySelector("input:checked")?.value ?? 0);
  dialog.close();
  await done(n);
});

dialog.addEventListener("close", () => {
  const at = document.activeElement;
  if (dialog.open || (at !== document.body && !dialog.contains(at))) return;
  // A button that was disabled while it asked does not get the focus back in every browser.
  (asker?.isConnected ? asker : document.getElementById("main")).focus({ preventScroll: true });
});

// Times

function untils() {
  for (const one of document.querySelectorAll("time.until-tai")) {
    say(one, `${new Date(one.dataset.tai * 1000).toISOString().slice(11, 16)} TAI`);
  }
}

begin({
  taken: Object.fromEntries(trends.map((one) => [`cold-live/${one.fridge}`, (text) => live(one, text)])),
  after: { "cold-alarms": untils },
  drawn: () => { for (const one of trends) one.redraw(); },
});
untils();
fill(document);

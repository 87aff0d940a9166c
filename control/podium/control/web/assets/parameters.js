// Parameters: a table that stays up to date, histories, what changed, older values put back.
import { begin, bring, fill, name, post, say } from "./live.js";

const history = document.getElementById("history");
const dialog = document.getElementById("revert");
const why = document.getElementById("why");
const said = document.getElementById("revert-said");
const now = document.getElementById("revert-now");
let asked = null; // what is to be put back

async function show(address) {
  await bring(address, document.getElementById("history-rows"));
  history.dataset.address = address;
  if (!history.open) history.showModal();
}

function askToRevert({ revert, to, value }) {
  asked = { name: revert, to_tai_s: Number(to) };
  say(document.getElementById("h-revert"), `Put ${value} back?`);
  say(document.getElementById("revert-what"), `${revert} is ${value} again, as it was then. Nothing is deleted: the value of now stays in its history.`);
  why.value = "";
  said.hidden = true;
  dialog.showModal();
  why.focus();
}

now.addEventListener("click", async () => {
  now.disabled = true;
  try {
    await post(`/api/parameters/${encodeURIComponent(asked.name)}/revert`, { why: why.value, by: name(), to_tai_s: asked.to_tai_s });
    dialog.close();
    if (history.open) await show(history.dataset.address);
  } catch (error) {
    say(said, error.message);
    said.hidden = false;
  } finally { now.disabled = false; }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button === null) return;
  if (button.dataset.history !== undefined) await show(button.dataset.history);
  else if (button.dataset.revert !== undefined) askToRevert(button.dataset);
  else if (button.dataset.close !== undefined) button.closest("dialog").close();
});

// What changed

const FORMS = { diff: ["/parameters/changes", "diff-found"], snapshots: ["/data/snapshots", "snapshots-found"] };

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [address, place] = FORMS[event.target.id];
  const target = document.getElementById(place);
  try {
    await bring(`${address}?${new URLSearchParams(new FormData(event.target))}`, target);
  } catch (error) { say(target, error.message); }
});

begin();
fill(document);

// Chips with their edges, and links: drawn by Podium, swapped in as they change; histories on demand.
import { begin, bring, fill } from "./live.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.history === undefined) return;
  const dialog = document.getElementById("history");
  await bring(button.dataset.history, document.getElementById("history-rows"));
  if (!dialog.open) dialog.showModal();
});

document.addEventListener("click", (event) => {
  event.target.closest("button[data-close]")?.closest("dialog").close();
});

begin();
fill(document);

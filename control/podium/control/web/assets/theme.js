// Before anything is painted: the theme that this browser was told to use, if any.
"use strict";
try {
  const chosen = localStorage.getItem("podium-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* storage is closed: as the system has it */ }

/*
 * Which findings were shown while a reply was written: sent with it, so that the house can tell
 * whether a rule is worth its place. They are kept by conversation until it is sent or left.
 */
(() => {
  "use strict";
  const shown = new Map();
  const here = () => document.getElementById("told")?.dataset.id;
  const write = () => {
    const place = document.getElementById("shown");
    if (!place || !here()) return;
    place.replaceChildren(...[...(shown.get(here()) || [])].map((told) => {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "shown";
      field.value = told;
      return field;
    }));
  };
  const gather = () => {
    const seen = document.querySelectorAll("#check .felt[data-code]");
    if (seen.length && here() && !shown.has(here())) shown.set(here(), new Set());
    seen.forEach((one) => shown.get(here()).add(`${one.dataset.code}:${one.dataset.light}`));
    write();
  };
  document.addEventListener("htmx:afterSwap", (event) => {
    if (["check", "conversation", "list"].includes(event.detail.target?.id)) gather();
  });
  document.addEventListener("heard:sent", () => { shown.delete(here()); write(); });
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", gather) : gather();
})();

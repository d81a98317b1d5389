/* Whoever is on hold: their clock goes on by itself, and turns red when it has been too long. */
(() => {
  "use strict";
  const two = (number) => String(number).padStart(2, "0");
  const tick = () => document.querySelectorAll("[data-since]").forEach((clock) => {
    const seconds = Math.max(0, Math.floor(Date.now() / 1000 - Number(clock.dataset.since)));
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    clock.textContent = `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
    const target = Number(clock.dataset.target);
    if (target && seconds >= target) clock.closest("li")?.classList.add("failing");
  });
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSwap", tick);
  tick();
})();

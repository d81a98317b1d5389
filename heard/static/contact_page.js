/* The contact page: new answers appear by themselves, times are told in the reader's own zone. */
(() => {
  "use strict";
  const SOON = 5000, LATER = 30000, PATIENCE = 10 * 60 * 1000;
  const lines = document.querySelector("[data-look]");
  const waiting = document.querySelector("[data-while-waiting]");
  const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  const tellTimes = () => {
    for (const time of document.querySelectorAll("time[datetime]"))
      time.textContent = zone.format(new Date(time.dateTime));
  };
  const tellHeight = () => {
    if (parent !== window) parent.postMessage({ heard: "height", height: Math.ceil(document.body.getBoundingClientRect().height) }, "*");
  };

  if (lines) {
    let etag = lines.dataset.etag, changed = Date.now();
    const look = async () => {
      if (!document.hidden) {
        try {
          const answer = await fetch(lines.dataset.look, { headers: { "If-None-Match": etag }, cache: "no-store" });
          if (answer.status === 200) {
            etag = answer.headers.get("ETag");
            lines.innerHTML = await answer.text();
            const last = lines.lastElementChild;
            if (waiting) waiting.hidden = last !== null && last.classList.contains("is-ours");
            changed = Date.now();
            tellTimes();
            tellHeight();
          }
        } catch { /* the line is cut: look again later */ }
      }
      setTimeout(look, Date.now() - changed > PATIENCE ? LATER : SOON);
    };
    setTimeout(look, SOON);
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "✓";
    });
  }
  for (const form of document.querySelectorAll("form[data-once]"))
    form.addEventListener("submit", () => form.querySelector("button:not([type])").setAttribute("aria-disabled", "true"));

  tellTimes();
  tellHeight();
  if (parent !== window) new ResizeObserver(tellHeight).observe(document.body);
})();

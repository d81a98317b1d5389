/* A comment card: pressing twice sends once, and the guest's page looks for what has become of it. */
(() => {
  "use strict";
  const SOON = 3000, LATER = 30000, PATIENCE = 15 * 60 * 1000;
  const zone = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
  const tellTimes = () => {
    for (const time of document.querySelectorAll("time[datetime]")) time.textContent = zone.format(new Date(time.dateTime));
  };
  for (const form of document.querySelectorAll("form[data-once]"))
    form.addEventListener("submit", () => form.querySelector("button").setAttribute("aria-disabled", "true"));
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  });

  const part = document.querySelector("[data-look]");
  if (part) {
    let etag = part.dataset.etag, changed = Date.now();
    const look = async () => {
      if (!document.hidden) {
        try {
          const answer = await fetch(part.dataset.look, { headers: { "If-None-Match": etag }, cache: "no-store" });
          if (answer.status === 200) {
            etag = answer.headers.get("ETag");
            part.innerHTML = await answer.text();
            changed = Date.now();
            tellTimes();
          }
        } catch { /* the line is cut: look again later */ }
      }
      setTimeout(look, Date.now() - changed > PATIENCE ? LATER : SOON);
    };
    setTimeout(look, SOON);
  }
  tellTimes();
})();

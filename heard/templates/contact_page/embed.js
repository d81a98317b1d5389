/* Shows the contact page inside this one: <script src="…/embed.js" async></script> */
(() => {
  const page = {{ page|tojson }};
  const frame = document.createElement("iframe");
  frame.src = page + "?embed=1";
  frame.title = {{ title|tojson }};
  frame.loading = "lazy";
  frame.referrerPolicy = "no-referrer";
  frame.style.cssText = "border:0;width:100%;height:40rem;color-scheme:light dark";
  addEventListener("message", (said) => {
    if (said.source === frame.contentWindow && said.origin === new URL(page).origin && said.data.heard === "height")
      frame.style.height = Math.min(Math.max(Number(said.data.height) || 0, 240), 2400) + "px";
  });
  document.currentScript.after(frame);
})();

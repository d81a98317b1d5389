/* The chat widget on a site: <script src="…/static/widget.js" data-inbox="…" async></script>
   A button in a shadow root, which the site's own style cannot touch, and a frame of our origin,
   which the site's scripts cannot read. Words: data-label, data-close, data-loading, data-unreached, data-again;
   data-side="left" puts it there. */
(() => {
  "use strict";
  const script = document.currentScript, said = script?.dataset ?? {}, slug = said.inbox;
  if (!slug || document.getElementById("heard-widget")) return;
  const base = new URL(script.src).origin, WROTE = `heard-widget:${slug}`, PATIENCE = 8000;
  const words = { label: said.label || "Chat with us", close: said.close || "Close the chat", unreached: said.unreached || "The chat cannot be reached just now.", again: said.again || "Try again", loading: said.loading || "Loading …" };
  const remembered = (where, name, value) => {
    try { return value === undefined ? window[where].getItem(name) : value ? window[where].setItem(name, value) : window[where].removeItem(name); }
    catch { return null; }
  };
  const made = (name, set, ...inside) => { const node = Object.assign(document.createElement(name), set); node.append(...inside); return node; };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial !important; position: fixed !important; z-index: 2147483000 !important; }
    [hidden] { display: none !important; }
    * { box-sizing: border-box; font: 16px/1.5 system-ui, sans-serif; }
    .launch, .panel { position: fixed; ${said.side === "left" ? "left" : "right"}: max(16px, env(safe-area-inset-right)); }
    .launch { bottom: max(16px, env(safe-area-inset-bottom)); width: 56px; height: 56px; padding: 0; border: 2px solid #f2f6f3; border-radius: 50%; background: #16382c; color: #f2f6f3; cursor: pointer; box-shadow: 0 4px 18px rgb(0 0 0 / .35); }
    .launch:hover { background: #22523f; }
    .launch:focus-visible, .again:focus-visible { outline: 3px solid #16382c; outline-offset: 2px; box-shadow: 0 0 0 8px #fff; }
    svg { width: 26px; height: 26px; vertical-align: middle; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    [aria-expanded="true"] .shut, [aria-expanded="false"] .open { display: none; }
    .badge { position: absolute; top: -6px; right: -6px; min-width: 22px; height: 22px; padding: 0 5px; border-radius: 11px; background: #f5b430; color: #211a06; font: 600 13px/22px system-ui, sans-serif; }
    .panel { bottom: 84px; width: min(384px, 100vw - 32px); height: min(620px, 100vh - 104px); border-radius: 12px; overflow: hidden; background: #f7faf8; color: #14261f; box-shadow: 0 10px 44px rgb(0 0 0 / .4); }
    iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: light dark; }
    .fault, .load { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 12px; padding: 24px; text-align: center; background: #f7faf8; }
    .load { background: none; }
    .again { min-height: 44px; padding: 0 20px; border: 1px solid #44544d; border-radius: 8px; background: none; color: inherit; cursor: pointer; }
    @media (prefers-color-scheme: dark) { .panel, .fault { background: #0d1512; color: #e6ebe7; } .again:focus-visible { outline-color: #f2c35e; box-shadow: none; } }
    @media (max-width: 480px) { .panel { inset: 0; width: auto; height: 100vh; height: 100dvh; border-radius: 0; } .is-ready .launch { display: none; } }
    @media (prefers-reduced-motion: no-preference) { .panel { animation: rise .18s ease-out; } @keyframes rise { from { opacity: 0; transform: translateY(8px); } } }
  `);
  const badge = made("span", { className: "badge", hidden: true });
  const launch = made("button", { className: "launch", type: "button" });
  launch.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path class="shut" d="M4 5h16v11H9l-5 4z"/><path class="open" d="M6 9l6 6 6-6"/></svg>';
  launch.append(badge);
  const again = made("button", { className: "again", type: "button", textContent: words.again });
  const fault = made("div", { className: "fault", hidden: true }, made("p", { textContent: words.unreached }), again);
  fault.setAttribute("role", "alert");
  const load = made("p", { className: "load", textContent: words.loading });
  const panel = made("div", { className: "panel", hidden: true }, load, fault);
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", words.label);
  launch.setAttribute("aria-haspopup", "dialog");
  const whole = made("div", {}, panel, launch), host = made("div", { id: "heard-widget" });
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  root.append(whole);

  let frame = null, isReady = false, isOpen = false, wantsFocus = false, timer;
  const tell = (what) => frame?.contentWindow?.postMessage(what, base);
  const fetchFrame = () => {
    clearTimeout(timer);
    frame?.remove();
    isReady = false;
    fault.hidden = true;
    load.hidden = false;
    show();
    frame = made("iframe", { src: `${base}/widget/${encodeURIComponent(slug)}/`, title: words.label });
    panel.append(frame);
    timer = setTimeout(() => { fault.hidden = isReady; load.hidden = true; }, PATIENCE);
  };
  const tellOpen = () => {
    tell({ heard: "page", page: location.origin + location.pathname });
    if (!isOpen) return;
    if (wantsFocus) frame.focus();
    tell({ heard: "open", focus: wantsFocus });
  };
  const show = () => { whole.className = isOpen && isReady ? "is-ready" : ""; };
  const name = (count = 0, extra = "") => {
    badge.hidden = !count;
    badge.textContent = count > 9 ? "9+" : count;
    launch.setAttribute("aria-label", isOpen ? words.close : words.label + (count ? `, ${extra} (${count})` : ""));
    launch.setAttribute("aria-expanded", isOpen);
  };
  const open = (focus) => {
    isOpen = true; wantsFocus = focus;
    panel.hidden = false;
    show();
    name();
    remembered("sessionStorage", WROTE, "open");
    if (!frame) fetchFrame(); else if (isReady) tellOpen();
  };
  const close = () => {
    isOpen = false;
    panel.hidden = true;
    show();
    name();
    remembered("sessionStorage", WROTE, "");
    tell({ heard: "closed" });
    launch.focus();
  };
  launch.onclick = () => (isOpen ? close() : open(true));
  again.onclick = fetchFrame;
  whole.onkeydown = (event) => { if (event.key === "Escape" && isOpen) close(); };
  addEventListener("online", () => { if (frame && !isReady) fetchFrame(); });
  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== base) return;
    const what = event.data ?? {};
    if (what.heard === "ready") { isReady = true; clearTimeout(timer); fault.hidden = load.hidden = true; show(); tellOpen(); }
    if (what.heard === "started" || what.started) remembered("localStorage", WROTE, "1");
    if (what.heard === "close" && isOpen) close();
    if (what.heard === "unread" && !isOpen) name(Number(what.count) || 0, String(what.words ?? ""));
  });

  name();
  const start = () => {
    document.body.append(host);
    if (remembered("sessionStorage", WROTE) && !matchMedia("(max-width: 480px)").matches) open(false);
    else if (remembered("localStorage", WROTE)) fetchFrame();
  };
  if (document.body) start(); else addEventListener("DOMContentLoaded", start);
})();

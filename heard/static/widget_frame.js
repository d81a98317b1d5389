/* The chat widget's window. What is written is kept here first and sent once, under a name of its
   own: offline, across reloads, in two tabs at once. The storage is our origin's: the site around
   cannot read it. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const config = JSON.parse($("config").textContent), words = JSON.parse($("words").textContent);
  const STORE = `heard:${config.slug}:`, framed = parent !== window;
  const PATIENCE = 20000, SOON = 3000, LATER = 10000, SELDOM = 30000;
  let now = config, lines = [], etag = "", reached = true, isOpen = !framed, page = "";
  let sending = false, pause = 0, failures = 0, changed = Date.now(), looking, trying, asksMail = false;

  // What is kept: each thing in a place of its own, so that two tabs never write over each other

  const store = (() => {
    try {
      localStorage.setItem(`${STORE}?`, "");
      localStorage.removeItem(`${STORE}?`);
      return localStorage;
    } catch { return null; }
  })();
  const memory = new Map();
  const get = (name) => {
    try { return JSON.parse(store?.getItem(STORE + name) ?? memory.get(STORE + name) ?? "null"); }
    catch { return null; }
  };
  const set = (name, value) => {
    memory.delete(STORE + name);
    try {
      if (value === null) store?.removeItem(STORE + name);
      else if (store) store.setItem(STORE + name, JSON.stringify(value));
      else throw new Error("nothing is kept here");
    } catch { memory.set(STORE + name, JSON.stringify(value)); /* as long as this page lives */ }
  };
  const queue = () => [...new Set([...(store ? Object.keys(store) : []), ...memory.keys()])]
    .filter((name) => name.startsWith(`${STORE}/`)).map((name) => get(name.slice(STORE.length)))
    .filter(Boolean).sort((a, b) => (a.at < b.at ? -1 : 1));
  const secret = (bytes) => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes))))
    .replace(/\+/g, "-").replace(/\//g, "_");
  const headers = () => ({ "X-Heard-Key": get("key") });

  // Sending: one after the other, each until it is taken

  const put = (item) => {
    if (!get("key")) set("key", secret(24));
    const id = secret(18).replace(/_/g, "-");
    set(`/${id}`, { id, at: new Date().toISOString(), ...item });
    changed = Date.now();
    tell({ heard: "started" });
    flush();
  };
  const flush = async () => {
    clearTimeout(trying);
    render();
    if (sending || !navigator.onLine) return;
    sending = true;
    const work = async () => {
      for (let item; (item = queue().find((one) => !one.called && !one.problem));)
        if (!(await post(item))) break;
    };
    try { await (store && navigator.locks ? navigator.locks.request(STORE, work) : work()); }
    finally { sending = false; render(); }
  };
  const post = async (item) => {
    const mark = (found) => { if (get(`/${item.id}`)) set(`/${item.id}`, { ...item, ...found }); };
    let answer, said = {};
    try {
      answer = await fetch(config.messages, {
        method: "POST", headers: { ...headers(), "Content-Type": "application/json" }, signal: AbortSignal.timeout(PATIENCE),
        body: JSON.stringify({ id: item.id, text: item.text, email: get("email"), page: item.page, is_address: !!item.address }),
      });
      said = await answer.json();
    } catch { if (!answer || answer.ok || answer.status >= 500) return wait(); }
    reached = answer.status < 500;
    if (answer.status === 429 || answer.status >= 500 || answer.status === 408) return wait(Number(answer.headers.get("Retry-After")));
    pause = 0;
    if (answer.ok) { mark({ called: said.name }); rename(item.id, said.name); now = said; look(); }
    else mark({ problem: said.problem || answer.statusText });
    return true;
  };
  const wait = (seconds) => {
    if (!seconds) reached = false;
    pause = seconds || Math.min(60, Math.max(2, pause * 2));
    trying = setTimeout(flush, pause * (750 + Math.random() * 500));
    return false;
  };

  // Looking for answers: often while people talk, seldom later, never before anything was said

  const look = async () => {
    clearTimeout(looking);
    if (get("key") && navigator.onLine && !document.hidden) {
      try {
        const answer = await fetch(config.messages, {
          headers: { ...headers(), ...(etag && { "If-None-Match": etag }) }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
        });
        if (answer.status === 200) {
          const said = await answer.json();
          now = said; lines = said.lines; etag = answer.headers.get("ETag"); changed = Date.now();
          const known = new Set(lines.map((line) => line.called));
          for (const item of queue()) if (known.has(item.called)) set(`/${item.id}`, null);
        } else if (answer.status !== 304) throw new Error(answer.status);
        reached = true; failures = 0;
      } catch { failures += 1; reached = failures < 2 && reached; }
      $("loading").hidden = true;
      render();
    }
    const quiet = Date.now() - changed;
    const next = failures ? Math.min(60000, SOON * 2 ** failures) : !isOpen ? SELDOM : quiet < 120000 ? SOON : quiet < 600000 ? LATER : SELDOM;
    looking = setTimeout(look, next);
  };

  // Showing

  const nodes = new Map();
  const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" }), day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const told = (at) => (at.toDateString() === new Date().toDateString() ? time : day).format(at);
  const made = (name, text = "", set = {}) => Object.assign(document.createElement(name), { textContent: text }, set);
  const linked = (text) => text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)])/).map((part, n) =>
    n % 2 ? made("a", part, { href: part, target: "_blank", rel: "noopener noreferrer nofollow" }) : part);
  const rename = (id, called) => {
    const node = nodes.get(id);
    if (!node) return;
    nodes.delete(id);
    if (nodes.has(called)) node.remove(); else nodes.set(called, node);
  };
  const row = (line) => {
    const item = made("li", "", { className: line.ours ? "ours" : "theirs" });
    const head = made("p", "", { className: "head" });
    const at = made("time", told(new Date(line.at)), { dateTime: line.at });
    head.append(made("b", line.ours ? line.by || words.we : words.you), at);
    const text = made("div", "", { className: "text" });
    text.append(...linked(line.text || line.address || ""));
    item.append(head, text);
    for (const file of line.files ?? []) {
      const shown = made("p");
      shown.append(made("a", file.name, { href: file.url, target: "_blank", rel: "noopener" }));
      item.append(shown);
    }
    item.append(made("p", "", { className: "state" }));
    return item;
  };
  const state = (item, node) => {
    const place = node.querySelector(".state");
    const said = item.problem ? `${words.refused} ${item.problem}` : item.called || "ours" in item ? "" : navigator.onLine && reached && sending ? words.sending : words.waiting;
    if (place.dataset.said === said) return;
    place.dataset.said = place.textContent = said;
    place.classList.toggle("problem", !!item.problem);
    if (item.problem) {
      const back = made("button", words.change, { type: "button", className: "link" });
      back.onclick = () => {
        set(`/${item.id}`, null);
        if (item.address) { asksMail = true; set("email", null); }
        else $("text").value = item.text;
        render(); (item.address ? $("email") : $("text")).focus();
      };
      place.append(" ", back);
    }
  };
  const render = () => {
    const known = new Set(lines.map((line) => line.called)), email = get("email"), seen = get("seen") ?? 0;
    const shown = [...lines, ...queue().filter((item) => !known.has(item.called))];
    const log = $("log"), atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    let added = false;
    shown.forEach((line) => {
      if (line.called) rename(line.id, line.called);
      const key = line.called || line.id;
      if (!nodes.has(key)) { nodes.set(key, row(line)); added = true; $("lines").append(nodes.get(key)); }
      state(line, nodes.get(key));
    });
    const keys = new Set(shown.map((line) => line.called || line.id));
    for (const [key, node] of nodes) if (!keys.has(key)) { node.remove(); nodes.delete(key); }
    const last = shown.at(-1), waits = last && !last.ours;
    $("greeting").textContent = shown.length ? "" : config.greeting;
    $("greeting").hidden = shown.length > 0;
    const when = [...now.when, now.pace].join(" ");
    $("expected").textContent = shown.length ? "" : when;
    $("expected").hidden = shown.length > 0;
    const answer = config.mails && email ? words.mailed.replace("%s", email) : words.here;
    const wait = waits && last.called ? `${words.kept} ${answer} ${when}` : "";
    if ($("kept").textContent !== wait) $("kept").textContent = wait;
    $("kept").hidden = !wait;
    $("open").hidden = !now.open; $("closed").hidden = now.open !== false;
    const asks = config.mails && !email && (asksMail || now.open === false);
    $("mail").hidden = !asks;
    $("mail-offer").hidden = asks || !config.mails || !!email || !waits;
    const trouble = !navigator.onLine ? words.offline : !reached ? words.unreached : !store && shown.length ? words.noStore : "";
    if ($("trouble").textContent !== trouble) $("trouble").textContent = trouble;
    if (added && (atEnd || waits)) log.scrollTop = log.scrollHeight;
    const newest = Math.max(0, ...lines.filter((line) => line.ours).map((line) => line.id));
    if (isOpen && !document.hidden) { if (newest > seen) set("seen", newest); tell({ heard: "unread", count: 0 }); }
    else tell({ heard: "unread", count: lines.filter((line) => line.ours && line.id > seen).length, words: words.newer });
  };

  // Doing

  const tell = (said) => { if (framed) parent.postMessage(said, "*"); };
  $("write").onsubmit = (event) => {
    event.preventDefault();
    const text = $("text").value.trim();
    if (text) { $("text").value = ""; set("draft", null); put({ text, page }); }
    $("text").focus();
  };
  $("text").onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(pointer: fine)").matches) {
      event.preventDefault();
      $("write").requestSubmit();
    }
  };
  $("text").oninput = () => set("draft", $("text").value);
  $("mail").onsubmit = (event) => {
    event.preventDefault();
    const email = $("email").value.trim(), good = email && $("email").checkValidity();
    $("mail-problem").hidden = good;
    $("email").setAttribute("aria-invalid", !good);
    if (!good) return $("email").focus();
    asksMail = false;
    set("email", email);
    if (get("key")) put({ address: email, page }); else render();
    $("text").focus();
  };
  $("mail-offer").firstChild.onclick = () => { asksMail = true; render(); $("email").focus(); };
  $("close").onclick = () => tell({ heard: "close" });
  $("close").hidden = !framed;
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.isComposing) tell({ heard: "close" }); });
  addEventListener("online", () => { pause = failures = 0; reached = true; flush(); look(); });
  addEventListener("offline", render);
  addEventListener("storage", (event) => { if (event.key?.startsWith(STORE)) render(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { look(); flush(); } });
  addEventListener("message", (event) => {
    if (!framed || event.source !== parent) return;
    const said = event.data ?? {};
    if (said.heard === "page") page = String(said.page ?? "");
    if (said.heard === "open") {
      isOpen = true; changed = Date.now(); render(); look();
      if (said.focus) $("text").focus();
    }
    if (said.heard === "closed") { isOpen = false; render(); }
  });

  $("text").value = get("draft") ?? "";
  $("loading").hidden = !get("key");
  render();
  flush();
  look();
  tell({ heard: "ready", started: !!get("key") });
})();

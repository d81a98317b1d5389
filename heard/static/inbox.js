/*
 * The inbox: live rows and threads, rings that empty, moving by keys, the composer, who is here.
 * Everything works without it as plain pages; it only makes them quick.
 */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const house = () => $("#inbox");
  const told = () => $("#told");
  const isWide = matchMedia("(width >= 60rem)");
  const isTyping = (at) => at?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const token = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"];
  const lineCut = () => document.dispatchEvent(new CustomEvent("htmx:sendError"));

  /* ── Rows: drawn by the server, put where they belong here ── */
  const lines = () => $$("#lines > .line");
  const current = () => $("#lines .line:has([aria-current])");
  const sortsBefore = (one, other, newestFirst) => {
    const left = [BigInt(one.dataset.sort), Number(one.dataset.id)];
    const right = [BigInt(other.dataset.sort), Number(other.dataset.id)];
    const less = left[0] !== right[0] ? left[0] < right[0] : left[1] < right[1];
    return newestFirst ? !less : less;
  };
  const place = (line) => {
    const list = $("#lines");
    const newestFirst = Boolean(list.dataset.newestFirst);
    const after = lines().find((other) => other !== line && sortsBefore(line, other, newestFirst));
    const more = $("#more");
    if (!after && more && !line.isConnected) return; // it belongs to a page that is not here yet
    const before = after || more;
    if (before ? line.nextElementSibling !== before : list.lastElementChild !== line) list.insertBefore(line, before);
  };
  const mergeRows = (html, asked) => {
    const answer = new DOMParser().parseFromString(html, "text/html");
    const open = told()?.dataset.id;
    let isOrphaned = false;
    const found = new Map($$("li.line", answer).map((line) => [line.dataset.id, document.adoptNode(line)]));
    for (const [id, line] of found) {
      const old = document.getElementById(`c${id}`);
      if (id === open) $("a", line)?.setAttribute("aria-current", "true");
      if (old) {
        isOrphaned ||= Boolean(old.dataset.flood) && old.dataset.flood !== line.dataset.flood;
        const hadFocus = old.contains(document.activeElement);
        old.replaceWith(line);
        if (hadFocus) $("a", line).focus({ preventScroll: true });
      }
      // Of a flood one line stands for all: the one that did is not it any more.
      if (line.dataset.flood) $$(`#lines .line[data-flood="${line.dataset.flood}"]`).forEach((other) => { if (other !== line && other.dataset.id !== open) other.remove(); });
      place(line);
      if (line.isConnected) htmx.process(line);
    }
    for (const id of asked) {
      if (found.has(String(id))) continue;
      const old = document.getElementById(`c${id}`);
      // What one is answering stays in sight until one goes on, though it has left the view.
      if (old && String(id) === open) old.classList.add("gone");
      else old?.remove();
    }
    $$("dt", answer).forEach((name) => {
      const badge = $(`[data-count="${name.textContent}"]`);
      if (badge) badge.textContent = name.nextElementSibling.textContent;
      if (name.textContent === "failing") badge?.closest("a").classList.toggle("failing", name.nextElementSibling.textContent !== "0");
    });
    const none = $(".no-lines");
    if (none) none.hidden = lines().length > 0;
    if (isOrphaned) fetchRows([], { withTop: true }).catch(lineCut); // another of that flood stands for it now
  };
  const fetchRows = async (ids, { withTop = false } = {}) => {
    const list = $("#lines");
    if (!list?.dataset.url) return;
    const query = new URLSearchParams(list.dataset.query);
    query.set("ids", ids.join(","));
    if (withTop) query.set("top", "1");
    const answer = await fetch(`${list.dataset.url}?${query}`, { headers: { "HX-Request": "true" } });
    if (answer.headers.get("HX-Redirect")) { location.href = answer.headers.get("HX-Redirect"); return; }
    const html = await answer.text();
    // Another list may have come meanwhile, of which these rows are no part.
    if (answer.ok && list.isConnected) mergeRows(html, ids);
  };

  /* ── The open conversation ── */
  const isBusyReading = () => $("#thread details.reading[open]") || (getSelection().toString() && $("#thread")?.contains(getSelection().anchorNode));
  const isAtEnd = () => { const thread = $("#thread"); return thread && thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80; };
  const toEnd = () => { const thread = $("#thread"); if (thread) thread.scrollTop = thread.scrollHeight; };
  // What was clicked there still waits for its answer, which would reach nobody if it were replaced.
  const isAsking = () => $("#thread .htmx-request");
  const threadLater = (wait) => setTimeout(() => { queue.thread = true; gather(); }, wait);
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id !== "thread" || detail.requestConfig.elt.id !== "thread" || !isAsking()) return;
    detail.shouldSwap = false;
    threadLater(300);
  });
  const fetchThread = async () => {
    const open = told();
    if (!open || !$("#thread")) return;
    if (isBusyReading() || isAsking()) { threadLater(isAsking() ? 300 : 1500); return; }
    const wasAtEnd = isAtEnd();
    await htmx.ajax("GET", `${house().dataset.conversations}${open.dataset.id}/thread/?${open.dataset.query}`, { source: "#thread", target: "#thread", swap: "innerHTML" });
    if (wasAtEnd) toEnd();
  };
  const fetchPresent = async () => {
    const open = told();
    if (!open) return;
    const answer = await fetch(`${house().dataset.conversations}${open.dataset.id}/presence/`);
    const html = await answer.text();
    if (answer.ok && told()?.dataset.id === open.dataset.id && $("#present")) $("#present").innerHTML = html;
  };

  /* ── Live: what has changed is gathered for a moment, then fetched once ── */
  const queue = { ids: new Set(), thread: false, present: false, everything: false };
  const GATHER = 60;
  const MOST_ROWS = 200; // as many as the server looks at when it is asked once
  const inLots = (ids) => Array.from({ length: Math.ceil(ids.length / MOST_ROWS) }, (_, n) => ids.slice(n * MOST_ROWS, (n + 1) * MOST_ROWS));
  let gathering = 0, fetching = false;
  const gather = () => { if (!gathering && !fetching) gathering = setTimeout(flush, GATHER); };
  const flush = async () => {
    gathering = 0;
    fetching = true;
    const { everything, thread, present } = queue;
    const ids = everything ? lines().map((line) => line.dataset.id) : [...queue.ids];
    queue.ids.clear();
    queue.thread = queue.present = queue.everything = false;
    try {
      await Promise.all([
        everything && fetchRows(ids.slice(0, MOST_ROWS), { withTop: true }),
        ...inLots(everything ? ids.slice(MOST_ROWS) : ids).map((lot) => fetchRows(lot)),
        (everything || thread) && fetchThread(),
        present && !thread && !everything && fetchPresent(),
      ]);
    } catch {
      queue.everything = true;
      lineCut();
      await new Promise((wait) => setTimeout(wait, 3000));
    }
    fetching = false;
    if (queue.everything || queue.thread || queue.present || queue.ids.size) gather();
  };
  const answered = (id) => document.querySelector(`#toasts [data-about="${id}"]`)?.remove();
  const hear = ({ what, changed, text }) => {
    // A call stands there until it is opened here, or somebody has done something about it.
    if (what === "help") document.dispatchEvent(new CustomEvent("notice", { detail: { text, kind: "failing", about: changed[0][0] } }));
    else if (what === "conversation") for (const [id] of changed) answered(id);
    if (what === "everything") queue.everything = true;
    for (const [id] of changed) {
      const isOpen = told()?.dataset.id === String(id);
      if (what !== "presence" || document.getElementById(`c${id}`)) queue.ids.add(id);
      if (isOpen) queue[what === "presence" ? "present" : "thread"] = true;
    }
    gather();
  };
  const POLL = 10000;
  const QUIET = 40000; // the line says something at least every fifteen seconds
  let stream, polling = 0, relisten = 0, lastHeard = 0;
  const poll = () => { if (!document.hidden) hear({ what: "everything", changed: [] }); };
  const lookOneself = () => {
    document.documentElement.dataset.stream = "polling";
    polling ||= setInterval(poll, POLL);
  };
  const mindTheLine = () => {
    if (!stream || document.hidden || Date.now() - lastHeard < QUIET) return;
    lookOneself();
    poll();
    listen();
  };
  const listen = () => {
    if (!house()?.dataset.live) return;
    clearTimeout(relisten);
    stream?.close();
    // What was told between the page's making and its listening is told again: it says how old it is.
    const line = stream = new EventSource(`${house().dataset.live}?age=${Math.ceil(performance.now())}`, { withCredentials: true });
    lastHeard = Date.now();
    for (const sign of ["open", "message", "beat"]) line.addEventListener(sign, () => { lastHeard = Date.now(); });
    line.addEventListener("open", () => {
      // Whatever happened while nobody listened was told to nobody.
      if (polling) hear({ what: "everything", changed: [] });
      clearInterval(polling);
      polling = 0;
      document.documentElement.dataset.stream = "live";
    });
    line.addEventListener("message", (event) => hear(JSON.parse(event.data)));
    line.addEventListener("error", () => {
      lookOneself();
      if (line.readyState === EventSource.CLOSED && line === stream) relisten = setTimeout(listen, POLL);
    });
  };
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); hear({ what: "everything", changed: [] }); } });

  /* ── Clocks: rings empty by themselves; one that runs out is drawn anew by the server ── */
  const tick = () => {
    const now = Date.now() / 1000;
    $$(".clock[data-due]").forEach((clock) => {
      const ring = $(".ring", clock);
      if (!ring || ring.classList.contains("failing")) return;
      const from = Number(clock.dataset.from), due = Number(clock.dataset.due);
      const left = Math.max(0, Math.min(1, (due - now) / (due - from)));
      $(".left", ring)?.setAttribute("stroke-dasharray", `${(left * 100).toFixed(1)} 100`);
      ring.classList.toggle("soon", left < .25);
      if (left === 0) {
        const line = clock.closest(".line");
        delete clock.dataset.due;
        if (line) queue.ids.add(line.dataset.id); else queue.thread = true;
        gather();
      }
    });
    $$("time[datetime]:not([title])").forEach((time) => {
      time.title = new Date(time.dateTime).toLocaleString(document.documentElement.lang, { dateStyle: "full", timeStyle: "short" });
    });
    const words = house()?.dataset;
    if (words) $$("time[data-ago]").forEach((time) => {
      const seconds = now - Date.parse(time.dateTime) / 1000;
      if (seconds >= 0 && seconds < 3600) time.textContent = seconds < 60 ? words.now : words.min.replace("1", Math.floor(seconds / 60));
    });
  };
  const countDown = () => $$("[data-countdown]").forEach((counter) => {
    const left = Math.ceil(Number(counter.dataset.countdown) - Date.now() / 1000);
    const shown = Math.max(0, left);
    counter.textContent = "minutes" in counter.dataset ? `${Math.floor(shown / 60)}:${String(shown % 60).padStart(2, "0")}` : shown;
    if (left <= 0) { delete counter.dataset.countdown; setTimeout(() => { queue.thread = true; gather(); }, 1200); }
  });

  /* ── Moving ── */
  const open = (line) => line && $("a.line-open", line)?.click();
  const step = (by) => {
    const all = lines();
    const focused = document.activeElement?.closest?.(".line");
    const at = all.indexOf(told() ? current() : focused);
    const next = all[at < 0 ? 0 : at + by];
    if (!next) { if (at >= 0 && by > 0) $("#more a")?.click(); return; }
    if (told() && current()) open(next);
    else { $("a.line-open", next).focus(); next.scrollIntoView({ block: "nearest" }); }
  };
  const onward = () => {
    const at = current();
    const next = at?.nextElementSibling?.matches(".line") ? at.nextElementSibling : at?.previousElementSibling;
    if (next && isWide.matches) open(next);
    else if (next) open(next);
    else $(".back")?.click();
  };
  // The command bar offers the conversations of the list, too; they are named only when it opens.
  const nameLines = () => lines().forEach((line) => {
    $("a", line).dataset.command = `${$("b", line).textContent}: ${$(".line-text", line).textContent.trim().slice(0, 60)}`;
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-opens=command]")) nameLines(); }, true);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") nameLines();
  }, true);
  let isGoing = 0;
  const GO = { h: "home", i: "inbox", l: "ledger" };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || $("dialog[open]")) return;
    const mod = event.ctrlKey || event.metaKey;
    if (mod && event.key === "." && $("#composer")?.contains(event.target)) { event.preventDefault(); $("#check [data-change]")?.click(); return; }
    if (event.altKey && event.code === "KeyP" && $("#check [data-promise]")) { event.preventDefault(); $("#check [data-promise]").click(); return; }
    if (event.key === "Escape" && event.target.closest?.("#person-note form")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      $("#person-note [data-leaves]")?.click();
      return;
    }
    if (mod || event.altKey || isTyping(event.target)) return;
    const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
    if (Date.now() - isGoing < 1500 && event.key in GO) {
      isGoing = 0;
      stop();
      $(`.places a[href="${GO[event.key] === "home" ? "/" : `/${GO[event.key]}/`}"]`)?.click();
      return;
    }
    isGoing = 0;
    if (event.key === "g") { isGoing = Date.now(); stop(); }
    else if (event.key === "j" || event.key === "k") { stop(); step(event.key === "j" ? 1 : -1); }
    else if (event.key === "Escape" && !isPersonWide.matches && $("#person[open]")) {
      stop();
      $("#person").open = false;
      $("#person summary").focus();
    } else if (event.key === "Escape" && told() && !$("details.menu[open]")) {
      stop();
      const id = told().dataset.id;
      $(".back")?.click();
      addEventListener("htmx:afterSettle", () => $(`#c${id} a`)?.focus(), { once: true });
    }
  }, true);

  /* ── The composer ── */
  const modes = new Map();
  const composer = () => $("#composer");
  const mode = () => $("input[name=kind]:checked", composer() || document)?.value || "reply";
  const words = () => $("#draft");
  const measure = () => {
    const box = composer();
    if (!box) return;
    const limit = Number($("[data-limit]", box)?.dataset.limit) || 0;
    const length = [...words().value].length;
    const counter = $("[data-length]", box);
    counter.textContent = limit ? `${length} / ${limit}` : length > 400 ? String(length) : "";
    counter.classList.toggle("failing", limit > 0 && length > limit);
    const send = $("#send");
    const checked = $("#check .checked");
    const unheld = $$("#check .overrule input").every((overruled) => overruled.checked);
    const isStopped = Boolean(checked?.dataset.stopped) && ($("#check .findings .stop:not(:has(.overrule))") || !unheld);
    send.disabled = mode() === "reply" && ("refused" in send.dataset || Boolean(isStopped) || !words().value.trim());
    send.title = isStopped ? checked.dataset.stopped : "";
  };
  const setMode = (kind, { focus = false } = {}) => {
    const radio = $(`#composer input[name=kind][value=${kind}]`);
    if (!radio) return;
    radio.checked = true;
    modes.set(told().dataset.id, kind);
    measure();
    if (focus) words().focus();
    if (words().value.trim()) words().dispatchEvent(new Event("check"));
  };
  const take = (button) => {
    const finding = button.closest("li").dataset;
    const box = words();
    const letters = [...box.value];
    let start = Number(finding.start), end = Number(finding.end);
    if (letters.slice(start, end).join("") !== finding.matched) {
      const at = box.value.indexOf(finding.matched);
      if (at < 0 || !finding.matched) { box.dispatchEvent(new Event("check")); return; }
      start = [...box.value.slice(0, at)].length;
      end = start + [...finding.matched].length;
    }
    const head = letters.slice(0, start).join(""), change = button.dataset.change;
    box.focus();
    box.setSelectionRange(head.length, letters.slice(0, end).join("").length);
    // Keeps the browser's own undo, where it can.
    if (!document.execCommand("insertText", false, change)) box.setRangeText(change, box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const writeOn = (said) => {
    const box = words();
    box.focus();
    box.setRangeText((box.value && !box.value.endsWith("\n") ? "\n" : "") + said, box.value.length, box.value.length, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const writeFrom = async (address) => {
    const answer = await fetch(address);
    if (!words()) return;
    if (!answer.ok) { document.dispatchEvent(new CustomEvent("notice", { detail: { text: answer.statusText, kind: "failing" } })); return; }
    writeOn(await answer.text());
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("#composer input[name=kind]")) setMode(event.target.value, { focus: true });
    else if (event.target.matches("#composer [data-recheck]")) htmx.trigger("#draft", "check");
    else if (event.target.closest("#check")) measure();
  });
  document.addEventListener("input", (event) => { if (event.target.id === "draft") { measure(); typed(); } });
  document.addEventListener("click", (event) => {
    const change = event.target.closest("#check [data-change]");
    const fill = event.target.closest("[data-fill]");
    const write = event.target.closest("[data-write]");
    if (write) writeFrom(write.dataset.write);
    if (change) take(change);
    if (fill) document.getElementById(fill.dataset.fill).value = fill.dataset.with;
    const label = event.target.closest("label[data-key]");
    if (label) setTimeout(() => words()?.focus());
    const person = $("#person[open]");
    if (person && !isPersonWide.matches && !person.contains(event.target)) person.open = false;
    $$("details.reading[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("htmx:configRequest", (event) => {
    // The text may have been changed since the last check, so a send must not overtake a draft.
    if (event.target.id === "composer") htmx.trigger("#draft", "htmx:abort");
  });

  /* What was typed in the last moment survives a redraw of the pane. */
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "conversation" || !told() || !words()) return;
    const path = event.detail.pathInfo?.requestPath || "";
    const isSaid = /\/(messages|undoing|withdrawal|dropping)\/(\?|$)/.test(path);
    kept = isSaid ? null : { id: told().dataset.id, text: words().value, at: words().selectionStart, hadFocus: document.activeElement === words() };
  });

  /* ── Who is here ── */
  let here = null, lastTyped = 0;
  const say = (id, is) => {
    const form = new FormData();
    form.set("is", is);
    form.set("csrfmiddlewaretoken", token());
    const address = `${house().dataset.conversations}${id}/presence/`;
    if (is === "gone") navigator.sendBeacon(address, form);
    else fetch(address, { method: "POST", body: form }).catch(lineCut);
  };
  const isStillTyping = () => Date.now() - lastTyped < 6000;
  const appear = () => {
    const id = told()?.dataset.id;
    if (here && here !== id) say(here, "gone");
    if (id && !document.hidden) say(id, isStillTyping() && words()?.value ? "typing" : "looking");
    here = id || null;
  };
  let quieting = 0;
  const typed = () => {
    lastTyped = Date.now();
    clearTimeout(quieting);
    quieting = setTimeout(appear, 6200);
  };
  addEventListener("pagehide", () => { if (here) say(here, "gone"); here = null; });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    appear();
    if (polling) poll();
  });

  /* ── After a swap ── */
  const settle = () => {
    const id = told()?.dataset.id;
    $$("#lines [aria-current]").forEach((link) => link.removeAttribute("aria-current"));
    if (!id) { measure(); appear(); return; }
    $(`#c${id} a.line-open`)?.setAttribute("aria-current", "true");
    $(`#c${id}`)?.classList.remove("fresh");
    $(`#c${id}`)?.scrollIntoView({ block: "nearest" });
    if (kept?.id === id && kept.text !== words().value) {
      words().value = kept.text;
      words().setSelectionRange(kept.at, kept.at);
    }
    if (kept?.id === id && kept.hadFocus) words().focus();
    kept = null;
    if (modes.has(id) && !words().value) setMode(modes.get(id));
    if ($("#person")) $("#person").open = isPersonWide.matches && localStorage.getItem("person") !== "closed";
    const said = location.hash.startsWith("#m") && $(location.hash, $("#thread"));
    if (said) { said.scrollIntoView({ block: "center" }); said.classList.add("pointed"); } else toEnd();
    if (words().value.trim() && !$("#check .checked")) words().dispatchEvent(new Event("check"));
    measure();
    appear();
  };
  const isPersonWide = matchMedia("(width >= 90rem)");
  document.addEventListener("toggle", (event) => {
    if (event.target.id === "person" && isPersonWide.matches && event.isTrusted) localStorage.setItem("person", event.target.open ? "open" : "closed");
  }, true);
  document.addEventListener("htmx:afterSwap", (event) => {
    const id = event.detail.target?.id;
    if (id === "sheet" && !$("#sheet").open) $("#sheet").showModal();
    if (id === "sheet") $("#sheet [autofocus]")?.focus();
    if (id === "conversation") {
      // Rows that had left the view stayed only while they were open.
      $$("#lines .gone").forEach((line) => { if (line.dataset.id !== told()?.dataset.id) line.remove(); });
      settle();
      if (told()) answered(told().dataset.id);
    }
    if (id === "list") settle();
    if (id === "check") measure();
    const drafted = $("#drafting[data-draft]");
    if (drafted && words()) {
      writeOn(drafted.dataset.draft);
      delete drafted.dataset.draft;
    }
    if (event.detail.target?.matches(".reading .menu-card")) event.detail.target.scrollIntoView({ block: "nearest" });
    tick();
  });
  // Not before it is settled: until then its links are plain ones.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id !== "person-note" || !$("#person-note")) return;
    $("#person").open = true;
    const place = $("#person-note :is(textarea, a)");
    place.focus();
    place.setSelectionRange?.(place.value.length, place.value.length);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "conversation" && event.target.matches?.(".line-open")) {
      $$("#lines [aria-current]").forEach((link) => link.removeAttribute("aria-current"));
      event.target.setAttribute("aria-current", "true");
    }
  });
  const changed = (event) => {
    if ($("#sheet")?.open) $("#sheet").close();
    if (event.detail?.id) { queue.ids.add(event.detail.id); gather(); }
  };
  for (const name of ["heard:done", "heard:sent", "heard:undone", "heard:next"]) document.addEventListener(name, changed);
  document.addEventListener("heard:next", onward);
  document.addEventListener("heard:sent", () => modes.delete(told()?.dataset.id));
  document.addEventListener("heard:undone", () => setTimeout(() => words()?.focus(), 50));

  const start = () => {
    document.documentElement.classList.add("js");
    setInterval(countDown, 250);
    if (!house()) return;
    settle();
    tick();
    listen();
    setInterval(tick, 5000);
    setInterval(mindTheLine, 5000);
    setInterval(appear, 20000);
  };
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();

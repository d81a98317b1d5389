/*
 * Saved answers in the composer: what is typed after "/" at the beginning of a word opens a list
 * under it. Typing narrows it, the arrow keys choose, Enter takes, Esc closes. The words stay in the
 * field's own undo. Alt 1 to 3 take what is suggested. Without it the composer works all the same.
 */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const TYPED = /(?:^|\s)\/([^\s/]{0,60})$/;
  const GAP = /\{[^{}\n]{1,42}\}/;
  const box = () => $("#draft");
  const picker = () => $("#picker");
  const options = () => [...document.querySelectorAll("#choices [role=option]")];
  const chosen = () => $("#choices [aria-selected=true]");
  const say = (words) => { const place = $("#picker-says"); if (place) place.textContent = words; };
  const token = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"];
  let asking = null, dismissed = "", shown = null, timer = 0;

  const typed = () => {
    const at = box();
    if (!at || at.selectionStart !== at.selectionEnd) return null;
    const found = TYPED.exec(at.value.slice(0, at.selectionStart));
    return found && { words: found[1], start: at.selectionStart - found[1].length - 1, end: at.selectionStart };
  };
  const select = (option) => {
    options().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
    if (!option) { box()?.removeAttribute("aria-activedescendant"); return; }
    box().setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    clearTimeout(timer);
    asking?.abort();
    asking = shown = null;
    if (picker()) picker().hidden = true;
    box()?.removeAttribute("aria-activedescendant");
    say("");
  };
  const ask = async (words) => {
    asking?.abort();
    const mine = asking = new AbortController();
    try {
      const answer = await fetch(`${picker().dataset.url}?q=${encodeURIComponent(words)}`, { signal: mine.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok || mine !== asking) return;
      const html = await answer.text();
      if (mine !== asking || typed()?.words !== words) return;
      $("#choices").innerHTML = html;
      picker().hidden = false;
      shown = words;
      select(options()[0]);
      const count = options().length;
      say(count ? picker().dataset.found.replace("#", count) : picker().dataset.none);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };
  const look = () => {
    const now = typed();
    if (!picker() || !now) { dismissed = ""; close(); return; }
    if (dismissed && now.start === Number(dismissed)) return;
    dismissed = "";
    clearTimeout(timer);
    timer = setTimeout(() => ask(now.words), now.words ? 60 : 0);
  };
  /* Puts words in the place of what is marked, so that Ctrl Z takes them out again. */
  const write = (start, end, words) => {
    const at = box();
    at.focus();
    at.setSelectionRange(start, end);
    if (!document.execCommand("insertText", false, words)) {
      at.setRangeText(words, start, end, "end");
      at.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const gap = GAP.exec(words);
    if (gap) at.setSelectionRange(start + gap.index, start + gap.index + gap[0].length);
  };
  const fetchWords = async (address) => {
    const answer = await fetch(address, { method: "POST", headers: { "X-CSRFToken": token() } });
    if (answer.ok) return answer.text();
    document.dispatchEvent(new CustomEvent("notice", { detail: { text: $("#toasts")?.dataset.broken, kind: "failing" } }));
    return null;
  };
  const take = async (option) => {
    const now = typed();
    if (!now || !option?.dataset.take) return;
    const says = picker().dataset.taken;
    close();
    const words = await fetchWords(option.dataset.take);
    if (words === null || !box()) return;
    write(now.start, now.end, words);
    say(says);
  };

  const takeSuggestion = async (button) => {
    const at = box(), place = at.selectionStart;
    const words = await fetchWords(button.dataset.take);
    if (words === null || !box()) return;
    write(place, at.selectionEnd, (place && !/\s$/.test(at.value.slice(0, place)) ? " " : "") + words);
    say(picker()?.dataset.taken || "");
  };

  document.addEventListener("input", (event) => { if (event.target.id === "draft") look(); });
  document.addEventListener("click", (event) => {
    const option = event.target.closest("#choices [role=option]");
    const suggestion = event.target.closest("[data-suggestion]");
    if (option) take(option);
    else if (suggestion) takeSuggestion(suggestion);
    else if (event.target.closest("[data-opens-picker]")) {
      const at = box(), before = at.value.slice(0, at.selectionStart);
      write(at.selectionStart, at.selectionStart, /(^|\s)$/.test(before) ? "/" : " /");
    } else if (event.target.id !== "draft") close();
    else look();
  });
  document.addEventListener("mousedown", (event) => { if (event.target.closest("#choices")) event.preventDefault(); });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target?.id === "conversation") { dismissed = ""; close(); } });
  /* What is suggested comes a moment later and takes room: the last words stay in sight. */
  let wasAtEnd = false;
  const thread = () => $("#thread");
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "suggested" && thread()) wasAtEnd = thread().scrollHeight - thread().scrollTop - thread().clientHeight < 80;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "suggested" && wasAtEnd && thread()) thread().scrollTop = thread().scrollHeight;
  });
  /* Another message asks something else: it is looked for anew, but never under somebody's hand. */
  const WAIT = 1500;
  const lastSaid = () => [...document.querySelectorAll("#thread .said.incoming")].at(-1)?.id;
  let askedFor, waiting = 0;
  const renew = () => {
    clearTimeout(waiting);
    const place = $("#suggested"), last = lastSaid();
    if (!place || !last || last === askedFor) return;
    if (box()?.value.trim() || place.matches(":hover, :focus-within")) { waiting = setTimeout(renew, WAIT); return; }
    askedFor = last;
    htmx.trigger(place, "renew");
  };
  document.addEventListener("htmx:beforeRequest", (event) => { if (event.target.id === "suggested") askedFor = lastSaid(); });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target?.id === "thread") renew(); });
  document.addEventListener("keydown", (event) => {
    const number = event.altKey && !event.ctrlKey && !event.metaKey && /^Digit([1-3])$/.exec(event.code)?.[1];
    const suggestion = number && !$("dialog[open]") && $(`#suggested [data-suggestion="${number}"]`);
    if (suggestion && $("#composer input[name=kind]:checked")?.value !== "note") { event.preventDefault(); takeSuggestion(suggestion); }
  });
  // Before all others who listen: Enter and Esc mean the list while it is open.
  addEventListener("keydown", (event) => {
    if (event.target.id !== "draft" || shown === null || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = options(), at = all.indexOf(chosen());
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "Escape") { dismissed = String(typed()?.start ?? ""); close(); }
    else if (event.key in steps && all.length) select(all[(at + steps[event.key] + all.length) % all.length]);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && chosen()) take(chosen());
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
})();

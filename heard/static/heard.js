/*
 * What every page can do: theme, keys, command bar, notices, copying, dialogs, the cut line.
 * Pages speak to it by attributes: data-key, data-key-name, data-command, data-opens, data-closes,
 * data-copy, data-leave, data-theme-toggle; and by the event "notice". See docs/look.md.
 */
(() => {
  "use strict";
  const root = document.documentElement;
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const isTyping = (at) => at.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const isShown = (thing) => thing.checkVisibility ? thing.checkVisibility({ visibilityProperty: true }) : thing.offsetParent;

  /* ── Theme: kept in a cookie, so that the server can paint the first pixel right ── */
  const toggleTheme = () => {
    const now = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${next}; path=/; max-age=31536000; samesite=lax${secure}`;
    document.dispatchEvent(new CustomEvent("theme", { detail: next }));
  };

  /* ── Notices ── */
  const notify = (text, kind = "", about = "") => {
    const toasts = document.getElementById("toasts");
    if (!toasts || !text) return;
    const notice = document.createElement("div");
    notice.className = `notice ${kind}`;
    if (about) notice.dataset.about = about;
    const words = document.createElement("div");
    words.textContent = text;
    notice.append(document.createElement("span"), words);
    toasts.append(notice);
    dismissable(notice);
  };
  const dismissable = (notice) => {
    const close = document.createElement("button");
    close.type = "button";
    close.className = "button bare small square";
    close.setAttribute("aria-label", notice.parentElement.dataset.close);
    close.textContent = "×";
    close.addEventListener("click", () => notice.remove());
    notice.append(close);
    if (!notice.classList.contains("failing")) {
      const leave = () => (notice.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : notice.remove());
      setTimeout(leave, 7000);
    }
  };
  document.addEventListener("notice", (event) => {
    const { text, kind, value, about } = event.detail || {};
    notify(text || value, kind, about);
  });

  /* ── Fields that matter only when another has one of these values: data-when="name=a b" ── */
  const unfold = () => document.querySelectorAll("[data-when]").forEach((part) => {
    const [name, values] = part.dataset.when.split("=");
    const chosen = part.closest("form").elements[name]?.value;
    part.hidden = chosen !== undefined && !values.split(" ").includes(chosen);
  });
  document.addEventListener("change", unfold);
  document.addEventListener("htmx:load", unfold);
  unfold();

  /* ── Keys: an element with data-key is pressed by it (or focused, if one types in it) ── */
  const press = (thing) => {
    if (thing.matches("input:not([type=submit], [type=button], [type=checkbox]), textarea, select")) thing.focus();
    else thing.click();
  };
  const keyed = (key) => [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)];
  const bestOf = (things) => things.find(isShown) || things.find((thing) => thing.closest(".menu"));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const mod = isMac ? event.metaKey : event.ctrlKey;
    if (mod && event.key.toLowerCase() === "k" && !event.shiftKey && !event.altKey) {
      const bar = document.getElementById("command");
      if (bar) { event.preventDefault(); bar.open ? bar.close() : open("command"); }
      return;
    }
    if (mod && event.key === "Enter") {
      const send = event.target.closest("form")?.querySelector("[data-key='Mod+Enter']");
      if (send) { event.preventDefault(); send.click(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && isTyping(event.target) && !event.target.closest("dialog")) {
      event.target.blur();
      return;
    }
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const thing = bestOf(keyed(event.key));
    if (thing && !thing.disabled) { event.preventDefault(); press(thing); }
  });
  const listKeys = (card) => {
    const seen = new Set();
    const lines = [...document.querySelectorAll("[data-key]")].flatMap((thing) => {
      const key = thing.dataset.key;
      const name = thing.dataset.keyName || thing.getAttribute("aria-label") || thing.textContent.trim();
      if (seen.has(key) || !name) return [];
      seen.add(key);
      const line = document.createElement("div");
      const keycap = document.createElement("kbd");
      keycap.textContent = key.replace("Mod", isMac ? "⌘" : "Ctrl");
      line.append(name, keycap);
      return [line];
    });
    card.replaceChildren(...lines);
  };

  /* ── Command bar: whatever on the page carries data-command, and search ── */
  const fillCommands = (bar) => {
    const input = bar.querySelector("input");
    const list = bar.querySelector("ul");
    const wanted = input.value.trim().toLowerCase();
    const seen = new Set();
    const found = [...document.querySelectorAll("[data-command]")].filter((thing) => {
      const name = thing.dataset.command.trim();
      const fits = !thing.disabled && !seen.has(name) && wanted.split(/\s+/).every((word) => name.toLowerCase().includes(word));
      if (fits) seen.add(name);
      return fits;
    });
    const lines = found.slice(0, 30).map((thing) => commandLine(thing.dataset.command, thing.dataset.key, () => press(thing)));
    if (wanted && bar.dataset.search) {
      const go = () => { location.href = `${bar.dataset.search}?q=${encodeURIComponent(input.value.trim())}`; };
      lines.push(commandLine(`${bar.dataset.searchLabel} “${input.value.trim()}”`, "", go));
    }
    list.replaceChildren(...lines);
    select(bar, 0);
  };
  const commandLine = (name, key, run) => {
    const line = document.createElement("li");
    line.setAttribute("role", "option");
    line.append(name);
    if (key) {
      const keycap = document.createElement("kbd");
      keycap.textContent = key;
      line.append(keycap);
    }
    line.addEventListener("click", () => { line.closest("dialog").close(); run(); });
    return line;
  };
  const select = (bar, index) => {
    const lines = [...bar.querySelectorAll("li")];
    lines.forEach((line, number) => {
      line.id = `command-${number}`;
      line.setAttribute("aria-selected", String(number === index));
    });
    bar.querySelector("input").setAttribute("aria-activedescendant", lines[index]?.id || "");
    lines[index]?.scrollIntoView({ block: "nearest" });
  };
  const steer = (event) => {
    const bar = event.currentTarget;
    const lines = [...bar.querySelectorAll("li")];
    const at = lines.findIndex((line) => line.getAttribute("aria-selected") === "true");
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && lines.length) {
      event.preventDefault();
      select(bar, (at + steps[event.key] + lines.length) % lines.length);
    } else if (event.key === "Enter" && lines[at]) {
      event.preventDefault();
      lines[at].click();
    }
  };

  /* ── Dialogs ── */
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; });
    if (id === "keys") listKeys(dialog.querySelector(".keys"));
    dialog.showModal();
    if (id === "command") {
      const input = dialog.querySelector("input");
      input.value = "";
      fillCommands(dialog);
      input.focus();
    }
  };

  /* ── One ear for all clicks ── */
  document.addEventListener("click", async (event) => {
    const at = event.target;
    const opener = at.closest("[data-opens]");
    const closer = at.closest("[data-closes]");
    const copier = at.closest("[data-copy]");
    if (opener) open(opener.dataset.opens);
    if (closer) closer.closest("dialog").close();
    if (at.matches("dialog.dialog") && at.open) {
      const edge = at.getBoundingClientRect();
      const inside = event.clientX >= edge.left && event.clientX <= edge.right && event.clientY >= edge.top && event.clientY <= edge.bottom;
      if (!inside) at.close();
    }
    if (at.closest("[data-theme-toggle]")) toggleTheme();
    if (copier) {
      try {
        await navigator.clipboard.writeText(copier.dataset.copy);
      } catch {
        /* Without https there is no clipboard: mark it, so that one key copies it. */
        getSelection().selectAllChildren(copier.previousElementSibling || copier.parentElement);
        return;
      }
      copier.classList.add("done");
      setTimeout(() => copier.classList.remove("done"), 1600);
    }
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(at) || at.closest(".menu-card :is(a, button)")) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  /* ── The line to the house ── */
  let cut = false;
  const line = (isCut) => {
    cut = isCut;
    document.querySelectorAll("[data-offline]").forEach((strip) => { strip.hidden = !isCut; });
    if (isCut) setTimeout(knock, 4000);
  };
  const knock = async () => {
    if (!cut) return;
    try {
      await fetch(location.href, { method: "HEAD", cache: "no-store" });
      line(false);
    } catch {
      setTimeout(knock, 4000);
    }
  };
  addEventListener("offline", () => line(true));
  addEventListener("online", knock);
  document.addEventListener("htmx:sendError", () => line(true));
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    const words = document.getElementById("toasts")?.dataset;
    notify((status === 403 && words?.forbidden) || (status === 429 && words?.slower) || words?.broken, "failing");
  });

  /* ── Small courtesies ── */
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const start = () => {
    document.querySelectorAll("[data-mod]").forEach((cap) => { cap.textContent = `${isMac ? "⌘" : "Ctrl"} ${cap.dataset.mod}`; });
    document.querySelectorAll("#toasts > .notice").forEach(dismissable);
    document.querySelectorAll("select[data-guess-zone]").forEach((choice) => {
      if ([...choice.options].some((option) => option.value === zone)) choice.value = zone;
    });
    document.querySelectorAll("form[data-once]").forEach((form) => form.addEventListener("submit", () => {
      form.setAttribute("aria-busy", "true");
      setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
      document.querySelectorAll(`[data-while="${form.id}"]`).forEach((note) => { note.hidden = false; });
    }));
    const here = document.querySelector(".side [aria-current]");
    if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 48;
    const bar = document.getElementById("command");
    bar?.querySelector("input").addEventListener("input", () => fillCommands(bar));
    bar?.addEventListener("keydown", steer);
  };
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();

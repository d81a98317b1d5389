/* Before one posts: a change is taken with one key, the words are copied; nothing is kept here. */
(() => {
  "use strict";
  const words = () => document.getElementById("post");
  const take = (button) => {
    const finding = button.closest("li").dataset;
    const box = words();
    const letters = [...box.value];
    let start = Number(finding.start), end = Number(finding.end);
    if (letters.slice(start, end).join("") !== finding.matched) {
      const at = box.value.indexOf(finding.matched);
      if (at < 0 || !finding.matched) return;
      start = [...box.value.slice(0, at)].length;
      end = start + [...finding.matched].length;
    }
    box.focus();
    box.setSelectionRange(letters.slice(0, start).join("").length, letters.slice(0, end).join("").length);
    if (!document.execCommand("insertText", false, button.dataset.take)) box.setRangeText(button.dataset.take, box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    button.closest("li").remove();
  };
  document.addEventListener("click", async (event) => {
    const change = event.target.closest("[data-take]");
    const copier = event.target.closest("[data-copies]");
    if (change) take(change);
    if (!copier) return;
    try {
      await navigator.clipboard.writeText(words().value);
      copier.classList.add("done");
      setTimeout(() => copier.classList.remove("done"), 1600);
    } catch {
      /* Without https there is no clipboard: mark it, so that one key copies it. */
      words().select();
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-looks]") && words().value.trim()) words().dispatchEvent(new Event("look"));
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "." && event.target === words()) {
      event.preventDefault();
      document.querySelector("#looked-at [data-take]")?.click();
    }
  });
})();

"use strict";
/* Buttons that copy a text. Without script they are not there, and the text stands beside them. */
(() => {
  /** Copy a text; return whether that worked. */
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // A page from disk may not be let near the clipboard in the new way.
      const area = document.createElement("textarea"), focused = document.activeElement;
      area.value = text;
      document.body.append(area);
      area.select();
      const copied = document.execCommand("copy");
      area.remove();
      // The selection took the focus, and scrolled to where the text was.
      focused?.focus({ preventScroll: true });
      return copied;
    }
  }
  // A button may have a name of its own, so that what stands on it is not read out.
  const announcement = document.createElement("p");
  announcement.className = "visually-hidden";
  announcement.setAttribute("aria-live", "polite");
  document.body.append(announcement);
  for (const button of document.querySelectorAll(".copy")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const copied = await copy(button.dataset.copy);
    const label = button.textContent;
    if (label === "Copied" || label === "Not copied") return;
    button.textContent = announcement.textContent = copied ? "Copied" : "Not copied";
    setTimeout(() => {
      button.textContent = label;
      announcement.textContent = "";
    }, 1600);
  });
})();

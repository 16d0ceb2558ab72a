"use strict";
/* Buttons that copy a text. Without script they are not there, and the text stands beside them. */
(() => {
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page from disk may not be let near the clipboard in the new way.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }
  for (const button of document.querySelectorAll(".copy")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await copy(button.dataset.copy);
    const label = button.textContent;
    if (label === "Copied") return;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1600);
  });
})();

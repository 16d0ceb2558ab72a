/* The choice among the models that the page brings. */

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`;

/**
 * Offer the models, where there are several; the first is in use.
 *
 * @param {HTMLElement} group is shown then
 * @param {HTMLSelectElement} select
 * @param {(folder: string) => Promise<void>} use loads another; where it fails the choice goes back
 */
export async function startModels(group, select, use) {
  // As in model.js: not those of an earlier page at this address.
  const models = await (await fetch(new URL("models.json", import.meta.url), { cache: "no-cache" })).json();
  select.replaceChildren(...models.map(({ name, folder, bytes, purpose }) => {
    const option = new Option(`${name} (${megabytes(bytes)})`, folder);
    option.dataset.purpose = purpose ? `For ${purpose}` : "";
    return option;
  }));
  const tellPurpose = () => { group.querySelector("p").textContent = select.selectedOptions[0]?.dataset.purpose ?? ""; };
  tellPurpose();
  group.hidden = models.length < 2;
  let used = select.value;
  select.addEventListener("change", async () => {
    // What is disabled loses the focus.
    const focused = document.activeElement === select;
    tellPurpose();
    select.disabled = true;
    try {
      await use(select.value);
      used = select.value;
    } catch {
      select.value = used;
      tellPurpose();
    } finally {
      select.disabled = false;
      if (focused) select.focus();
    }
  });
}

/* Putting it together. */

function showGroup(group) {
  state.group = group;
  state.folded = group.folds && $("fold").checked;
  state.sort = { key: "dice", down: true };
  state.filters.clear();
  state.text = $("find").value = "";
  state.opened.clear();
  state.picked = allRows().slice(0, 2).map((row) => row.id);
  for (const button of $("groups").children) button.setAttribute("aria-pressed", String(groups[button.value] === group));
  state.choosing = false;
  const best = group.entries[0].label, rest = group.conclusion.slice(best.length);
  $("conclusion").replaceChildren(element("b", { textContent: best }), rest);
  $("pair").hidden = everyRow().length < 2;
  $("table").classList.toggle("no-settings", !group.telling.length);
  $("table").classList.toggle("alone", everyRow().length < 2);
  $("plots-note").hidden = everyRow().length < 2;
  drawTools();
  drawColours();
  drawHead();
  drawFootnote();
  drawRows();
  drawPicks();
  drawPlots();
  if (pairWanted) drawPair();
}

function leftOutRow(name, state, tone, why) {
  return element("tr", {},
    element("td", {}, element("bdi", { textContent: name })),
    element("td", {}, element("span", { className: `badge ${tone}`, textContent: state })),
    element("td", { textContent: why }));
}

function reached({ epochs, dice }) {
  return epochs ? `${epochs} epoch${epochs === 1 ? "" : "s"} done, Dice ${score(dice)} so far` : "no epoch is done";
}

function showLeftOut() {
  const tones = { failed: "bad", running: "good", interrupted: "warn", pruned: "warn" };
  const why = (run) => run.failure ? `${run.failure} (${reached(run)})` : reached(run);
  $("left-out-rows").replaceChildren(
    ...unranked.map((run) => leftOutRow(run.name, run.status, tones[run.status], why(run))),
    ...broken.map(([name, reason]) => leftOutRow(name, "cannot be read", "bad", reason)),
    ...foreign.map(([name, reason]) => leftOutRow(name, "skipped", "", reason)),
  );
  $("left-out").hidden = !$("left-out-rows").children.length;
}

/** Call `action` once, when an element comes near what is on the screen. */
function whenNear(id, action) {
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watch.disconnect();
    action();
  }, { rootMargin: "500px" });
  watch.observe($(id));
}

let pairWanted = false;

$("tools").addEventListener("submit", (event) => event.preventDefault());
$("find").addEventListener("input", () => { state.text = $("find").value.trim().toLowerCase(); shownChanged(); });
$("sort").addEventListener("change", () => { state.sort.key = ""; sortBy($("sort").value); });
$("clear").addEventListener("click", clearFilters);
$("fold").addEventListener("change", () => {
  state.folded = $("fold").checked;
  drawHead();
  shownChanged();
});
for (const [side, place] of [["a", 0], ["b", 1]]) {
  $(`side-${side}`).addEventListener("change", (event) => {
    const ids = [$("side-a").value, $("side-b").value];
    // The same run on both sides says nothing: the other side gives way.
    if (ids[0] === ids[1]) ids[1 - place] = state.picked[place] || "";
    state.picked = ids[0] ? ids.filter(Boolean) : ids.filter(Boolean).reverse();
    pickedChanged();
    event.target.focus();
  });
}
$("swap").addEventListener("click", () => { state.picked.reverse(); pickedChanged(); });
$("photo-order").addEventListener("change", () => { disputesShown = AT_ONCE; drawDisputes(); });
$("more").addEventListener("click", () => { disputesShown += AT_ONCE; showDisputes(); });
$("colour").addEventListener("change", drawPlots);
darkScheme.addEventListener("change", drawPlots);
$("close").addEventListener("click", () => $("box").close());
$("previous").addEventListener("click", () => stepBox(-1));
$("next").addEventListener("click", () => stepBox(1));
$("box").addEventListener("close", closedBox);
$("box").addEventListener("keydown", (event) => {
  // With these a key is the browser's: it goes back in its history.
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) { event.preventDefault(); stepBox(by); }
});

showLeftOut();
if (groups.length) {
  $("groups").hidden = groups.length < 2;
  $("groups").append(...groups.map((group, place) => element("button", {
    type: "button", value: place, textContent: `${group.name} · ${group.entries.flatMap((entry) => entry.runs).length} runs`,
    onclick: () => showGroup(group),
  })));
  $("ranked").hidden = false;
  showGroup(groups[0]);
  whenNear("pair", () => { pairWanted = true; plotsWanted = true; drawPair(); drawPlots(); });
  whenNear("plots", () => { plotsWanted = true; drawPlots(); });
} else {
  $("nothing").hidden = false;
  $("nothing").textContent = "No run has finished yet, so there is nothing to rank.";
}

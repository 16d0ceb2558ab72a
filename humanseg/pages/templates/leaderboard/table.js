/* The table: filters, sorting, folded seeds, picking two. */

/* Which rows, in which order. */

const fits = (row) => row.text.includes(state.text)
  && [...state.filters].every(([place, level]) => row.values[place] === level);

function compareValues(first, second) {
  // What is not known comes last, whichever way is up.
  if (missing(first) || missing(second)) return { settled: missing(first) - missing(second) };
  if (typeof first === "string") return { order: first.localeCompare(second, "en", { numeric: true }) };
  return { order: first - second };
}

function shownRows() {
  const { value } = columns().get(state.sort.key), sign = state.sort.down ? -1 : 1;
  return allRows().filter(fits).sort((a, b) => {
    const { settled, order } = compareValues(value(a), value(b));
    return settled || sign * (order || 0) || byDice(a, b);
  });
}

/* Drawing. */

function drawHead() {
  const heading = (className, ...content) => element("th", { className }, ...content);
  $("head").replaceChildren(
    heading("pick-cell", element("span", { className: "visually-hidden", textContent: "Pick" })),
    heading("number rank", "#"),
    heading("label", "Settings"),
    ...[...columns()].map(([key, column]) => headCell(key, column)),
  );
}

function drawRows() {
  const rows = shownRows(), all = allRows();
  const rank = new Map([...all].sort(byDice).map((row, place) => [row, place + 1]));
  const [from, to] = state.group.entries[0].interval.map((end) => inRange(end, tableRange()));
  $("table").style.cssText = `--best-from: ${from}; --best-to: ${to}`;
  keepingFocus(() => $("rows").replaceChildren(...rows.flatMap((row) => [
    rowElement(row, rank.get(row)),
    ...(state.opened.has(row.id) ? row.seeds.map((seed) => rowElement(seed)) : []),
  ])));
  const what = state.folded && state.group.folds ? "setting" : "run";
  $("count").textContent = rows.length === all.length
    ? `${all.length} ${what}${all.length === 1 ? "" : "s"}` : `${rows.length} of ${all.length} ${what}s`;
  $("empty").hidden = rows.length > 0;
  $("table").hidden = rows.length === 0;
}

/** Build the rows again, and keep the keyboard focus. */
function keepingFocus(redraw) {
  const name = (button) => button.getAttribute("aria-label").replace(/^(Picked as [AB]: |Pick )/, "");
  const before = $("rows").contains(document.activeElement) && document.activeElement.matches("button")
    ? name(document.activeElement) : null;
  redraw();
  const after = before && [...$("rows").querySelectorAll("button")].find((button) => name(button) === before);
  if (after) after.focus({ preventScroll: true });
}

function drawPicks() {
  const chips = state.picked.map((id, side) => element("span", { className: "picked-name" },
    element("span", { className: `chip ${"ab"[side]}`, textContent: "AB"[side] }),
    element("bdi", { textContent: rowById(id).label })));
  const next = state.picked.length === 2
    ? element("a", { href: "#pair", className: "go", textContent: "See the difference" })
    : element("span", { className: "quiet", textContent: "Pick another one to compare it with." });
  $("picks").replaceChildren(...chips, next);
  // What the page picks by itself needs no announcement.
  $("picks").hidden = !state.picked.length || !state.choosing;
}

function drawFootnote() {
  const notes = [];
  if (state.group.entries.slice(1).some((entry) => !entry.behind[1])) {
    notes.push(`≈ not significantly different from the best on these ${state.group.ids.length} photos.`);
  }
  if (state.group.folds) notes.push("± is the standard deviation over seeds.");
  if (state.group.repeated) notes.push(state.group.repeated);
  if (everyRow().some((row) => row.own_threshold)) {
    notes.push("† This run has a threshold of its own. Its rank is by Dice at 0.5, but its interval and all that is said "
      + "photo by photo are at its own threshold: no other masks were kept.");
  }
  if (everyRow().length > 1) notes.push("The grey band is the interval of the best.");
  $("footnote").textContent = notes.join(" ");
}

function filterSelect(setting) {
  const all = element("option", { value: "", textContent: `${setting.title}: all` });
  const levels = setting.levels.map((level, place) => element("option", { value: place, textContent: `${setting.title}: ${level}` }));
  const select = element("select", { "aria-label": `Only ${setting.title}` }, all, ...levels);
  select.addEventListener("change", () => {
    if (select.value === "") state.filters.delete(setting.place);
    else state.filters.set(setting.place, Number(select.value));
    select.classList.toggle("on", select.value !== "");
    shownChanged();
  });
  return select;
}

function drawTools() {
  const sorts = [...columns()].filter(([, column]) => column.value);
  $("sort").replaceChildren(...sorts.map(([key, { title }]) => element("option", { value: key, textContent: `Sort by ${title}` })));
  $("sort").value = state.sort.key;
  $("fold-label").hidden = !state.group.folds;
  const few = state.group.telling.filter((setting) => setting.levels.length <= 12);
  $("filters").replaceChildren(...few.map(filterSelect));
  $("tools").hidden = everyRow().length < 2;
}

/* What a person does. */

function sortBy(key) {
  const again = state.sort.key === key;
  state.sort = { key, down: again ? !state.sort.down : Boolean(columns().get(key).down) };
  $("sort").value = key;
  const pressed = $("head").contains(document.activeElement);
  drawHead();
  drawRows();
  if (pressed) $("head").querySelector("[aria-sort] button").focus();
}

function toggleSeeds(row) {
  if (!state.opened.delete(row.id)) state.opened.add(row.id);
  drawRows();
}

function pick(id) {
  if (state.picked.includes(id)) state.picked = state.picked.filter((one) => one !== id);
  else state.picked = [...state.picked, id].slice(-2);
  pickedChanged();
}

function pickedChanged() {
  state.choosing = true;
  drawRows();
  drawPicks();
  drawPair();
  drawPlots();
}

function shownChanged() {
  drawRows();
  drawPlots();
}

function clearFilters() {
  state.filters.clear();
  state.text = $("find").value = "";
  drawTools();
  shownChanged();
  $("find").focus();
}

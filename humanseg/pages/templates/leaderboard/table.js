/* The table: filters, sorting, folded seeds, picking two. */

const COLUMNS = {
  dice: { title: "Dice", value: (row) => row.dice, down: true },
  interval: { title: "95 % interval" },
  behind: { title: "To best", value: (row) => row.behind ? row.behind[0] : null, down: true },
  boundary: { title: "Boundary", value: (row) => row.boundary_dice, down: true },
  parameters: { title: "Params", value: (row) => row.parameters },
  seconds: { title: "Time", value: (row) => row.seconds },
  speed: { title: "Photos/s", value: (row) => row.images_per_second, down: true },
  run: { title: "Run", value: (row) => runs[row.runs[0]].name },
};

function columns() {
  const settings = state.group.settings.map((setting, place) => (
    [`setting ${place}`, { title: setting.title, long: setting.key, value: (row) => row.values[place], setting: true }]
  ));
  return new Map([...settings, ...Object.entries(COLUMNS)]);
}

/* Which rows, in which order. */

const fits = (row) => row.text.includes(state.text || "")
  && [...state.filters].every(([place, level]) => row.values[place] === level);

function shownRows() {
  const { value } = columns().get(state.sort.key);
  const sign = state.sort.down ? -1 : 1;
  const compare = (a, b) => {
    const [first, second] = [value(a), value(b)];
    // What is not known comes last, whichever way is up.
    if (missing(first) || missing(second)) return missing(first) - missing(second);
    return sign * (typeof first === "string" ? first.localeCompare(second, "en", { numeric: true }) : first - second);
  };
  return allRows().filter(fits).sort((a, b) => compare(a, b) || byDice(a, b));
}

/* Cells. */

function pickButton(row) {
  const side = "AB"[state.picked.indexOf(row.id)] || "";
  return element("button", {
    type: "button", className: `pick ${side.toLowerCase()}`, textContent: side,
    "aria-pressed": String(side !== ""), "aria-label": side ? `Picked as ${side}: ${row.label}` : `Pick ${row.label}`,
    onclick: () => pick(row.id),
  });
}

function intervalBar(row, [low, high]) {
  const at = (value) => `${100 * Math.min(Math.max((value - low) / (high - low || 1), 0), 1)}%`;
  const [from, to] = row.interval;
  const text = `${score(from)} to ${score(to)}${row.own_threshold ? ", of Dice at the run's own threshold" : ""}`;
  const bar = element("span", { className: "range", title: text, role: "img", "aria-label": text });
  bar.style.cssText = `--from: ${at(from)}; --to: ${at(to)}; --dice: ${at(row.dice)}`;
  bar.classList.toggle("off", row.dice < low);
  return bar;
}

function behindText(row) {
  if (!row.behind) return "";
  const [difference, worse] = row.behind;
  if (row.id === "entry 0") return element("span", { className: "badge good", textContent: "best" });
  return `${signed(difference)}${worse ? "" : " ≈"}`;
}

function runCell(row) {
  const cell = element("td", { className: "run" });
  if (row.seeds && row.seeds.length) {
    const open = state.opened.has(row.id);
    cell.append(element("button", {
      type: "button", className: "quiet-button", textContent: `${row.seeds.length} seeds ${open ? "▴" : "▾"}`,
      "aria-expanded": String(open), "aria-label": `${row.seeds.length} seeds of ${row.label}`,
      onclick: () => { toggle(state.opened, row.id); drawRows(); },
    }));
    return cell;
  }
  const run = runs[row.runs[0]];
  cell.append(element("bdi", { className: "name", title: run.name, textContent: run.name.split("/").pop() }));
  for (const [page, text] of [["gallery", "errors"], ["test", "test photos"]]) {
    if (run[page]) cell.append(" ", element("a", { href: run[page], textContent: text }));
  }
  return cell;
}

function toggle(set, value) {
  if (!set.delete(value)) set.add(value);
}

function rowElement(row, rank, range) {
  const number = (text, className = "") => element("td", { className: `number ${className}` }, text);
  const child = rank === null;
  const made = element("tr", { className: child ? "seed" : "" });
  if (state.picked.includes(row.id)) made.classList.add("picked");
  const dice = element("td", { className: "number dice" }, score(row.dice));
  if (!missing(row.spread)) dice.append(element("small", { textContent: ` ± ${row.spread.toFixed(4)}` }));
  if (row.own_threshold) dice.append(element("sup", { textContent: "†", title: "the run has a threshold of its own" }));
  made.append(
    element("td", { className: "pick-cell" }, pickButton(row)),
    number(child ? "" : String(rank), "rank"),
    element("td", { className: "label" }, element("bdi", { textContent: row.label })),
    ...state.group.settings.map((setting, place) => element("td", { className: `setting${setting.numbers ? " number" : ""}` },
      child && place ? "" : child ? `seed ${runs[row.runs[0]].seed}` : element("bdi", { textContent: levelText(row, place) }))),
    dice,
    element("td", { className: "interval" }, intervalBar(row, range)),
    number(behindText(row), "behind"),
    number(score(row.boundary_dice), "boundary"),
    number(count(row.parameters), "parameters"),
    number(duration(row.seconds), "seconds"),
    number(missing(row.images_per_second) ? "–" : row.images_per_second.toFixed(1), "speed"),
    runCell(row),
  );
  return made;
}

/* Drawing. */

// The upper half of the rows is what a reader compares.
const tableRange = () => diceRange(allRows(), .5, 1.3);

function drawHead() {
  const made = [element("th", { className: "pick-cell" }, element("span", { className: "visually-hidden", textContent: "Pick" })), element("th", { className: "number", textContent: "#" })];
  made.push(element("th", { className: "label", textContent: "Settings" }));
  for (const [key, column] of columns()) {
    const cell = element("th", { scope: "col", className: column.setting ? "setting" : key });
    if (column.value && key !== "run" && !column.setting) cell.classList.add("number");
    if (column.setting && state.group.settings[key.split(" ")[1]].numbers) cell.classList.add("number");
    if (!column.value) {
      const [low, high] = tableRange();
      cell.append(element("span", { className: "ends" }, element("span", { textContent: low.toFixed(3) }), element("span", { textContent: column.title }), element("span", { textContent: high.toFixed(3) })));
    } else {
      const sorted = state.sort.key === key;
      if (sorted) cell.setAttribute("aria-sort", state.sort.down ? "descending" : "ascending");
      cell.append(element("button", {
        type: "button", textContent: column.title, title: column.long || "", onclick: () => sortBy(key),
      }, element("span", { className: "arrow", textContent: sorted ? (state.sort.down ? "↓" : "↑") : "", "aria-hidden": "true" })));
    }
    made.push(cell);
  }
  $("head").replaceChildren(...made);
}

function drawRows() {
  const rows = shownRows(), all = allRows();
  const rank = new Map([...all].sort(byDice).map((row, place) => [row, place + 1]));
  const range = tableRange(), best = state.group.entries[0];
  const at = (value) => `${100 * Math.min(Math.max((value - range[0]) / (range[1] - range[0] || 1), 0), 1)}%`;
  $("table").style.setProperty("--best-from", at(best.interval[0]));
  $("table").style.setProperty("--best-to", at(best.interval[1]));
  // The keyboard's place would be lost with the element that has it.
  const focused = document.activeElement.getAttribute("aria-label");
  $("rows").replaceChildren(...rows.flatMap((row) => [
    rowElement(row, rank.get(row), range),
    ...(state.opened.has(row.id) ? row.seeds.map((seed) => rowElement(seed, null, range)) : []),
  ]));
  refocus(focused);
  const what = state.folded && state.group.folds ? "setting" : "run";
  $("count").textContent = rows.length === all.length
    ? `${all.length} ${what}${all.length === 1 ? "" : "s"}` : `${rows.length} of ${all.length} ${what}s`;
  $("empty").hidden = rows.length > 0;
  $("table").hidden = rows.length === 0;
}

function refocus(label) {
  if (!label || document.activeElement !== document.body) return;
  const name = label.replace(/^(Picked as [AB]: |Pick )/, "");
  const found = [...$("rows").querySelectorAll("button")].find((button) => (
    button.getAttribute("aria-label").replace(/^(Picked as [AB]: |Pick )/, "") === name));
  if (found) found.focus({ preventScroll: true });
}

function drawPicks() {
  const chips = state.picked.map((id, side) => element("span", { className: "picked-name" },
    element("span", { className: `chip ${"ab"[side]}`, textContent: "AB"[side] }), element("bdi", { textContent: rowById(id).label })));
  const next = state.picked.length === 2 ? element("a", { href: "#pair", className: "go", textContent: "See the difference" })
    : element("span", { className: "quiet", textContent: state.picked.length ? "Pick another one to compare it with." : "" });
  $("picks").replaceChildren(...chips, next);
  // What the page picks by itself needs no announcement.
  $("picks").hidden = !state.picked.length || !state.choosing;
}

function drawFootnote() {
  const notes = [];
  const photos = `${state.group.ids.length} photos`;
  if (state.group.entries.slice(1).some((entry) => !entry.behind[1])) notes.push(`≈ not distinguishable from the best on these ${photos}.`);
  if (state.group.folds) notes.push("± is the standard deviation over seeds.");
  if (everyRow().some((row) => row.own_threshold)) notes.push("† The run has a threshold of its own. It is ranked by Dice at 0.5, but its interval, and all that is said photo by photo, is of Dice at its own threshold: the probabilities, from which it could be taken anew at 0.5, are not kept.");
  if (everyRow().length > 1) notes.push("The band is the interval of the best.");
  $("footnote").textContent = notes.join(" ");
}

/* What a person does. */

function sortBy(key) {
  const again = state.sort.key === key;
  state.sort = { key, down: again ? !state.sort.down : Boolean(columns().get(key).down) };
  $("sort").value = key;
  drawHead();
  drawRows();
  // The heading that was pressed has been made anew.
  const place = [...columns().keys()].indexOf(key);
  const button = $("head").children[place + 3].querySelector("button");
  if (document.activeElement === document.body && button) button.focus();
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

function drawTools() {
  const sorts = [...columns()].filter(([, column]) => column.value);
  $("sort").replaceChildren(...sorts.map(([key, column]) => element("option", { value: key, textContent: `Sort by ${column.title}` })));
  $("sort").value = state.sort.key;
  $("fold-label").hidden = !state.group.folds;
  $("filters").replaceChildren(...state.group.free.filter((setting) => setting.levels.length <= 12).map((setting) => {
    const select = element("select", { "aria-label": `Only ${setting.title}`, onchange: () => {
      if (select.value === "") state.filters.delete(setting.place);
      else state.filters.set(setting.place, Number(select.value));
      select.classList.toggle("on", select.value !== "");
      shownChanged();
    } }, element("option", { value: "", textContent: `${setting.title}: all` }),
    ...setting.levels.map((level, place) => element("option", { value: place, textContent: `${setting.title}: ${level}` })));
    return select;
  }));
  $("tools").hidden = everyRow().length < 2;
}

function clearFilters() {
  state.filters.clear();
  state.text = $("find").value = "";
  drawTools();
  shownChanged();
  $("find").focus();
}

/* What stands in the table: the headings, and the cells of a row. */

const COLUMNS = {
  dice: { title: "Dice", value: (row) => row.dice, number: true, down: true },
  interval: { title: "95 % interval" },
  behind: { title: "To best", value: (row) => row.behind ? row.behind[0] : null, number: true, down: true },
  boundary: { title: "Boundary", value: (row) => row.boundary_dice, number: true, down: true },
  parameters: { title: "Params", value: (row) => row.parameters, number: true },
  seconds: { title: "Time", value: (row) => row.seconds, number: true },
  speed: { title: "Photos/s", value: (row) => row.images_per_second, number: true, down: true },
  run: { title: "Run", value: (row) => runs[row.runs[0]].name },
};

const settingColumn = ({ title, key, numbers, place }) => [`setting ${place}`, {
  title, long: key, style: "setting", number: Boolean(numbers), value: (row) => row.values[place],
}];

/** The columns by their keys: the settings that tell rows apart, what all tables have, other settings. */
function columns() {
  const { telling, asides } = state.group;
  return new Map([...telling.map(settingColumn), ...Object.entries(COLUMNS), ...asides.map(settingColumn)]);
}

// The upper half of the rows is what a reader compares.
const tableRange = () => diceRange(allRows(), .5, 1.3);
const inRange = (value, [low, high]) => `${100 * Math.min(Math.max((value - low) / (high - low || 1), 0), 1)}%`;

function headCell(key, { title, long, style, number, value }) {
  const cell = element("th", { scope: "col", className: `${style || key}${number ? " number" : ""}` });
  if (!value) {
    const [low, high] = tableRange().map((end) => element("span", { textContent: end.toFixed(3) }));
    cell.append(element("span", { className: "ends" }, low, element("span", { textContent: title }), high));
    return cell;
  }
  const { down } = state.sort, sorted = state.sort.key === key;
  if (sorted) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
  const arrow = element("span", { className: "arrow", textContent: sorted ? (down ? "↓" : "↑") : "", "aria-hidden": "true" });
  cell.append(element("button", { type: "button", textContent: title, title: long || "", onclick: () => sortBy(key) }, arrow));
  return cell;
}

function pickButton(row) {
  const side = "AB"[state.picked.indexOf(row.id)] || "";
  return element("button", {
    type: "button", className: `pick ${side.toLowerCase()}`, textContent: side, "aria-pressed": String(side !== ""),
    "aria-label": side ? `Picked as ${side}: ${row.label}` : `Pick ${row.label}`, onclick: () => pick(row.id),
  });
}

function settingCell({ numbers, place }, row) {
  const text = element("bdi", { textContent: levelText(row, place) });
  return element("td", { className: `setting${numbers ? " number" : ""}` }, text);
}

/** The settings that tell rows apart; a seed has those of the row above. */
function tellingCells(row, isSeed) {
  if (!isSeed) return state.group.telling.map((setting) => settingCell(setting, row));
  const seed = `seed ${runs[row.runs[0]].seed}`;
  return state.group.telling.map((_, place) => element("td", { className: "setting", textContent: place ? "" : seed }));
}

function diceCell(row) {
  const cell = element("td", { className: "number dice" }, score(row.dice));
  if (!missing(row.spread)) cell.append(element("small", { textContent: ` ± ${row.spread.toFixed(4)}` }));
  if (row.own_threshold) cell.append(element("sup", { textContent: "†", title: "the run has a threshold of its own" }));
  return cell;
}

function intervalCell(row) {
  const range = tableRange(), [from, to] = row.interval;
  const text = `${score(from)} to ${score(to)}${row.own_threshold ? ", of Dice at the run's own threshold" : ""}`;
  const bar = element("span", { className: "range", title: text, role: "img", "aria-label": text });
  bar.style.cssText = `--from: ${inRange(from, range)}; --to: ${inRange(to, range)}; --dice: ${inRange(row.dice, range)}`;
  bar.classList.toggle("off", row.dice < range[0]);
  return element("td", { className: "interval" }, bar);
}

function behindCell(row) {
  const cell = element("td", { className: "number behind" });
  if (row.id === "entry 0") cell.append(element("span", { className: "badge good", textContent: "best" }));
  else if (row.behind) cell.append(`${signed(row.behind[0])}${row.behind[1] ? "" : " ≈"}`);
  return cell;
}

/** The name of a run with links to its pages; of folded seeds, what opens them. */
function runCell(row) {
  if (row.seeds?.length) {
    const open = state.opened.has(row.id), seeds = `${row.seeds.length} ${row.repeats ? "runs" : "seeds"}`;
    return element("td", { className: "run" }, element("button", {
      type: "button", className: "quiet-button", textContent: `${seeds} ${open ? "▴" : "▾"}`,
      "aria-expanded": String(open), "aria-label": `${seeds} of ${row.label}`, onclick: () => toggleSeeds(row),
    }));
  }
  const run = runs[row.runs[0]], last = run.name.split("/").pop();
  const cell = element("td", { className: "run" }, element("bdi", { className: "name", title: run.name, textContent: last }));
  for (const [page, text] of [["gallery", "errors"], ["test", "test photos"]]) {
    if (run[page]) cell.append(" ", element("a", { href: run[page], textContent: text }));
  }
  return cell;
}

/** A row of the table; a seed under its folded entry has no rank. */
function rowElement(row, rank = null) {
  const isSeed = rank === null;
  const number = (className, text) => element("td", { className: `number ${className}` }, text);
  const made = element("tr", { className: isSeed ? "seed" : "" },
    element("td", { className: "pick-cell" }, pickButton(row)),
    number("rank", isSeed ? "" : String(rank)),
    element("td", { className: "label" }, element("bdi", { textContent: row.label })),
    ...tellingCells(row, isSeed),
    diceCell(row),
    intervalCell(row),
    behindCell(row),
    number("boundary", score(row.boundary_dice)),
    number("parameters", count(row.parameters)),
    number("seconds", duration(row.seconds)),
    number("speed", missing(row.images_per_second) ? "–" : row.images_per_second.toFixed(1)),
    runCell(row),
    ...state.group.asides.map((setting) => settingCell(setting, row)));
  made.classList.toggle("picked", state.picked.includes(row.id));
  return made;
}

/* What stands in the table: the headings, and the cells of a row. */

const RUN = { run: { title: "Run", value: (row) => runs[row.runs[0]].name } };
const SCORES = {
  dice: { title: "Dice", value: (row) => row.dice, number: true, down: true },
  interval: { title: "95 % interval" },
  behind: { title: "To best", value: (row) => row.behind ? row.behind[0] : null, number: true, down: true },
};
// Of humanseg.compare.ranking.COLUMNS: `write` turns a value into text.
const COLUMNS = {
  boundary: { title: "Boundary", value: (row) => row.boundary_dice, write: score, number: true, down: true },
  parameters: { title: "Params", value: (row) => row.parameters, write: count, number: true },
  seconds: { title: "Time", value: (row) => row.seconds, write: duration, number: true },
  speed: {
    title: "Photos/s", value: (row) => row.images_per_second, write: (value) => missing(value) ? "–" : value.toFixed(1),
    number: true, down: true,
  },
};

const settingColumn = ({ title, key, numbers, place }) => [`setting ${place}`, {
  title, long: key, style: "setting", number: Boolean(numbers), value: (row) => row.values[place],
}];

/** The columns by their keys: the run, its score, the settings that tell rows apart, its numbers, other settings. */
function columns() {
  const { telling, asides } = state.group;
  return new Map([
    ...Object.entries({ ...RUN, ...SCORES }), ...telling.map(settingColumn), ...Object.entries(COLUMNS), ...asides.map(settingColumn),
  ]);
}

// The upper half of the rows is what a reader compares.
const tableRange = () => diceRange(allRows(), .5, 1.3);
const inRange = (value, [low, high]) => `${100 * Math.min(Math.max((value - low) / (high - low || 1), 0), 1)}%`;

function headCell(key, { title, long, style, number, value }) {
  const cell = element("th", { scope: "col", className: `${style || key}${number ? " number" : ""}` });
  if (!value) {
    const [low, high] = labels(tableRange()).map((textContent) => element("span", { textContent }));
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

/** A name that may be broken behind a comma or an equals sign. */
const breakable = (name) => name.split(/(?<=[,=])/).flatMap((part) => [part, element("wbr")]);

/** The name of a run with links to its pages and its export command; of folded seeds, what opens them. */
function runCell(row) {
  const run = runs[row.runs[0]], last = run.name.split("/").pop();
  const name = element(run.index ? "a" : "span", { className: "name", title: run.name }, element("bdi", {}, ...breakable(last)));
  if (run.index) name.href = run.index;
  const more = element("span", { className: "links" });
  for (const [page, text] of [["gallery", "errors"], ["test", "test photos"]]) {
    if (run[page]) more.append(element("a", { href: run[page], textContent: text, "aria-label": `${text} of ${last}` }));
  }
  more.append(element("button", {
    type: "button", className: "quiet-button", textContent: "Copy export", title: run.export, "data-copy": run.export,
    "aria-label": `Copy the export command of ${last}`,
  }));
  const cell = element("td", { className: "run" }, name, more);
  if (row.seeds?.length) {
    const open = state.opened.has(row.id), seeds = `${row.seeds.length} ${row.repeats ? "runs" : "seeds"}`;
    more.prepend(element("button", {
      type: "button", className: "quiet-button", textContent: `${seeds} ${open ? "▴" : "▾"}`,
      "aria-expanded": String(open), "aria-label": `${seeds} of ${row.label}`, onclick: () => toggleSeeds(row),
    }));
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
    runCell(row),
    diceCell(row),
    intervalCell(row),
    behindCell(row),
    ...tellingCells(row, isSeed),
    ...Object.entries(COLUMNS).map(([key, { value, write }]) => number(key, write(value(row)))),
    ...state.group.asides.map((setting) => settingCell(setting, row)));
  made.classList.toggle("picked", state.picked.includes(row.id));
  return made;
}

/* What the other files share: making elements, writing numbers, loading files, the state. */

const $ = (id) => document.getElementById(id);

/** Make an element. Text is put in as text, so that no name can become markup. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== "style") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const missing = (value) => value === null || value === undefined;
// Only a perfect score reads as 1.0000.
const score = (value) => missing(value) ? "–" : (value > 1 - 1e-8 ? value : Math.min(value, .9999)).toFixed(4);
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(4);

/** How many digits tell apart the labels of an axis with some steps. */
function digitsFor(low, high, steps = 1) {
  const step = (high - low) / steps;
  return step > 0 ? Math.min(Math.max(3, Math.ceil(-Math.log10(step))), 8) : 4;
}

/** Values of an axis as labels, no two of which read the same. */
function labels(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)], digits = digitsFor(low, high, values.length);
  const all = values.map((value) => value.toFixed(digits));
  return all.map((label, place) => all.indexOf(label) === place ? label : "");
}

function count(value) {
  if (missing(value)) return "–";
  if (value < 1e6) return value < 1e3 ? String(value) : `${(value / 1e3).toFixed(value < 1e4 ? 1 : 0)} k`;
  return `${(value / 1e6).toFixed(value < 1e7 ? 2 : 1)} M`;
}

function duration(seconds) {
  if (missing(seconds)) return "–";
  const total = Math.round(seconds);
  if (total < 60) return `${total} s`;
  if (total < 600) return `${Math.floor(total / 60)} min ${total % 60} s`;
  if (total < 3600) return `${Math.round(total / 60)} min`;
  return `${Math.floor(total / 3600)} h ${Math.floor(total % 3600 / 60)} min`;
}

function quantile(sorted, share) {
  const place = share * (sorted.length - 1), below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** The last word of a dotted key, with the one before it where that is a number. */
const shortName = (key) => key.split(".").slice(/\.\d+$/.test(key) ? -2 : -1).join(".");

/** Load a file beside the page, once: a page from disk may run scripts, but not fetch data. */
const loading = new Map();
function load(name) {
  if (!loading.has(name)) {
    loading.set(name, new Promise((resolve, reject) => {
      const script = element("script", { src: `${FILES}/${name}`, onload: resolve });
      script.onerror = () => reject(new Error(`${FILES}/${name} is missing beside this page`));
      document.head.append(script);
    }));
  }
  return loading.get(name);
}

/* A row is an entry of the leaderboard: a run, or the seeds of a setting. Single seeds of a folded
   entry are rows too, when they are requested. */

const { groups, runs, unranked, broken, foreign } = humanseg.leaderboard;

function runRow(entry, place) {
  const run = runs[place];
  return {
    ...entry, ...run, runs: [place], weights: [1], own_threshold: run.threshold !== 0.5, spread: null, behind: null,
    label: `${entry.label} · seed ${run.seed}${entry.repeats ? ` · ${run.name}` : ""}`,
    id: `run ${place}`, text: `${entry.label} ${run.name}`.toLowerCase(),
  };
}

for (const group of groups) {
  group.entries.forEach((entry, place) => {
    entry.id = `entry ${place}`;
    entry.text = [entry.label, ...entry.runs.map((run) => runs[run].name)].join(" ").toLowerCase();
    entry.seeds = entry.runs.length > 1 ? entry.runs.map((run) => runRow(entry, run)) : [];
  });
  group.folds = group.entries.some((entry) => entry.seeds.length);
  const short = group.settings.map((setting) => shortName(setting.key));
  group.settings.forEach((setting, place) => {
    setting.title = short.indexOf(short[place]) === short.lastIndexOf(short[place]) ? short[place] : setting.key;
  });
  group.settings.forEach((setting, place) => { setting.place = place; });
  group.telling = group.settings.filter((setting) => setting.telling);
  group.asides = group.settings.filter((setting) => !setting.telling);
}

const state = {
  group: groups[0],
  folded: true,
  sort: { key: "dice", down: true },
  text: "",
  filters: new Map(),
  opened: new Set(),
  picked: [],
  choosing: false,
};

function allRows() {
  if (state.folded) return state.group.entries;
  return state.group.entries.flatMap((entry) => entry.seeds.length ? entry.seeds : [entry]);
}

const everyRow = () => state.group.entries.flatMap((entry) => [entry, ...entry.seeds]);
const rowById = (id) => everyRow().find((row) => row.id === id);
const byDice = (a, b) => b.dice - a.dice;
const levelText = (row, place) => state.group.settings[place].levels[row.values[place]];

/** The range of Dice worth looking at: one bad run must not squeeze all others into a corner. */
function diceRange(rows, share = .25, times = 2) {
  const top = Math.max(...rows.map((row) => row.interval[1])), low = Math.min(...rows.map((row) => row.interval[0]));
  const widths = rows.map((row) => row.interval[1] - row.interval[0]).sort((a, b) => a - b);
  const dice = rows.map((row) => row.dice).sort((a, b) => a - b);
  const reach = Math.max(8 * quantile(widths, .5), times * (top - quantile(dice, share)));
  return [Math.max(low, top - (reach || 1)), top];
}

/* Parallel coordinates: a line for each row, through its settings to its Dice. */

const SMOOTH_STEPS = 14, SHADES = 8, PARTS = [0, .25, .5, .75, 1];

/** Dice from low to high: from what is hardly seen to what stands out. */
function shade(share) {
  const { line, ink } = theme();
  const [from, to] = [line, ink].map((hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16)));
  return `rgb(${from.map((value, channel) => Math.round(value + (to[channel] - value) * share)).join(",")})`;
}

/** Put a setting on an axis from 0 to 1: many numbers by their size, all else value by value. */
function settingAxis(setting, rows) {
  return setting.numbers && setting.levels.length > 3 ? numberAxis(setting) : valueAxis(setting, rows);
}

function numberAxis({ title, numbers, levels, place }) {
  const low = Math.min(...numbers), high = Math.max(...numbers);
  const scale = low > 0 && high / low >= 20 ? Math.log : (value) => value;
  const at = (level) => .06 + .88 * (scale(numbers[level]) - scale(low)) / (scale(high) - scale(low));
  const ends = [numbers.indexOf(low), numbers.indexOf(high)];
  return { title, at: (row) => at(row.values[place]), ticks: [...new Set(ends)].map((level) => [at(level), levels[level]]) };
}

/** The value with the highest mean on top; its rows spread out, the best on top again, to be counted. */
function valueAxis({ title, levels, place }, rows) {
  const mean = (some) => some.reduce((sum, row) => sum + row.dice, 0) / some.length;
  const used = levels.map((label, level) => ({ label, rows: rows.filter((row) => row.values[place] === level) }))
    .filter((level) => level.rows.length)
    .sort((a, b) => mean(a.rows) - mean(b.rows));
  const at = new Map();
  used.forEach((level, number) => {
    const worstFirst = [...level.rows].sort((a, b) => a.dice - b.dice);
    worstFirst.forEach((row, rank) => {
      at.set(row, (number + .5 + .56 * ((rank + .5) / worstFirst.length - .5)) / used.length);
    });
  });
  return { title, at: (row) => at.get(row), ticks: used.map(({ label }, number) => [(number + .5) / used.length, label]) };
}

/** The line of a row, smooth between the axes. */
function rowLine(row, axes) {
  const line = { x: [], y: [] };
  for (let axis = 0; axis < axes.length - 1; axis += 1) {
    const from = axes[axis].at(row), to = axes[axis + 1].at(row);
    for (let step = 0; step < SMOOTH_STEPS; step += 1) {
      const share = step / SMOOTH_STEPS;
      line.x.push(axis + share);
      line.y.push(from + (to - from) * share ** 2 * (3 - 2 * share));
    }
  }
  // The end, and a gap before the next line.
  line.x.push(axes.length - 1, null);
  line.y.push(axes.at(-1).at(row), null);
  return line;
}

/** Lines of similar Dice as one trace with gaps: hundreds of traces would take seconds. */
function shadeTrace(rows, axes, bin) {
  const lines = rows.map((row) => ({ ...rowLine(row, axes), row }));
  const along = (value) => lines.flatMap(({ x, row }) => x.map(() => value(row)));
  return {
    x: lines.flatMap(({ x }) => x), y: lines.flatMap(({ y }) => y), mode: "lines",
    customdata: along((row) => row.id), text: along(hoverText), hovertemplate: "%{text}<extra></extra>",
    line: { width: rows.length > 12 ? 1.3 : 2, color: shade(.18 + .82 * bin / (SHADES - 1)) },
  };
}

function axisLabels({ title, ticks }, axis, isLast) {
  const { card, ink, quiet } = theme();
  const beside = { xanchor: "left", xshift: 8, font: { size: 12, color: quiet } };
  const onTop = { xanchor: "center", bgcolor: card, borderpad: 3, font: { size: 12, color: ink } };
  const head = { yref: "paper", yanchor: "bottom", yshift: 8, font: { size: 13 } };
  return [
    { x: axis, y: 1, showarrow: false, text: `<b>${plain(title)}</b>`, ...head },
    ...ticks.map(([y, text]) => ({ x: axis, y, showarrow: false, text: plain(text), ...(isLast ? beside : onTop) })),
  ];
}

function drawCoordinates(rows) {
  const [low, high] = diceRange(rows), { line: color } = theme();
  const share = (dice) => Math.min(Math.max((dice - low) / (high - low || 1), 0), 1);
  const diceAxis = {
    title: "Dice", at: (row) => .03 + .94 * share(row.dice),
    ticks: labels(PARTS.map((part) => low + part * (high - low))).map((label, place) => [.03 + .94 * PARTS[place], label]),
  };
  const used = state.group.telling.filter((setting) => setting.levels.length <= 12 || setting.numbers);
  const axes = [...used.map((setting) => settingAxis(setting, rows)), diceAxis];
  const bins = Array.from({ length: SHADES }, () => []);
  for (const row of [...rows].sort(byDice).reverse()) {
    bins[Math.min(Math.floor(share(row.dice) * SHADES), SHADES - 1)].push(row);
  }
  const traces = bins.map((some, bin) => shadeTrace(some, axes, bin)).filter((trace) => trace.x.length);
  $("plot-coordinates").style.minWidth = `${Math.max(120 * axes.length, 280)}px`;
  const description = `The settings of ${rows.length} rows, a line each, and where they lead in Dice.`;
  draw("plot-coordinates", axes.length > 1 ? traces : [], description, {
    height: Math.max(360, ...axes.map(({ ticks }) => 34 * ticks.length)), dragmode: false, margin: { l: 64, r: 64, t: 40, b: 12 },
    annotations: axes.flatMap((axis, place) => axisLabels(axis, place, place === axes.length - 1)),
    shapes: axes.map((_, x) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, line: { color, width: 1 }, layer: "below" })),
    xaxis: { visible: false, range: [0, axes.length - 1], fixedrange: true },
    yaxis: { visible: false, range: [0, 1.02], fixedrange: true },
  });
}

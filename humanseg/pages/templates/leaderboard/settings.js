/* Settings against Dice: parallel coordinates, and the effect of each setting. */

// Dice from low to high: from what is hardly seen to what stands out.
function shade(colours, share) {
  const mix = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  const from = mix(colours.line), to = mix(colours.accent);
  return `rgb(${from.map((value, channel) => Math.round(value + (to[channel] - value) * share)).join(",")})`;
}

/** Put a setting on an axis from 0 to 1: numbers by size, all else by its place in the list. */
function settingAxis(setting, rows) {
  const numbers = setting.numbers && setting.levels.length > 3 ? setting.numbers : null;
  if (numbers) {
    const low = Math.min(...numbers), high = Math.max(...numbers);
    const scale = low > 0 && high / low >= 20 ? Math.log : (value) => value;
    const at = (level) => .06 + .88 * (scale(numbers[level]) - scale(low)) / (scale(high) - scale(low));
    const ends = [numbers.indexOf(low), numbers.indexOf(high)];
    return { title: setting.title, at: (row) => at(row.values[setting.place]), ticks: ends.map((level) => [at(level), setting.levels[level]]) };
  }
  // The value with the highest mean on top. Rows of one value spread out a little, so that their
  // number is seen, the best on top again.
  const used = setting.levels.map((label, level) => ({ label, rows: rows.filter((row) => row.values[setting.place] === level) }))
    .filter((level) => level.rows.length);
  const mean = (some) => some.reduce((sum, row) => sum + row.dice, 0) / some.length;
  used.sort((a, b) => mean(a.rows) - mean(b.rows));
  const step = 1 / used.length, spread = new Map();
  used.forEach(({ rows: some }, level) => {
    [...some].sort((a, b) => a.dice - b.dice)
      .forEach((row, place) => spread.set(row, (level + .5 + .56 * ((place + .5) / some.length - .5)) * step));
  });
  return { title: setting.title, at: (row) => spread.get(row), ticks: used.map(({ label }, level) => [(level + .5) * step, label]) };
}

function drawCoordinates(rows) {
  const colours = theme();
  const [low, high] = diceRange(rows);
  const place = (dice) => Math.min(Math.max((dice - low) / (high - low || 1), 0), 1);
  const used = state.group.free.filter((setting) => setting.levels.length <= 12 || setting.numbers);
  const axes = [...used.map((setting) => settingAxis(setting, rows)), {
    title: "Dice", at: (row) => .03 + .94 * place(row.dice),
    ticks: [0, .25, .5, .75, 1].map((share) => [.03 + .94 * share, (low + share * (high - low)).toFixed(3)]),
  }];
  // Lines of similar Dice are one trace with gaps: hundreds of traces would take seconds.
  const bins = 8, steps = 14;
  const sorted = [...rows].sort((a, b) => a.dice - b.dice);
  const traces = Array.from({ length: bins }, (_, bin) => {
    const trace = { x: [], y: [], customdata: [], text: [], mode: "lines", line: { width: rows.length > 60 ? 1.3 : 2, color: shade(colours, .18 + .82 * bin / (bins - 1)) }, hovertemplate: "%{text}<extra></extra>" };
    for (const row of sorted.filter((one) => Math.min(Math.floor(place(one.dice) * bins), bins - 1) === bin)) {
      for (let axis = 0; axis < axes.length - 1; axis += 1) {
        const from = axes[axis].at(row), to = axes[axis + 1].at(row);
        for (let step = 0; step < steps; step += 1) {
          const share = step / steps;
          trace.x.push(axis + share);
          trace.y.push(from + (to - from) * share * share * (3 - 2 * share));
        }
      }
      trace.x.push(axes.length - 1, null);
      trace.y.push(axes.at(-1).at(row), null);
      for (let point = 0; point < (axes.length - 1) * steps + 2; point += 1) { trace.customdata.push(row.id); trace.text.push(hoverText(row)); }
    }
    return trace;
  }).filter((trace) => trace.x.length);
  const label = (axis, more) => ({ x: axis, showarrow: false, ...more });
  const annotations = axes.flatMap(({ title, ticks }, axis) => [
    label(axis, { y: 1, yref: "paper", yanchor: "bottom", yshift: 8, text: `<b>${plain(title)}</b>`, font: { size: 13 } }),
    ...ticks.map(([y, text]) => label(axis, {
      y, text: plain(text), xanchor: axis === axes.length - 1 ? "left" : "center", xshift: axis === axes.length - 1 ? 8 : 0,
      bgcolor: axis === axes.length - 1 ? "transparent" : colours.card, borderpad: 3, font: { size: 12, color: axis === axes.length - 1 ? colours.quiet : colours.ink }, captureevents: false,
    })),
  ]);
  $("plot-coordinates").style.minWidth = `${Math.max(120 * axes.length, 280)}px`;
  draw("plot-coordinates", axes.length > 1 ? traces : [], {
    height: Math.max(360, ...used.map((setting) => setting.numbers ? 0 : 34 * setting.levels.length)), dragmode: false, annotations,
    margin: { l: 64, r: 64, t: 40, b: 12 },
    shapes: axes.map((_, axis) => ({ type: "line", x0: axis, x1: axis, y0: 0, y1: 1, line: { color: colours.line, width: 1 }, layer: "below" })),
    xaxis: { visible: false, range: [0, axes.length - 1], fixedrange: true }, yaxis: { visible: false, range: [0, 1.02], fixedrange: true },
  });
  $("plot-coordinates").setAttribute("aria-label", `The settings of ${rows.length} rows, a line each, and where they lead in Dice.`);
}

function drawEffects() {
  const colours = theme();
  const { effects, confounded, left_out, balanced, ids } = state.group;
  const notes = [balanced
    ? "Every combination was tried equally often, so these are plain averages over the other settings."
    : "Not every combination was tried equally often, so these are from a least-squares fit that keeps the other settings equal."];
  notes.push(`The average is that of a setting's values; bars are 95 % intervals over the ${ids.length} photos; what settings do only together is not in it. ${left_out ? "" : "All runs count, whatever the table shows."}`);
  if (left_out) notes.push(`${left_out} run${left_out === 1 ? " with a value that was" : "s with values that were"} tried only once ${left_out === 1 ? "is" : "are"} left out.`);
  if (confounded.length) notes.push(`Changed only together with others, or too seldom, to be told apart: ${confounded.join(", ")}.`);
  $("effects-note").textContent = notes.join(" ");
  const rows = [], heads = [];
  for (const { key, levels } of effects) {
    heads.push([rows.length, key]);
    rows.push(null);
    for (const [label, size, effect, low, high] of levels) rows.push({ label, size, effect, low, high });
  }
  const known = rows.map((row, y) => ({ ...row, y, empty: row === null })).filter((row) => !row.empty);
  draw("plot-effects", known.length ? [{
    x: known.map((row) => row.effect), y: known.map((row) => row.y), mode: "markers",
    marker: { size: 10, color: known.map((row) => row.effect >= 0 ? colours.accent : colours.b) },
    error_x: { type: "data", symmetric: false, array: known.map((row) => row.high - row.effect), arrayminus: known.map((row) => row.effect - row.low), color: colours.quiet, thickness: 1.4, width: 0 },
    text: known.map((row) => `<b>${plain(row.label)}</b>, ${row.size} run${row.size === 1 ? "" : "s"}<br>${signed(row.effect)} (${signed(row.low)} to ${signed(row.high)})`),
    hovertemplate: "%{text}<extra></extra>",
  }] : [], {
    height: 70 + 28 * rows.length, dragmode: false, margin: { l: 8, r: 16, t: 8, b: 8 },
    xaxis: { title: { text: "Dice above or below the average" }, zerolinecolor: colours.quiet, tickformat: "+.3f", fixedrange: true },
    yaxis: {
      range: [rows.length - .4, -.6], fixedrange: true, showgrid: false, zeroline: false, tickfont: { color: colours.ink, size: 13 },
      tickvals: rows.map((_, y) => y), ticktext: rows.map((row, y) => row ? plain(row.label) : `<b>${plain(heads.find(([at]) => at === y)[1])}</b>`),
    },
  });
  $("plot-effects").setAttribute("aria-label", effects.map(({ key, levels }) => `${key}: ${levels.map(([label, , effect]) => `${label} ${signed(effect)}`).join(", ")}`).join("; "));
}

/* Dice against what a run costs, and the learning curves. */

const UNITS = {
  parameters: [["millions", 1e6], ["thousands", 1e3], ["", 1]],
  seconds: [["hours", 3600], ["minutes", 60], ["seconds", 1]],
};

function hoverText(row) {
  const interval = row.own_threshold ? "" : ` (${score(row.interval[0])} to ${score(row.interval[1])})`;
  return `<b>${plain(row.label)}</b><br>Dice ${score(row.dice)}${interval}`
    + `<br>${count(row.parameters)} parameters · ${duration(row.seconds)}`;
}

/** Rings around the picked rows, with their letters beside them. */
function pickRings(rows, x) {
  const { ink } = theme();
  const picked = state.picked.map((id, side) => ({ row: rows.find((row) => row.id === id), side })).filter(({ row }) => row);
  return {
    x: picked.map(({ row }) => x(row)), y: picked.map(({ row }) => row.dice), hoverinfo: "skip", mode: "markers+text",
    text: picked.map(({ side }) => `<b>${"AB"[side]}</b>`), textfont: { color: ink, size: 14 },
    textposition: picked.map(({ side }) => ["middle left", "middle right"][side]),
    marker: { size: 18, color: "transparent", line: { color: ink, width: 2 } },
  };
}

/** The stairs over the rows that no other beats at both Dice and cost. */
function frontier(rows, x) {
  const front = [];
  for (const row of [...rows].sort((a, b) => x(a) - x(b) || byDice(a, b))) {
    if (!front.length || row.dice > front.at(-1).dice) front.push(row);
  }
  return {
    x: front.map(x), y: front.map((row) => row.dice), mode: "lines", hoverinfo: "skip",
    line: { shape: "hv", color: theme().quiet, width: 1, dash: "dot" },
  };
}

function costPoints({ colour, rows }, x) {
  // Around Dice at 0.5 an interval of Dice at another threshold would be wrong.
  const ends = (end) => rows.map((row) => row.own_threshold ? 0 : Math.abs(row.interval[end] - row.dice));
  return {
    x: rows.map(x), y: rows.map((row) => row.dice), customdata: rows.map((row) => row.id), mode: "markers",
    text: rows.map(hoverText), hovertemplate: "%{text}<extra></extra>",
    marker: { size: 10, color: colour, opacity: .9, line: { color: theme().card, width: 1.5 } },
    error_y: { type: "data", symmetric: false, array: ends(1), arrayminus: ends(0), color: colour, thickness: 1.2, width: 0 },
  };
}

/** Where a logarithmic axis is labelled: by 1, 2 and 5 of each power of ten, fewer on a phone. */
function logTicks(low, high) {
  const digits = innerWidth < 700 && high / low > 20 ? [1, 3] : [1, 2, 5];
  const powers = Array.from({ length: 30 }, (_, place) => 10 ** (place - 12));
  const tickvals = powers.flatMap((power) => digits.map((digit) => Number((digit * power).toPrecision(1))))
    .filter((value) => value >= low / 1.3 && value <= high * 1.3);
  return { type: "log", tickvals, ticktext: tickvals.map(String) };
}

function drawCost(id, rows, key, name) {
  const known = rows.filter((row) => row[key] > 0);
  const costs = known.map((row) => row[key]), most = Math.max(...costs), least = Math.min(...costs);
  const [unit, size] = UNITS[key].find(([, one]) => most >= 2 * one) || UNITS[key].at(-1);
  const x = (row) => row[key] / size;
  const [low, high] = diceRange(rows), pad = .06 * (high - low || .01);
  // Where all cost the same there is nothing to see.
  const points = () => [...colourGroups(known).map((one) => costPoints(one, x)), pickRings(known, x)];
  const traces = most > 1.05 * least ? [frontier(known, x), ...points()] : [];
  draw(id, traces, `Dice of ${known.length} rows against ${name.toLowerCase()}; the numbers are in the table.`, {
    xaxis: { title: unit ? `${name}, ${unit}` : name, ...(most > 5 * least ? logTicks(least / size, most / size) : {}) },
    yaxis: { title: "Dice", range: [low - pad, high + pad] },
  });
}

/** The curves of the single runs behind some rows, as one line with gaps: a trace for each would be slow. */
function curveTrace(rows, line, opacity = 1) {
  const trace = { x: [], y: [], customdata: [], text: [], mode: "lines", line, opacity };
  for (const row of rows) {
    for (const place of row.runs) {
      for (const [epoch, dice] of [...runs[place].curve, [null, null]]) {
        trace.x.push(epoch);
        trace.y.push(dice);
        trace.customdata.push(row.id);
        trace.text.push(plain(runs[place].name));
      }
    }
  }
  return { ...trace, hovertemplate: "<b>%{text}</b><br>epoch %{x}: %{y:.4f}<extra></extra>" };
}

function drawCurves(rows) {
  const { ink } = theme(), picked = state.picked.map(rowById);
  const opacity = (rows.length > 40 ? .35 : .75) / (picked.length ? 2 : 1);
  const crowd = colourGroups(rows).map((one) => curveTrace(one.rows, { color: one.colour, width: 1.4 }, opacity));
  const chosen = picked.map((row, side) => curveTrace([row], { color: ink, width: 2.4, dash: ["solid", "dot"][side] }));
  const letters = picked.flatMap((row, side) => runs[row.runs[0]].curve.slice(-1).map(([x, y]) => (
    { x, y, text: `<b>${"AB"[side]}</b>`, showarrow: false, xanchor: "left", xshift: 6 + 14 * side, font: { size: 14 } })));
  const points = rows.flatMap((row) => row.runs.flatMap((place) => runs[place].curve));
  const dice = points.map(([, value]) => value).sort((a, b) => a - b), epochs = Math.max(...points.map(([epoch]) => epoch));
  // Early epochs would squeeze the end of many curves, which is what tells them apart.
  const low = quantile(dice, dice.length > 50 ? .12 : 0), high = dice.at(-1), pad = .05 * (high - low || .01);
  draw("plot-curves", dice.length ? [...crowd, ...chosen] : [], `Valid Dice after each epoch of ${rows.length} rows.`, {
    xaxis: { title: "Epoch", range: [1 - .02 * epochs, epochs * 1.02], ...(epochs < 10 ? { dtick: 1 } : {}) },
    yaxis: { title: "Dice", range: [low - pad, high + pad] },
    annotations: letters, margin: { l: 8, r: 40, t: 10, b: 8 },
  });
}

async function drawPlots() {
  if (!plotsWanted) return;
  try {
    await load("plotly.min.js");
  } catch (error) {
    $("plots-note").textContent = error.message;
    $("figures").hidden = true;
    return;
  }
  const rows = shownRows();
  $("figures").hidden = rows.length === 0;
  if (!rows.length) return;
  drawLegend(rows);
  drawCost("plot-parameters", rows, "parameters", "Parameters");
  drawCost("plot-seconds", rows, "seconds", "Training time");
  drawCurves(rows);
  drawCoordinates(rows);
  drawEffects();
  if (duel) drawDuelPlot(duel);
}

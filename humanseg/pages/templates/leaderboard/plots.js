/* The plots, drawn by Plotly, which is loaded when the first of them comes near. */

// Two rows of eight that neighbours in a list, and the common kinds of colour blindness, tell apart.
const PALETTE = {
  light: ["#0a6b58", "#c8561b", "#3a6fc4", "#8f4bb3", "#a5800f", "#c4335f", "#4d7c22", "#5b6470"],
  dark: ["#62d2b7", "#f09a5c", "#82b1ff", "#cfa2f2", "#dfc25c", "#ff8fab", "#a8d67a", "#b7bec6"],
};
const darkScheme = matchMedia("(prefers-color-scheme: dark)");
const coarsePointer = matchMedia("(pointer: coarse)");
let plotsWanted = false;

// Plotly reads tags and entities in its texts.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour("ink"), quiet: colour("quiet"), line: colour("line"), card: colour("card"), accent: colour("accent"), b: colour("b"),
    palette: PALETTE[darkScheme.matches ? "dark" : "light"], font: style.getPropertyValue("--sans").trim(),
  };
}

function layout(colours, more = {}) {
  const axis = {
    gridcolor: colours.line, linecolor: colours.line, zerolinecolor: colours.line, tickfont: { color: colours.quiet, size: 12 },
    title: { font: { color: colours.quiet, size: 13 }, standoff: 10 }, automargin: true, ticklen: 4, tickcolor: "transparent",
  };
  const { xaxis, yaxis, ...others } = more;
  return {
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", showlegend: false, hovermode: "closest",
    font: { family: colours.font, color: colours.ink, size: 13 }, margin: { l: 8, r: 12, t: 10, b: 8 }, height: 340,
    hoverlabel: { bgcolor: colours.card, bordercolor: colours.line, font: { color: colours.ink, size: 13 }, align: "left" },
    // A finger that drags over a plot wants to scroll the page.
    dragmode: coarsePointer.matches ? false : "zoom",
    xaxis: { ...axis, ...xaxis, title: { ...axis.title, ...xaxis?.title } }, yaxis: { ...axis, ...yaxis, title: { ...axis.title, ...yaxis?.title } }, ...others,
  };
}

function draw(id, traces, more) {
  const figure = $(id).closest("figure");
  figure.hidden = traces.length === 0;
  if (!traces.length) return;
  Plotly.react(id, traces, layout(theme(), more), { displayModeBar: false, responsive: true });
  if (!$(id).picks) {
    $(id).picks = true;
    $(id).on("plotly_click", ({ points: [point] }) => { if (rowById(point.customdata)) pick(point.customdata); });
  }
}

/* Colours by a setting. */

function colourSetting() {
  return state.group.free.find((setting) => String(setting.place) === $("colour").value);
}

function colourGroups(rows) {
  const { palette } = theme(), setting = colourSetting();
  if (!setting) return [{ label: "", colour: palette[0], rows }];
  return setting.levels.map((label, level) => ({
    label, colour: palette[level % palette.length], rows: rows.filter((row) => row.values[setting.place] === level),
  }));
}

function drawColours() {
  const usable = state.group.free.filter((setting) => setting.levels.length <= 8);
  const chosen = $("colour").value;
  $("colour").replaceChildren(...usable.map((setting) => element("option", { value: setting.place, textContent: `Colour by ${setting.title}` })),
    element("option", { value: "none", textContent: "One colour" }));
  if ([...$("colour").options].some((option) => option.value === chosen)) $("colour").value = chosen;
  $("colour-label").hidden = !usable.length;
}

function drawLegend(rows) {
  const setting = colourSetting();
  $("colours").hidden = !setting;
  $("colours").replaceChildren(...colourGroups(rows).filter((one) => one.rows.length).map(({ label, colour }) => {
    const swatch = element("span", { className: "round" });
    swatch.style.background = colour;
    return element("li", {}, swatch, element("bdi", { textContent: setting ? `${setting.title} ${label}` : "" }));
  }));
}

/* The plots themselves. */

const hoverText = (row) => `<b>${plain(row.label)}</b><br>Dice ${score(row.dice)}`
  + (row.own_threshold ? "" : ` (${score(row.interval[0])} to ${score(row.interval[1])})`)
  + `<br>${count(row.parameters)} parameters · ${duration(row.seconds)}`;

function pickRings(rows, x, colours) {
  const picked = state.picked.map((id, side) => [rows.find((row) => row.id === id), side]).filter(([row]) => row && !missing(x(row)));
  return {
    x: picked.map(([row]) => x(row)), y: picked.map(([row]) => row.dice), text: picked.map(([, side]) => `<b>${"AB"[side]}</b>`),
    mode: "markers+text", textposition: picked.map(([, side]) => ["middle left", "middle right"][side]), textfont: { color: colours.ink, size: 14 }, hoverinfo: "skip",
    marker: { size: 18, color: "transparent", line: { color: colours.ink, width: 2 } },
  };
}

/** Draw Dice against a cost, and the line of those that nobody beats at both. */
function drawCost(id, rows, key, title, ticks) {
  const colours = theme();
  const known = rows.filter((row) => row[key] > 0);
  const x = (row) => row[key];
  const front = [];
  for (const row of [...known].sort((a, b) => x(a) - x(b) || byDice(a, b))) {
    if (!front.length || row.dice > front.at(-1).dice) front.push(row);
  }
  const points = colourGroups(known).map((one) => ({
    x: one.rows.map(x), y: one.rows.map((row) => row.dice), customdata: one.rows.map((row) => row.id),
    text: one.rows.map(hoverText), hovertemplate: "%{text}<extra></extra>", mode: "markers",
    marker: { size: 10, color: one.colour, opacity: .9, line: { color: colours.card, width: 1.5 } },
    error_y: {
      type: "data", symmetric: false, color: one.colour, thickness: 1.2, width: 0,
      array: one.rows.map((row) => row.own_threshold ? 0 : row.interval[1] - row.dice),
      arrayminus: one.rows.map((row) => row.own_threshold ? 0 : row.dice - row.interval[0]),
    },
  }));
  const line = { x: front.map(x), y: front.map((row) => row.dice), mode: "lines", line: { shape: "hv", color: colours.quiet, width: 1, dash: "dot" }, hoverinfo: "skip" };
  const values = known.map(x), spread = Math.max(...values) / Math.min(...values);
  const [low, high] = diceRange(rows), pad = .06 * (high - low || .01);
  const type = spread > 5 ? "log" : "linear";
  // Where all cost the same there is nothing to see.
  draw(id, spread > 1.05 ? [line, ...points, pickRings(known, x, colours)] : [], {
    xaxis: { title: { text: title }, type, ...ticks(values, type) }, yaxis: { title: { text: "Dice" }, range: [low - pad, high + pad] },
  });
  $(id).setAttribute("aria-label", `${title} of ${known.length} rows against Dice; the numbers are in the table.`);
}

/** Round numbers between the ends, so that each is read as it is written in the table. */
function roundTicks(values, type, write, steps) {
  const low = Math.min(...values), high = Math.max(...values);
  let all = steps.filter((step) => step >= low * .9 && step <= high * 1.1);
  if (type !== "log" || all.length < 2) return {};
  const room = innerWidth < 700 ? 4 : 7;
  while (all.length > room) all = all.filter((_, place) => place % 2 === 0);
  return { tickvals: all, ticktext: all.map(write) };
}

const countSteps = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
const timeSteps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800];
const shortTime = (seconds) => seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;

/** Draw the learning curves of the single runs behind the rows, those of a colour as one line with gaps. */
function drawCurves(rows) {
  const colours = theme();
  const lines = (some) => {
    const line = { x: [], y: [], customdata: [], text: [] };
    for (const row of some) {
      for (const place of row.runs) {
        for (const [epoch, dice] of [...runs[place].curve, [null, null]]) {
          line.x.push(epoch);
          line.y.push(dice);
          line.customdata.push(row.id);
          line.text.push(plain(runs[place].name));
        }
      }
    }
    return { ...line, mode: "lines", hovertemplate: "<b>%{text}</b><br>epoch %{x}: %{y:.4f}<extra></extra>" };
  };
  const crowd = rows.length > 40 ? .35 : .75;
  const traces = colourGroups(rows).filter((one) => one.rows.length).map((one) => ({
    ...lines(one.rows), opacity: state.picked.length ? crowd / 2 : crowd, line: { color: one.colour, width: 1.4 },
  }));
  const ends = [];
  state.picked.map(rowById).forEach((row, side) => {
    traces.push({ ...lines([row]), line: { color: colours.ink, width: 2.4, dash: ["solid", "dot"][side] } });
    const last = runs[row.runs[0]].curve.at(-1);
    if (last) ends.push({ x: last[0], y: last[1], text: `<b>${"AB"[side]}</b>`, showarrow: false, xanchor: "left", xshift: 6 + 14 * side, font: { size: 14 } });
  });
  const all = rows.flatMap((row) => row.runs.flatMap((place) => runs[place].curve));
  const points = all.map(([, dice]) => dice).sort((a, b) => a - b);
  // Early epochs would squeeze the end of many curves, which is what tells them apart.
  const low = quantile(points, points.length > 50 ? .12 : 0), high = points.at(-1), pad = .05 * (high - low || .01);
  const epochs = Math.max(...all.map(([epoch]) => epoch));
  draw("plot-curves", points.length ? traces : [], {
    xaxis: { title: { text: "Epoch" }, range: [1 - .02 * epochs, epochs * 1.02], ...(epochs < 10 ? { dtick: 1 } : {}) },
    yaxis: { title: { text: "Dice" }, range: [low - pad, high + pad] }, annotations: ends, margin: { l: 8, r: 40, t: 10, b: 8 },
  });
  $("plot-curves").setAttribute("aria-label", `Valid Dice after each epoch of ${rows.length} rows.`);
}

/** Draw each photo by its Dice under A and under B; photos above the diagonal speak for B. */
function drawDuelPlot({ first, second }) {
  if (!plotsWanted || !window.Plotly) return;
  const colours = theme();
  const low = Math.min(...first.dice, ...second.dice), pad = .03 * (1 - low || .1);
  const ends = [low - pad, 1 + pad];
  draw("duel-plot", [
    { x: ends, y: ends, mode: "lines", line: { color: colours.quiet, width: 1, dash: "dot" }, hoverinfo: "skip" },
    {
      x: second.dice, y: first.dice, mode: "markers", text: state.group.ids.map(plain),
      hovertemplate: "photo <b>%{text}</b><br>A %{y:.4f} · B %{x:.4f}<extra></extra>",
      marker: { size: 8, opacity: .75, line: { color: colours.card, width: 1 }, color: first.dice.map((dice, photo) => dice >= second.dice[photo] ? colours.accent : colours.b) },
    },
  ], {
    height: 300, xaxis: { title: { text: "Dice of B, each dot a photo" }, range: ends }, yaxis: { title: { text: "Dice of A" }, range: ends },
  });
  $("duel-plot").setAttribute("aria-label", "Each photo by its Dice under A and under B.");
}

async function drawPlots() {
  if (!plotsWanted || !groups.length) return;
  try {
    await load("plotly.min.js");
  } catch (error) {
    $("plots-note").textContent = error.message;
    $("figures").hidden = true;
    return;
  }
  const rows = shownRows();
  drawLegend(rows);
  $("figures").hidden = rows.length === 0;
  if (rows.length) {
    drawCost("plot-parameters", rows, "parameters", "Parameters", (values, type) => roundTicks(values, type, count, countSteps));
    drawCost("plot-seconds", rows, "seconds", "Training time", (values, type) => (
      type === "log" ? roundTicks(values, type, shortTime, timeSteps) : {}));
    drawCurves(rows);
    drawCoordinates(rows);
  }
  drawEffects();
  if (duel) drawDuelPlot(duel);
}

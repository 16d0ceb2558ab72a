/* The effect of each setting, as humanseg.compare.effects has fitted it. */

function effectsNote({ effects, confounded, left_out, balanced, ids }) {
  const fitted = balanced
    ? "Every combination was tried equally often, so these are plain averages over the other settings."
    : "Some combinations were tried more often than others, so a least-squares fit keeps the other settings equal.";
  const notes = [
    effects.length + confounded.length > 1 ? fitted : "No other setting differs, so these are plain averages.",
    `0 is the average over a setting's values; the bars are 95 % confidence intervals over the ${ids.length} photos. `
      + "What two settings do only together does not show here.",
  ];
  if (left_out === 1) notes.push("One run is left out: it has a value that was tried only once.");
  else if (left_out) notes.push(`${left_out} runs are left out: they have values that were tried only once.`);
  else notes.push("These are always all runs, whatever the table shows.");
  if (confounded.length) notes.push(`These cannot be told apart, because they changed only together or too seldom: ${confounded.join(", ")}.`);
  return notes.join(" ");
}

/** A line for each setting's name and each of its values, from top to bottom. */
function effectLines(effects) {
  return effects.flatMap(({ key, levels }) => [
    { text: `<b>${plain(key)}</b>` },
    ...levels.map(([label, runs, effect, low, high]) => ({ text: plain(label), runs, effect, low, high })),
  ]).map((line, y) => ({ ...line, y }));
}

/** So many digits that no two labels of the axis read the same. */
function effectTicks(values) {
  const ends = values.flatMap(({ low, high }) => [low, high]);
  const digits = digitsFor(Math.min(...ends), Math.max(...ends), 6);
  return { tickformat: `+.${digits}f`, nticks: innerWidth < 700 ? 4 : 7 };
}

function drawEffects() {
  const { quiet, ink } = theme(), { effects } = state.group;
  $("effects-note").textContent = effectsNote(state.group);
  const lines = effectLines(effects), values = lines.filter((line) => "effect" in line);
  const hover = ({ text, runs, effect, low, high }) => (
    `<b>${text}</b>, ${runs} run${runs === 1 ? "" : "s"}<br>${signed(effect)} (${signed(low)} to ${signed(high)})`);
  const dots = {
    x: values.map(({ effect }) => effect), y: values.map(({ y }) => y), mode: "markers",
    text: values.map(hover), hovertemplate: "%{text}<extra></extra>",
    marker: { size: 10, color: ink },
    error_x: {
      type: "data", symmetric: false, color: quiet, thickness: 1.4, width: 0,
      array: values.map(({ effect, high }) => high - effect), arrayminus: values.map(({ effect, low }) => effect - low),
    },
  };
  const said = effects.map(({ key, levels }) => (
    `${key}: ${levels.map(([label, , effect]) => `${label} ${signed(effect)}`).join(", ")}`));
  draw("plot-effects", values.length ? [dots] : [], said.join("; "), {
    height: 70 + 28 * lines.length, dragmode: false, margin: { l: 8, r: 16, t: 8, b: 8 },
    xaxis: { title: "Dice above or below the average", zerolinecolor: quiet, ...effectTicks(values), fixedrange: true },
    yaxis: {
      range: [lines.length - .4, -.6], fixedrange: true, showgrid: false, zeroline: false, tickfont: { color: ink, size: 13 },
      tickvals: lines.map(({ y }) => y), ticktext: lines.map(({ text }) => text),
    },
  });
}

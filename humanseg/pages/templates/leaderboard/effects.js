/* The effect of each setting, as humanseg.compare.effects has fitted it. */

function effectsNote({ effects, confounded, left_out, balanced, ids }) {
  const fitted = balanced
    ? "The combinations were tried evenly, so these are plain averages over the other settings."
    : "The combinations were not tried evenly, so these are from a least-squares fit that keeps the other settings equal.";
  const notes = [
    effects.length + confounded.length > 1 ? fitted : "No other setting differs, so these are plain averages.",
    `The average is that of a setting's values; bars are 95 % confidence intervals over the ${ids.length} photos; what settings `
      + "do only together is not in it.",
  ];
  if (left_out === 1) notes.push("A run with a value that was tried only once is left out.");
  else if (left_out) notes.push(`${left_out} runs with values that were tried only once are left out.`);
  else notes.push("All runs count, whatever the table shows.");
  if (confounded.length) notes.push(`Changed only together with others, or too seldom, to be told apart: ${confounded.join(", ")}.`);
  return notes.join(" ");
}

/** A line for each setting's name and each of its values, from top to bottom. */
function effectLines(effects) {
  return effects.flatMap(({ key, levels }) => [
    { text: `<b>${plain(key)}</b>` },
    ...levels.map(([label, runs, effect, low, high]) => ({ text: plain(label), runs, effect, low, high })),
  ]).map((line, y) => ({ ...line, y }));
}

function drawEffects() {
  const { accent, b, quiet, ink } = theme(), { effects } = state.group;
  $("effects-note").textContent = effectsNote(state.group);
  const lines = effectLines(effects), values = lines.filter((line) => "effect" in line);
  const hover = ({ text, runs, effect, low, high }) => (
    `<b>${text}</b>, ${runs} run${runs === 1 ? "" : "s"}<br>${signed(effect)} (${signed(low)} to ${signed(high)})`);
  const dots = {
    x: values.map(({ effect }) => effect), y: values.map(({ y }) => y), mode: "markers",
    text: values.map(hover), hovertemplate: "%{text}<extra></extra>",
    marker: { size: 10, color: values.map(({ effect }) => effect >= 0 ? accent : b) },
    error_x: {
      type: "data", symmetric: false, color: quiet, thickness: 1.4, width: 0,
      array: values.map(({ effect, high }) => high - effect), arrayminus: values.map(({ effect, low }) => effect - low),
    },
  };
  const said = effects.map(({ key, levels }) => (
    `${key}: ${levels.map(([label, , effect]) => `${label} ${signed(effect)}`).join(", ")}`));
  draw("plot-effects", values.length ? [dots] : [], said.join("; "), {
    height: 70 + 28 * lines.length, dragmode: false, margin: { l: 8, r: 16, t: 8, b: 8 },
    xaxis: { title: "Dice above or below the average", zerolinecolor: quiet, tickformat: "+.3f", fixedrange: true },
    yaxis: {
      range: [lines.length - .4, -.6], fixedrange: true, showgrid: false, zeroline: false, tickfont: { color: ink, size: 13 },
      tickvals: lines.map(({ y }) => y), ticktext: lines.map(({ text }) => text),
    },
  });
}

/* Two runs: the difference, its interval, and the sentence. */

let duel = null;

/** Load what a row needs, and take the mean over its seeds. */
async function photosOf(row) {
  await Promise.all(row.runs.map((run) => load(`runs/${run}.js`)));
  const files = row.runs.map((run) => humanseg.runs[run]);
  const mean = (photo) => files.reduce((sum, file, run) => sum + row.weights[run] * file.dice[photo], 0);
  // Of several seeds, the masks of the first stand for all.
  return { row, dice: files[0].dice.map((_, photo) => mean(photo)), masks: files[0].masks };
}

async function loadDuel(first, second) {
  const number = state.group.photos;
  const [a, b] = await Promise.all([photosOf(first), photosOf(second), load(`photos/${number}.js`)]);
  return { first: a, second: b, photos: humanseg.photos[number], result: pairedDifference(a.dice, b.dice) };
}

async function drawPair() {
  const { group, picked: [a, b] } = state;
  drawSide($("side-a"), a);
  drawSide($("side-b"), b);
  let said = "Pick two runs, in the table or here.", found = null;
  if (a && b) {
    try {
      found = await loadDuel(rowById(a), rowById(b));
    } catch (error) {
      said = error.message;
    }
    // Another pick may have been faster.
    if (state.group !== group || state.picked[0] !== a || state.picked[1] !== b) return;
  }
  duel = found;
  if (duel) drawVerdict();
  else saySentence(said);
  disputesShown = AT_ONCE;
  drawDisputes();
}

function drawSide(select, picked = "") {
  const options = everyRow().map((row) => element("option", { value: row.id, textContent: row.label }));
  select.replaceChildren(element("option", { value: "", textContent: "Pick a run" }), ...options);
  select.value = picked;
}

function saySentence(text, notes = []) {
  $("sentence").textContent = text;
  $("caution").textContent = notes.join(" ");
  $("duel-figure").hidden = !notes.length;
  if (!notes.length) $("scale").replaceChildren();
}

function drawVerdict() {
  const { result } = duel;
  saySentence(`${result.significant ? "A is" : "A and B are"} ${sentence(result)}.`, cautions(duel));
  drawScale(result);
  drawDuelPlot(duel);
}

/** What a reader has to know before trusting the sentence. */
function cautions({ first, second, result }) {
  const { difference, low, high, photos } = result;
  const notes = [
    `On average over ${photos} photos, Dice of A minus Dice of B is ${signed(difference)} (${signed(low)} to ${signed(high)}).`,
  ];
  if (photos < FEWEST_PHOTOS) notes.push("With so few photos, no two runs can be told apart.");
  const seeds = [first, second].map(({ row }) => new Set(row.runs.map((run) => runs[run].seed)).size);
  if (Math.min(...seeds) === 1) {
    const spreads = state.group.entries.map((entry) => entry.spread).filter((spread) => !missing(spread));
    const usual = quantile(spreads.sort((a, b) => a - b), .5);
    const how = spreads.length ? `, here by about ${usual.toFixed(4)} (standard deviation).` : ".";
    notes.push(`The interval shows the variance over photos. Another seed would change Dice too${how}`);
  }
  if (Math.max(...seeds) > 1) notes.push("Scores are averages over the seeds; the masks are those of the first.");
  if (first.row.own_threshold || second.row.own_threshold) {
    const [a, b] = [first, second].map(({ row }) => row.runs.map((run) => runs[run].threshold).join(", "));
    notes.push(`Each run is scored at its own threshold (A ${a}, B ${b}). A threshold that was tuned on these photos makes `
      + "a run look a little better than it is.");
  }
  return notes;
}

/** Draw the difference and its interval on a line through zero. */
function drawScale({ difference, low, high, significant }) {
  const reach = 1.15 * Math.max(Math.abs(low), Math.abs(high), 1e-4);
  const at = (value) => `${50 + 50 * value / reach}%`;
  const marks = ["zero", "span", "dot"].map((className) => element("i", { className }));
  const line = element("div", { className: significant ? `line sure ${difference > 0 ? "a" : "b"}` : "line" }, ...marks);
  line.style.cssText = `--from: ${at(low)}; --to: ${at(high)}; --dice: ${at(difference)}`;
  const labels = ["B better", "0", "A better"].map((textContent) => element("span", { textContent }));
  $("scale").replaceChildren(line, element("div", { className: "labels" }, ...labels));
}

/** Draw each photo by its Dice under A and under B: those below the diagonal favour B. */
function drawDuelPlot({ first, second }) {
  if (!plotsWanted || !window.Plotly) return;
  const colours = theme();
  const low = Math.min(...first.dice, ...second.dice), pad = .03 * (1 - low || .1);
  const ends = [low - pad, 1 + pad];
  const diagonal = {
    x: ends, y: ends, mode: "lines", hoverinfo: "skip", line: { color: colours.quiet, width: 1, dash: "dot" },
  };
  const better = first.dice.map((dice, photo) => dice >= second.dice[photo] ? colours.a : colours.b);
  const photos = {
    x: second.dice, y: first.dice, mode: "markers", text: state.group.ids.map(plain),
    hovertemplate: "photo <b>%{text}</b><br>A %{y:.4f} · B %{x:.4f}<extra></extra>",
    marker: { size: 8, opacity: .75, line: { color: colours.card, width: 1 }, color: better },
  };
  draw("duel-plot", [diagonal, photos], "Each photo by its Dice under A and under B.", {
    height: 300,
    xaxis: { title: "Dice of B, each dot a photo", range: ends },
    yaxis: { title: "Dice of A", range: ends },
  });
}

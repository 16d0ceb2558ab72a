/* Two runs, photo by photo. */

const AT_ONCE = 6;
let duel = null, disputes = [], disputesShown = AT_ONCE;

const sides = () => state.picked.map(rowById);

/** Load what two rows need, and take the mean over the seeds of each. */
async function photosOf(row) {
  await Promise.all(row.runs.map((run) => load(`runs/${run}.js`)));
  const files = row.runs.map((run) => humanseg.runs[run]);
  const dice = files[0].dice.map((_, photo) => files.reduce((sum, file) => sum + file.dice[photo], 0) / files.length);
  // Of several seeds, the masks of the first stand for all.
  return { row, dice, masks: files[0].masks };
}

async function drawPair() {
  $("pair").hidden = everyRow().length < 2;
  const [a, b] = state.picked;
  for (const [side, id] of [["a", a], ["b", b]]) drawSide($(`side-${side}`), id);
  if (!a || !b) {
    $("sentence").textContent = "Pick two runs, in the table or here.";
    $("caution").textContent = "";
    $("scale").replaceChildren();
    duel = null;
    drawDisputes();
    return;
  }
  try {
    const number = groups.indexOf(state.group);
    const [first, second] = await Promise.all([...sides().map(photosOf), load(`photos/${number}.js`)]);
    if (state.picked[0] !== a || state.picked[1] !== b) return; // another pick was faster
    duel = { first, second, photos: humanseg.photos[number], result: pairedDifference(first.dice, second.dice) };
  } catch (error) {
    $("sentence").textContent = error.message;
    duel = null;
  }
  disputesShown = AT_ONCE;
  if (duel) drawVerdict();
  drawDisputes();
}

function drawSide(select, picked) {
  const options = everyRow().map((row) => element("option", { value: row.id, textContent: row.label, selected: row.id === picked }));
  select.replaceChildren(element("option", { value: "", textContent: "Pick a run" }), ...options);
  select.value = picked || "";
}

function drawVerdict() {
  const { result } = duel;
  $("sentence").textContent = `${result.distinguishable ? "A is" : "A and B are"} ${sentence(result)}.`;
  drawScale(result);
  $("caution").textContent = caution();
  drawDuelPlot(duel);
}

function caution() {
  const { first, second, result } = duel;
  const notes = [`Dice of A minus Dice of B, mean over ${result.photos} photos: ${signed(result.difference)} (${signed(result.low)} to ${signed(result.high)}).`];
  if (result.photos < FEWEST_PHOTOS) notes.push("So few photos cannot tell any two runs apart.");
  const seeds = [first, second].map(({ row }) => row.runs.length);
  if (Math.min(...seeds) === 1) {
    const spreads = state.group.entries.map((entry) => entry.spread).filter((spread) => !missing(spread)).sort((a, b) => a - b);
    notes.push("The interval is over photos: another seed moves Dice too"
      + (spreads.length ? `, here by ${quantile(spreads, .5).toFixed(4)} (standard deviation).` : "."));
  }
  if (Math.max(...seeds) > 1) notes.push("Scores are means over the seeds, masks are those of the first.");
  if (first.row.own_threshold || second.row.own_threshold) {
    const cuts = [first, second].map(({ row }) => row.runs.map((run) => runs[run].threshold).join(", "));
    notes.push(`Each run is scored at its own threshold (A ${cuts[0]}, B ${cuts[1]}). One that was tuned on these photos looks a little better than it is.`);
  }
  return notes.join(" ");
}

/** Draw the difference and its interval on a line through zero. */
function drawScale({ difference, low, high, distinguishable }) {
  const reach = 1.15 * Math.max(Math.abs(low), Math.abs(high), 1e-4);
  const at = (value) => `${50 + 50 * value / reach}%`;
  const line = element("div", { className: distinguishable ? "line sure" : "line" });
  line.style.cssText = `--from: ${at(low)}; --to: ${at(high)}; --dice: ${at(difference)}`;
  line.append(element("i", { className: "zero" }), element("i", { className: "span" }), element("i", { className: "dot" }));
  const labels = element("div", { className: "labels" }, element("span", { textContent: "B better" }), element("span", { textContent: "0" }), element("span", { textContent: "A better" }));
  $("scale").replaceChildren(line, labels);
}

/* The photos. */

function drawDisputes() {
  const note = duel ? duel.photos.note : "";
  $("photo-note").hidden = !note;
  $("photo-note").textContent = note;
  $("mask-legend").hidden = !duel || !duel.photos.sizes.length;
  if (!duel) disputes = [];
  else {
    const { first, second } = duel;
    const gap = (photo) => first.dice[photo] - second.dice[photo];
    const orders = { both: (photo) => Math.abs(gap(photo)), a: gap, b: (photo) => -gap(photo) };
    const order = orders[$("photo-order").value];
    disputes = state.group.ids.map((_, photo) => photo).sort((x, y) => order(y) - order(x));
  }
  $("disputes").replaceChildren();
  showDisputes();
}

function showDisputes() {
  const have = $("disputes").children.length;
  $("disputes").append(...disputes.slice(have, disputesShown).map((photo, place) => {
    // Without the size of a photo its masks cannot be drawn either.
    if (!duel.photos.sizes.length) return element("li", { className: "card dispute" }, caption(photo));
    const strip = element("button", { type: "button", className: "strip", onclick: () => openBox(have + place) }, ...tiles(photo));
    strip.setAttribute("aria-label", `Photo ${state.group.ids[photo]}, enlarge`);
    return element("li", { className: "card dispute" }, strip, caption(photo));
  }));
  $("more").hidden = disputesShown >= disputes.length;
}

/** The photo, the truth and both masks, each with its name. */
function tiles(photo) {
  const { first, second, photos } = duel;
  const id = state.group.ids[photo], size = photos.sizes[photo];
  const truth = size && photos.truth.length ? decodeMask(photos.truth[photo], size[0] * size[1]) : null;
  const picture = (shown, name) => {
    const tile = element("span", { className: "tile" }, shown || element("span", { className: "gone", textContent: "not there" }), element("span", { className: "tile-name" }, name));
    if (size) tile.style.setProperty("--ratio", Math.min(Math.max(size[1] / size[0], .5), 2));
    return tile;
  };
  const masks = [[first, "A", "a"], [second, "B", "b"]].map(([side, name, style]) => {
    const mask = size && side.masks.length ? decodeMask(side.masks[photo], size[0] * size[1]) : null;
    const label = `Mask of ${name} on photo ${id}, Dice ${score(side.dice[photo])}`;
    return picture(mask && maskCanvas(size, mask, truth, label), element("span", { className: `chip ${style}`, textContent: name }));
  });
  const image = photos.names.length ? element("img", { src: `${FILES}/${photos.names[photo]}`, alt: `Photo ${id}`, loading: "lazy", decoding: "async" }) : null;
  return [
    picture(image, "Photo"),
    picture(truth && maskCanvas(size, truth, null, `True mask of photo ${id}`), "Truth"),
    ...masks,
  ];
}

function caption(photo) {
  const { first, second } = duel;
  const gap = first.dice[photo] - second.dice[photo];
  const value = (side, dice) => element("span", { className: "side-dice" }, element("span", { className: `chip ${side}`, textContent: side.toUpperCase() }), score(dice));
  return element("div", { className: "caption" }, element("bdi", { className: "photo-id", textContent: state.group.ids[photo], title: state.group.ids[photo] }),
    value("a", first.dice[photo]), value("b", second.dice[photo]), element("span", { className: "gap", textContent: signed(gap) }));
}

/* One photo at full size. */

let boxAt = 0;

function openBox(place) {
  boxAt = place;
  const photo = disputes[place];
  $("box-title").textContent = state.group.ids[photo];
  $("box-place").textContent = `${place + 1} of ${disputes.length}`;
  $("stage").replaceChildren(element("div", { className: "sheet" }, ...tiles(photo)), caption(photo));
  $("previous").disabled = place === 0;
  $("next").disabled = place === disputes.length - 1;
  if (!$("box").open) $("box").showModal();
  // A button that is disabled at the end of the list would swallow the arrow keys.
  $("stage").focus();
}

function stepBox(by) {
  if (disputes[boxAt + by] !== undefined) openBox(boxAt + by);
}

function closedBox() {
  if (boxAt >= disputesShown) { disputesShown = boxAt + 1; showDisputes(); }
  const strip = $("disputes").children[boxAt]?.querySelector(".strip");
  if (strip) strip.focus();
}

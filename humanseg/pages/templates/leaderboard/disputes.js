/* The photos on which two runs disagree, in a list and at full size. */

const AT_ONCE = 6;
let disputes = [], disputesShown = AT_ONCE, boxAt = 0;

const gap = (photo) => duel.first.dice[photo] - duel.second.dice[photo];
const chip = (side) => element("span", { className: `chip ${side.toLowerCase()}`, textContent: side });

function drawDisputes() {
  $("photo-note").hidden = !duel?.photos.note;
  $("photo-note").textContent = duel?.photos.note || "";
  $("mask-legend").hidden = !duel?.photos.sizes.length;
  const orders = { both: (photo) => Math.abs(gap(photo)), a: gap, b: (photo) => -gap(photo) };
  const order = orders[$("photo-order").value];
  disputes = duel ? state.group.ids.map((_, photo) => photo).sort((x, y) => order(y) - order(x)) : [];
  $("disputes").replaceChildren();
  showDisputes();
}

/** Add to the list what is not there yet. */
function showDisputes() {
  const have = $("disputes").children.length;
  $("disputes").append(...disputes.slice(have, disputesShown).map((photo, more) => dispute(photo, have + more)));
  $("more").hidden = disputesShown >= disputes.length;
}

function dispute(photo, place) {
  const item = element("li", { className: "card dispute" });
  // Without the size of a photo its masks cannot be drawn either.
  if (duel.photos.sizes.length) {
    item.append(element("button", {
      type: "button", className: "strip", "aria-label": `Photo ${state.group.ids[photo]}, enlarge`,
      onclick: () => openBox(place),
    }, ...tiles(photo)));
  }
  item.append(caption(photo));
  return item;
}

/** The photo, the truth and both masks, each with its name. */
function tiles(photo) {
  const { first, second, photos } = duel;
  const id = state.group.ids[photo], size = photos.sizes[photo], pixels = size[0] * size[1];
  const truth = photos.truth.length ? decodeMask(photos.truth[photo], pixels) : null;
  const mask = (side, name) => side.masks.length ? maskCanvas(
    size, decodeMask(side.masks[photo], pixels), truth, `Mask of ${name} on photo ${id}, Dice ${score(side.dice[photo])}`,
  ) : null;
  return [
    tile(size, element("img", { src: `${FILES}/${photos.names[photo]}`, alt: `Photo ${id}`, decoding: "async" }), "Photo"),
    tile(size, truth && maskCanvas(size, truth, null, `True mask of photo ${id}`), "Truth"),
    tile(size, mask(first, "A"), chip("A")),
    tile(size, mask(second, "B"), chip("B")),
  ];
}

function tile([height, width], picture, name) {
  const shown = picture || element("span", { className: "gone", textContent: "not there" });
  const made = element("span", { className: "tile" }, shown, element("span", { className: "tile-name" }, name));
  made.style.setProperty("--ratio", Math.min(Math.max(width / height, .5), 2));
  return made;
}

function caption(photo) {
  const id = state.group.ids[photo];
  const dice = (side, { dice: all }) => element("span", { className: "side-dice" }, chip(side), score(all[photo]));
  return element("div", { className: "caption" },
    element("bdi", { className: "photo-id", textContent: id, title: id }),
    dice("A", duel.first), dice("B", duel.second),
    element("span", { className: "gap", textContent: signed(gap(photo)) }));
}

/* One photo at full size. */

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

/** Go back to the list, grown as far as the person has looked. */
function closedBox() {
  disputesShown = Math.max(disputesShown, boxAt + 1);
  showDisputes();
  $("disputes").children[boxAt]?.querySelector(".strip").focus();
}

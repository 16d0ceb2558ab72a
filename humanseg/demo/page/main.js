/* The page: what a person does, and what they see then. */

import { startBehind } from "./behind.js";
import { nextFrame, openCamera } from "./camera.js";
import { tellAbout, tellModel } from "./facts.js";
import { startModels } from "./models.js";
import { VIEWS, discard, drawable, fit, paint } from "./painter.js";
import { onFiles, readPicture } from "./photos.js";
import { TooLarge, openSegmenter, segment } from "./segmenter.js";
import { addToStrip, startCompare, wipe } from "./stage.js";

const $ = (id) => document.getElementById(id);
const before = $("before"), after = $("after");
const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
const LOADING = "Loading the model…";

let model;
let camera = null, live = false; // live: it runs, or is being started
let shown = null; // what is on the stage: a drawable result, with the `name` of its photo
let latest = 0; // whoever began last may draw
let current = null; // the photo that is shown, or was before the camera

/* Saying. */

function say(text) { $("busy").textContent = text; }

function complain(...messages) {
  const rest = messages.splice(3).length; // all those of a folder would cover the page
  $("trouble-text").textContent = messages.join(" ") + (rest ? ` So it is with ${rest} more.` : "");
  $("trouble").hidden = messages.length === 0;
}

/* Drawing. */

const choice = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

function ground() {
  const value = choice("ground");
  if (value === "blur") return { kind: "blur", blur: +$("blur").value };
  if (value === "picture") return { kind: "picture", picture: pictureBehind() };
  return { kind: "colour", colour: value === "colour" ? $("colour").value : value };
}

function repaint() {
  if (!shown) return;
  const view = choice("view");
  paint(after, view, shown, before, ground());
  after.setAttribute("aria-label", `${VIEWS[view]} of ${shown.name}`);
  $("after-tag").textContent = VIEWS[view];
}

function settle() {
  const value = choice("ground");
  $("grounds").hidden = choice("view") !== "background";
  $("blur-option").hidden = value !== "blur";
  $("colour-option").hidden = value !== "colour";
  $("picture-option").hidden = value !== "picture";
  repaint();
}

function drawPhoto(bitmap, mirrored = false) {
  fit(before, bitmap.width, bitmap.height);
  const context = before.getContext("2d");
  // The photo before would be seen through a transparent one.
  context.clearRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  const sheet = $("sheet");
  sheet.style.setProperty("--w", bitmap.width);
  sheet.style.setProperty("--h", bitmap.height);
  sheet.classList.toggle("mirrored", mirrored);
  sheet.hidden = false;
  // What is hidden loses the focus.
  if (document.activeElement === $("drop")) $("split").focus({ preventScroll: true });
  $("drop").hidden = true;
}

function drawResult(result, name) {
  shown = { ...drawable(result, shown), name };
  repaint();
  $("download").disabled = false;
}

/* Photos. */

// A size that can be drawn may still be too much for the memory.
const memoryEnds = (error) => error instanceof TooLarge || error instanceof RangeError;

async function showPhoto(item) {
  const { file, button } = current = item;
  const turn = ++latest;
  stopCamera();
  complain();
  for (const other of $("strip").children) other.setAttribute("aria-pressed", other === button);
  say(model ? "Cutting out…" : LOADING);
  try {
    await cutOutPhoto(file, turn).catch((error) => {
      if (!memoryEnds(error) || turn !== latest) throw error;
      return cutOutPhoto(file, turn, true);
    });
  } catch (error) {
    if (turn !== latest) return;
    say("");
    complain(memoryEnds(error)
      ? `${file.name} does not fit in this browser's memory, even when reduced: humanseg predict can cut it out.`
      : error.message);
  }
}

async function cutOutPhoto(file, turn, safe = false) {
  const { bitmap, size } = await readPicture(file, safe);
  try {
    if (turn !== latest) return;
    shown = discard(shown);
    fit(after, 1, 1);
    $("download").disabled = true;
    drawPhoto(bitmap);
    before.setAttribute("aria-label", `Photo ${file.name}`);
    await opened;
    if (turn !== latest) return;
    say("Cutting out…");
    const result = await segment(bitmap);
    if (turn !== latest) return;
    drawResult(result, file.name.replace(/\.\w+$/, ""));
    tellAbout($("facts"), model, result, size);
    wipe();
    say("");
    $("done").textContent = after.getAttribute("aria-label");
  } finally {
    // Hundreds of megabytes, where another photo was chosen before this one got to the model.
    bitmap.close();
  }
}

async function takePhotos(files) {
  const failures = files.length ? [] : ["No photo was dropped: save it as a file first, and drop that."];
  let first;
  for (const file of files) {
    try {
      const item = await addToStrip($("strip"), file, showPhoto);
      $("strip-group").hidden = false;
      // The others are decoded meanwhile.
      first ??= showPhoto(item);
    } catch (error) {
      failures.push(error.message);
    }
  }
  await first;
  if (failures.length) complain(...failures);
}

/* The camera. */

function setLive(on) {
  live = on;
  $("camera").setAttribute("aria-pressed", on);
  $("camera-label").textContent = on ? "Stop" : "Camera";
}

function stopCamera() {
  camera?.stop();
  camera = null;
  setLive(false);
  $("turn").hidden = true;
}

/** Stop the camera where nothing takes its place. */
function endCamera(...messages) {
  latest++;
  stopCamera();
  say(model ? "" : LOADING);
  complain(...messages);
}

async function startCamera(deviceId = null) {
  const turn = ++latest;
  stopCamera();
  setLive(true);
  complain();
  say("Starting the camera…");
  try {
    const opening = await openCamera(video, deviceId, () => {
      if (turn === latest) endCamera("The camera was disconnected: connect it, then start it again.");
    }, () => turn === latest);
    if (turn !== latest) return opening.stop();
    camera = opening;
    for (const button of $("strip").children) button.setAttribute("aria-pressed", "false");
    $("turn").hidden = !camera.next;
    if (!model) say(LOADING);
    await opened;
    before.setAttribute("aria-label", "Camera");
    await follow(turn);
  } catch (error) {
    if (turn !== latest) return;
    stopCamera();
    say("");
    complain(error.message);
  }
}

async function follow(turn) {
  let rate = 0, last = performance.now();
  $("split").value = 0;
  $("split").dispatchEvent(new Event("input"));
  while (turn === latest) {
    await nextFrame(video);
    const frame = await createImageBitmap(video);
    // The worker closes what it gets; the photo beside the cut-out must be of the same moment.
    const result = await segment(await createImageBitmap(frame));
    if (turn !== latest) return frame.close();
    drawPhoto(frame, camera.mirrored);
    frame.close();
    drawResult(result, "camera");
    const now = performance.now();
    rate = rate ? 0.9 * rate + 0.1 * 1000 / (now - last) : 1000 / (now - last);
    last = now;
    tellAbout($("facts"), model, result, [result.width, result.height], { "Frame rate": `${rate.toFixed(rate < 10 ? 1 : 0)} a second` });
    say("");
  }
}

/* Another model. */

async function useModel(folder) {
  complain();
  say(LOADING);
  try {
    await Promise.allSettled([opened]); // the first may still be loading, or have failed
    opened = model = await openSegmenter(backend, folder);
  } catch (error) {
    complain(error.message);
    throw error;
  } finally {
    say("");
  }
  // The camera continues with it by itself.
  if (live) return;
  if (current) await showPhoto(current);
  else tellModel($("facts"), model);
}

/* Saving. */

function save() {
  // What is on the screen may be the next frame by the time the file is written.
  const view = choice("view"), { name } = shown;
  say("Writing the file…");
  after.toBlob((blob) => {
    say("");
    if (!blob) return complain("This browser cannot write a picture of this size: humanseg predict can.");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name}-${view}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }, "image/png");
}

/* Wiring. */

onFiles($("files"), takePhotos);
for (const button of [$("drop"), $("choose")]) button.addEventListener("click", () => $("files").click());
$("camera").addEventListener("click", () => {
  if (live) endCamera();
  else startCamera();
});
$("turn").addEventListener("click", () => startCamera(camera.next));
for (const input of document.querySelectorAll("input[type=radio], #blur, #colour")) {
  input.addEventListener("input", settle);
}
const pictureBehind = startBehind($("ground-picture"), $("picture-swatch"), $("picture"), $("choose-picture"),
  (failure) => {
    complain(...(failure ? [failure] : []));
    settle();
  });
$("download").addEventListener("click", save);
// Browsers are content with half of what has the focus in sight.
document.querySelector(".panel").addEventListener("focusin", ({ target }) => {
  if (!target.matches(":focus-visible")) return;
  (target.closest("label") ?? target).scrollIntoView({ block: "nearest", inline: "nearest" });
});
$("trouble-close").addEventListener("click", () => complain());
startCompare($("sheet"), $("split"));
startModels($("models"), $("model"), useModel).catch(() => {
  complain("models.json could not be loaded, so no other model can be chosen. Reload the page, or upload the whole folder that --build wrote.");
});

document.body.classList.add("ready");
settle();
say(LOADING);
const backend = new URLSearchParams(location.search).get("backend") ?? "";
let opened = openSegmenter(backend);
opened.then((facts) => {
  model = facts;
  tellModel($("facts"), model);
  if ($("busy").textContent === LOADING) say("");
}, (error) => {
  say("");
  complain(error.message);
});

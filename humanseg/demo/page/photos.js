/* Files into pictures, in words where that fails. */

import { release } from "./canvas.js";
import { upright } from "./orientation.js";

/** What every browser's canvas can hold, phones included: pixels in all, and along a side. */
const SAFE_PIXELS = 2 ** 24, SAFE_SIDE = 16384;
/** More is not tried: each pixel takes some 30 bytes on its way. */
const MOST_PIXELS = (navigator.deviceMemory ?? 8) < 4 ? SAFE_PIXELS : 2 ** 26;

/**
 * Decode a picture, turned as its EXIF orientation says.
 *
 * @param {File} file
 * @returns {Promise<ImageBitmap>} however large
 */
export async function decode(file) {
  try {
    return await upright(await createImageBitmap(file), file);
  } catch {
    throw new Error(`${file.name} ${await whyNot(file)}`);
  }
}

/** How the files begin that every browser reads. */
const KNOWN = [[0xff, 0xd8, 0xff], [0x89, 0x50, 0x4e, 0x47], [0x52, 0x49, 0x46, 0x46], [0x47, 0x49, 0x46, 0x38]];

async function whyNot(file) {
  if (file.type.startsWith("video/")) return "is a video: humanseg predict takes it, and this page takes photos and the camera.";
  const read = await file.slice(0, 4).arrayBuffer().catch(() => null);
  if (!read) return "cannot be read, because it was moved or is a folder: choose it again, or drop the folder on the page.";
  if (file.size === 0) return "is an empty file: choose another one.";
  const head = new Uint8Array(read);
  return KNOWN.some((begin) => begin.every((byte, at) => head[at] === byte))
    ? "cannot be read by this browser, because it is cut off, broken or too large: copy it again from its source, or try humanseg predict."
    : "is not a picture that this browser can read: choose a JPEG, PNG or WebP file.";
}

/**
 * Decode a picture at its own size, or at the largest that this browser can draw.
 *
 * @param {File} file
 * @param {boolean} [safe] whether to take no more than every browser can draw
 * @returns {Promise<{bitmap: ImageBitmap, size: [number, number]}>} and the file's own width and
 *   height
 */
export async function readPicture(file, safe = false) {
  const bitmap = await decode(file);
  const { width, height } = bitmap;
  const area = width * height, side = Math.max(width, height);
  if (!safe && area <= MOST_PIXELS && canDraw(width, height)) return { bitmap, size: [width, height] };
  const scale = Math.min(1, Math.sqrt(SAFE_PIXELS / area), SAFE_SIDE / side);
  if (scale === 1) return { bitmap, size: [width, height] };
  const reduced = await createImageBitmap(bitmap, {
    resizeWidth: Math.max(1, Math.floor(width * scale)),
    resizeHeight: Math.max(1, Math.floor(height * scale)),
    resizeQuality: "high",
  });
  bitmap.close();
  return { bitmap: reduced, size: [width, height] };
}

/** Browsers do not say how large a canvas may be: one that is too large stays empty. */
function canDraw(width, height) {
  if (width * height <= SAFE_PIXELS && Math.max(width, height) <= SAFE_SIDE) return true;
  let canvas;
  try {
    canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillRect(width - 1, height - 1, 1, 1);
    return context.getImageData(width - 1, height - 1, 1, 1).data[3] === 255;
  } catch {
    return false;
  } finally {
    release(canvas);
  }
}

/** What was dropped: files, and the pictures of folders, in the order of their names. */
async function dropped(transfer) {
  // Now: after the event, nothing of it can be read any more.
  const files = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return files;
  return (await Promise.all(entries.map((entry) => filesOf(entry, false)))).flat();
}

/** The file of an entry, or the pictures of a folder; what cannot be read is left out. */
async function filesOf(entry, inFolder = true) {
  try {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return inFolder && !file.type.startsWith("image/") ? [] : [file];
    }
    const reader = entry.createReader(), entries = [];
    // Some at a time, until there are none.
    for (let some; (some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length;) {
      entries.push(...some);
    }
    entries.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
    return (await Promise.all(entries.map((each) => filesOf(each)))).flat();
  } catch {
    return [];
  }
}

/**
 * Call back with files that are chosen, dropped anywhere on the page, or pasted.
 *
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} take gets none where no photo was dropped
 */
export function onFiles(input, take) {
  const given = (list) => { if (list?.length) take([...list]); };
  input.addEventListener("change", () => {
    given(input.files);
    // The same file chosen again is a change too.
    input.value = "";
  });
  // Dragging fires enter and leave for every element on the way.
  let inside = 0;
  const mark = () => document.body.classList.toggle("dragging", inside > 0);
  addEventListener("dragenter", (event) => { event.preventDefault(); inside++; mark(); });
  addEventListener("dragleave", () => { inside = Math.max(0, inside - 1); mark(); });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    inside = 0;
    mark();
    dropped(event.dataTransfer).then(take);
  });
  addEventListener("paste", (event) => given(event.clipboardData.files));
}

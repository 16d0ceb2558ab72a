/* Drawing what was found, in the way that is requested. */

import { release } from "./canvas.js";
import { paintGround } from "./ground.js";

/** What each view is called, on the page and in the names of files. */
export const VIEWS = { cutout: "Cut-out", background: "New background", mask: "Mask" };

/**
 * Keep a result as something that can be drawn.
 *
 * @param {{width: number, height: number, cutout: Uint8ClampedArray, mask: Uint8Array}} result
 * @param {ReturnType<typeof drawable> | null} former is drawn no more
 */
export function drawable({ width, height, cutout, mask }, former) {
  discard(former);
  const person = new OffscreenCanvas(width, height);
  person.getContext("2d").putImageData(new ImageData(cutout, width, height), 0, 0);
  return { width, height, person, mask };
}

/**
 * Give the memory of a result back.
 *
 * @param {ReturnType<typeof drawable> | null} result
 * @returns {null}
 */
export function discard(result) {
  release(result?.person);
  return null;
}

/**
 * Draw a view of a result.
 *
 * @param {HTMLCanvasElement} canvas takes the photo's size
 * @param {string} view a key of VIEWS
 * @param {ReturnType<typeof drawable>} result
 * @param {CanvasImageSource} photo
 * @param {object} ground see paintGround
 */
export function paint(canvas, view, result, photo, ground) {
  const { width, height } = result;
  fit(canvas, width, height);
  const context = canvas.getContext("2d");
  if (view === "mask") {
    context.putImageData(maskPicture(result), 0, 0);
    return;
  }
  context.clearRect(0, 0, width, height);
  if (view === "background") paintGround(context, ground, photo, result.person);
  context.drawImage(result.person, 0, 0);
}

/** Give a canvas a size; setting the one it has would clear it and blink. */
export function fit(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

function maskPicture({ width, height, mask }) {
  const picture = new ImageData(width, height);
  const cells = new Uint32Array(picture.data.buffer);
  const [black, white] = [Uint8Array.of(0, 0, 0, 255), Uint8Array.of(255, 255, 255, 255)]
    .map((bytes) => new Uint32Array(bytes.buffer)[0]);
  for (let at = 0; at < cells.length; at++) cells[at] = mask[at] ? white : black;
  return picture;
}

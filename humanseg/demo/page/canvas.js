/* The memory of canvases. */

/**
 * Give the memory of a canvas back at once. Safari does so when it collects garbage, which may be
 * later than a phone has run out of it.
 *
 * @param {OffscreenCanvas} [canvas]
 */
export function release(canvas) {
  if (canvas) canvas.width = canvas.height = 0;
}

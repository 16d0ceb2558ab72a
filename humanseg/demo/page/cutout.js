/* From a photo and its probability to the person alone. */

/** How far from the threshold, in probability, an edge is still soft. */
const SOFT = 0.3;

/**
 * @param {Uint8ClampedArray} pixels RGBA of the photo; becomes the cut-out
 * @param {Float32Array} probability in [0,1], one a pixel
 * @param {number} threshold
 * @returns {{cutout: Uint8ClampedArray, mask: Uint8Array}} `mask` holds 1 for the person
 */
export function cutOut(pixels, probability, threshold) {
  const mask = new Uint8Array(probability.length);
  const low = Math.max(0, threshold - SOFT), high = Math.min(1, threshold + SOFT);
  for (let at = 0; at < mask.length; at++) {
    mask[at] = probability[at] > threshold ? 1 : 0;
    const share = Math.min(1, Math.max(0, (probability[at] - low) / (high - low)));
    pixels[4 * at + 3] = Math.round(255 * share * share * (3 - 2 * share));
  }
  return { cutout: pixels, mask };
}

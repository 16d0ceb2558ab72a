/* From a photo and its probability to the person alone. */

/** As in humanseg/inference/matting.py: what is so far on the way to 0 or 1 is wholly so. */
const SURE = 0.6;
/** Where colours are looked for around a pixel of the edge: so many steps to each side, of so many
    of the pixels that the net saw. */
const STEPS = 4, STEP = 3;

/**
 * @param {Uint8ClampedArray} pixels RGBA of the photo
 * @param {Float32Array} probability in [0,1], one a pixel
 * @param {number} threshold
 * @param {[number, number]} size width and height
 * @param {number} scale pixels of the photo for one that the net saw: so wide are soft edges
 * @returns {{cutout: Uint8ClampedArray, mask: Uint8Array}} RGBA; `mask` holds 1 for the person
 */
export function cutOut(pixels, probability, threshold, size, scale) {
  const mask = new Uint8Array(probability.length), alpha = new Uint8Array(probability.length);
  const reach = Math.max(1e-6, SURE * Math.min(threshold, 1 - threshold));
  for (let at = 0; at < mask.length; at++) {
    mask[at] = probability[at] > threshold ? 1 : 0;
    const share = (probability[at] - threshold + reach) / (2 * reach);
    alpha[at] = Math.round(255 * Math.min(1, Math.max(0, share)));
  }
  return { cutout: withoutBackground(pixels, alpha, size, Math.round(STEP * scale)), mask };
}

/** As there: what is less transparent than this is taken for opaque. */
const SOLID = 250;

/**
 * Leave out what the photo itself hides.
 *
 * @param {{cutout: Uint8ClampedArray, mask: Uint8Array}} result of cutOut, of the photo over white
 * @param {Uint8ClampedArray} visible RGBA of the photo as it is
 * @param {Float32Array} probability
 * @param {number} threshold
 */
export function hide({ cutout, mask }, visible, probability, threshold) {
  for (let at = 0; at < mask.length; at++) {
    const own = visible[4 * at + 3];
    if (own === 255) continue;
    if (probability[at] * own / 255 <= threshold) mask[at] = 0;
    cutout[4 * at + 3] = Math.round(cutout[4 * at + 3] * own / 255);
    // Cut out before, such a pixel has nothing of a background in it.
    if (own < SOLID) for (let plane = 0; plane < 3; plane++) cutout[4 * at + plane] = visible[4 * at + plane];
  }
}

/**
 * Take the background's share out of the colours of soft pixels, so that no fringe of the old
 * background stands before the new one.
 *
 * The colours of person and background are averaged around the pixel, and what the photo shows
 * beyond their mixture goes to the person, as in M. Forte, Approximate Fast Foreground Colour
 * Estimation, IEEE ICIP 2021; but in one pass over a coarse grid, which a camera can wait for.
 */
function withoutBackground(pixels, alpha, [width, height], step) {
  const cutout = pixels.slice();
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const own = alpha[at] / 255;
      cutout[4 * at + 3] = alpha[at];
      if (own === 0 || own === 1) continue;
      let fore = 0, foreR = 0, foreG = 0, foreB = 0, back = 0, backR = 0, backG = 0, backB = 0;
      for (let j = -STEPS; j <= STEPS; j++) {
        const row = (y + j * step) * width;
        if (row < 0 || row >= alpha.length) continue;
        for (let i = -STEPS; i <= STEPS; i++) {
          const column = x + i * step;
          if (column < 0 || column >= width) continue;
          // Squared: the surer a pixel is, the purer is its colour.
          const other = row + column, share = alpha[other] / 255;
          const a = share * share, b = (1 - share) * (1 - share);
          const red = pixels[4 * other], green = pixels[4 * other + 1], blue = pixels[4 * other + 2];
          fore += a; foreR += a * red; foreG += a * green; foreB += a * blue;
          back += b; backR += b * red; backG += b * green; backB += b * blue;
        }
      }
      cutout[4 * at] = unmixed(pixels[4 * at], own, foreR / fore, backR / back);
      cutout[4 * at + 1] = unmixed(pixels[4 * at + 1], own, foreG / fore, backG / back);
      cutout[4 * at + 2] = unmixed(pixels[4 * at + 2], own, foreB / fore, backB / back);
    }
  }
  return cutout;
}

const unmixed = (seen, alpha, person, background) =>
  person + alpha * (seen - alpha * person - (1 - alpha) * background);

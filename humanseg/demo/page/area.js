/* Scaling a photo down for the net, pixel for pixel as Python does it. */

/**
 * The size at which the net sees a photo.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} longSide of the model's manifest
 * @returns {[number, number]} the photo's own size when its longer side is no larger
 */
export function reducedSize(width, height, longSide) {
  const longer = Math.max(width, height);
  if (longSide >= longer) return [width, height];
  // humanseg/io/resizing.py has the same rule.
  return [width, height].map((side) =>
    Math.max(1, Math.floor((2 * side * longSide + longer) / (2 * longer))));
}

/**
 * Average a photo over areas, as OpenCV's INTER_AREA does.
 *
 * @param {Uint8ClampedArray} pixels RGBA, height × width × 4
 * @param {[number, number]} from width and height
 * @param {[number, number]} to width and height, neither larger
 * @returns {Uint8Array} RGB in planes, 3 × height × width
 */
export function reduce(pixels, [width, height], [toWidth, toHeight]) {
  const size = toWidth * toHeight;
  const planes = new Uint8Array(3 * size);
  if (width === toWidth && height === toHeight) {
    for (let at = 0; at < size; at++) {
      for (let plane = 0; plane < 3; plane++) planes[plane * size + at] = pixels[4 * at + plane];
    }
    return planes;
  }
  const columns = shares(width, toWidth), rows = shares(height, toHeight);
  const line = new Float64Array(3 * toWidth), sum = new Float64Array(3 * toWidth);
  for (let y = 0, share = 0; y < toHeight; y++) {
    sum.fill(0);
    for (let row = rows.first[y]; row < rows.end[y]; row++, share++) {
      averageRow(pixels, 4 * row * width, columns, line);
      for (let at = 0; at < line.length; at++) sum[at] += rows.weights[share] * line[at];
    }
    for (let x = 0, at = y * toWidth; x < sum.length; x += 3, at++) {
      planes[at] = Math.round(sum[x]);
      planes[size + at] = Math.round(sum[x + 1]);
      planes[2 * size + at] = Math.round(sum[x + 2]);
    }
  }
  return planes;
}

/** Which of `from` cells lie under each of `to` cells, and what share of it each covers. */
function shares(from, to) {
  const scale = from / to;
  const first = new Int32Array(to), end = new Int32Array(to), weights = [];
  for (let at = 0; at < to; at++) {
    const low = at * scale, high = Math.min(from, low + scale);
    // What rounding errors make of a border between two cells is no part of a third one.
    first[at] = Math.floor(low + 1e-6);
    end[at] = Math.ceil(high - 1e-6);
    for (let cell = first[at]; cell < end[at]; cell++) {
      weights.push((Math.min(cell + 1, high) - Math.max(cell, low)) / (high - low));
    }
  }
  return { first, end, weights: Float64Array.from(weights) };
}

function averageRow(pixels, start, { first, end, weights }, line) {
  for (let x = 0, share = 0; x < first.length; x++) {
    let red = 0, green = 0, blue = 0;
    for (let cell = first[x]; cell < end[x]; cell++, share++) {
      const at = start + 4 * cell, weight = weights[share];
      red += weight * pixels[at];
      green += weight * pixels[at + 1];
      blue += weight * pixels[at + 2];
    }
    line[3 * x] = red;
    line[3 * x + 1] = green;
    line[3 * x + 2] = blue;
  }
}

/* Bringing a coarse mask to the size of its photo, along the photo's own edges: the same as
   humanseg/inference/guided_filter.py, where the papers are named. */

/** In pixels of the reduced photo: how far an edge of the mask looks for one of the photo. */
const RADIUS = 3;
/** In squared brightness, of photos in [0,1]: a fainter edge of the photo is taken for noise. */
const EPSILON = 1e-3;

/**
 * Enlarge what the net says of a reduced photo, by a guided filter.
 *
 * @param {Float32Array} coarse in [0,1], height × width
 * @param {Uint8Array} planes the reduced photo, 3 × height × width
 * @param {[number, number]} from its width and height
 * @param {Uint8ClampedArray} pixels the photo itself, RGBA
 * @param {[number, number]} to its width and height
 * @returns {Float32Array} in [0,1]; `coarse` itself where the sizes are the same
 */
export function refine(coarse, planes, from, pixels, to) {
  const [width, height] = from, [toWidth, toHeight] = to;
  if (width === toWidth && height === toHeight) return coarse;
  const [red, green, blue, rest] = colourFunctions(coarse, planes, from);
  const fine = new Float32Array(toWidth * toHeight);
  const columns = between(width, toWidth), rows = between(height, toHeight);
  const line = new Float32Array(4 * width);
  for (let y = 0, at = 0; y < toHeight; y++) {
    const above = rows.low[y] * width, below = rows.high[y] * width, down = rows.share[y];
    for (let x = 0; x < width; x++) {
      line[4 * x] = red[above + x] + down * (red[below + x] - red[above + x]);
      line[4 * x + 1] = green[above + x] + down * (green[below + x] - green[above + x]);
      line[4 * x + 2] = blue[above + x] + down * (blue[below + x] - blue[above + x]);
      line[4 * x + 3] = rest[above + x] + down * (rest[below + x] - rest[above + x]);
    }
    for (let x = 0; x < toWidth; x++, at++) {
      const left = 4 * columns.low[x], right = 4 * columns.high[x], over = columns.share[x];
      const lower = line[left] * pixels[4 * at] + line[left + 1] * pixels[4 * at + 1]
        + line[left + 2] * pixels[4 * at + 2] + line[left + 3];
      const upper = line[right] * pixels[4 * at] + line[right + 1] * pixels[4 * at + 1]
        + line[right + 2] * pixels[4 * at + 2] + line[right + 3];
      fine[at] = Math.min(1, Math.max(0, lower + over * (upper - lower)));
    }
  }
  return fine;
}

/** Between which cells the centre of each fine one is, and how far from the lower. */
function between(from, to) {
  const low = new Int32Array(to), high = new Int32Array(to), share = new Float32Array(to);
  for (let at = 0; at < to; at++) {
    const centre = Math.min(from - 1, Math.max(0, (at + 0.5) * from / to - 0.5));
    low[at] = Math.floor(centre);
    high[at] = Math.min(from - 1, low[at] + 1);
    share[at] = centre - low[at];
  }
  return { low, high, share };
}

/** Fit the probability by r·red + g·green + b·blue + c around each pixel: [r, g, b, c]. */
function colourFunctions(coarse, planes, size) {
  const area = coarse.length;
  const plane = () => new Float32Array(area);
  const [r, g, b, rp, gp, bp, rr, rg, rb, gg, gb, bb] = Array.from({ length: 12 }, plane);
  // Plain loops, each with all that it can do at once: the camera waits for them.
  for (let at = 0; at < area; at++) {
    const red = planes[at] / 255, green = planes[area + at] / 255, blue = planes[2 * area + at] / 255;
    r[at] = red; g[at] = green; b[at] = blue;
    rp[at] = red * coarse[at]; gp[at] = green * coarse[at]; bp[at] = blue * coarse[at];
    rr[at] = red * red; rg[at] = red * green; rb[at] = red * blue;
    gg[at] = green * green; gb[at] = green * blue; bb[at] = blue * blue;
  }
  const p = coarse.slice(), [slopeR, slopeG, slopeB, rest] = Array.from({ length: 4 }, plane);
  for (const each of [r, g, b, p, rp, gp, bp, rr, rg, rb, gg, gb, bb]) average(each, size);
  for (let at = 0; at < area; at++) {
    const vrr = rr[at] - r[at] * r[at] + EPSILON, vrg = rg[at] - r[at] * g[at];
    const vgg = gg[at] - g[at] * g[at] + EPSILON, vrb = rb[at] - r[at] * b[at];
    const vbb = bb[at] - b[at] * b[at] + EPSILON, vgb = gb[at] - g[at] * b[at];
    const red = rp[at] - r[at] * p[at], green = gp[at] - g[at] * p[at], blue = bp[at] - b[at] * p[at];
    // The inverse of the symmetric 3×3 matrix, by its cofactors.
    const crr = vgg * vbb - vgb * vgb, crg = vgb * vrb - vrg * vbb, crb = vrg * vgb - vgg * vrb;
    const cgg = vrr * vbb - vrb * vrb, cgb = vrg * vrb - vrr * vgb, cbb = vrr * vgg - vrg * vrg;
    const determinant = vrr * crr + vrg * crg + vrb * crb;
    const first = (crr * red + crg * green + crb * blue) / determinant;
    const second = (crg * red + cgg * green + cgb * blue) / determinant;
    const third = (crb * red + cgb * green + cbb * blue) / determinant;
    rest[at] = p[at] - first * r[at] - second * g[at] - third * b[at];
    // For colours of 0 to 255.
    slopeR[at] = first / 255; slopeG[at] = second / 255; slopeB[at] = third / 255;
  }
  const functions = [slopeR, slopeG, slopeB, rest];
  for (const each of functions) average(each, size);
  return functions;
}

/** Put in each pixel's place the mean over a square; beyond the border, its value stands. */
function average(plane, [width, height]) {
  const side = 2 * RADIUS + 1, lastX = width - 1, lastY = height - 1;
  const across = new Float32Array(plane.length);
  for (let row = 0; row < plane.length; row += width) {
    let sum = (RADIUS + 1) * plane[row];
    for (let x = 1; x <= RADIUS; x++) sum += plane[row + Math.min(x, lastX)];
    for (let x = 0; x < width; x++) {
      across[row + x] = sum / side;
      sum += plane[row + Math.min(x + RADIUS + 1, lastX)] - plane[row + Math.max(x - RADIUS, 0)];
    }
  }
  const sums = new Float64Array(width);
  for (let y = -RADIUS; y <= RADIUS; y++) {
    const row = Math.min(Math.max(y, 0), lastY) * width;
    for (let x = 0; x < width; x++) sums[x] += across[row + x];
  }
  for (let y = 0, at = 0; y < height; y++) {
    const next = Math.min(y + RADIUS + 1, lastY) * width, past = Math.max(y - RADIUS, 0) * width;
    for (let x = 0; x < width; x++, at++) {
      plane[at] = sums[x] / side;
      sums[x] += across[next + x] - across[past + x];
    }
  }
}

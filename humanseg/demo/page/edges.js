/* Bringing what the net says of a reduced photo to the photo's own size. */

/**
 * @param {Float32Array} coarse in [0,1], height × width
 * @param {[number, number]} from its width and height
 * @param {[number, number]} to those of the photo
 * @returns {Float32Array} in [0,1]; `coarse` itself where the sizes are the same
 */
export function enlarge(coarse, [width, height], [toWidth, toHeight]) {
  if (width === toWidth && height === toHeight) return coarse;
  const fine = new Float32Array(toWidth * toHeight);
  const columns = between(width, toWidth), rows = between(height, toHeight);
  for (let y = 0, at = 0; y < toHeight; y++) {
    const above = rows.low[y] * width, below = rows.high[y] * width, down = rows.share[y];
    for (let x = 0; x < toWidth; x++, at++) {
      const left = columns.low[x], right = columns.high[x], over = columns.share[x];
      const top = coarse[above + left] + over * (coarse[above + right] - coarse[above + left]);
      const base = coarse[below + left] + over * (coarse[below + right] - coarse[below + left]);
      fine[at] = top + down * (base - top);
    }
  }
  return fine;
}

/** Between which cells the centre of each fine one lies, and how far from the lower. */
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

/* The paired bootstrap of humanseg.metrics.statistics, draw for draw, so that page and notebooks agree. */

const RESAMPLES = 10000, FEWEST_PHOTOS = 6, STEP = 0x9E3779B9;

function mixed(value) {
  let hash = value ^ value >>> 16;
  hash = Math.imul(hash, 0x85EBCA6B);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xC2B2AE35);
  return (hash ^ hash >>> 16) >>> 0;
}

/** Sorted means of `values` over photos that are resampled with replacement. */
function resampledMeans(values) {
  const photos = values.length, start = mixed(0);
  const means = new Float64Array(RESAMPLES);
  for (let resample = 0, counter = 0; resample < RESAMPLES; resample += 1) {
    let sum = 0;
    for (let draw = 0; draw < photos; draw += 1, counter += 1) {
      const hash = mixed(Math.imul(counter, STEP) + start | 0);
      sum += values[Math.floor(hash * photos / 2 ** 32)];
    }
    means[resample] = sum / photos;
  }
  return means.sort();
}

function pairedDifference(first, second) {
  const values = first.map((value, photo) => value - second[photo]);
  const means = resampledMeans(values);
  const photos = values.length, low = quantile(means, .025), high = quantile(means, .975);
  const difference = values.reduce((sum, value) => sum + value, 0) / photos;
  const significant = photos >= FEWEST_PHOTOS && (low > 0 || high < 0);
  return { difference, low, high, photos, significant };
}

function sentence({ difference, low, high, photos, significant }) {
  if (!significant) return `not significantly different on ${photos === 1 ? "this one photo" : `these ${photos} photos`}`;
  const [near, far] = [Math.abs(low), Math.abs(high)].sort((a, b) => a - b);
  const word = difference > 0 ? "better" : "worse";
  return `${word} by ${Math.abs(difference).toFixed(4)}, interval ${near.toFixed(4)} to ${far.toFixed(4)}`;
}

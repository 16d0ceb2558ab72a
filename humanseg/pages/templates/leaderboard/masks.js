/* Masks from their run-length codes, on a canvas. */

/** Decode "start length" pairs, counted from 1, row by row. */
function decodeMask(code, size) {
  const mask = new Uint8Array(size);
  const numbers = code ? code.split(" ") : [];
  for (let pair = 0; pair + 1 < numbers.length; pair += 2) {
    const start = numbers[pair] - 1;
    mask.fill(1, start, start + Number(numbers[pair + 1]));
  }
  return mask;
}

/** Canvases are no larger, by leaving out pixels: three on each photo of a camera would take all memory. */
const LONGEST_SIDE = 1600;
const WHITE = [255, 255, 255];
const cssColour = (name) => {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
};

/** Draw a mask white on black; against a truth, what it misses and what it adds in colour. */
function maskCanvas([height, width], mask, truth, label) {
  const step = Math.ceil(Math.max(height, width) / LONGEST_SIDE);
  const wide = Math.ceil(width / step), high = Math.ceil(height / step);
  const canvas = element("canvas", { width: wide, height: high, role: "img", "aria-label": label });
  const context = canvas.getContext("2d");
  const image = context.createImageData(wide, high);
  const missed = cssColour("--missed"), added = cssColour("--added");
  for (let y = 0, drawn = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1, drawn += 4) {
      const index = step * (y * width + x);
      const wrong = truth && truth[index] !== mask[index];
      const colour = wrong ? (mask[index] ? added : missed) : mask[index] ? WHITE : null;
      if (colour) image.data.set(colour, drawn);
      image.data[drawn + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

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

const WHITE = [255, 255, 255];
const cssColour = (name) => {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
};

/** Draw a mask white on black; against a truth, what it misses and what it adds in colour. */
function maskCanvas([height, width], mask, truth, label) {
  const canvas = element("canvas", { width, height, role: "img", "aria-label": label });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const missed = cssColour("--missed"), added = cssColour("--added");
  for (let place = 0; place < mask.length; place += 1) {
    const wrong = truth && truth[place] !== mask[place];
    const colour = wrong ? (mask[place] ? added : missed) : mask[place] ? WHITE : null;
    if (colour) image.data.set(colour, 4 * place);
    image.data[4 * place + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

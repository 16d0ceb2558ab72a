/* WebP photos that say how they are turned, which not all browsers heed. */

/** A WebP of 1 × 2 pixels that is to be turned by a quarter. */
const PROBE = "UklGRk4AAABXRUJQVlA4WAoAAAAIAAAAAAAAAQAAVlA4TA4AAAAvAEAAAAcQEf0PRET/A0VYSUYaAAAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA=";

/** What turns a picture of this width and height, for each EXIF orientation. */
const TURNS = {
  2: (width) => [-1, 0, 0, 1, width, 0],
  3: (width, height) => [-1, 0, 0, -1, width, height],
  4: (width, height) => [1, 0, 0, -1, 0, height],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (width, height) => [0, 1, -1, 0, height, 0],
  7: (width, height) => [0, -1, -1, 0, height, width],
  8: (width) => [0, -1, 1, 0, 0, width],
};

let heeds;

/** Find out whether this browser turns such files itself. */
async function browserTurns() {
  heeds ??= createImageBitmap(new Blob([Uint8Array.from(atob(PROBE), (sign) => sign.charCodeAt(0))]))
    .then(({ width }) => width === 2);
  return heeds;
}

/**
 * Turn a decoded WebP as its EXIF orientation says, where the browser has not.
 *
 * @param {ImageBitmap} bitmap is closed where another one is returned
 * @param {Blob} file that it was decoded from
 * @returns {Promise<ImageBitmap>}
 */
export async function upright(bitmap, file) {
  if (!await isWebp(file)) return bitmap;
  const turn = TURNS[orientation(new DataView(await file.arrayBuffer()))];
  if (!turn || await browserTurns()) return bitmap;
  const { width, height } = bitmap;
  const matrix = turn(width, height);
  const canvas = matrix[0] ? new OffscreenCanvas(width, height) : new OffscreenCanvas(height, width);
  const context = canvas.getContext("2d");
  context.setTransform(...matrix);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.transferToImageBitmap();
}

async function isWebp(file) {
  const head = new TextDecoder("latin1").decode(await file.slice(0, 12).arrayBuffer());
  return head.startsWith("RIFF") && head.endsWith("WEBP");
}

/** Read the orientation from the EXIF chunk of a WebP; 1 where there is none. */
function orientation(view) {
  try {
    for (let at = 12; at + 8 <= view.byteLength;) {
      const size = view.getUint32(at + 4, true);
      if (view.getUint32(at) === 0x45584946) return fromExif(new DataView(view.buffer, at + 8, size));
      at += 8 + size + size % 2;
    }
  } catch (error) {
    // A broken chunk does not make the picture worse.
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}

function fromExif(view) {
  // As in JPEG, some begin with "Exif" and two zeros.
  const start = view.getUint32(0) === 0x45786966 ? 6 : 0;
  const little = view.getUint16(start) === 0x4949;
  const first = start + view.getUint32(start + 4, little);
  for (let entry = 0; entry < view.getUint16(first, little); entry++) {
    const at = first + 2 + 12 * entry;
    if (view.getUint16(at, little) === 0x112) return view.getUint16(at + 8, little);
  }
  return 1;
}

/* Files into pictures, in words where that fails. */

/** The most pixels that every browser's canvas can hold, phones included. */
const MOST_PIXELS = 2 ** 24;

/**
 * Decode a picture, turned as its EXIF orientation says.
 *
 * @param {File} file
 * @returns {Promise<ImageBitmap>} scaled down where it is larger than a browser can draw
 */
export async function readPicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(file.size === 0
      ? `${file.name} is an empty file: choose another one.`
      : `${file.name} is not a picture that this browser can read: choose a JPEG, PNG or WebP file.`);
  }
  const scale = Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height));
  if (scale >= 1) return bitmap;
  const reduced = await createImageBitmap(bitmap, {
    resizeWidth: Math.floor(bitmap.width * scale),
    resizeHeight: Math.floor(bitmap.height * scale),
    resizeQuality: "high",
  });
  bitmap.close();
  return reduced;
}

/**
 * Call back with files that are chosen, dropped anywhere on the page, or pasted.
 *
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} take
 */
export function onFiles(input, take) {
  const given = (list) => { if (list?.length) take([...list]); };
  input.addEventListener("change", () => {
    given(input.files);
    // The same file chosen again is a change too.
    input.value = "";
  });
  // Dragging fires enter and leave for every element on the way.
  let inside = 0;
  const mark = () => document.body.classList.toggle("dragging", inside > 0);
  addEventListener("dragenter", (event) => { event.preventDefault(); inside++; mark(); });
  addEventListener("dragleave", () => { inside = Math.max(0, inside - 1); mark(); });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    inside = 0;
    mark();
    given(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => given(event.clipboardData.files));
}

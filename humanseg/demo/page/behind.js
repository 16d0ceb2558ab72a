/* The picture that stands behind the person: choosing it, and showing which one it is. */

import { readPicture } from "./photos.js";

const THUMBNAIL = 96;

/**
 * Let a person choose the picture with the "+" among the backgrounds.
 *
 * @param {HTMLInputElement} radio of the "+"
 * @param {HTMLElement} swatch what is seen of it
 * @param {HTMLInputElement} input of type file
 * @param {HTMLButtonElement} button chooses, too
 * @param {(failure?: string) => void} changed is called with what went wrong, if anything
 * @returns {() => ImageBitmap | null} gives the picture
 */
export function startBehind(radio, swatch, input, button, changed) {
  let picture = null, before = null;
  const choose = () => input.click();
  button.addEventListener("click", choose);
  radio.closest("label").addEventListener("click", (event) => {
    // A label passes a click on to its input, and arrow keys that pass over it click that, too.
    if (event.target === radio) return;
    if (!picture) before = document.querySelector(`input[name="${radio.name}"]:checked`);
    if (!picture || radio.checked) choose();
  });
  radio.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    choose();
  });
  // Without a picture there is nothing to stand behind anybody.
  input.addEventListener("cancel", () => {
    if (picture || !before || before === radio) return;
    before.checked = true;
    changed();
  });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    try {
      const { bitmap } = await readPicture(file);
      picture?.close();
      picture = bitmap;
      show(swatch, button, bitmap, file.name);
      radio.checked = true;
      changed();
    } catch (error) {
      changed(error.message);
    }
    // The same file chosen again is a change too.
    input.value = "";
  });
  return () => picture;
}

/** A square from the middle of the picture takes the place of the "+". */
function show(swatch, button, bitmap, name) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = THUMBNAIL;
  const side = Math.min(bitmap.width, bitmap.height), context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side,
    0, 0, THUMBNAIL, THUMBNAIL);
  swatch.style.backgroundImage = `url(${canvas.toDataURL()})`;
  swatch.classList.add("chosen");
  swatch.closest("label").title = `A picture: ${name}`;
  button.textContent = name;
  button.setAttribute("aria-label", `Choose another picture than ${name}`);
}

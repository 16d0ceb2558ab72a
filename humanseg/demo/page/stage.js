/* The stage: comparing before and after, and the strip of photos. */

import { decode } from "./photos.js";

const THUMBNAIL = 128;

/**
 * Let a person draw the line between before and after, by pointer or by arrow keys.
 *
 * @param {HTMLElement} sheet carries the line's place as --split
 * @param {HTMLInputElement} range the same for the keyboard
 */
export function startCompare(sheet, range) {
  const place = (percent) => {
    sheet.classList.remove("wiping");
    sheet.style.setProperty("--split", `${percent}%`);
  };
  range.addEventListener("input", () => place(range.value));
  const follow = (event) => {
    const { left, width } = sheet.getBoundingClientRect();
    range.value = 100 * (event.clientX - left) / width;
    place(range.value);
  };
  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    sheet.setPointerCapture(event.pointerId);
    event.preventDefault();
    range.focus({ preventScroll: true, focusVisible: false });
    follow(event);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (sheet.hasPointerCapture(event.pointerId)) follow(event);
  });
}

/** Show a new result by drawing the line over the photo once, which tells what the line is for. */
export function wipe() {
  const sheet = document.getElementById("sheet"), range = document.getElementById("split");
  range.value = 0;
  sheet.classList.remove("wiping");
  sheet.style.setProperty("--split", "100%");
  // Read, so that the browser knows where the line begins.
  getComputedStyle(sheet).getPropertyValue("--split");
  sheet.classList.add("wiping");
  sheet.style.setProperty("--split", "0%");
}

/**
 * Add a photo to the strip.
 *
 * @param {HTMLElement} strip
 * @param {File} file
 * @param {(item: object) => void} open is called when it is chosen
 * @returns {Promise<{file: File, button: HTMLButtonElement}>}
 */
export async function addToStrip(strip, file, open) {
  const bitmap = await decode(file);
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = THUMBNAIL;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  // A square from the middle, and from the upper part of a tall photo, where heads are.
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 4, side, side,
    0, 0, THUMBNAIL, THUMBNAIL);
  bitmap.close();
  const button = document.createElement("button");
  button.type = "button";
  button.title = file.name;
  button.setAttribute("aria-label", file.name);
  button.setAttribute("aria-pressed", "false");
  button.append(canvas);
  const item = { file, button };
  button.addEventListener("click", () => open(item));
  strip.append(button);
  return item;
}

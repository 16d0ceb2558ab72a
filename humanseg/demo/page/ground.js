/* What stands behind the person. */

import { release } from "./canvas.js";

/**
 * Fill a canvas with a background.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{kind: string, colour?: string, picture?: ImageBitmap, blur?: number}} ground `blur` in
 *   hundredths of the longer side
 * @param {CanvasImageSource} photo of the canvas's size
 * @param {CanvasImageSource} person the cut-out, of that size
 */
export function paintGround(context, ground, photo, person) {
  const { width, height } = context.canvas;
  // What a picture or a photo leaves transparent is white, as in Python.
  context.fillStyle = ground.colour ?? "#fff";
  context.fillRect(0, 0, width, height);
  if (ground.kind === "blur") paintBlurred(context, photo, person, ground.blur);
  else if (ground.kind === "picture" && ground.picture) {
    const { picture } = ground;
    const scale = Math.max(width / picture.width, height / picture.height);
    const [wide, high] = [picture.width * scale, picture.height * scale];
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, (width - wide) / 2, (height - high) / 2, wide, high);
  }
}

function layer(width, height) {
  const context = new OffscreenCanvas(Math.max(1, Math.round(width)), Math.max(1, Math.round(height)))
    .getContext("2d");
  context.imageSmoothingQuality = "high";
  return context;
}

function cover(context, image) {
  context.drawImage(image, 0, 0, context.canvas.width, context.canvas.height);
}

/**
 * Blur the photo without the person, whose colours would stand around them as a glow.
 *
 * The person is erased, and the photo halved again and again; on the way back up each size fills
 * the holes of the next (pull-push: Gortler et al., The Lumigraph, 1996). Sizes finer than the
 * blur give nothing, so that only what is coarser remains.
 */
function paintBlurred(context, photo, person, blur) {
  const { width, height } = context.canvas;
  const layers = [];
  const add = (wide, high) => {
    layers.push(layer(wide, high));
    return layers.at(-1);
  };
  let image = add(width, height);
  image.fillStyle = "#fff";
  image.fillRect(0, 0, width, height);
  image.drawImage(photo, 0, 0);
  image.globalCompositeOperation = "destination-out";
  image.drawImage(person, 0, 0);
  const finest = 160 / blur;
  const levels = [];
  while (Math.max(image.canvas.width, image.canvas.height) > 1) {
    const smaller = add(image.canvas.width / 2, image.canvas.height / 2);
    cover(smaller, image.canvas);
    image = smaller;
    levels.push(image);
  }
  // The coarsest fills everything: what is seen of the background in it is made opaque. Where a
  // person fills the photo nothing is, and their colours have to do.
  for (let again = 0; again < 8; again++) cover(image, image.canvas);
  image.globalCompositeOperation = "destination-over";
  cover(image, photo);
  for (const finer of levels.reverse()) {
    const larger = add(finer.canvas.width, finer.canvas.height);
    cover(larger, image.canvas);
    if (Math.max(finer.canvas.width, finer.canvas.height) <= finest) cover(larger, finer.canvas);
    image = larger;
  }
  context.imageSmoothingQuality = "high";
  cover(context, image.canvas);
  for (const { canvas } of layers) release(canvas);
}

/* The camera, in words where there is none. */

const WHY = {
  NotAllowedError: "The browser may not use the camera: allow it beside the address, then try again.",
  NotFoundError: "No camera was found: connect one, then try again.",
  NotReadableError: "The camera gives no picture: close the other program that uses it, then try again.",
};

/**
 * Start a camera; reject where it is not wanted any more when it could start.
 *
 * @param {HTMLVideoElement} video plays it
 * @param {string | null} deviceId null: the one that faces the person before the screen
 * @param {() => void} gone is called when the camera ends by itself
 * @param {() => boolean} wanted whether nothing else came between
 * @returns {Promise<{stop: () => void, mirrored: boolean, next: string | null}>} whether it faces
 *   the person before the screen, and the deviceId of the next one where there are several
 */
export async function openCamera(video, deviceId, gone, wanted = () => true) {
  if (!navigator.mediaDevices) {
    throw new Error(window.isSecureContext
      ? "This browser lets no page use a camera: try another one."
      : `A camera needs https or localhost, and this page came over plain http from ${location.host}: open it by https, or run humanseg demo on this computer.`);
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: {
        ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" }),
        width: { ideal: 640 },
        height: { ideal: 480 },
      },
    });
  } catch (error) {
    throw new Error(WHY[error.name] ?? `The camera could not be started (${error.message || error.name}): try again, or choose another one.`);
  }
  const [track] = stream.getVideoTracks();
  // Cameras may be given in another order than they were asked for.
  if (!wanted()) {
    track.stop();
    throw new Error("The camera is not wanted any more.");
  }
  track.addEventListener("ended", gone);
  video.srcObject = stream;
  let devices;
  try {
    await video.play();
    devices = await navigator.mediaDevices.enumerateDevices();
  } catch (error) {
    // Another start came between: the camera's light would stay on.
    track.stop();
    throw error;
  }
  // Phones pause it while another page is looked at, and some leave it so.
  const goOn = () => { if (!document.hidden) video.play().catch(() => {}); };
  document.addEventListener("visibilitychange", goOn);
  const { deviceId: used, facingMode } = track.getSettings();
  const cameras = devices.filter(({ kind }) => kind === "videoinput").map(({ deviceId: id }) => id);
  return {
    stop() {
      document.removeEventListener("visibilitychange", goOn);
      track.removeEventListener("ended", gone);
      track.stop();
      if (video.srcObject === stream) video.srcObject = null;
    },
    // A webcam does not say which way it faces.
    mirrored: (facingMode ?? "user") === "user",
    next: cameras.length > 1 ? cameras[(cameras.indexOf(used) + 1) % cameras.length] : null,
  };
}

/**
 * Wait for the next frame.
 *
 * @param {HTMLVideoElement} video
 */
export const nextFrame = (video) => new Promise((resolve) => {
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(resolve);
  else requestAnimationFrame(resolve);
});

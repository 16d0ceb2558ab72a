"""The script of the page that starts a camera, run by Node."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from humanseg import demo

CAMERA_JS = Path(demo.__file__).parent / "page" / "camera.js"
START = """
const told = [];
const track = { addEventListener() {}, removeEventListener() {}, getSettings: () => ({}) };
track.stop = () => told.push("stopped");
const mediaDevices = {
  getUserMedia: async () => ({ getVideoTracks: () => [track] }), enumerateDevices: async () => [],
};
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices } });
globalThis.document = new EventTarget();
"""
INTERRUPTED = """
const play = async () => { throw new Error("interrupted"); };
await openCamera({ play }, null, () => {}).catch((error) => told.push(error.message));
"""
UNLISTED = """
mediaDevices.enumerateDevices = async () => { throw new Error("refused"); };
const video = { play: async () => {} };
await openCamera(video, null, () => {}).catch((error) => told.push(error.message));
"""
TWICE = """
const video = { play: async () => {} };
const first = await openCamera(video, null, () => {});
await openCamera(video, null, () => {});
const second = video.srcObject;
first.stop();
told.push(video.srcObject === second);
"""

LOOKED_AWAY = """
const video = { play: async () => { told.push("plays"); } };
const camera = await openCamera(video, null, () => {});
for (document.hidden of [true, false]) document.dispatchEvent(new Event("visibilitychange"));
camera.stop();
document.dispatchEvent(new Event("visibilitychange"));
"""
REVERSED = """
const given = [], video = { play: async () => {} };
mediaDevices.getUserMedia = () => new Promise((resolve) => given.push(resolve));
let latest = 1;
const first = openCamera(video, null, () => {}, () => latest === 1);
latest = 2;
const second = openCamera(video, null, () => {}, () => latest === 2);
const streams = [1, 2].map(() => ({ getVideoTracks: () => [track] }));
given[1](streams[1]);
await second;
given[0](streams[0]);
await first.catch((error) => told.push(error.message));
told.push(video.srcObject === streams[1]);
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node to run the page's script in")
@pytest.mark.parametrize(
    ("steps", "events"),
    [
        (INTERRUPTED, ["stopped", "interrupted"]),
        (UNLISTED, ["stopped", "refused"]),
        (TWICE, ["stopped", True]),
        (LOOKED_AWAY, ["plays", "plays", "stopped"]),
        (REVERSED, ["stopped", "The camera is not wanted any more.", True]),
    ],
    ids=["interrupted", "unlisted", "twice", "looked away", "reversed"],
)
def test_a_camera_runs_once_and_goes_on_when_it_is_looked_at_again(
    steps: str, events: list[object]
) -> None:
    module = json.dumps(CAMERA_JS.as_uri())
    script = (
        f"import {{ openCamera }} from {module};{START}{steps}console.log(JSON.stringify(told))"
    )
    command = ["node", "--input-type=module", "-e", script]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(answer.stdout) == events

"""Compare the photos per second of training in humanseg and in plain Lightning.

The plain side uses the defaults of the libraries: fp32, standard memory layout, a
DataLoader that decodes and augments each JPEG when it is requested. Both train the same nets on
the same photos with the same augmentation, batch size and optimiser, each in a process of its
own, in turns, so that a noisy machine is noisy for both.

    python scripts/benchmark_training.py [--data ROOT] [--seconds 20] [--rounds 2]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIDES = ("plain", "ours")
PAIRS = (("unet", "resnet18"), ("unet", "efficientnet_lite0"))
BATCH = 8
WARM_UP = 2


def main() -> int:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="five folders; default: the built-in sample")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2, help="measurements of each side")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        side, model, backbone = arguments.measure
        result = measure(side, model, backbone, arguments.data, arguments.seconds)
        print(json.dumps(result))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.data or make_sample(Path(folder) / "sample")
        for model, backbone in PAIRS:
            compare(model, backbone, root, arguments.seconds, arguments.rounds)
    return 0


def make_sample(root: Path) -> Path:
    """Write the built-in sample."""
    from humanseg.data.synthetic import write_sample

    write_sample(root)
    return root


def compare(model: str, backbone: str, root: Path, seconds: float, rounds: int) -> None:
    """Measure both sides in turns and print what came out."""
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            results[side].append(in_a_process(side, model, backbone, root, seconds))
    print(f"\n{model} on {backbone}, 320×240, batches of {BATCH}")
    for side in SIDES:
        runs = results[side]
        speed = statistics.median(run["photos_per_second"] for run in runs)
        print(
            f"  {side:<6}{speed:7.2f} photos/s   peak memory {max(r['peak_mb'] for r in runs):6.0f}"
            f" MB   loader wait {statistics.median(r['loader_wait'] for r in runs):6.2%}"
            f"   {runs[0]['settings']}"
        )
    ratios = [
        ours["photos_per_second"] / plain["photos_per_second"]
        for plain, ours in zip(results["plain"], results["ours"], strict=True)
    ]
    spread = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"  ours is {statistics.median(ratios):.2f} times as fast ({spread} in each round)")


def in_a_process(side: str, model: str, backbone: str, root: Path, seconds: float) -> Any:
    """Measure in a fresh process, so that peak memory is its own."""
    command = [sys.executable, __file__, "--measure", side, model, backbone]
    command += ["--data", str(root), "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"The measurement of {side} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(side: str, model: str, backbone: str, root: Path, seconds: float) -> dict[str, Any]:
    """Train for some seconds and count photos."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    import pytorch_lightning as pl
    from hydra import compose, initialize_config_dir

    from humanseg.config.build import build
    from humanseg.config.find import conf_folder
    from humanseg.models.checkpoint import make_segmenter
    from humanseg.training.machine.environment import peak_memory_mb
    from humanseg.training.machine.hardware import choose_hardware, keep_freed_memory
    from humanseg.training.module import SegmentationModule

    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose(
            "train",
            [
                f"model={model}",
                f"backbone={backbone}",
                f"data.root={root}",
                f"data.batch_size={BATCH}",
            ],
        )
    plain = side == "plain"
    hardware = choose_hardware()
    if plain:
        config.data.cache = "none"
        config.data.workers = 0
    elif hardware.device == "cpu":
        keep_freed_memory()
    pl.seed_everything(0, verbose=False)
    data = build(config.data, augmentation=build(config.augmentation), seed=0)
    module = SegmentationModule(
        make_segmenter(config),
        loss=build(config.loss),
        optimizer=build(config.optimizer),
        scheduler=build(config.scheduler),
        channels_last=False if plain else hardware.channels_last,
    )
    clock = _clock(pl, seconds)
    trainer = pl.Trainer(
        accelerator=hardware.device if hardware.device != "cuda" else "gpu",
        devices=1,
        precision="32-true" if plain else hardware.precision,
        max_epochs=1000,
        limit_val_batches=0,
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, datamodule=data)
    return {
        "photos_per_second": clock.photos / clock.spent,
        "loader_wait": clock.waited / clock.spent,
        "peak_mb": peak_memory_mb(hardware.device),
        "settings": "32-true, contiguous, JPEGs decoded each epoch" if plain else str(hardware),
    }


def _clock(pl: Any, seconds: float) -> Any:
    """Make a callback that counts photos for some seconds, after a few batches to warm up."""

    class Clock(pl.Callback):
        photos = 0
        spent = 0.0
        waited = 0.0
        _seen = 0
        _start = 0.0
        _asked = 0.0

        def on_train_batch_start(self, *_: Any) -> None:
            if self._seen >= WARM_UP and self._asked:
                self.waited += time.perf_counter() - self._asked

        def on_train_batch_end(
            self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int
        ) -> None:
            now = self._asked = time.perf_counter()
            self._seen += 1
            if self._seen == WARM_UP:
                self._start = now
            elif self._seen > WARM_UP:
                self.photos += len(batch["id"])
                self.spent = now - self._start
                if self.spent > seconds:
                    trainer.should_stop = True

    return Clock()


if __name__ == "__main__":
    sys.exit(main())

"""Count parameters and multiply-adds of every decoder on one backbone, and of U-Net on each.

    python scripts/measure_nets.py [--out notebooks/records/data/nets.csv]

For one photo of 320 × 240 pixels, for the report. Nothing is computed but shapes, so the counts are
the same on every machine. PSPNet is counted at the stride of `recipe=best_pspnet` too.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from humanseg.config.build import build
from humanseg.config.find import conf_folder
from humanseg.errors import says_errors
from humanseg.io.tables import write_table
from humanseg.models.segmenter import build_segmenter
from humanseg.runs.record import read_config

OUT = Path(__file__).resolve().parents[1] / "notebooks" / "records" / "data" / "nets.csv"
BACKBONE = "efficientnet_lite2"
PHOTO = (320, 240)


@says_errors
def main(arguments: list[str] | None = None) -> int:
    """Count, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", metavar="FILE", type=Path, default=OUT)
    chosen = parser.parse_args(arguments)
    decoders, backbones = (
        [path.stem for path in sorted((conf_folder() / group).glob("*.yaml"))]
        for group in ("model", "backbone")
    )
    nets = [(decoder, BACKBONE, 32) for decoder in decoders]
    nets += [("pspnet", BACKBONE, 16)]
    nets += [("unet", backbone, 32) for backbone in backbones if backbone != BACKBONE]
    rows = [(*net, *count(*net)) for net in nets]
    columns = ["model", "backbone", "stride", "parameters", "multiply_adds"]
    write_table(chosen.out, pd.DataFrame(rows, columns=columns))
    print(chosen.out)
    return 0


def count(decoder: str, backbone: str, stride: int) -> tuple[int, int]:
    """Return the parameters and the multiply-adds of a net."""
    model = read_config(conf_folder() / "model" / f"{decoder}.yaml")
    maps = dict(read_config(conf_folder() / "backbone" / f"{backbone}.yaml"))
    if "output_stride" in maps:
        maps["output_stride"] = stride
    with torch.device("meta"):
        net = build_segmenter(build(model), build(maps)).eval()
        photo = torch.zeros(1, 3, *PHOTO, dtype=torch.uint8)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(photo)
    # A multiplication and an addition are counted as two there.
    return sum(one.numel() for one in net.parameters()), counter.get_total_flops() // 2


if __name__ == "__main__":
    sys.exit(main())

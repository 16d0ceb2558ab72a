"""`humanseg evaluate`: score a run or an exported model."""

import argparse

from humanseg.cli.options import (
    SPLITS,
    add_data,
    add_mask_rule,
    add_split,
    given_path,
    in_range,
    named_model,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=named_model,
        help="a run's folder, a checkpoint, the folder of an export, an ONNX file, or a bundled "
        "model's name (see humanseg models)",
    )
    add_data(parser, "the photos and masks; default: those of the run; an exported model needs it")
    add_split(parser, (*SPLITS, "test"))
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=given_path,
        help="a new folder for scores.csv, the submission CSV and the pages",
    )
    parser.add_argument("--tta", action="store_true", help="average with the mirrored photo")
    parser.add_argument(
        "--threshold",
        metavar="T",
        type=in_range("threshold"),
        help="other than the model's own",
    )
    add_mask_rule(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the scores."""
    from rich.console import Console

    from humanseg.evaluation.evaluated_model import find_evaluated_model
    from humanseg.system.progress import progress_on

    find_evaluated_model(arguments.model, arguments.data, arguments.split, arguments.out)
    # Only now, when all is there; and before the clock of the progress starts: it loads torch.
    import humanseg.evaluation.evaluate

    # On stderr, so that the report alone can be sent to a file.
    with progress_on(Console(stderr=True), "predicting photos") as move:
        evaluation = humanseg.evaluate(
            arguments.model,
            arguments.data,
            arguments.split,
            tta=arguments.tta,
            threshold=arguments.threshold,
            person_values=arguments.person_values,
            invert_masks=arguments.invert_masks,
            out=arguments.out,
            on_progress=move,
        )
    print(evaluation.text())
    # What other data has nothing of is no failure.
    return 1 if evaluation.left_out and arguments.data is None else 0

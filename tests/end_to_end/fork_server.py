"""Starts `humanseg` commands as processes of their own that share one import of torch.

A program, not a test: it reads a JSON line per command, and forks. Importing torch and Lightning
takes far longer than the trainings that these tests run.
"""

import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any


def run_command(order: dict[str, Any]) -> int:
    """Be the `humanseg` command, and return its exit code."""
    from humanseg.cli.main import main

    os.setsid()
    os.chdir(order["cwd"])
    os.environ.update(order["environment"])
    for stream, path in ((1, order["stdout"]), (2, order["stderr"])):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)
        os.close(file)
    exec(order["before"], {})
    try:
        return main(order["arguments"])
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        # As the interpreter does.
        sys.excepthook(*sys.exc_info())
        return 1


def supervise(order: dict[str, Any]) -> None:
    """Fork the command, and write its process id and how it ended into files."""
    command = os.fork()
    if command == 0:
        code = 1
        try:
            code = run_command(order)
            # What an interpreter does at its end: joblib and loaders stop their workers then.
            import atexit
            import threading

            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    put(order["pid"], command)
    _, status = os.waitpid(command, 0)
    put(order["rc"], os.waitstatus_to_exitcode(status))


def put(path: str, number: int) -> None:
    """Write a number to a file, whole."""
    partial = Path(f"{path}.partial")
    partial.write_text(str(number))
    partial.replace(path)


def serve() -> None:
    """Import once, then fork for each line."""
    from hydra import compose, initialize_config_dir

    import humanseg.data.transforms.augmentation
    import humanseg.training.hydra_app
    import humanseg.training.train  # noqa: F401
    from humanseg.config.find import conf_folder

    # Hydra looks for its plugins, and prepares its grammar, when it composes for the first time.
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        compose("train", ["seed=1"])

    # Each command's garbage collection would write to, and so copy, all that is imported here.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            supervise(json.loads(line))
            os._exit(0)


if __name__ == "__main__":
    serve()

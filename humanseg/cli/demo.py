"""`humanseg demo`: serve a page that cuts people out of photos in the browser."""

import argparse
from pathlib import Path

from humanseg.cli.options import add_model, given_path, number, print_note


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model(parser, "what humanseg models names for the demo")
    parser.add_argument(
        "--port",
        type=number(int, lambda port: 0 <= port <= 65535, "a number from 0 to 65535"),
        help="on 127.0.0.1; default: always the same one, if it is free; 0: a free one",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--build", metavar="DIR", type=given_path, help="write the page for a web host, and end"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or write it."""
    from humanseg.exporting.as_onnx import as_onnx

    model = None if arguments.model is None else as_onnx(arguments.model, "videos", print_note)
    if arguments.build is not None:
        return _build(model, arguments.build)
    import webbrowser
    from threading import Thread

    from humanseg.demo.runtime import ready_runtime
    from humanseg.demo.server import DemoServer
    from humanseg.demo.site import demo_site

    with DemoServer(demo_site(model, ready_runtime()), arguments.port) as server:
        print(f"{server.address}  Nothing leaves this computer. Ctrl-C ends it.", flush=True)
        if not arguments.no_browser:
            # A browser in the terminal, as on a server, ends when its user has seen the page.
            Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            # The usual end of a server is no failure.
            print()
    return 0


def _build(model: Path | None, folder: Path) -> int:
    import sys

    from humanseg.demo.runtime import WEBGPU, NpmError, npm_files, ready_runtime
    from humanseg.demo.site import demo_site, write_site

    plain = ready_runtime()
    try:
        with npm_files(WEBGPU) as webgpu:
            write_site(demo_site(model, [*plain, *webgpu]), folder)
        missing = None
    except NpmError as error:
        write_site(demo_site(model, plain), folder)
        missing = error
    print(
        f"The page is in {folder}: any web host can serve it, by https, or the camera stays dark.\n"
        "Threads need two headers of the host; without them the page runs on one thread:\n"
        "  Cross-Origin-Opener-Policy: same-origin\n"
        "  Cross-Origin-Embedder-Policy: require-corp"
    )
    if missing is not None:
        print(f"The page runs without WebGPU. {missing}", file=sys.stderr)
        return 1
    return 0

"""The page that runs a model in the browser: its files, a server, and a static build."""

from humanseg.demo.runtime import WEBGPU, NpmError, npm_files, ready_runtime
from humanseg.demo.server import DemoServer
from humanseg.demo.site import Site, demo_site, write_site

__all__ = [
    "WEBGPU",
    "DemoServer",
    "NpmError",
    "Site",
    "demo_site",
    "npm_files",
    "ready_runtime",
    "write_site",
]

"""Where onnxruntime-web comes from: what is there already, or npm, or a sentence."""

import json
import re
from pathlib import Path

import pytest

from humanseg.demo import runtime
from humanseg.demo.runtime import PLAIN, WEBGPU, NpmError, npm_files, ready_runtime

NPM = """#!/bin/sh
printf '%s\\n' "$@" > "$0.said"
[ -f package-lock.json ] || exit 9
mkdir -p node_modules/onnxruntime-web/dist
for name in {names}; do printf '%s' "$name" > node_modules/onnxruntime-web/dist/$name; done
"""


@pytest.fixture
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for the runtime, and nothing at all on the PATH."""
    folder = tmp_path / "package" / "runtime"
    monkeypatch.setattr(runtime, "RUNTIME", folder)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return folder


def install_npm(
    tmp_path: Path, script: str = NPM.format(names=" ".join((*PLAIN, *WEBGPU)))
) -> Path:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir(exist_ok=True)
    npm.write_text(script.replace("\n", "\nexport PATH=/usr/bin:/bin\n", 1))
    npm.chmod(0o755)
    return npm


def test_npm_brings_what_is_missing_once(runtime_folder: Path, tmp_path: Path) -> None:
    npm = install_npm(tmp_path)
    (runtime_folder / "onnxruntime-web-0.0.1").mkdir(parents=True)
    files = ready_runtime()
    assert [file.read_text() for file in files] == list(PLAIN)
    assert npm.with_name("npm.said").read_text().split()[0] == "ci"
    # Nothing of another version, nothing half made, and none of the rest that npm brings.
    assert [path.name for path in runtime_folder.iterdir()] == [files[0].parent.name]
    assert {path.name for path in files[0].parent.iterdir()} == set(PLAIN)
    assert [path.name for path in runtime_folder.parent.iterdir()] == ["runtime"]
    npm.unlink()
    assert ready_runtime() == files


def test_without_npm_a_sentence_says_what_to_do(runtime_folder: Path) -> None:
    with pytest.raises(NpmError, match="install Node.js. .*a wheel that make wheel"):
        ready_runtime()
    assert not runtime_folder.exists()


def test_a_failure_of_npm_is_named(runtime_folder: Path, tmp_path: Path) -> None:
    install_npm(tmp_path, "#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    with pytest.raises(NpmError, match=r"\(npm error code ENOTFOUND\): look at the net"):
        ready_runtime()
    assert not runtime_folder.exists()


def test_the_rest_of_npm_is_gone_after_use(runtime_folder: Path, tmp_path: Path) -> None:
    install_npm(tmp_path)
    with npm_files(WEBGPU) as files:
        assert [file.name for file in files] == list(WEBGPU)
        assert all(file.is_file() for file in files)
    assert not any(file.exists() for file in files)


def test_the_lock_pins_one_version_by_hash_and_holds_no_address() -> None:
    project = Path(runtime.__file__).parent / "npm"
    text = (project / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text and "resolved" not in text
    wanted = json.loads((project / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", wanted["onnxruntime-web"])
    packages = json.loads(text)["packages"]
    assert packages.pop("")["dependencies"] == wanted
    assert packages["node_modules/onnxruntime-web"]["version"] == wanted["onnxruntime-web"]
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())

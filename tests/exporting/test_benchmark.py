import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from humanseg.errors import FarTraceback
from humanseg.exporting import benchmark
from humanseg.exporting.benchmark import Timing, table, time_all, time_model
from humanseg.models.onnx.convert import save
from humanseg.runs import RunFolder


def test_a_file_is_measured_in_a_process_of_its_own(model: onnx.ModelProto, tmp_path: Path) -> None:
    save(model, tmp_path / "model.onnx")
    timing = time_model(tmp_path / "model.onnx", (64, 48), calls=3, batch=2)
    assert timing.name == "model.onnx" and timing.calls == 3
    assert set(timing.latency_ms) == set(benchmark.threads_here())
    assert all(value > 0 for value in timing.latency_ms.values())
    assert timing.photos_per_second and timing.photos_per_second > 0
    # An interpreter with numpy and onnxruntime, and no torch, which alone takes more.
    assert 20 < timing.peak_mb < 200
    assert timing.bytes == (tmp_path / "model.onnx").stat().st_size


def test_an_onnx_file_is_run_without_torch(model: onnx.ModelProto, tmp_path: Path) -> None:
    save(model, tmp_path / "model.onnx")
    code = (
        "import sys; from pathlib import Path\n"
        "from humanseg.exporting.benchmark import open_target\n"
        f"open_target(Path({str(tmp_path / 'model.onnx')!r}), 1, False)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_torch_is_measured_beside_the_files(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    timings = time_all([], run.path, (64, 48), 3)
    names = [timing.name for timing in timings]
    # Compiling needs a C++ compiler.
    assert names[0] == "torch eager"
    assert (
        names == ["torch eager", "torch.compile"]
        or "could not be measured" in capsys.readouterr().out
    )


def test_what_cannot_be_measured_is_said_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.onnx").write_bytes(b"broken")
    timings = benchmark.time_files([tmp_path / "model.onnx"], (8, 8), 1)
    assert timings == [] and "model.onnx could not be measured: " in capsys.readouterr().out


def test_an_error_of_a_measurement_comes_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"broken")
    with pytest.raises(Exception, match="model.onnx") as caught:
        time_model(tmp_path / "model.onnx", (8, 8), 1)
    assert isinstance(caught.value.__cause__, FarTraceback)
    assert "open_target" in str(caught.value.__cause__)


def test_the_table_lines_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "threads_here", lambda: [1, 2])
    timings = [
        Timing("model.onnx", {1: 10.04, 2: 6.0}, 123.46, 88.4, 2_345_678, 100),
        Timing("torch.compile", {1: 9.0, 2: 5.0}, None, 700.0, None, 100),
    ]
    lines = table(timings).splitlines()
    assert lines[0].split("  ")[-1].strip() == "file"
    assert "10.0 ms" in lines[1] and "123.5 photos/s" in lines[1] and "2.35 MB" in lines[1]
    assert lines[2].endswith("–")
    assert len({line.index("ms") for line in lines[1:]}) == 1

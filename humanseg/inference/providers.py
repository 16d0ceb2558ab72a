"""Execution providers of onnxruntime: the processor, or a device that this installation has."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias

import onnxruntime

from humanseg.errors import HumansegError

Provider: TypeAlias = str | tuple[str, Mapping[str, Any]]
"""A name, such as "cuda" or "CUDAExecutionProvider", or a name and onnxruntime's options for it."""
Resolved: TypeAlias = list[str | tuple[str, dict[str, Any]]]


class ProviderError(HumansegError):
    """An execution provider is unknown or unavailable."""

    code = "inference.unavailable_provider"


CPU = "CPUExecutionProvider"
_NAMES = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "directml": "DmlExecutionProvider",
    "dml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "qnn": "QNNExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}
_NVIDIA = ("CUDAExecutionProvider", "TensorrtExecutionProvider")
_BROUGHT_BY = {
    "CUDAExecutionProvider": "pip uninstall onnxruntime; pip install onnxruntime-gpu",
    "TensorrtExecutionProvider": "pip uninstall onnxruntime; pip install onnxruntime-gpu",
    "DmlExecutionProvider": "on Windows: pip uninstall onnxruntime; pip install "
    "onnxruntime-directml",
    "OpenVINOExecutionProvider": "pip uninstall onnxruntime; pip install onnxruntime-openvino",
    "QNNExecutionProvider": "pip uninstall onnxruntime; pip install onnxruntime-qnn",
    "CoreMLExecutionProvider": "the onnxruntime for macOS has it",
}


def resolve_providers(requested: Provider | Sequence[Provider] | None) -> Resolved:
    """Return providers, the preferred first, as onnxruntime names them; None is the processor."""
    if requested is None:
        return [CPU]
    is_one = not isinstance(requested, list | tuple) or (
        isinstance(requested, tuple) and len(requested) == 2 and isinstance(requested[1], Mapping)
    )
    named: Sequence[Any] = [requested] if is_one else requested
    resolved = [_resolve(provider) for provider in named]
    if not resolved:
        raise ProviderError("providers is empty: name at least one, such as 'cpu'.")
    return resolved


def require_in_use(session: onnxruntime.InferenceSession, requested: Resolved) -> None:
    """Raise where a session does not run on the providers that were requested.

    onnxruntime continues with the processor when a library of a device cannot be loaded.
    """
    used = session.get_providers()
    missing = [name for name in map(_name, requested) if name not in used]
    if missing:
        raise ProviderError(
            f"onnxruntime {onnxruntime.__version__} has {missing[0]}, but could not start it, and "
            f"would run the model on {', '.join(used)} instead: look whether the device and its "
            "driver and libraries are there and fit, or leave providers out."
        )


def _resolve(provider: Any) -> str | tuple[str, dict[str, Any]]:
    is_pair = isinstance(provider, tuple) and len(provider) == 2
    short, options = provider if is_pair else (provider, {})
    if not isinstance(short, str) or not isinstance(options, Mapping):
        raise ProviderError(
            f"providers={provider!r}: a provider is a name, such as 'cuda', or a name and its "
            "options, such as ('cuda', {'device_id': 1})."
        )
    name = _full_name(short)
    has_cuda = getattr(onnxruntime, "cuda_version", "") and hasattr(onnxruntime, "preload_dlls")
    if name in _NVIDIA and has_cuda:
        # NVIDIA's libraries from pip, as torch has them, are where no loader looks. Where the
        # provider is a plugin, it is available only then.
        onnxruntime.preload_dlls()
    available = onnxruntime.get_available_providers()
    if name not in available:
        how = _BROUGHT_BY.get(name, "another build of onnxruntime may have it")
        raise ProviderError(
            f"providers={short!r}: this onnxruntime ({onnxruntime.__version__}) has only "
            f"{', '.join(available)}. For {name}, {how}. Without providers, the model runs on the "
            "processor."
        )
    return (name, dict(options)) if options else name


def _full_name(short: Any) -> str:
    names = onnxruntime.get_all_providers()
    full = {name.lower(): name for name in (*names, *onnxruntime.get_available_providers())}
    full |= {key: name for key, name in _NAMES.items() if name.lower() in full}
    if isinstance(short, str) and short.lower() in full:
        return full[short.lower()]
    near = get_close_matches(str(short).lower(), full, n=1)
    hint = f", did you mean {near[0]!r}?" if near else "."
    raise ProviderError(
        f"providers={short!r}: onnxruntime knows no such provider{hint} There are: "
        f"{', '.join(key for key in _NAMES if key in full)}."
    )


def _name(provider: str | tuple[str, dict[str, Any]]) -> str:
    return provider if isinstance(provider, str) else provider[0]

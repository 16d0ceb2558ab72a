"""Colours as a file means them: ICC profiles by ImageCms, PNG's cICP and gAMA by our own formulas.

Neither Pillow nor OpenCV knows these two.
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MODES = ("RGB", "CMYK")
"""The modes that can be converted; profiles call their colour spaces the same."""

_SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""White, red, green and blue of sRGB: x and y of CIE 1931, in the order of PNG's cHRM."""
_PRIMARIES = {
    1: _SRGB,
    9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
"""By code point of ITU-T H.273: sRGB, BT.2020, Display P3."""
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
"""By code point of H.273. Those of video and of sRGB itself are taken as they are."""
_PQ, _HLG = 16, 18
_USUAL_GAMMA = 0.45455
_NEARLY = 0.05
"""A gamma that differs by less is that of sRGB, as libpng has it."""
_WHITE_OF_PQ = 203 / 10_000
"""Where diffuse white is in the range of PQ (ITU-R BT.2408)."""

Conversion = Callable[[Image.Image], Image.Image]
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def srgb_converter(image: Image.Image) -> Conversion:
    """Return a function that converts an image without transparency, or a part of it, to sRGB."""
    # In the order of the PNG specification (third edition) and of browsers.
    info = image.info
    if (cicp := info.get("cicp")) and (described := _from_cicp(cicp)) is not None:
        return described
    if profile := info.get("icc_profile"):
        transforms = {mode: _transform(profile, mode) for mode in {image.mode, "RGB"}}

        def by_profile(part: Image.Image) -> Image.Image:
            if (transform := transforms.get(part.mode)) is not None:
                return transform(part)
            # An RGB profile counts for what is in a palette or beside transparency, too.
            part = part.convert("RGB")
            return part if (transform := transforms["RGB"]) is None else transform(part)

        return by_profile
    if image.format == "PNG" and "srgb" not in info and ("gamma" in info or "chromaticity" in info):
        return _from_gamma(info.get("gamma", _USUAL_GAMMA), info.get("chromaticity"))
    return _as_it_is


def _transform(profile: bytes, mode: str) -> Conversion | None:
    """Return a converter for images of one mode; None where nothing is to be converted."""
    if mode not in _MODES:
        return None
    # Here: few photos need it.
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        fits = source.profile.xcolor_space.strip() == mode
        name = ImageCms.getProfileDescription(source).lower()
        # Those of linear light, as GIMP writes it, have sRGB in their names too.
        if not fits or ("srgb" in name and "linear" not in name):
            return None
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        transform = ImageCms.buildTransform(
            source, srgb, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A broken profile does not make the pixels worse.
        return None

    def apply(image: Image.Image) -> Image.Image:
        try:
            return ImageCms.applyTransform(image, transform) or image.convert("RGB")
        except ImageCms.PyCMSError:
            return image.convert("RGB")

    return apply


def _as_it_is(part: Image.Image) -> Image.Image:
    return part if part.mode == "RGB" else part.convert("RGB")


def _from_gamma(gamma: float, chromaticity: Sequence[float] | None) -> Conversion:
    usual = abs(gamma / _USUAL_GAMMA - 1) < _NEARLY
    matrix = _to_srgb_matrix(chromaticity) if chromaticity else None
    if gamma <= 0 or (usual and matrix is None):
        return _as_it_is
    return _conversion(_decode_srgb if usual else lambda values: values ** (1 / gamma), matrix)


def _from_cicp(cicp: Sequence[int]) -> Conversion | None:
    primaries, transfer, _, full_range = cicp
    if primaries not in _PRIMARIES or not full_range:
        return None
    matrix = _to_srgb_matrix(_PRIMARIES[primaries])
    if transfer in _GAMMAS:
        exponent = _GAMMAS[transfer]
        return _conversion(lambda values: values**exponent, matrix)
    if transfer in (_PQ, _HLG):
        return _conversion(_decode_pq if transfer == _PQ else _decode_hlg, matrix)
    return _as_it_is if matrix is None else _conversion(_decode_srgb, matrix)


def _conversion(decode: Curve, matrix: NDArray[np.float64] | None) -> Conversion:
    """Return a converter from 8-bit values to light, to other primaries, and back to sRGB."""
    light = decode(np.arange(256) / 255)
    if matrix is None:
        table = _to_bytes(_encode_srgb(light)).tolist()

        def by_table(part: Image.Image) -> Image.Image:
            return part.convert("RGB").point(table * 3)

        return by_table

    def by_matrix(part: Image.Image) -> Image.Image:
        mixed = light[np.asarray(part.convert("RGB"))] @ matrix.T
        return Image.fromarray(_to_bytes(_encode_srgb(mixed)))

    return by_matrix


def _to_bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(values * 255).astype(np.uint8)


def _decode_srgb(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light of values of sRGB (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encode_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _decode_pq(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light of values of PQ (ITU-R BT.2100), 1 for diffuse white."""
    power = values ** (1 / 78.84375)
    light = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return np.asarray(light ** (1 / 0.1593017578125) / _WHITE_OF_PQ)


def _decode_hlg(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light of values of HLG (ITU-R BT.2100), 1 for diffuse white, at value 0.75."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    light = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    return np.asarray(light / ((np.exp((0.75 - c) / a) + b) / 12))


def _to_srgb_matrix(chromaticity: Sequence[float]) -> NDArray[np.float64] | None:
    """Return the matrix from light of these primaries to sRGB's; None where they are sRGB's.

    White stays white: the two spaces' white points are scaled to each other by their primaries.
    """
    try:
        source, srgb = _to_xyz(chromaticity), _to_xyz(_SRGB)
    except (ValueError, ZeroDivisionError, np.linalg.LinAlgError):
        return None
    if np.allclose(chromaticity, _SRGB, atol=2e-3):
        return None
    return np.linalg.inv(srgb) @ _adapted(source, srgb)


def _to_xyz(chromaticity: Sequence[float]) -> NDArray[np.float64]:
    """Return the matrix from light of these primaries to CIE XYZ; white has Y = 1."""
    pairs = np.array(chromaticity, np.float64).reshape(4, 2)
    if not (pairs[:, 1] > 0).all():
        raise ValueError("a primary without light")
    white, *primaries = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in pairs]
    columns = np.array(primaries).T
    return columns * np.linalg.solve(columns, white)


_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def _adapted(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a matrix to XYZ, its white adapted to the target's by the Bradford transform."""
    scale = (_BRADFORD @ target.sum(axis=1)) / (_BRADFORD @ source.sum(axis=1))
    return np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD @ source

"""Pictures: from an image file to the pixels that a network sees.

The recipe is ImageNet's usual one for evaluation: RGB, shorter side to 256, centre crop of 224,
mean and standard deviation per channel. Pixels are then rounded to multiples of 2^-8, so that
sums of products with weights on a dyadic grid are exact in float32 and a recording is the same
on every machine. (A JPEG is as portable as its decoder: versions differ in single levels.)

What is not a still photograph is refused rather than guessed at: animations, slivers, images too
small to have content or too large to decode safely. Left out: colour profiles.
"""

import hashlib
import io
import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from codesign.errors import Fault, InputError, nearest

SIDE = 224
"""Height and width of what ImageNet's networks see."""

RESIZED_SIDE = 256
SMALL_SIDE = 32
"""Height and width of what CIFAR's networks see."""

SMALLEST_SIDE = 32
LARGEST_PIXEL_COUNT = 64_000_000
LARGEST_FILE_BYTES = 200_000_000
LARGEST_ASPECT = 16
"""Beyond this, the centre crop would show next to nothing of the picture."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""Formats whose decoders run nothing else (Pillow hands EPS to an interpreter, for one)."""

MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)
"""ImageNet's statistics per channel, of values in [0, 1]."""

PIXEL_FRACTION_BITS = 8
LARGEST_PIXEL = 2.640625
"""No normalised pixel is larger in magnitude: (1 - 0.406) / 0.225 on the grid."""

_FOLDER = Path(__file__).parent / "data"
_SHIPPED_SUFFIX = ".png"


def picture_names() -> tuple[str, ...]:
    """Names of the photographs that come with the program."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{_SHIPPED_SUFFIX}")))


def pictures_in(folder: Path) -> list[str]:
    """Paths of all pictures of a folder and the folders in it, sorted; the ending tells them.

    Raises:
        InputError: there are none.
    """
    endings = {ending for ending, kind in Image.registered_extensions().items() if kind in FORMATS}
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)
    if not found:
        raise _refused(folder, "must hold pictures (got a folder without any).")
    return [str(path) for path in found]


def picture_path(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a shipped photograph's name, or of a path; an existing file wins.

    Raises:
        InputError: there is no such file.
    """
    text = os.fspath(name_or_path)
    try:
        if Path(text).is_file():
            return Path(text)
    except (OSError, ValueError) as error:  # too long a name, or a null byte
        raise _refused(text, f"must be the path of a picture ({error}).") from error
    if text in picture_names():
        return _FOLDER / f"{text}{_SHIPPED_SUFFIX}"
    if Path(text).is_dir():
        problem = "must be a picture file (got a folder)."
        raise _refused(text, problem, "Name the pictures in it, one after the other.")
    raise _refused(
        text or "''",
        "must be an existing picture file or the name of a shipped photograph (got neither).",
        nearest(text, picture_names()),
    )


def picture_digest(name_or_path: str | os.PathLike[str]) -> str:
    """SHA-256 of the file's bytes, without decoding it.

    Raises:
        InputError: the file is missing, unreadable, or too large.
    """
    return hashlib.sha256(picture_bytes(picture_path(name_or_path))).hexdigest()


def load_picture(name_or_path: str | os.PathLike[str]) -> NDArray[np.float32]:
    """The pixels that an ImageNet network sees.

    Args:
        name_or_path: name of a shipped photograph, or a path.

    Returns:
        `(3, 224, 224)` float32, normalised, on the grid of 2^-8.

    Raises:
        InputError: see `load_levels`.
    """
    return normalise(load_levels(name_or_path, RESIZED_SIDE, SIDE))


def load_small_picture(name_or_path: str | os.PathLike[str]) -> NDArray[np.float32]:
    """The same photograph as small as a CIFAR network sees it, normalised as for ImageNet.

    Returns:
        `(3, 32, 32)` float32, normalised, on the grid of 2^-8.

    Raises:
        InputError: see `load_levels`.
    """
    return normalise(load_levels(name_or_path, SMALL_SIDE, SMALL_SIDE))


def load_levels(name_or_path: str | os.PathLike[str], resized: int, side: int) -> NDArray[np.uint8]:
    """The centre of a photograph, as levels of 0 to 255.

    Greyscale and 16-bit pictures become 8-bit RGB, transparency is laid on white, and EXIF
    orientation is applied.

    Args:
        name_or_path: name of a shipped photograph, or a path.
        resized: the shorter side is brought to so many pixels.
        side: so many pixels are cropped from the centre.

    Returns:
        `(side, side, 3)`, RGB.

    Raises:
        InputError: the file is missing, unreadable, no still picture, too small, too large, or
            more than 16 times as long as wide.
    """
    return np.asarray(_crop(_whole(picture_path(name_or_path)), resized, side), dtype=np.uint8)


def picture_levels(path: Path) -> NDArray[np.uint8]:
    """All of a picture, as RGB levels `(H, W, 3)`.

    Raises:
        InputError: see `load_levels`.
    """
    return np.asarray(_whole(path), dtype=np.uint8)


def picture_pixels(
    levels: NDArray[np.uint8], resized: int = RESIZED_SIDE, side: int = SIDE
) -> NDArray[np.float32]:
    """What a network sees, `(3, side, side)`, of RGB levels `(H, W, 3)`; see `load_levels`."""
    return normalise(crop_levels(levels, resized, side))


def crop_levels(levels: NDArray[np.uint8], resized: int, side: int) -> NDArray[np.uint8]:
    """The centre of RGB levels `(H, W, 3)`, as `(side, side, 3)`; see `load_levels`."""
    return np.asarray(_crop(Image.fromarray(levels), resized, side), dtype=np.uint8)


def normalise(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Normalised pixels `(3, H, W)` on the grid of 2^-8, from RGB levels `(H, W, 3)`."""
    scaled = (levels / 255.0 - np.array(MEAN)) / np.array(STANDARD_DEVIATION)
    grid = 2.0**PIXEL_FRACTION_BITS
    return np.ascontiguousarray((np.rint(scaled * grid) / grid).transpose(2, 0, 1), np.float32)


def _refused(place: str | Path, problem: str, fix: str = "") -> InputError:
    return InputError(Fault(str(place), problem, fix))


def picture_bytes(path: Path) -> bytes:
    """The bytes of a picture's file.

    Raises:
        InputError: it is missing, unreadable, or too large.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise _refused(path, f"must have at most {LARGEST_FILE_BYTES} bytes (got {size}).")
        return path.read_bytes()
    except OSError as error:
        raise _refused(path, f"must be a readable file ({error.strerror}).") from error


def _whole(path: Path) -> Image.Image:
    content = picture_bytes(path)  # which reports a missing or oversized file in our words
    if not content:
        raise _refused(path, "must be a picture (got an empty file).")
    return _decode(path, content)


def _decode(path: Path, content: bytes) -> Image.Image:
    """The picture as 8-bit RGB, upright."""
    with warnings.catch_warnings():
        # Pillow warns of oddities (a broken EXIF block, a palette's transparency) that do not
        # change the pixels; of decompression bombs it must not merely warn.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                _check(path, image)
                return _upright_rgb(path, image)
        except InputError:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_many_pixels(path, "more") from error
        except UnidentifiedImageError as error:
            formats = ", ".join(FORMATS)
            problem = f"must be a picture in one of the formats {formats} (got something else)."
            raise _refused(path, problem) from error
        except Exception as error:  # on broken files decoders raise whatever they stumble over
            raise _refused(
                path,
                f"must be a whole, readable picture ({error}).",
                "Open it in an image editor and save it again as PNG.",
            ) from error


def _check(path: Path, image: Image.Image) -> None:
    """Refuses by the header, before any pixel is decoded."""
    width, height = image.size
    size = f"{width} x {height}"
    if width * height > LARGEST_PIXEL_COUNT:
        raise _too_many_pixels(path, size)
    if min(width, height) < SMALLEST_SIDE:
        problem = f"must be at least {SMALLEST_SIDE} pixels high and wide (got {size})."
        raise _refused(path, problem)
    if max(width, height) > LARGEST_ASPECT * min(width, height):
        problem = f"must be at most {LARGEST_ASPECT} times as long as wide (got {size})."
        raise _refused(path, problem, "Crop it first.")
    if getattr(image, "is_animated", False):
        frames = getattr(image, "n_frames", "several")
        problem = f"must be a still picture (got {frames} frames)."
        raise _refused(path, problem, "Save the frame that you mean as a picture of its own.")


def _too_many_pixels(path: Path, got: str) -> InputError:
    problem = f"must have at most {LARGEST_PIXEL_COUNT} pixels (got {got})."
    return _refused(path, problem, "Scale it down first; networks see 224 x 224 or less.")


def _upright_rgb(path: Path, image: Image.Image) -> Image.Image:
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "F":
        raise _refused(path, "must have integer levels (got floating point).")
    if upright.mode.startswith("I"):
        # Pillow's own conversion clips 16-bit levels at 255
        levels = np.clip(np.asarray(upright, dtype=np.int64), 0, 65535)
        return Image.fromarray((levels >> 8).astype(np.uint8)).convert("RGB")
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return upright.convert("RGB")


def _crop(image: Image.Image, resized: int, side: int) -> Image.Image:
    """Shorter side to `resized`, bilinear, then the centre."""
    width, height = image.size
    shorter = min(width, height)
    size = (resized * width // shorter, resized * height // shorter)
    larger = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return larger.crop((left, top, left + side, top + side))

import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codesign.errors import InputError
from codesign.pictures import (
    LARGEST_PIXEL,
    load_picture,
    load_small_picture,
    normalise,
    picture_digest,
    picture_names,
    picture_path,
)

CHELSEA = Path(__file__).parent / "data" / "chelsea.png"
WHITE = normalise(np.full((224, 224, 3), 255, np.uint8))


def levels(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Reproducible RGB(A) noise."""
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def saved(tmp_path: Path, image: Image.Image, name: str = "picture.png", **options) -> Path:
    path = tmp_path / name
    image.save(path, **options)
    return path


def test_the_shipped_photograph_is_the_attributed_one():
    assert picture_names() == ("astronaut",)
    attribution = (picture_path("astronaut").parent / "ATTRIBUTION.md").read_text()
    assert picture_digest("astronaut") in attribution
    assert picture_digest(CHELSEA) in (CHELSEA.parent / "ATTRIBUTION.md").read_text()


@pytest.mark.parametrize("name", ["astronaut", str(CHELSEA)])
@pytest.mark.parametrize(("load", "side"), [(load_picture, 224), (load_small_picture, 32)])
def test_pixels_are_normalised_and_on_their_grid(name, load, side):
    pixels = load(name)
    assert (pixels.shape, pixels.dtype) == ((3, side, side), np.float32)
    assert pixels.flags["C_CONTIGUOUS"]
    assert np.array_equal(pixels * 256, np.rint(pixels * 256))
    assert np.abs(pixels).max() <= LARGEST_PIXEL
    assert pixels.std() > 0.5


def test_the_largest_pixel_is_that_of_white_blue():
    assert WHITE[2].max() == LARGEST_PIXEL
    assert np.abs(normalise(np.zeros((1, 1, 3), np.uint8))).max() < LARGEST_PIXEL


def test_normalisation_is_imagenets_to_half_a_grid_step():
    rgb = levels(4, 4)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    exact = ((rgb / 255 - mean) / deviation).transpose(2, 0, 1)
    assert np.abs(normalise(rgb) - exact).max() <= 2**-9


def test_a_picture_of_the_right_size_is_cropped_only(tmp_path):
    rgb = levels(256, 300)
    path = saved(tmp_path, Image.fromarray(rgb))
    assert np.array_equal(load_picture(path), normalise(rgb[16:240, 38:262]))


def test_pixels_of_the_photographs_stay_what_they_were():
    digests = [
        hashlib.sha256(load_picture(x).tobytes()).hexdigest() for x in ("astronaut", CHELSEA)
    ]
    assert digests == [
        "b96eba605fae46b42681f2eeab1f05d970ba9a829b926a80fba694affb60951d",
        "6b02c435cb00da9420b861df7faf3e8d6140f4e06e9e5ac3941621ff7db19ebe",
    ]


def test_the_digest_is_that_of_the_files_bytes():
    assert picture_digest(CHELSEA) == hashlib.sha256(CHELSEA.read_bytes()).hexdigest()


def test_an_existing_file_wins_over_a_shipped_name(tmp_path, monkeypatch):
    saved(tmp_path, Image.new("RGB", (64, 64), "white"), "astronaut", format="PNG")
    monkeypatch.chdir(tmp_path)
    assert np.array_equal(load_picture("astronaut"), WHITE)


def test_greyscale_is_the_same_level_in_all_channels(tmp_path):
    grey = levels(256, 256, 1)[..., 0]
    expected = normalise(np.repeat(grey[16:240, 16:240, None], 3, axis=2))
    assert np.array_equal(load_picture(saved(tmp_path, Image.fromarray(grey))), expected)


def test_sixteen_bit_greyscale_keeps_its_upper_eight_bits(tmp_path):
    grey = levels(256, 256, 1)[..., 0]
    wide = Image.fromarray(grey.astype(np.uint16) << 8 | 0x7F)
    eight_bits = load_picture(saved(tmp_path, Image.fromarray(grey), "8.png"))
    assert np.array_equal(load_picture(saved(tmp_path, wide, "16.png")), eight_bits)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(tmp_path, mode):
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0)).convert(mode)
    options = {"transparency": clear.getpixel((0, 0))} if mode == "P" else {}
    assert np.array_equal(load_picture(saved(tmp_path, clear, **options)), WHITE)


def test_opaque_alpha_changes_nothing(tmp_path):
    rgb = levels(256, 256)
    opaque = Image.fromarray(np.dstack([rgb, np.full((256, 256), 255, np.uint8)]))
    assert np.array_equal(load_picture(saved(tmp_path, opaque)), normalise(rgb[16:240, 16:240]))


def test_exif_orientation_is_applied(tmp_path):
    upright = Image.fromarray(levels(256, 256))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees to see it upright
    turned = saved(tmp_path, upright.rotate(90), "turned.png", exif=exif)
    assert np.array_equal(load_picture(turned), load_picture(saved(tmp_path, upright)))


@pytest.mark.parametrize(
    ("mode", "name"),
    [("CMYK", "a.jpg"), ("1", "a.png"), ("P", "a.gif"), ("RGB", "a.bmp"), ("RGB", "a.webp")],
)
def test_other_modes_and_formats_are_read(tmp_path, mode, name):
    path = saved(tmp_path, Image.new("RGB", (64, 64), "white").convert(mode), name)
    # JPEG and WebP may miss white by a level or two
    assert np.abs(load_picture(path) - WHITE).max() < 0.05


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_001, 10_000, 30_000, 2**31 - 1])
def test_decompression_bombs_are_refused_by_their_header(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    with pytest.raises(InputError, match=r"bomb\.png: must have at most 64000000 pixels"):
        load_picture(path)


@pytest.mark.parametrize("size", [(31, 100), (100, 31), (1, 1)])
def test_tiny_pictures_are_refused(tmp_path, size):
    path = saved(tmp_path, Image.new("RGB", size))
    got = f"{size[0]} x {size[1]}"
    with pytest.raises(InputError, match=rf"must be at least 32 pixels .*\(got {got}\)"):
        load_picture(path)


def test_the_smallest_picture_is_read(tmp_path):
    assert load_picture(saved(tmp_path, Image.new("RGB", (32, 32), "white"))).max() == LARGEST_PIXEL


def test_slivers_are_refused(tmp_path):
    path = saved(tmp_path, Image.new("RGB", (32 * 16 + 1, 32)))
    with pytest.raises(InputError, match=r"at most 16 times as long as wide \(got 513 x 32\)"):
        load_picture(path)


@pytest.mark.parametrize("name", ["moving.gif", "moving.png", "moving.webp"])
def test_animations_are_refused(tmp_path, name):
    frames = [Image.fromarray(levels(64, 64)), Image.new("RGB", (64, 64))]
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match=r"must be a still picture \(got 2 frames\)"):
        load_picture(path)


def test_floating_point_pictures_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.ones((64, 64), np.float32)), "real.tiff")
    with pytest.raises(InputError, match="must have integer levels"):
        load_picture(path)


@pytest.mark.parametrize("keep", [20, 100, 50_000, -2_000])
def test_truncated_pictures_are_refused(tmp_path, keep):
    path = tmp_path / "half.png"
    path.write_bytes(CHELSEA.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"half\.png: must be a"):
        load_picture(path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "file.png").touch()
    with pytest.raises(InputError, match=r"file\.png: must be a picture \(got an empty file\)"):
        load_picture(tmp_path / "file.png")


@pytest.mark.parametrize("content", [b"not a picture", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "file.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"file\.png: must be a picture in one of the formats PNG"):
        load_picture(path)


@pytest.mark.parametrize("load", [load_picture, picture_digest])
def test_a_missing_picture_is_refused_with_the_nearest_name(load):
    with pytest.raises(InputError, match=r"astronaout: must be .* Did you mean 'astronaut'\?"):
        load("astronaout")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000])
def test_impossible_names_are_refused(name):
    with pytest.raises(InputError, match="must be"):
        load_picture(name)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must be a picture file \(got a folder\)"):
        load_picture(tmp_path)

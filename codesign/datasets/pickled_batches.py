"""CIFAR's pickles, read without running what is in them.

A pickle is a program: it names functions and calls them. What these files need is known, though:
dictionaries, lists, strings and arrays of bytes. Here every name that an array is made with stands
for an object of this module that does nothing else, and any other name is refused, so that
nothing of Python or NumPy is called.
"""

import io
import math
import pickle
import pickletools
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.datasets.reading import read_file, refused

PIXEL_BYTES = 3072
_MEMORISING = {"PUT", "BINPUT", "LONG_BINPUT"}
_FIX = "Get it again, or take the binary version of the set, which holds no programs."


def read_batch(path: Path, label_key: str, class_count: int) -> tuple[list[int], NDArray[np.uint8]]:
    """Labels and pixels `(N, 3072)` of a batch; the last one that was read is kept.

    Args:
        path: of the file.
        label_key: what its labels are called.
        class_count: they must be below this.

    Raises:
        InputError: it is no such batch, or holds anything but plain data.
    """
    return _batch(path.absolute(), label_key, class_count)


def read_names(path: Path) -> list[str]:
    """The names of the classes in a file `batches.meta` or `meta`.

    Raises:
        InputError: there are none, or it holds anything but plain data.
    """
    content = _plain(path)
    found = content.get("label_names", content.get("fine_label_names"))
    if not isinstance(found, list) or not all(isinstance(name, bytes | str) for name in found):
        raise refused(path, "must hold a list of class names (got none).", _FIX)
    return [_word(name) for name in found]


@lru_cache(maxsize=1)
def _batch(path: Path, label_key: str, class_count: int) -> tuple[list[int], NDArray[np.uint8]]:
    content = _plain(path)
    labels, pixels = content.get(label_key), content.get("data")
    if not isinstance(labels, list) or not isinstance(pixels, _Array):
        keys = sorted(map(str, content))
        raise refused(path, f"must hold 'data' and '{label_key}' (got {keys}).", _FIX)
    values = pixels.values
    if list(values.shape) != [len(labels), PIXEL_BYTES] or not labels:
        problem = f"must hold {PIXEL_BYTES} bytes for each of {len(labels)} labels"
        raise refused(path, f"{problem} (got {list(values.shape)}).", _FIX)
    for label in labels:
        if type(label) is not int or not 0 <= label < class_count:
            raise refused(path, f"must hold labels below {class_count} (got {label!r}).", _FIX)
    return labels, values


def _plain(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle."""
    stored = read_file(path)
    try:
        _require_honest_memo(stored)
        content = _PlainUnpickler(io.BytesIO(stored), encoding="bytes").load()
    except (Exception, MemoryError) as error:  # broken pickles raise whatever they stumble over
        reason = str(error) or type(error).__name__
        raise refused(path, f"must be a whole batch of CIFAR's ({reason}).", _FIX) from error
    if not isinstance(content, dict):
        raise refused(path, f"must hold a dictionary (got {type(content).__name__}).", _FIX)
    return {_word(key): value for key, value in content.items()}


def _require_honest_memo(stored: bytes) -> None:
    """Checks that no place is asked for that is far beyond what can be remembered.

    Python's unpickler takes memory for all places up to the largest, so that nine bytes could
    have it take tens of gigabytes.
    """
    for operation, place, _ in pickletools.genops(stored):
        if operation.name in _MEMORISING and int(place or 0) > len(stored):
            raise pickle.UnpicklingError(f"it remembers something at place {place}")


def _word(text: object) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


class _Inert:
    """What a name in a pickle stands for: nothing in it can be changed."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("it changes something that is no array")


class _ArrayClass(_Inert):
    __slots__ = ()


class _Array(_Inert):
    """An array of bytes, which its state fills."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values = np.zeros(0, np.uint8)

    def __setstate__(self, state: object) -> None:
        match state:
            case (1, tuple(shape), _ByteType(), int(is_fortran), bytes(raw)):
                sizes = [size for size in shape if type(size) is int and size >= 0]
                if len(sizes) == len(shape) and math.prod(sizes) == len(raw):
                    order = "F" if is_fortran else "C"
                    values = np.frombuffer(raw, np.uint8)
                    self.values = values.reshape(sizes, order=order)  # type: ignore[call-overload]
                    return
        raise pickle.UnpicklingError("it has an array that is not of bytes, or of another size")


class _ByteType(_Inert):
    """The type of a byte; its state says nothing more."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        return


class _MakeArray(_Inert):
    __slots__ = ()

    def __call__(self, *_: object) -> _Array:
        return _Array()


class _MakeType(_Inert):
    __slots__ = ()

    def __call__(self, code: object, *_: object) -> _ByteType:
        if code not in ("u1", b"u1", "|u1", b"|u1"):
            raise pickle.UnpicklingError(f"it has an array of {code!r}, not of bytes")
        return _ByteType()


class _Encode(_Inert):
    """Bytes as Python 3 writes them in the protocols of Python 2."""

    __slots__ = ()

    def __call__(self, text: object, _: object = "latin1") -> bytes:
        if not isinstance(text, str):
            raise pickle.UnpicklingError("it encodes something that is no text")
        return text.encode("latin1")


_STAND_INS: dict[tuple[str, str], _Inert] = {
    ("numpy.core.multiarray", "_reconstruct"): _MakeArray(),
    ("numpy._core.multiarray", "_reconstruct"): _MakeArray(),
    ("numpy", "ndarray"): _ArrayClass(),
    ("numpy", "dtype"): _MakeType(),
    ("_codecs", "encode"): _Encode(),
}


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler for which no name means anything but arrays of bytes."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            problem = f"it asks for {module}.{name}, which no batch needs"
            raise pickle.UnpicklingError(problem) from None

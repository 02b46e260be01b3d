"""Trace files: a trace written so that nothing altered is ever taken for whole.

The file is a zip archive of stored (not deflated) members: `manifest.json`, then one member per
tensor, so that a tensor is read without reading the others. Four checks stand behind it:

1. it appears under its name only when it is complete (temporary file, then rename);
2. everything that is not a tensor's content (headers, manifest, directory) is hashed into the
   archive's comment and compared when the file is opened;
3. the sizes that the manifest declares must be those that the graph implies and those that the
   file has, before a byte is allocated;
4. each tensor's SHA-256 stands in the manifest and is compared when the tensor is read.

No pickle, and no numpy header that could ask for a terabyte.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

from codesign.errors import TraceError
from codesign.trace import Magnitudes, Trace, manifest, packed_bytes
from codesign.workload import Workload

_MANIFEST = "manifest.json"
_LARGEST_MANIFEST_BYTES = 64 * 2**20
_OLDEST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # equal traces make equal files
_LOCAL_HEADER_BYTES = 30
_HOW_TO_FIX = "Delete the file and record it again."


def save_trace(trace: Trace, path: Path) -> None:
    """Writes a trace; a reader sees the whole file or none.

    Raises:
        TraceError: the folder cannot be written.
    """
    packed = {name: trace.packed(name) for name in trace.names}
    content = manifest(trace.workload, packed, trace.provenance, trace.magnitudes)
    members = {_MANIFEST: content}
    members |= {f"{index:05d}": data for index, data in enumerate(packed.values())}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
                for name, data in members.items():
                    archive.writestr(zipfile.ZipInfo(name, _OLDEST_ZIP_DATE), data)
            _seal(Path(temporary))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TraceError(f"{path}: the trace could not be written ({error}).") from error


def _seal(path: Path) -> None:
    """Puts the hash of everything but the tensors' contents into the archive's comment.

    The comment is written twice because its length is part of what is hashed.
    """
    for comment in (b"0" * 64, None):
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = comment or _skeleton_digest(path, archive).encode()


def _skeleton_digest(path: Path, archive: zipfile.ZipFile) -> str:
    """SHA-256 of the file without the tensors' contents and without the comment's 64 bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for info in archive.infolist():
            file.seek(info.header_offset)
            digest.update(file.read(_LOCAL_HEADER_BYTES + len(info.filename)))
            if info.filename == _MANIFEST:
                digest.update(file.read(info.file_size))
            else:
                file.seek(info.file_size, os.SEEK_CUR)
        end = path.stat().st_size - len(archive.comment)
        digest.update(file.read(end - file.tell()))
    return digest.hexdigest()


def load_trace(path: Path) -> Trace:
    """Opens a trace file; tensors are read and checked when they are asked for.

    Raises:
        TraceError: the file is missing, truncated, altered, or not a trace.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = _checked_infos(path, archive)
            text = archive.read(_MANIFEST)
            content = json.loads(text)
            workload = Workload.from_json(content["workload"])
            _check_members(path, workload, content["members"], infos)
            provenance = content["provenance"]
            magnitudes = {
                layer: Magnitudes(**numbers)
                for layer, numbers in content.get("magnitudes", {}).items()
            }
    except TraceError:
        raise
    except FileNotFoundError as error:
        raise TraceError(f"{path}: there is no such trace file.") from error
    except OSError as error:
        raise TraceError(f"{path}: the trace could not be read ({error}).") from error
    except Exception as error:  # zipfile, json and the graph raise many kinds on altered bytes
        raise TraceError(f"{path}: this is not a whole trace ({error}). {_HOW_TO_FIX}") from error
    readers = {
        name: partial(_read_member, path, infos[index + 1], entry["sha256"])
        for index, (name, entry) in enumerate(content["members"].items())
    }
    return Trace(workload, provenance, hashlib.sha256(text).hexdigest(), readers, magnitudes)


def _checked_infos(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The archive's members, with sizes that the file really has and an unbroken seal."""
    infos = archive.infolist()
    file_bytes = path.stat().st_size
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise TraceError(f"{path}: member '{info.filename}' is compressed. {_HOW_TO_FIX}")
    if sum(info.file_size for info in infos) > file_bytes:
        raise TraceError(f"{path}: its members claim more bytes than it has. {_HOW_TO_FIX}")
    if not infos or infos[0].filename != _MANIFEST:
        raise TraceError(f"{path}: this is not a trace file (it has no manifest). {_HOW_TO_FIX}")
    if infos[0].file_size > _LARGEST_MANIFEST_BYTES:
        raise TraceError(f"{path}: its manifest is larger than 64 MiB. {_HOW_TO_FIX}")
    if archive.comment != _skeleton_digest(path, archive).encode():
        raise TraceError(f"{path}: the trace was altered after it was written. {_HOW_TO_FIX}")
    return infos


def _check_members(
    path: Path, workload: Workload, members: dict[str, Any], infos: list[zipfile.ZipInfo]
) -> None:
    """Declared, implied and real sizes must be one."""
    if len(infos) != len(members) + 1:
        raise TraceError(f"{path}: it lacks tensors that its manifest names. {_HOW_TO_FIX}")
    for info, (name, entry) in zip(infos[1:], members.items(), strict=True):
        needed = packed_bytes(workload.tensor_by_name[name])
        if not info.file_size == entry["bytes"] == needed:
            raise TraceError(
                f"{path}: tensor '{name}' must have {needed} bytes "
                f"(declared {entry['bytes']}, stored {info.file_size}). {_HOW_TO_FIX}"
            )


def _read_member(path: Path, info: zipfile.ZipInfo, sha256: str) -> bytes:
    """The bytes of one tensor, checked."""
    try:
        with path.open("rb") as file:
            file.seek(info.header_offset + _LOCAL_HEADER_BYTES + len(info.filename))
            data = file.read(info.file_size)
    except OSError as error:
        raise TraceError(f"{path}: the trace could not be read ({error}).") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise TraceError(f"{path}: a recorded tensor was altered or cut off. {_HOW_TO_FIX}")
    return data

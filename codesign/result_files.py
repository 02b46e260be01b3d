"""Results on disk: a folder with one Parquet file per table and the summary as JSON.

The folder is what a run leaves behind, and all that a report needs to be written again later.
Nothing that was interrupted or altered is taken for whole: each file appears under its name only
when it is complete, and the list of their SHA-256 sums, without which a folder is no result, is
removed first and written last. It has the form that `sha256sum --check` reads.
"""

import hashlib
import io
import json
from pathlib import Path

import pandas as pd

from codesign.errors import Fault, InputError
from codesign.results import Result
from codesign.whole_files import not_writable, write_whole

SUMMARY = "summary.json"
TABLES = ("layers", "energy", "occupancy", "timeline", "critical_path", "counters", "flows")
SUMS = "SHA256SUMS"


def write_tables(result: Result, folder: Path) -> None:
    """Writes a result as one `.parquet` for each of `TABLES`, and the summary.

    Args:
        result: the result; its summary must be a JSON object of finite numbers.
        folder: made if it does not exist; a result that it holds is replaced, other files stay.

    Raises:
        InputError: the folder cannot be written.
    """
    summary = json.dumps(result.summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    contents = {f"{name}.parquet": _parquet(getattr(result, name)) for name in TABLES}
    contents[SUMMARY] = summary.encode()
    sums = "".join(f"{_digest(data)}  {name}\n" for name, data in contents.items())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SUMS).unlink(missing_ok=True)
    except OSError as error:
        raise not_writable(folder, error) from error
    for name, data in contents.items():
        write_whole(folder / name, data)
    write_whole(folder / SUMS, sums.encode())


def read_result(folder: Path) -> Result:
    """The result that `write_tables` wrote; equal to it in every value and type.

    Raises:
        InputError: the folder holds no whole result, or a file of it was altered.
    """
    if not folder.is_dir():
        problem = "must be the folder of a result (there is no such folder)."
        raise InputError(Fault(str(folder), problem, "Name the folder of a finished run."))
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Fault(
                str(folder),
                f"must hold a whole result (its {SUMS} cannot be read).",
                "Name the folder of a finished run.",
            )
        ) from error
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    summary = json.loads(_read(folder, SUMMARY, sums))
    tables = (
        pd.read_parquet(io.BytesIO(_read(folder, f"{name}.parquet", sums)), engine="pyarrow")
        for name in TABLES
    )
    return Result(summary, *tables)


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", compression="zstd")
    return buffer.getvalue()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(folder: Path, name: str, sums: dict[str, str]) -> bytes:
    """A file's bytes, exactly as they were written."""
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        if sums.get(name) == _digest(data):
            return data
        reason = "its SHA-256 is not the one that was written with it"
    raise InputError(
        Fault(
            str(folder / name),
            f"must be a file of a whole result ({reason}).",
            "Repeat the run that made it.",
        )
    )

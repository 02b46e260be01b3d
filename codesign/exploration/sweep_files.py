"""Results of a sweep on disk: the table as Parquet, the summary as JSON, best designs as YAML.

    pandas.read_parquet("reports/core_split/points.parquet")

They lie beside the store, from which they can be made again at any time; each file appears whole.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from codesign.errors import Fault, InputError
from codesign.exploration.results import SweepResult
from codesign.whole_files import write_whole

POINTS = "points.parquet"
SUMMARY = "summary.json"
BEST = "best"
"""Folder of the best designs."""

_ROWS_AT_ONCE = 500
_TABLE_HASH = "points_sha256"
"""Key of the summary that says which table it belongs to."""


def write_sweep(result: SweepResult, texts: Mapping[str, str], folder: Path) -> None:
    """Writes a sweep's result into its folder.

    Args:
        result: the result.
        texts: of the best designs, by path in the folder.
        folder: there already; best designs of a former version of the sweep are removed.

    Raises:
        InputError: the folder cannot be written.
    """
    stream = io.BytesIO()
    result.points.to_parquet(
        stream,
        engine="pyarrow",
        compression="zstd",
        index=False,
        row_group_size=_ROWS_AT_ONCE,
        use_dictionary=False,  # hardly a number is there twice, and dictionaries take memory
    )
    table = stream.getvalue()
    summary = dict(result.summary) | {_TABLE_HASH: hashlib.sha256(table).hexdigest()}
    for name, text in texts.items():
        write_whole(folder / name, text.encode())
    write_whole(folder / POINTS, table)
    write_whole(folder / SUMMARY, (json.dumps(summary, indent=2) + "\n").encode())
    for path in set((folder / BEST).glob("*.yaml")) - {folder / name for name in texts}:
        path.unlink(missing_ok=True)


def read_sweep(folder: Path) -> SweepResult:
    """The result that `write_sweep` wrote.

    Raises:
        InputError: there is none.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text("utf-8"))
        table = (folder / POINTS).read_bytes()
        if hashlib.sha256(table).hexdigest() != summary.pop(_TABLE_HASH):
            raise ValueError(f"{POINTS} and {SUMMARY} are not of one run")
        return SweepResult(summary, pd.read_parquet(io.BytesIO(table), engine="pyarrow"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"must be the folder of a finished sweep ({error})."
        fix = "Run 'codesign sweep' again: what was computed is kept."
        raise InputError(Fault(str(folder), problem, fix)) from error

"""Results of a sweep on disk: the table as Parquet, the summary as JSON, best designs as YAML.

    pandas.read_parquet("reports/core_split/points.parquet")

They lie beside the store, from which they can be made again at any time; each file appears whole.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from codesign.errors import Fault, InputError
from codesign.exploration.results import SweepResult
from codesign.result_files import write_whole

POINTS = "points.parquet"
SUMMARY = "summary.json"


def write_sweep(result: SweepResult, texts: Mapping[str, str], folder: Path) -> None:
    """Writes a sweep's result into its folder.

    Args:
        result: the result.
        texts: of the best designs, by path in the folder.
        folder: there already.

    Raises:
        InputError: the folder cannot be written.
    """
    stream = io.BytesIO()
    result.points.to_parquet(stream, engine="pyarrow", compression="zstd", index=False)
    for name, text in texts.items():
        write_whole(folder / name, text.encode())
    write_whole(folder / POINTS, stream.getvalue())
    write_whole(folder / SUMMARY, (json.dumps(result.summary, indent=2) + "\n").encode())


def read_sweep(folder: Path) -> SweepResult:
    """The result that `write_sweep` wrote.

    Raises:
        InputError: there is none.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text("utf-8"))
        return SweepResult(summary, pd.read_parquet(folder / POINTS, engine="pyarrow"))
    except (OSError, ValueError) as error:
        problem = f"must be the folder of a finished sweep ({error})."
        fix = "Run 'codesign sweep' again: what was computed is kept."
        raise InputError(Fault(str(folder), problem, fix)) from error

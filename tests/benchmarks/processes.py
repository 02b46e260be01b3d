"""What one call of the command line costs, measured from outside on a process of its own.

Peak memory is that of the process as the kernel counts it. Whether torch was imported is asked in
the process after the command has ended, which leaves its run as it is.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """
import sys
from codesign.cli import main
report, sys.argv = sys.argv[1], ["codesign", *sys.argv[2:]]
try:
    main()
finally:
    open(report, "w").write(str("torch" in sys.modules))
"""
_BYTES_PER_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB


@dataclass(frozen=True)
class Cost:
    """What a process took.

    Attributes:
        wall_s: from its start to its end.
        cpu_s: on all cores, user and system.
        peak_bytes: largest resident memory.
        imported_torch: whether torch was loaded when the command had ended.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    imported_torch: bool


def cost(arguments: list[str], folder: Path) -> Cost:
    """Runs `codesign` with these arguments in a folder that also holds its trace cache.

    Raises:
        SystemExit: the command failed; what it wrote to stderr is shown.
    """
    environment = os.environ | {"CODESIGN_CACHE": str(folder / "cache")}
    answer = folder / "imported_torch"
    command = [sys.executable, "-c", _PROGRAM, str(answer), *arguments]
    with tempfile.TemporaryFile() as messages:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=messages
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # it is reaped already
        if process.returncode:
            messages.seek(0)
            sys.exit(f"codesign {' '.join(arguments)} failed:\n{messages.read().decode()}")
    return Cost(
        wall_s,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * _BYTES_PER_RSS_UNIT,
        answer.read_text() == "True",
    )

"""The store: rows that were computed once, in one file that several processes may share.

A row is found by the content that determines it, so that it makes no difference which sweep, which
process or which machine computed it. Every change is a transaction of SQLite: a process may be
killed at any moment, and a row is there whole or not at all. Processes that work on one sweep claim
the rows that they begin with; a claim ends with its process, or when it is not renewed.

The journal is SQLite's rollback journal, not the faster write-ahead log: that one needs all
processes on one machine, and a folder may be shared by several. Rows take seconds to compute and
milliseconds to write.
"""

import json
import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from codesign.errors import Fault, InputError
from codesign.exploration.results import Status
from codesign.exploration.rows import Found

FILE = "sweep.sqlite"
LEASE_S = 60.0
"""A claim that was not renewed for so long is taken over: the machine that made it is gone. Clocks
of machines that share a folder must agree within less."""
_PATIENCE_S = 60.0
"""To wait for a lock that another process holds for milliseconds."""
_MOST_AT_ONCE = 100
"""Keys of one query, whose rows are in memory at once."""

_SETTINGS = """
pragma journal_mode = truncate; -- the file stays, which is faster than to make it again
pragma cache_size = -256;        -- KiB: each row is read once
pragma synchronous = normal;    -- what a killed process has written is there in any case
"""
_TABLES = """
create table if not exists rows (
    kind text not null, key text not null, status text not null, row text not null,
    seconds real not null, primary key (kind, key)
) without rowid;
create table if not exists claims (
    key text primary key, owner text not null, host text not null, process integer not null,
    until real not null
) without rowid;
"""

LASTING = {Status.SIMULATED, Status.BOUNDED, Status.REFUSED}
"""What a point comes to whenever it is computed; others are tried again by the next run."""


class Store:
    """Rows and claims in a folder.

    Attributes:
        path: of the file.
        owner: a name for this process's claims.
    """

    def __init__(self, folder: Path):
        """Opens or makes the store of a folder.

        Raises:
            InputError: it cannot be opened, or is none.
        """
        self.path = folder / FILE
        self.owner = uuid.uuid4().hex
        with self._told():
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None)
            self._connection.executescript(_SETTINGS + _TABLES)

    def close(self) -> None:
        """Gives all claims back."""
        with suppress(InputError):  # claims end with this process in any case
            self.release()
        self._connection.close()

    def found(self, kind: str, keys: Sequence[str]) -> Iterator[Found]:
        """The rows of a kind that are there, a few in memory at a time."""
        for some in _batches(keys):
            query = (
                "select key, status, row, seconds from rows where kind = ? and key in "
                f"({','.join('?' * len(some))})"
            )
            with self._told():
                records = self._connection.execute(query, [kind, *some]).fetchall()
                rows = [
                    Found(key, Status(status), json.loads(row), seconds)
                    for key, status, row, seconds in records
                ]
            yield from rows

    def keep(self, kind: str, rows: Iterable[Found]) -> None:
        """Adds rows; one that is there already stays, and so does a result beside a failure."""
        records = [
            (kind, each.key, str(each.status), json.dumps(each.row), each.seconds)
            for each in rows
            if each.status in LASTING
        ]
        with self._told(), self._change():
            self._connection.executemany(
                "insert or ignore into rows values (?, ?, ?, ?, ?)", records
            )
            self._connection.executemany(
                "delete from claims where key = ? and owner = ?",
                [(key, self.owner) for _, key, *_ in records],
            )

    def claim(self, key: str) -> bool:
        """Takes a row to compute; False if it is there, or another process computes it."""
        now = time.time()
        with self._told(), self._change():
            if self._one("select 1 from rows where kind = 'simulated' and key = ?", key):
                return False
            holder = self._one("select owner, host, process, until from claims where key = ?", key)
            if holder and holder[0] != self.owner and not _is_over(*holder[1:], now=now):
                return False
            self._connection.execute(
                "insert or replace into claims values (?, ?, ?, ?, ?)",
                (key, self.owner, socket.gethostname(), os.getpid(), now + LEASE_S),
            )
        return True

    def renew(self) -> None:
        """Says that this process is still at work."""
        with self._told(), self._change():
            until = time.time() + LEASE_S
            self._connection.execute(
                "update claims set until = ? where owner = ?", (until, self.owner)
            )

    def release(self, key: str | None = None) -> None:
        """Gives a claim back, or all of them."""
        with self._told(), self._change():
            if key is None:
                self._connection.execute("delete from claims where owner = ?", (self.owner,))
            else:
                self._connection.execute(
                    "delete from claims where owner = ? and key = ?", (self.owner, key)
                )

    def _one(self, query: str, key: str) -> tuple[object, ...] | None:
        row: tuple[object, ...] | None = self._connection.execute(query, (key,)).fetchone()
        return row

    @contextmanager
    def _change(self) -> Iterator[None]:
        """One transaction, which no other process reads half of."""
        try:
            self._connection.execute("begin immediate")
            yield
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of SQLite and of the disk in the words of this program."""
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:  # the last of broken rows
            problem = f"must be a store of rows that can be written ({error})."
            fix = (
                "Choose another folder; if the file is broken, remove it: rows are computed again."
            )
            raise InputError(Fault(str(self.path), problem, fix)) from error


@contextmanager
def store(folder: Path) -> Iterator[Store]:
    """The store of a folder, whose claims end with the block."""
    with closing(Store(folder)) as opened:
        yield opened


def _is_over(host: object, process: object, until: object, *, now: float) -> bool:
    """Whether a claim counts no more: it was not renewed, or its process on this machine ended."""
    if float(str(until)) < now:
        return True
    return host == socket.gethostname() and not _is_alive(int(str(process)))


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _MOST_AT_ONCE):
        yield keys[start : start + _MOST_AT_ONCE]

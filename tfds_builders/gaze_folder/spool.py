"""What recordings tell, on disk until somebody asks for it."""

import sqlite3
import weakref
from collections.abc import Iterator
from typing import Any

_CACHE_KB = 2048
_CODE = ("utf-8", "surrogatepass")  # names of files need not be text

_OF_THE_DISK = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}


class Spool:
    """A temporary database of SQLite.

    It lies in one file without a name, in the folder for temporary files, which goes with the
    process, however that ends. No more than 2 MB of it are in memory.
    """

    def __init__(self) -> None:
        """Opens an empty one."""
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._base.close)
        # A database without a name has nothing to recover.
        for setting in (
            f"cache_size = -{_CACHE_KB}",
            "temp_store = FILE",
            "journal_mode = OFF",
            "synchronous = OFF",
        ):
            self.write(f"PRAGMA {setting}")

    def write(self, statement: str, *values: Any) -> int:
        """Runs a statement that returns nothing.

        Args:
            statement: of SQL.
            *values: for its question marks.

        Returns:
            How many rows it has changed.

        Raises:
            OSError: if the disk has no room or fails.
        """
        try:
            return self._base.execute(statement, values).rowcount
        except sqlite3.DatabaseError as error:
            _blame_the_disk(error)
            raise

    def rows(self, statement: str, *values: Any) -> Iterator[tuple]:
        """Runs a query.

        Args:
            statement: of SQL.
            *values: for its question marks.

        Yields:
            Its rows.

        Raises:
            OSError: if the disk has no room to sort them, or fails.
        """
        try:
            yield from self._base.execute(statement, values)
        except sqlite3.DatabaseError as error:
            _blame_the_disk(error)
            raise

    def row(self, statement: str, *values: Any) -> tuple | None:
        """Runs a query for one row.

        Args:
            statement: of SQL.
            *values: for its question marks.

        Returns:
            The first row; None if there is none.

        Raises:
            OSError: as `rows` does.
        """
        return next(self.rows(statement, *values), None)


def packed(name: str) -> bytes:
    """Returns a name as the database keeps it: their order is that of the texts."""
    return name.encode(*_CODE)


def unpacked(name: bytes) -> str:
    """Returns the text of a `packed` name."""
    return name.decode(*_CODE)


def _blame_the_disk(error: sqlite3.DatabaseError) -> None:
    """Raises an `OSError` with the remedy if the temporary file is what failed."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says in which way
    if code in _OF_THE_DISK:
        raise OSError(
            f"what recordings tell is kept in a temporary file, which could not be used ({error}); "
            "free space, or let SQLITE_TMPDIR name a folder that has some"
        ) from error

"""Excel workbooks, read as text with tabs between the cells."""

import io
import pathlib
from collections.abc import Iterator
from typing import Any, BinaryIO


def as_text(path: pathlib.Path) -> BinaryIO:
    """Opens the first sheet of a workbook.

    Args:
        path: an `.xlsx` file.

    Returns:
        Its lines in UTF-8, cells separated by tabs; read row by row.

    Raises:
        ImportError: if openpyxl is not installed.
        ValueError: if the file is no workbook.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise ImportError(
            f"{path} needs the package openpyxl, which reads Excel files: "
            f"pip install -r requirements-gaze.txt ({error})"
        ) from error
    try:
        sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0]
    except Exception as error:  # zipfile's, openpyxl's and lxml's own errors
        raise ValueError(f"{path} must be an Excel workbook ({error}); export it again") from error
    return io.BufferedReader(_Rows(sheet.iter_rows(values_only=True)), 1 << 20)


class _Rows(io.RawIOBase):
    """Rows of a sheet as a stream of bytes."""

    def __init__(self, rows: Iterator[tuple]) -> None:
        """Keeps the rows."""
        super().__init__()
        self._rows = rows
        self._rest = b""

    def readable(self) -> bool:
        """Says that this stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer with the next rows."""
        while len(self._rest) < len(buffer):
            row = next(self._rows, None)
            if row is None:
                break
            self._rest += ("\t".join(map(_cell, row)) + "\n").encode()
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else " ".join(str(value).split())

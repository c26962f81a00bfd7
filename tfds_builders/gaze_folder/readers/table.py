"""Text tables, read in blocks of lines: hours of recording need no more memory than a minute.

Clean blocks are parsed by polars. Only where one is not clean are its lines looked at one by one.
"""

import codecs
import csv
import dataclasses
import gzip
import io
import pathlib
import re
import types
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder.readers import cells, spreadsheet

_BLOCK = 8 << 20  # bytes
_HEAD = 1 << 16  # bytes in which the header and some lines must be
_SPACES = (b" ", b"\r", b"\xc2\xa0")
_SAMPLE = 300  # lines of it that are looked at
_COMMENTS = ("##", "#")
_COMMA_NUMBER = re.compile(r"-?\d+,\d+")
_POINT_NUMBER = re.compile(r"-?\d+\.\d+")
_NULLS = sorted({form for mark in cells.LOST for form in (mark, mark.upper(), mark.title())})
_NULLS += ["NaN"]


def load_polars() -> types.ModuleType:
    """Imports the package that parses tables; only raw samples need it.

    Returns:
        The module `polars`.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        import polars
    except ImportError as error:
        raise ImportError(
            "raw gaze samples need the package polars, which parses tables: "
            f"pip install -r requirements-gaze.txt ({error})"
        ) from error
    return polars


@dataclasses.dataclass(frozen=True)
class Head:
    """How a file is written, as far as its beginning tells.

    Attributes:
        path: the file.
        encoding: of its text.
        header: names of the columns as they stand there.
        comments: lines in front of the header.
        delimiter: what separates columns.
        decimal_comma: whether numbers have commas in place of points.
        sample: the first lines behind the header, in columns.
    """

    path: pathlib.Path
    encoding: str
    header: tuple[str, ...]
    comments: tuple[str, ...]
    delimiter: str
    decimal_comma: bool
    sample: tuple[tuple[str, ...], ...] = ()


@dataclasses.dataclass
class Block:
    """Some lines of a table.

    Attributes:
        numbers: float64 [n] by place of the column, NaN where the cell marks a loss.
        texts: polars series of strings [n] by place of the column, "" where empty.
        line: line numbers in the file, int [n], counted from 1.
        skipped: what was wrong with each line left out.
        lines: how many lines there were, those left out too.
    """

    numbers: dict[int, npt.NDArray[np.float64]]
    texts: dict[int, Any]
    line: npt.NDArray[np.int64]
    skipped: list[str]
    lines: int


def open_bytes(path: pathlib.Path) -> BinaryIO:
    """Opens a file, unpacked if its name ends in `.gz`, as text if it is an Excel workbook.

    Args:
        path: the file.

    Returns:
        Its bytes as a stream.

    Raises:
        ImportError: if it is a workbook, and openpyxl is not installed.
        ValueError: if it is no workbook in spite of its name.
    """
    if path.suffix.lower() == ".xlsx":
        return spreadsheet.as_text(path)
    return gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb")


def read_head(path: pathlib.Path) -> Head:
    """Looks at the beginning of a table.

    Args:
        path: the file; `.gz` is unpacked.

    Returns:
        How it is written.

    Raises:
        ValueError: if it is no text in UTF-8 or UTF-16, or no gzip file in spite of its name.
    """
    encoding, text = _beginning(path)
    lines = text.splitlines()
    count = 0
    while count < len(lines) and lines[count].startswith(_COMMENTS):
        count += 1
    first = lines[count] if count < len(lines) else ""
    delimiter = _delimiter(first)
    rows = [
        tuple(row) for row in csv.reader(lines[count:-1][:_SAMPLE] or [first], delimiter=delimiter)
    ]
    header = rows[0] if rows else ()
    return Head(
        path=path,
        encoding=encoding,
        header=header,
        comments=tuple(lines[:count]),
        delimiter=delimiter,
        decimal_comma=_has_decimal_commas(rows[1:], delimiter),
        sample=tuple(rows[1:]),
    )


def read_blocks(
    head: Head,
    numbers: Sequence[int],
    texts: Sequence[int],
    header_lines: int = 1,
    marker: bytes = b"",
    on_message: Callable[[int, str], None] | None = None,
) -> Iterator[Block]:
    """Reads some columns of a table.

    Args:
        head: how it is written.
        numbers: places of columns with numbers.
        texts: places of columns with text.
        header_lines: how many lines of names stand in front of the first line of numbers.
        marker: lines with it are messages and no samples; empty if there are none.
        on_message: gets number and text of each message.

    Yields:
        Lines in the file's order, a few hundred thousand at once. Bad ones are left out and
        listed: too short or too long, or with what is neither a number nor a mark of a loss.

    Raises:
        ValueError: if the file is damaged or in another encoding.
    """
    line = len(head.comments) + 1
    try:
        with open_bytes(head.path) as file:
            for raw in _line_blocks(_as_utf8(file, head.encoding)):
                count = _count_lines(raw)
                if line <= len(head.comments) + header_lines:
                    skip = len(head.comments) + header_lines
                    raw = raw.split(b"\n", skip)[-1] if count >= skip else b""
                    count, line = _count_lines(raw), skip + 1
                where = np.arange(line, line + count)
                if marker and marker in raw:
                    raw, where = _take_out(raw, where, marker, on_message)
                if raw:
                    yield parse(raw, where, head, sorted(set(numbers)), sorted(set(texts)))
                line += count
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{head.path} must be a table in UTF-8 or UTF-16 ({error}); export it again"
        ) from error


def _beginning(path: pathlib.Path) -> tuple[str, str]:
    """Encoding and first characters of a file."""
    try:
        with open_bytes(path) as file:
            raw = file.read(_HEAD)
        encoding = _encoding(raw)
        text = codecs.getincrementaldecoder(encoding)().decode(raw)
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} must be a table in UTF-8 or UTF-16 ({error}); export it again"
        ) from error
    return encoding, text if len(raw) == _HEAD else text + "\n."


def _encoding(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if raw[1:200:2].count(0) > 50:
        return "utf-16-le"
    return "utf-8-sig"


def _delimiter(header: str) -> str:
    """Tabs before semicolons before commas: the later ones may stand within cells."""
    for mark in "\t;,":
        if mark in header:
            return mark
    return ","


def _has_decimal_commas(rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    """Whether a good share of the lines has numbers with a comma, and none with a point."""
    if delimiter == "," or not rows:
        return False
    commas = sum(any(_COMMA_NUMBER.fullmatch(cell.strip()) for cell in row) for row in rows)
    points = sum(any(_POINT_NUMBER.fullmatch(cell.strip()) for cell in row) for row in rows)
    return commas >= 0.1 * len(rows) and points < 0.1 * commas


def _as_utf8(file: BinaryIO, encoding: str) -> BinaryIO:
    """The same text in UTF-8 without a mark."""
    if encoding != "utf-8-sig":
        return _Recoded(io.TextIOWrapper(file, encoding=encoding, newline=""))
    if file.peek(3)[:3] == codecs.BOM_UTF8:
        file.read(3)
    return file


class _Recoded(io.RawIOBase):
    """Text of another encoding as bytes of UTF-8."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        """Keeps the stream."""
        super().__init__()
        self._text = text

    def read(self, size: int = -1) -> bytes:
        """Returns about as many bytes as were asked for."""
        return self._text.read(size).encode().removeprefix(codecs.BOM_UTF8)


def _count_lines(raw: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(raw, np.uint8) == ord("\n")))


def _line_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Cuts a stream behind the ends of lines."""
    rest = b""
    while raw := file.read(_BLOCK):
        end = raw.rfind(b"\n") + 1
        if end:
            yield rest + raw[:end]
            rest = raw[end:]
        else:
            rest += raw
    if rest:
        yield rest + b"\n"


def _take_out(
    raw: bytes,
    where: npt.NDArray[np.int64],
    marker: bytes,
    on_message: Callable[[int, str], None] | None,
) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Separates messages from samples."""
    lines = raw.splitlines(keepends=True)
    is_message = np.array([marker in line for line in lines])
    for index in np.flatnonzero(is_message):
        if on_message is not None:
            on_message(int(where[index]), lines[index].decode(errors="replace").rstrip("\r\n"))
    kept = (line for line, drop in zip(lines, is_message, strict=True) if not drop)
    return b"".join(kept), where[~is_message]


def parse(
    raw: bytes,
    where: npt.NDArray[np.int64],
    head: Head,
    numbers: Sequence[int],
    texts: Sequence[int],
) -> Block:
    """Parses lines; quickly if all are clean.

    Args:
        raw: the lines in UTF-8, each with its end.
        where: the number of each in its file.
        head: how they are written.
        numbers: places of columns with numbers, in order.
        texts: places of columns with text, in order.

    Returns:
        What they hold.
    """
    width = len(head.header)
    if b'"' not in raw and _all_have(raw, head.delimiter, width):
        parsed = _parse_clean(raw, head, numbers, texts)
        if parsed is not None:
            return Block(*parsed, where, [], len(where))
    return _parse_dirty(raw, where, head, numbers, texts)


def _all_have(raw: bytes, delimiter: str, width: int) -> bool:
    """Whether every line has as many columns as the header."""
    data = np.frombuffer(raw, np.uint8)
    ends = data == ord("\n")
    if width < 2:
        return bool((np.diff(np.flatnonzero(ends), prepend=-1) > 2).all())
    # Every mark of number `width` ends a line, and no other one does.
    marks = np.flatnonzero(ends | (data == ord(delimiter)))
    last = data[marks[width - 1 :: width]]
    whole = len(marks) == len(last) * width and bool((last == ord("\n")).all())
    return whole and np.count_nonzero(ends) == len(last)


def _parse_clean(
    raw: bytes, head: Head, numbers: Sequence[int], texts: Sequence[int]
) -> tuple[dict, dict] | None:
    """All lines at once; None if some cell is no number."""
    polars = load_polars()
    # To look for marks of losses takes as long as the rest; most blocks have none.
    for marks in (None, _NULLS):
        try:
            frame = _read_csv(raw, head, numbers, texts, marks)
            found = {
                place: frame[f"c{place}"].cast(polars.Float64).fill_null(np.nan).to_numpy()
                for place in numbers
            }
            break
        except polars.exceptions.PolarsError:
            continue
    else:
        return None
    if any(np.isinf(column).any() for column in found.values()):
        return None
    has_spaces = any(space in raw for space in _SPACES)
    return found, {place: _text(frame[f"c{place}"], has_spaces) for place in texts}


def _read_csv(
    raw: bytes,
    head: Head,
    numbers: Sequence[int],
    texts: Sequence[int],
    marks: Sequence[str] | None,
) -> Any:
    """A polars frame with the columns `c<place>`; `marks` are null."""
    polars = load_polars()
    names = [f"c{place}" for place in range(len(head.header))]
    types_ = {f"c{place}": polars.Float64 for place in set(numbers) - set(texts)}
    types_ |= {f"c{place}": polars.String for place in texts}
    return polars.read_csv(
        (head.delimiter.join(names) + "\n").encode() + raw,
        separator=head.delimiter,
        columns=[f"c{place}" for place in sorted({*numbers, *texts})],
        schema_overrides=types_,
        infer_schema=False,
        null_values=marks,
        quote_char=None,
        decimal_comma=head.decimal_comma,
    )


def _text(column: Any, has_spaces: bool) -> Any:
    """A column of text, "" where a cell is empty or marks a loss."""
    column = column.fill_null("")
    lost = column.is_in(_NULLS)
    column = column.set(lost, "") if lost.any() else column
    return column.str.strip_chars() if has_spaces else column


def _parse_dirty(
    raw: bytes,
    where: npt.NDArray[np.int64],
    head: Head,
    numbers: Sequence[int],
    texts: Sequence[int],
) -> Block:
    """One line after the other; what is wrong with it is written down."""
    polars = load_polars()
    skipped, kept, rows = [], [], []
    lines = io.StringIO(raw.decode(), newline="")
    reader = csv.reader(lines, delimiter=head.delimiter)
    count = 0
    for count, fields in enumerate(reader, 1):  # noqa: B007
        line = int(where[min(reader.line_num, len(where)) - 1])
        if not fields:
            continue
        try:
            rows.append(_read_line(fields, head, numbers, texts))
            kept.append(line)
        except ValueError as error:
            skipped.append(f"{head.path}, line {line}: {error}")
    columns = list(zip(*rows, strict=True)) or [()] * (len(numbers) + len(texts))
    return Block(
        {place: np.array(columns[i], float) for i, place in enumerate(numbers)},
        {
            place: polars.Series(columns[len(numbers) + i], dtype=polars.String)
            for i, place in enumerate(texts)
        },
        np.array(kept, np.int64),
        skipped,
        count,
    )


def _read_line(
    fields: Sequence[str], head: Head, numbers: Sequence[int], texts: Sequence[int]
) -> tuple:
    """Cells of a line; too few or too many columns are an error."""
    width = len(head.header)
    if len(fields) <= max((*numbers, *texts)):
        raise ValueError(f"has only {len(fields)} fields; export the file again")
    if len(fields) > width and any(field.strip() for field in fields[width:]):
        raise ValueError(
            f"has {len(fields)} fields under {width} names; were numbers written with commas?"
        )
    return (
        *(cells.number(fields[place], head.decimal_comma) for place in numbers),
        *(fields[place].strip() for place in texts),
    )

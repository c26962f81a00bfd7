"""Gives spoiled files to every reader of files that people bring: it reads, or says what is wrong.

python -m benchmarks.campaigns.reader_properties --examples=1000

Whatever a file holds, a reader returns or raises a ValueError that names the file, in one line.
"""

import argparse
import pathlib
import tempfile
import time

import hypothesis
from hypothesis import strategies as st

from benchmarks.campaigns import user_readers

_CELLS = st.one_of(
    st.text(max_size=8),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["", "-1", "nan", "inf", "1e400", "9" * 30, "0x1", "1,5", '"', "[]", "{}"]),
)


@st.composite
def spoiled(draw: st.DrawFn, good: bytes) -> bytes:
    """Draws contents of a file: a good one, spoiled in some places; or anything."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = good
    for _ in range(draw(st.integers(1, 3))):
        content = draw(st.sampled_from([_bytes, _cell, _line, _cut]))(draw, content)
    return content


def check(reader: user_readers.UserReader, examples: int) -> None:
    """Gives a reader spoiled files; the same ones each time.

    Args:
        reader: what reads.
        examples: how many files.

    Raises:
        AssertionError: if it raises something else, does not name the file, or takes several lines.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, reader.name)
        path.write_bytes(reader.good)
        reader.read(path)

        @hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(content=spoiled(reader.good))
        def holds(content: bytes) -> None:
            path.write_bytes(content)
            _read(reader, path)

        holds()


def _read(reader: user_readers.UserReader, path: pathlib.Path) -> None:
    """Reads a file; what is raised must be as promised."""
    try:
        reader.read(path)
    except ValueError as error:
        text = str(error)
        if isinstance(error, UnicodeError) or path.name not in text:
            raise AssertionError(f"names no file: {text}") from error


def _bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Other bytes in some place."""
    place = draw(st.integers(0, len(content)))
    return (
        content[:place] + draw(st.binary(max_size=4)) + content[place + draw(st.integers(0, 4)) :]
    )


def _cell(draw: st.DrawFn, content: bytes) -> bytes:
    """Another cell in some line."""
    lines = content.split(b"\n")
    number = draw(st.integers(0, len(lines) - 1))
    mark = next((mark for mark in (b"\t", b",", b" ") if mark in lines[number]), b",")
    cells = lines[number].split(mark)
    cells[draw(st.integers(0, len(cells) - 1))] = draw(_CELLS).encode("utf-8", "surrogatepass")
    lines[number] = mark.join(cells)
    return b"\n".join(lines)


def _line(draw: st.DrawFn, content: bytes) -> bytes:
    """A line in another place, or twice, or gone."""
    lines = content.split(b"\n")
    line = lines.pop(draw(st.integers(0, len(lines) - 1)))
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return b"\n".join(lines)


def _cut(draw: st.DrawFn, content: bytes) -> bytes:
    """The file without its end."""
    return content[: draw(st.integers(0, len(content)))]


def main() -> None:
    """Goes over the readers and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=1000, help="files for each reader")
    parser.add_argument("--seconds", type=float, default=3600, help="no reader begins after them")
    readers = {reader.kind: reader for reader in user_readers.all_readers()}
    parser.add_argument("--readers", nargs="+", choices=readers, default=list(readers))
    given = parser.parse_args()
    started = time.monotonic()
    print("| reader | files | outcome |\n|---|--:|---|")
    for reader in map(readers.get, given.readers):
        if time.monotonic() - started > given.seconds:
            print(f"| {reader.kind} | 0 | not reached in {given.seconds:g} s |")
            continue
        try:
            check(reader, given.examples)
            outcome = "reads, or names the file"
        except Exception as error:  # what the campaign looks for
            each = error.exceptions if isinstance(error, ExceptionGroup) else [error]
            outcome = "; ".join(f"{type(e).__name__}: {str(e).splitlines()[0][:200]}" for e in each)
        print(f"| {reader.kind} | {given.examples} | {outcome} |", flush=True)


if __name__ == "__main__":
    main()

"""One process at a time in a folder."""

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def sole_user(folder: pathlib.Path) -> Iterator[None]:
    """Keeps other processes out of a folder while inside a `with`.

    The lock is the operating system's: it goes with the process, however that ends.

    Args:
        folder: of one job; made if it is not there.

    Raises:
        ValueError: if another process has it, with that process's number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise ValueError(
                f"{folder} is in use by process {holder}; wait for its end, or name another folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield

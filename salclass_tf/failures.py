"""What errors of the system and of TensorFlow say, in a line, and whether a disk is full."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator

_FULL = (errno.ENOSPC, errno.EDQUOT)

#: what helps where a disk is full
MAKE_ROOM = "make room, then the same command goes on"


def reason(error: BaseException) -> str:
    """Returns what an error says, in a line, without numbers of errors and names of operations."""
    line = (str(error).strip() or repr(error)).splitlines()[0]
    return re.sub(r"{{.*?}} | \[Op:\w+\]( name: ?)?|\[Errno \d+\] ", "", line)


def is_full_disk(error: BaseException) -> bool:
    """Whether an error comes of a disk without room, or of a quota that is used up.

    TensorFlow, HDF5 and TFDS raise errors of their own in place of the system's, with its words.
    """
    words = [os.strerror(number) for number in _FULL]
    return any(
        getattr(one, "errno", None) in _FULL or any(text in str(one) for text in words)
        for one in _chain(error)
    )


@contextlib.contextmanager
def full_disk_named(what: object) -> Iterator[None]:
    """Turns whatever a full disk raises inside a `with` into one error with the remedy.

    Args:
        what: what is written there, for the message.

    Raises:
        OSError: naming it.
    """
    try:
        yield
    except Exception as error:
        if not is_full_disk(error) or MAKE_ROOM in str(error):
            raise
        raise OSError(f"cannot write {what}: {reason(error)}; {MAKE_ROOM}") from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was raised for, each once."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__

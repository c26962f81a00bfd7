"""ioHub, the process of PsychoPy that reads trackers and keys."""

import contextlib
import functools
import json
import logging
import pathlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

from salclass_tf.runs import files

_log = logging.getLogger(__name__)

_ANSWER_S = 20.0
_ANSWER_BYTES = 1 << 20


def start(window: Any, raw: pathlib.Path, device: dict[str, Any], note: pathlib.Path) -> Any:
    """Starts ioHub with a tracker.

    Args:
        window: PsychoPy's open window.
        raw: name without suffix of the HDF5 file that it writes.
        device: the tracker's settings by ioHub's path of its class.
        note: file in which the process is noted, for `end_orphan`.

    Returns:
        PsychoPy's connection to it.

    Raises:
        OSError: if it does not start.
        ValueError: if another session of this recording is running.
    """
    import psutil  # comes with PsychoPy
    from psychopy.iohub import launchHubServer
    from psychopy.iohub.devices import Computer

    end_orphan(note)
    raw.parent.mkdir(parents=True, exist_ok=True)
    launch = functools.partial(
        launchHubServer,
        window=window,
        experiment_code="salclass",
        session_code=raw.name,
        datastore_name=str(raw.resolve()),
        **device,
    )
    try:
        connection = _launched(launch) or launch(udp_port=_free_port())
    except RuntimeError as error:
        raise OSError(
            f"ioHub does not start ({str(error).splitlines()[0]}); switch the tracker on, and "
            "check its cable and address (--tracker_settings)"
        ) from error
    processes = {"hub": Computer.iohub_process, "session": psutil.Process()}
    files.write_json(note, {k: [p.pid, p.create_time()] for k, p in processes.items()})
    # ioHub answers in datagrams, into 16 kB: where a long answer does not fit, a part is lost
    # and the client waits for it for ever. So there is more room, and an end.
    connection.udp_client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ANSWER_BYTES)
    connection.udp_client.sock.settimeout(_ANSWER_S)
    return connection


def _launched(launch: Callable[..., Any]) -> Any:
    """The connection; None if ioHub took too long, as a busy computer may the first time.

    ioHub gives itself 30 s, and `launchHubServer` has no way to change that.
    """
    try:
        return launch(udp_port=_free_port())  # with 9000, its own, two sessions answer each other
    except RuntimeError as error:
        _log.warning("ioHub does not start (%s); once more", str(error).splitlines()[0])
    return None


@contextlib.contextmanager
def patient(connection: Any) -> Iterator[None]:
    """Waits for an answer as long as it takes: a calibration takes minutes.

    Args:
        connection: what `start` returned.

    Yields:
        Nothing.
    """
    connection.udp_client.sock.settimeout(None)
    try:
        yield
    finally:
        connection.udp_client.sock.settimeout(_ANSWER_S)


def runs() -> bool:
    """Whether ioHub's process is there; it may be ended or waited for by nobody yet."""
    import psutil  # comes with PsychoPy
    from psychopy.iohub.devices import Computer

    process = Computer.iohub_process
    try:
        return process is not None and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_orphan(note: pathlib.Path) -> None:
    """Ends ioHub's process of a session that was killed, which does not notice that.

    Args:
        note: file that `start` wrote.

    Raises:
        ValueError: if that session is still running.
    """
    try:
        written = json.loads(note.read_text("utf-8"))
        hub, session = (_living(*written[name]) for name in ("hub", "session"))
    except (OSError, ValueError, KeyError, TypeError):
        return  # none was noted
    if hub and session:
        raise ValueError(
            f"another session of this recording is running, process {session.pid}; end it first"
        )
    if hub:
        hub.kill()
        hub.wait(5)


def _living(pid: int, created: float) -> Any:
    """The process of this number, if it is still the one that was started then."""
    import psutil  # comes with PsychoPy

    try:
        process = psutil.Process(pid)
        same = process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if same else None


def _free_port() -> int:
    """A UDP port that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

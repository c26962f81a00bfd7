"""A screen without a monitor, and sessions on it that this computer plays itself."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

ROOT = pathlib.Path(__file__).resolve().parents[2]


def why_not() -> str:
    """Why no session can run here; empty if one can."""
    try:
        import psychopy  # noqa: F401
        import Xlib  # noqa: F401
    except ImportError as error:
        return f"PsychoPy is not installed ({error}): pip install -r requirements-recording.txt"
    return "" if shutil.which("Xvfb") else "Xvfb is not installed: apt-get install xvfb"


@contextlib.contextmanager
def screen(width: int = 1024, height: int = 768) -> Iterator[dict[str, str]]:
    """Starts an X server of its own; yields the environment of programs that use it."""
    read, write = os.pipe()
    server = subprocess.Popen(
        [
            "Xvfb",
            "-displayfd",
            str(write),
            "-screen",
            "0",
            f"{width}x{height}x24",
            "-nolisten",
            "tcp",
        ],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        yield os.environ | {"DISPLAY": f":{number}", "LIBGL_ALWAYS_SOFTWARE": "1"}
    finally:
        server.terminate()
        server.wait()


def record(*flags: str, env: dict[str, str], timeout: float = 120) -> subprocess.CompletedProcess:
    """Runs `record.py` to its end."""
    command = [sys.executable, str(ROOT / "record.py"), *flags]
    return subprocess.run(
        command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=timeout
    )


@contextlib.contextmanager
def recording(*flags: str, env: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Starts `record.py`; at the end its whole process group is killed, ioHub with it."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "record.py"), *flags],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def draw_pictures(
    folder: pathlib.Path, class_names: list[str], number: int, scale: float = 1
) -> pathlib.Path:
    """Draws pictures of 500 pixels with sharp edges, `number` of each class, and scales them."""
    rng = np.random.default_rng(0)
    for name in class_names:
        (folder / name).mkdir(parents=True)
        for index in range(number):
            size = (500, 375) if index % 2 else (375, 500)
            picture = Image.new("RGB", size, tuple(map(int, rng.integers(90, 220, 3))))
            brush = ImageDraw.Draw(picture)
            for _ in range(40):
                x, y, r = rng.integers(0, size[0]), rng.integers(0, size[1]), rng.integers(4, 50)
                colour = tuple(map(int, rng.integers(0, 255, 3)))
                brush.ellipse([int(x - r), int(y - r), int(x + r), int(y + r)], fill=colour)
            picture = picture.resize((int(size[0] * scale), int(size[1] * scale)))
            picture.save(folder / name / f"{name[:3].lower()}_{index:02d}.png")
    return folder

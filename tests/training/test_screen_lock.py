"""Lines of other threads are written though a bar could not be drawn."""

import io
import sys
import threading
import types

import pytest
from tqdm import tqdm

from salclass_tf.training import child_process, screen_lock


class Gone(io.StringIO):
    """The near end of a pipe whose other end is closed."""

    def write(self, text):
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def lock_of_others():
    before = tqdm.get_lock()
    yield
    tqdm.set_lock(before)


def test_child_says_its_last_words_after_a_bar_could_not_be_drawn(monkeypatch, capfd):
    code = "import sys; sys.stdin.readline(); print('last words', flush=True)"
    monkeypatch.setattr(child_process, "_CODE", code)
    child = child_process.Child("any", types.SimpleNamespace(), "child: ")
    with pytest.raises(BrokenPipeError):
        tqdm(total=1, file=Gone())  # and tqdm keeps the lock
    child.say("go on")
    child._process.wait(60)
    ending = threading.Thread(target=child._close, daemon=True)
    ending.start()
    ending.join(60)
    assert not ending.is_alive()
    assert "child: last words" in capfd.readouterr().err


def test_threads_draw_one_after_another_as_long_as_none_has_failed(monkeypatch):
    monkeypatch.setattr(screen_lock, "_PATIENCE_S", 0.2)
    lock, found = screen_lock.ScreenLock(), []

    def draw():
        found.append(lock.acquire())
        lock.release()

    def in_another_thread():
        thread = threading.Thread(target=draw)
        thread.start()
        thread.join(60)

    with lock, lock:  # a bar that writes a line
        in_another_thread()
    in_another_thread()
    assert found == [False, True]


def test_lines_and_bars_are_drawn_as_ever(capfd):
    screen_lock.install()
    with tqdm(total=2, file=sys.stderr, leave=True) as bar:
        bar.update(2)
        tqdm.write("a line", file=sys.stderr)
    said = capfd.readouterr().err
    assert "a line\n" in said and "2/2" in said

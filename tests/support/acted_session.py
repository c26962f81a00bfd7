"""A session without a screen: `python acted_session.py RECORDING SECONDS` plays one to its end."""

import pathlib
import random
import sys
import time

from virtual_screen import draw_pictures

from salclass_tf.recording import pictures, plan, protocol, session, storage, study
from salclass_tf.recording.screen import Place
from salclass_tf.recording.trial import Presentation

SETUP = {
    "screen": {"width_px": 1024, "height_px": 768, "width_cm": 40.0, "distance_cm": 60.0},
    "tracker": "acted",
    "sampling_rate_hz": 60.0,
}


def planned_recording(folder: pathlib.Path, people: int = 1, viewers: int = 1, **rules):
    """Draws 18 pictures in 3 classes, and plans to record 12 of them."""
    images = draw_pictures(folder / "photos", ["Dohle", "Grünspecht", "tree_swallow"], 6, 0.1)
    found = pictures.find_pictures(images)
    recording = folder / "recording"
    made = plan.make_plan(
        found, protocol.Protocol(**rules), people=people, viewers_per_image=viewers, seed=3
    )
    study.copy_pictures(made, images, recording)
    plan.write_plan(made, recording)
    return recording


class Actor:
    """Answers at once; the tracker is lost and Escape is pressed where it is told so.

    Attributes:
        log: names of what was shown, in order.
    """

    def __init__(
        self,
        planned,
        *,
        seconds=0.0,
        lost=(),
        lost_early=(),
        escape_at=None,
        knows=lambda stem: True,
    ):
        self.log = []
        self._planned = planned
        self._seconds = seconds
        self._lost = {*lost, *lost_early}
        self._lost_early = set(lost_early)
        self._escape_at = escape_at
        self._knows = knows
        self._shown = 0
        self._stem = ""

    def message(self, name, **values):
        self.log.append(name)

    def teach(self, path, class_name):
        self.log.append(f"teach {path.stem}")

    def quiz(self, path, class_name, class_names):
        self.log.append(f"quiz {path.stem}")
        time.sleep(self._seconds / 2)
        return class_name if self._knows(path.stem) else self._wrong(class_name)

    def choose(self, class_names):
        right = self._planned.picture(self._stem).class_name
        return right if self._knows(self._stem) else self._wrong(right)

    def seen(self, path):
        self.log.append(f"seen {path.stem}")
        return True

    def pause(self, block, blocks):
        self.log.append(f"break {block}/{blocks}")

    def reconnect(self):
        self.log.append("reconnect")

    def present(self, path):
        self._shown += 1
        self._stem = path.stem
        self.log.append(f"picture {path.stem}")
        assert path.exists()
        if self._shown in self._lost:
            onset = None if self._shown in self._lost_early else 9.0
            raise session.TrackerLost({"onset_s": onset, "samples": [[9.1, 1.0, 2.0]]})
        if self._shown == self._escape_at:
            raise session.SessionEnded("Escape was pressed")
        time.sleep(self._seconds * random.random())
        return presentation(stop_ms=None if path.stem.endswith("1") else 1200.0)

    def _wrong(self, right):
        return next(name for name in self._planned.class_names if name != right)


def presentation(**changes) -> Presentation:
    """A second and a half of gaze that moves once, blurred in two steps."""
    times = [round(1000 * n / 60, 3) for n in range(90)]
    values = {
        "onset_s": 10.0,
        "offset_s": 11.5,
        "flips_ms": (0.0, 16.7, 33.3, 83.3, 100.0),
        "frame_ms": 1000 / 60,
        "levels": ((0.0, 10.0), (500.0, 9.0)),
        "stop_ms": 1200.0,
        "t_ms": tuple(times),
        "x": tuple(400.0 if n < 45 else 600.0 for n in range(90)),
        "y": tuple(None if n == 3 else 300.0 for n in range(90)),
        "place": Place(102, 77, 819, 614),
    }
    return Presentation(**values | changes)


def play(recording: pathlib.Path, code: str, actor: Actor) -> storage.Session:
    """Runs a session, or what is left of it."""
    planned = plan.read_plan(recording)
    folder = storage.Session(recording, code)
    folder.open({"plan": planned.digest} | SETUP)
    session.run(planned, code, folder, actor, recording, lambda line: None)
    return folder


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    print("begins", flush=True)
    play(root, "p01", Actor(plan.read_plan(root), seconds=float(sys.argv[2])))
    print("ended", flush=True)

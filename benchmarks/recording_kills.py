r"""Kills recording sessions at random moments, and looks for trials lost or doubled.

xvfb-run -a -s "-screen 0 1024x768x24" \
  python -m benchmarks.recording_kills --images=photos --out=kills
"""

import json
import pathlib
import random
import subprocess
import sys
import time

from absl import app, flags

from salclass_tf.recording import plan, storage

flags.DEFINE_string("images", None, "Folder of pictures, <class>/<name>.jpg.", required=True)
flags.DEFINE_string("out", None, "Folder of the recording; must not be there yet.", required=True)
flags.DEFINE_integer("kills", 10, "How often the session is killed.")
flags.DEFINE_float("seconds", 15.0, "Maximum time from the window's opening to a kill.")
flags.DEFINE_integer("seed", 0, "Draws the moments.")

_RULES = {"step_s": 0.2, "training_s": 0.1, "feedback_s": 0.1, "training_rounds": 1}


def main(_):
    """Plans a session of one person, kills it again and again, and lets it end."""
    given = flags.FLAGS
    out = pathlib.Path(given.out)
    out.mkdir(parents=True)
    (out / "rules.json").write_text(json.dumps(_RULES))
    record(out, f"--images={given.images}", "--people=1", f"--protocol={out}/rules.json")
    draw = random.Random(given.seed)
    before = {}
    for number in range(1, given.kills + 1):
        moment = draw.uniform(0, given.seconds)
        alive = kill(out, moment)
        now = trials(out)
        changed = [path.name for path, content in before.items() if now.get(path) != content]
        state = "killed" if alive else "had ended"
        print(
            f"kill {number}: {state} {moment:.1f} s after the window opened; {len(now)} trials on "
            f"disk, {len(changed)} of {len(before)} older ones changed",
            flush=True,
        )
        before = now
    print(record(out, *session_flags()).strip().splitlines()[-2])
    done = storage.Session(out, "p01").trials()
    planned = plan.read_plan(out).people["p01"].stems
    lost = set(planned) - {one.stem for one in done}
    print(f"planned {len(planned)}, recorded {len(done)}, lost {len(lost)}, ", end="")
    print(f"doubled {len(done) - len({one.stem for one in done})}, ", end="")
    print(f"marked as shown before {sum(one.attempt > 1 for one in done)}")


def session_flags():
    """The flags of a rehearsal."""
    return ("--person=p01", "--rehearse", "--screen_width_cm=40", "--viewing_distance_cm=60")


def record(out, *more):
    """Runs `record.py` to its end and returns what it printed."""
    command = [sys.executable, "record.py", f"--out={out}", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def kill(out, moment):
    """Kills a session some time after its window opened; returns whether it was alive.

    ioHub's process is left alone, as by a person who kills what they see.
    """
    command = [sys.executable, "record.py", f"--out={out}", *session_flags()]
    errors = open(out / "errors.log", "a")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    for line in process.stdout:
        if line.startswith("frames:"):  # window and tracker are there
            break
    time.sleep(moment)
    alive = process.poll() is None
    process.kill()
    process.wait()
    process.stdout.close()
    errors.close()
    return alive


def trials(out):
    """Content of the trials' files by path."""
    folder = out / storage.SESSIONS / "p01" / "trials"
    return {path: path.read_bytes() for path in folder.glob("[!.]*.json")}


if __name__ == "__main__":
    app.run(main)

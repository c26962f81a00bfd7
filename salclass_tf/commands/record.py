"""Records gaze on pictures that people recognise: `salclass record --images=photos --out=rec`."""

from absl import flags

from salclass_tf import commandline
from salclass_tf.recording import protocol, tracker_models

flags.DEFINE_string("out", None, "Folder of the recording: plan, sessions, study.")
flags.DEFINE_string("images", None, "Plan: folder of pictures, <class>/<name>.jpg.")
flags.DEFINE_integer("people", 12, "Plan: people who take part; 12 in the paper.")
flags.DEFINE_integer("viewers_per_image", 1, "Plan: people who see each picture.")
flags.DEFINE_integer("seed", 0, "Plan: decides it.")
flags.DEFINE_enum("task", "classification", protocol.TASKS, "Plan: what people do.")
flags.DEFINE_string("protocol", None, "Plan: JSON file with other numbers; see docs/recording.md.")
flags.DEFINE_bool("dry_run", False, "Plan: print and draw it, and write nothing else.")
flags.DEFINE_string("person", None, "Session: code of the person, such as p01.")
flags.DEFINE_enum("tracker", "mouse", list(tracker_models.MODELS), "Session: the eye tracker.")
flags.DEFINE_float("sampling_rate_hz", None, "Session: default: the tracker's usual rate.")
flags.DEFINE_string("tracker_settings", None, "Session: JSON file with more of ioHub's settings.")
flags.DEFINE_integer("screen", 0, "Session: number of the screen.")
flags.DEFINE_float("screen_width_cm", 0.0, "Session: width of the screen's lit area; measure it.")
flags.DEFINE_float("viewing_distance_cm", 0.0, "Session: from eye to screen; measure it.")
flags.DEFINE_bool("calibrate", None, "Session: default: if the tracker measures eyes.")
flags.DEFINE_bool("rehearse", False, "Session: this computer plays the person (Linux, X11).")
flags.DEFINE_integer("rehearse_lost_tracker", None, "Rehearsal: stop the tracker in this picture.")
flags.DEFINE_string("screenshots", None, "Session: folder for a picture of each screen.")
flags.DEFINE_bool("collect", False, "Make the study of all sessions, also of other machines.")
flags.DEFINE_bool("tables", False, "Print the study as in the paper's Tables 2 and 3.")


def main():
    """Turns flags into a plan, a session, a study or its tables."""
    given = flags.FLAGS
    from salclass_tf import recording
    from salclass_tf.recording import job

    if given.out is None:
        raise ValueError("--out must name the folder of the recording")
    if not (given.images or given.person or given.collect or given.tables):
        raise ValueError(
            "nothing to do: plan with --images, run a session with --person, or --collect, --tables"
        )
    job.stop_cleanly()
    if given.images:
        rules = recording.read_protocol(given.protocol, given.task)
        job.design(
            given.images, given.out, rules, given.people, given.viewers_per_image, given.seed,
            given.dry_run,
        )  # fmt: skip
    if given.person and not given.dry_run:
        names = job.Setup.__dataclass_fields__
        study = job.record(
            given.out, given.person, job.Setup(**{name: getattr(given, name) for name in names})
        )
        print(f"study: {study}")
    if given.collect:
        print(f"study: {recording.collect(given.out)}")
    if given.tables:
        from salclass_tf.recording import tables

        print(tables.describe(given.out))


def run():
    """Parses the command line and runs the command."""
    commandline.run(main)

"""Records task-driven gaze: the experiment of the paper's Sec. 4, on PsychoPy.

The lower files plan an experiment, write its trials and make a study of them, and know neither
TensorFlow nor PsychoPy. `window`, `trackers`, `screens`, `viewing`, `display`, `rehearsal` and
`photographer` show and measure, and import PsychoPy only when a session begins.
"""

from salclass_tf.recording.pictures import Picture, find_pictures
from salclass_tf.recording.plan import Plan, make_plan, read_plan
from salclass_tf.recording.protocol import TASKS, Protocol, read_protocol
from salclass_tf.recording.study import collect

__all__ = [
    "TASKS",
    "Picture",
    "Plan",
    "Protocol",
    "collect",
    "find_pictures",
    "make_plan",
    "read_plan",
    "read_protocol",
]

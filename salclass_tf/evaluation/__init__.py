"""Evaluation: predicted maps of a whole data set scored against recorded gaze.

    gaze = Gaze([Recording("dog.jpg", (375, 500), xy), ...])
    scores = evaluate([Case("dog.jpg", saliency, heat_map), ...], gaze, labels={"method": "ours"})
    print(of_maps.markdown([scores, others]))
    print(compare(scores, others, "nss"))

`tables.of_maps` makes the tables, `maps.human` the rows of people. `tables.paper` goes from trained
networks, exports and folders of maps to the paper's tables, which is what `evaluate.py` runs. What
this module imports needs no TensorFlow; `maps.human` and `tables.paper` do.
"""

from salclass_tf.evaluation.maps.comparison import Comparison as Comparison
from salclass_tf.evaluation.maps.comparison import compare as compare
from salclass_tf.evaluation.maps.evaluate import Case as Case
from salclass_tf.evaluation.maps.evaluate import evaluate as evaluate
from salclass_tf.evaluation.maps.gaze import Gaze as Gaze
from salclass_tf.evaluation.maps.gaze import Recording as Recording
from salclass_tf.evaluation.maps.measures import MEASURES as MEASURES
from salclass_tf.evaluation.maps.scores import Scores as Scores

"""Losses: the objective of SalClassNet (paper, Sec. 3.3), and what may stand for L_S in it.

Each returns one value per example in float32, so that the caller chooses how to average over
a batch (under a distribution strategy: over the global batch). `docs/losses.md` lists the saliency
losses with formulas, sources and users.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from salclass_tf import spelling
from salclass_tf.losses import distributions, fixations, maps
from salclass_tf.losses.attention import attention_loss as attention_loss
from salclass_tf.losses.attention import tells_attention as tells_attention
from salclass_tf.losses.maps import saliency_loss as saliency_loss
from salclass_tf.losses.objective import classification_loss as classification_loss
from salclass_tf.losses.objective import joint_loss as joint_loss
from salclass_tf.losses.readings import OUTPUT_KINDS as OUTPUT_KINDS
from salclass_tf.losses.readings import as_log_density as as_log_density
from salclass_tf.losses.readings import check_output as check_output

#: Eq. 3
DEFAULT = "mse"


@dataclasses.dataclass(frozen=True)
class SaliencyLoss:
    """An error of a predicted map, by name.

    Attributes:
        name: what `get` knows it by.
        function: (truth, predicted) -> float32 [b].
        truth: what it compares with: the key of a batch, "saliency" or "fixation_counts".
        reads_density: whether `function` takes as third the output of the detector, and reads it
            as a distribution.
    """

    name: str
    function: Callable[..., tf.Tensor]
    truth: str = "saliency"
    reads_density: bool = False

    @property
    def needs_fixations(self) -> bool:
        """Whether it is taken at fixations, which sets that ship maps alone do not have."""
        return self.truth == "fixation_counts"

    def __call__(
        self, batch: dict[str, tf.Tensor], predicted: tf.Tensor, output: str = "map"
    ) -> tf.Tensor:
        """Returns the loss of each example.

        Args:
            batch: with `saliency` or `fixation_counts`, whichever is compared with.
            predicted: the output of a detector, [b, h, w, 1].
            output: what that is, one of `OUTPUT_KINDS`.

        Returns:
            float32 [b].

        Raises:
            ValueError: if the batch lacks what is compared with, or the shapes do not fit.
        """
        if self.truth not in batch:
            raise ValueError(
                f"saliency loss {self.name} needs `{self.truth}` in its batches; got "
                f"{', '.join(batch)}: see data.training_batches"
            )
        how = (output,) if self.reads_density else ()
        return self.function(batch[self.truth], predicted, *how)


_LOSSES = {
    loss.name: loss
    for loss in (
        SaliencyLoss("bhattacharyya", distributions.bhattacharyya, reads_density=True),
        SaliencyLoss("cc", maps.correlation_loss),
        SaliencyLoss("chi_squared", distributions.chi_squared, reads_density=True),
        SaliencyLoss("cosine", distributions.cosine, reads_density=True),
        SaliencyLoss("cross_entropy", maps.cross_entropy),
        SaliencyLoss("kl", distributions.kl, reads_density=True),
        SaliencyLoss("log_likelihood", fixations.log_likelihood, "fixation_counts", True),
        SaliencyLoss(DEFAULT, maps.saliency_loss),
        SaliencyLoss("nss", fixations.scanpath_loss, "fixation_counts"),
        SaliencyLoss("total_variation", distributions.total_variation, reads_density=True),
        SaliencyLoss("weighted_error", maps.weighted_error),
    )
}


def list_saliency_losses(with_fixations: bool = True) -> list[str]:
    """Returns the names that `get` takes.

    Args:
        with_fixations: False leaves out those that need fixations.
    """
    return sorted(n for n, loss in _LOSSES.items() if with_fixations or not loss.needs_fixations)


def get(name: str) -> SaliencyLoss:
    """Returns a saliency loss; "mse" is the paper's.

    Raises:
        ValueError: for a name that is not there; the message lists those that are.
    """
    if name not in _LOSSES:
        raise ValueError(
            f"{spelling.unknown('saliency loss', name, list_saliency_losses())}; choose one of "
            f"{', '.join(list_saliency_losses())}"
        )
    return _LOSSES[name]

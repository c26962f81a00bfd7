"""One script per claim about speed; each prints a table with ratios measured in one run."""

import salclass_tf as salclass_tf  # before TensorFlow: it chooses the kernels

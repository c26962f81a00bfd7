"""What encoded images claim before they are decoded, and what is refused for it."""

import pytest
import tensorflow as tf
from encoded_images import MAX_PIXELS, REFUSED, SHORT_SIDE, VALID

from salclass_tf.serving import headers


@pytest.fixture(scope="module")
def checked():
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def run(image):
        return headers.checked(image, SHORT_SIDE, MAX_PIXELS), headers.size(image)

    return run


@pytest.mark.parametrize("kind", VALID)
def test_header_claims_what_decoding_gives(checked, kind):
    passed, size = checked(VALID[kind])
    decoded = tf.io.decode_image(VALID[kind], channels=3, expand_animations=False)
    assert passed.numpy() == VALID[kind]
    assert size.numpy().tolist() == list(decoded.shape[:2])


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_too_large_or_no_image_is_refused(checked, kind):
    with pytest.raises(tf.errors.InvalidArgumentError):
        checked(REFUSED[kind])


def test_refusal_names_limit_and_size(checked):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"100000.*20000.*20000"):
        checked(REFUSED["png of 20000 x 20000"])

"""Where the weights of `keras.applications` are: its own tables of addresses and checksums."""

from salclass_tf.keras_internals import application
from salclass_tf.weights import PublicFile

convnext = application("convnext")
densenet = application("densenet")
efficientnet = application("efficientnet")
efficientnet_v2 = application("efficientnet_v2")
inception_resnet_v2 = application("inception_resnet_v2")
mobilenet = application("mobilenet")
mobilenet_v2 = application("mobilenet_v2")
mobilenet_v3 = application("mobilenet_v3")
nasnet = application("nasnet")
resnet = application("resnet")
xception = application("xception")

_KERNELS = "weights_tf_dim_ordering_tf_kernels"

# Keras writes these two into its functions, as constants of no name.
_MD5 = {
    "densenet121": "9d60b8095a5708f2dcce2bca79d332c7",
    "densenet169": "d699b8f76981ab1b30698df4c175e90b",
    "densenet201": "1ceb130c1ea1b78c3bf6114dbdfd8807",
    "inception_resnet_v2": "e693bd0210a403b3192acc6073ad2e96",
    "nasnet_large": "11577c9a518f0070763c2b964a382f17",
    "nasnet_mobile": "020fb642bf7360b370c678b08e0adf61",
    "xception": "0a58e3b7378bc2990ea3b43d5981f1f6",
}
_URLS = {
    "densenet121": densenet.DENSENET121_WEIGHT_PATH,
    "densenet169": densenet.DENSENET169_WEIGHT_PATH,
    "densenet201": densenet.DENSENET201_WEIGHT_PATH,
    "inception_resnet_v2": (
        f"{inception_resnet_v2.BASE_WEIGHT_URL}inception_resnet_v2_{_KERNELS}.h5"
    ),
    "nasnet_large": nasnet.NASNET_LARGE_WEIGHT_PATH,
    "nasnet_mobile": nasnet.NASNET_MOBILE_WEIGHT_PATH,
    "xception": xception.WEIGHTS_PATH,
}


def public_file(name: str, family: str, image_size: int) -> PublicFile:
    """Returns the file of a network that was trained on ImageNet, its class layer included.

    Args:
        name: of the network, as `build_classifier` takes it.
        family: the module of `keras.applications` that it is in.
        image_size: side of the images, in pixels; the first two MobileNets have been trained for
            several.
    """
    last = name.rpartition("_")[2]
    if family == "convnext":
        sha256, _ = convnext.WEIGHTS_HASHES[name]
        return PublicFile(f"{convnext.BASE_WEIGHTS_PATH}{name}.h5", sha256=sha256)
    if family == "efficientnet":
        md5, _ = efficientnet.WEIGHTS_HASHES[last]
        return PublicFile(f"{efficientnet.BASE_WEIGHTS_PATH}efficientnet{last}.h5", md5)
    if family == "efficientnet_v2":
        md5, _ = efficientnet_v2.WEIGHTS_HASHES[last if last[0] == "b" else f"-{last}"]
        return PublicFile(f"{efficientnet_v2.BASE_WEIGHTS_PATH}efficientnetv2-{last}.h5", md5)
    if family == "mobilenet":
        size = image_size if image_size in (128, 160, 192, 224) else 224
        return PublicFile(f"{mobilenet.BASE_WEIGHT_PATH}mobilenet_1_0_{size}_tf.h5")
    if family == "mobilenet_v2":
        size = image_size if image_size in (96, 128, 160, 192, 224) else 224
        file = f"mobilenet_v2_{_KERNELS}_1.0_{size}.h5"
        return PublicFile(f"{mobilenet_v2.BASE_WEIGHT_PATH}{file}")
    if family == "mobilenet_v3":
        md5, _ = mobilenet_v3.WEIGHTS_HASHES[f"{last}_224_1.0_float"]
        file = f"weights_mobilenet_v3_{last}_224_1.0_float.h5"
        return PublicFile(f"{mobilenet_v3.BASE_WEIGHT_PATH}{file}", md5)
    if family in ("resnet", "resnet_v2"):
        known = name.replace("_", "")
        md5, _ = resnet.WEIGHTS_HASHES[known]
        return PublicFile(f"{resnet.BASE_WEIGHTS_PATH}{known}_{_KERNELS}.h5", md5)
    return PublicFile(_URLS[name], _MD5[name])

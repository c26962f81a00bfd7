"""The client: batches of images, sent one after the other."""

from collections.abc import Iterator, Sequence

import numpy as np

from salclass_tf.client import answers, images, over_grpc, over_rest
from salclass_tf.client.errors import RequestRefused


class Client:
    """Talks to one model of a TensorFlow Serving server.

    A context manager. Threads may share a client. An attempt that finds no server, or one whose
    queue is full (UNAVAILABLE; 429, 502, 503), is repeated after a pause that doubles each time.

    Example:
        with Client("localhost:8500") as client:
            for answer in client.predict(["one.jpg", "two.png"]):
                print(answer.top_classes[0], answer.saliency.shape)
    """

    def __init__(
        self,
        address: str = "localhost:8500",
        model: str = "salclassnet",
        *,
        version: int | None = None,
        label: str | None = None,
        batch_size: int = 8,
        timeout: float = 30.0,
        retries: int = over_grpc.MOST_RETRIES,
        back_off: float = 0.2,
    ) -> None:
        """Connects when the first request is made.

        Args:
            address: host:port for gRPC; http://host:port or https://host/path for REST.
            model: name that it is served under.
            version: number of a version; None is the newest.
            label: label of a version, in place of its number.
            batch_size: the most images of a request.
            timeout: seconds that a request may take; over gRPC its repetitions included.
            retries: how often an attempt is repeated, at most 4; 0 is never.
            back_off: seconds of the first pause, about.

        Raises:
            ValueError: if an argument is out of its range, or a package is not installed.
        """
        if version is not None and label is not None:
            raise ValueError(f"either a version or a label; got {version} and {label!r}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1; got {batch_size}")
        if not 0 <= retries <= over_grpc.MOST_RETRIES:
            raise ValueError(f"retries must be 0 to {over_grpc.MOST_RETRIES}; got {retries}")
        if not (timeout > 0 and back_off > 0):
            raise ValueError(f"seconds must be above 0; got {timeout=}, {back_off=}")
        chosen = {"version": version, "version_label": label}
        spec = {"name": model} | {key: value for key, value in chosen.items() if value is not None}
        is_rest = address.startswith(("http://", "https://"))
        transport = over_rest.RestTransport if is_rest else over_grpc.GrpcTransport
        self._transport = transport(address, spec, timeout, retries, back_off)
        self._batch_size = batch_size

    def predict(
        self, pictures: Sequence[images.Image], outputs: Sequence[str] = ()
    ) -> list[answers.Answer]:
        """Classifies images and finds what is looked at in them.

        Args:
            pictures: paths, contents of files, RGB uint8 [h, w, 3] arrays, or a mixture.
            outputs: names of those wanted, such as "top_classes"; all if empty. Maps are the
                largest part of an answer by far.

        Returns:
            An answer per image.

        Raises:
            RequestRefused: a ValueError; the server refused an image, the message says which.
            ValueError: if the server has no such model, or an array is no image.
            ConnectionError: if there is no server, or one that is too busy, after all attempts.
            TimeoutError: if there is no answer in time.
            OSError: if a file cannot be read, or for any other failure.
        """
        batches = self._in_batches("serving_default", pictures, outputs)
        return [answer for batch in batches for answer in answers.split(batch)]

    def overlays(self, pictures: Sequence[images.Image]) -> list[np.ndarray]:
        """Finds what is looked at, on the geometry of the images.

        Args:
            pictures: see `predict`.

        Returns:
            A map per image, of its size, uint8 [h, w]: 255 is the map's peak, 0 is also what lies
            outside the central crop.

        Raises:
            RequestRefused: see `predict`; also if the model makes no maps.
            ValueError: see `predict`.
            OSError: see `predict`.
        """
        batches = self._in_batches("saliency_overlay", pictures, ())
        return [images.decode(png) for batch in batches for png in batch["overlay_bytes"]]

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    def __enter__(self) -> "Client":
        """Returns itself."""
        return self

    def __exit__(self, *_) -> None:
        """Closes the connection."""
        self.close()

    def _in_batches(
        self, signature: str, pictures: Sequence[images.Image], outputs: Sequence[str]
    ) -> Iterator[dict[str, np.ndarray]]:
        """The server's answers, batch by batch."""
        for start in range(0, len(pictures), self._batch_size):
            batch = pictures[start : start + self._batch_size]
            encoded = [images.encode(image) for image in batch]
            try:
                yield self._transport.call(signature, encoded, outputs)
            except RequestRefused as error:
                self._name_the_refused(signature, batch, encoded, start, error)

    def _name_the_refused(
        self,
        signature: str,
        batch: Sequence[images.Image],
        encoded: list[bytes],
        start: int,
        error: RequestRefused,
    ) -> None:
        """Raises the refusal of a batch as the refusal of one of its images, tried one by one."""
        for number, image in enumerate(encoded):
            try:
                if len(encoded) > 1:
                    self._transport.call(signature, [image], ())
                    continue
            except RequestRefused as own:
                error = own
            name = images.name(batch[number], start + number)
            raise RequestRefused(f"image {name} was refused: {error}") from error
        raise error

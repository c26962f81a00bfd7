"""The client: batches of images, sent one after the other."""

from collections.abc import Iterator, Sequence
from typing import NoReturn

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
            timeout: seconds that a request may take, its repetitions and pauses included.
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
            ValueError: if the server has no such model, an array is no image, or a file cannot be
                read; the message says which.
            ConnectionError: if there is no server, or one that is too busy, after all attempts;
                one that fails; or one whose answer is not that of this model to these images.
            TimeoutError: if there is no answer in time.
        """
        found = []
        for batch in self._in_batches("serving_default", pictures, outputs, outputs):
            count = min(self._batch_size, len(pictures) - len(found))
            found.extend(answers.split(batch, count))
        return found

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
            ConnectionError: see `predict`.
            TimeoutError: see `predict`.
        """
        maps = []
        for batch in self._in_batches("saliency_overlay", pictures, (), ("overlay_bytes",)):
            for png in batch["overlay_bytes"]:
                name = images.name(pictures[len(maps)], len(maps))
                maps.append(images.decode(png, name))
        return maps

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
        self,
        signature: str,
        pictures: Sequence[images.Image],
        outputs: Sequence[str],
        expected: Sequence[str],
    ) -> Iterator[dict[str, np.ndarray]]:
        """The server's answers, batch by batch; asked for `outputs`, refused without `expected`."""
        for start in range(0, len(pictures), self._batch_size):
            batch = pictures[start : start + self._batch_size]
            names = [images.name(image, start + i) for i, image in enumerate(batch)]
            encoded = [images.encode(*pair) for pair in zip(batch, names, strict=True)]
            try:
                answer = self._transport.call(signature, encoded, outputs)
            except RequestRefused as error:
                self._name_the_refused(signature, names, encoded, error)
            try:
                answers.check(answer, len(batch), expected)
            except ConnectionError as error:
                raise ConnectionError(f"{error} (images {names[0]} to {names[-1]})") from None
            yield answer

    def _name_the_refused(
        self,
        signature: str,
        names: list[str],
        encoded: list[bytes],
        error: RequestRefused,
    ) -> NoReturn:
        """Raises the refusal of a batch as the refusal of one of its images, tried one by one."""
        for name, image in zip(names, encoded, strict=True):
            try:
                if len(encoded) > 1:
                    self._transport.call(signature, [image], ())
                    continue
            except RequestRefused as own:
                error = own
            raise RequestRefused(f"image {name} was refused: {error}") from error
        raise error

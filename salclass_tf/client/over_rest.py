"""Requests over REST: JSON, with images in base64."""

import base64
import urllib.parse
from collections.abc import Sequence

import numpy as np

from salclass_tf.client.errors import RequestRefused

# Too many requests; and what the server or a proxy before it says while it cannot serve.
_REPEATED = (429, 502, 503)


class RestTransport:
    """Calls `/v1/models/...:predict`."""

    def __init__(
        self, base: str, spec: dict, timeout: float, retries: int, back_off: float
    ) -> None:
        """See `Client`.

        Args:
            base: http://host:port, with a path where a proxy has one.
            spec: `name`, and `version` or `version_label`.
            timeout: of an attempt.
            retries: how often an attempt is repeated that found nobody, or a busy server.
            back_off: seconds before the second repetition, doubled before each further one.

        Raises:
            ValueError: if `requests` is not installed.
        """
        try:
            import requests
            import urllib3
        except ImportError as error:
            raise ValueError(f"REST needs package {error.name}: pip install requests") from None
        part = f"/v1/models/{urllib.parse.quote(spec['name'], safe='')}"
        if "version" in spec:
            part += f"/versions/{spec['version']}"
        if "version_label" in spec:
            part += f"/labels/{urllib.parse.quote(spec['version_label'], safe='')}"
        self._url, self._timeout = f"{base.rstrip('/')}{part}:predict", timeout
        policy = urllib3.Retry(
            total=retries,
            read=False,  # it may be at work on the request
            status_forcelist=_REPEATED,
            allowed_methods=None,
            backoff_factor=back_off,
            backoff_jitter=back_off,
            raise_on_status=False,
        )
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=policy))

    def call(
        self, signature: str, images: list[bytes], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Sends encoded images to a signature; see `GrpcTransport.call`.

        REST has no way to ask for some outputs: all are sent, and those not wanted dropped.
        """
        import requests

        instances = [{"b64": base64.b64encode(image).decode()} for image in images]
        body = {"signature_name": signature, "instances": instances}
        try:
            response = self._session.post(self._url, json=body, timeout=self._timeout)
        except requests.Timeout:
            raise TimeoutError(f"no answer from {self._url} within {self._timeout:g} s") from None
        except requests.RequestException as error:
            raise ConnectionError(f"{self._url} is not available: {error}") from error
        if not response.ok:
            raise self._translated(response)
        found = _by_output(_json(response)["predictions"])
        unknown = sorted(set(outputs) - set(found))
        if unknown:
            raise RequestRefused(f"outputs are {', '.join(found)}; got {', '.join(unknown)}")
        return {name: found[name] for name in outputs or found}

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _translated(self, response) -> Exception:
        """Python's own error for a status of HTTP."""
        said = _json(response).get("error", response.reason)
        if response.status_code == 400:
            return RequestRefused(str(said).split("\n")[0])
        if response.status_code in (404, 412):
            return ValueError(f"{self._url} is not served: {said}")
        if response.status_code in _REPEATED:
            return ConnectionError(f"{self._url} is not available: {said}")
        if response.status_code == 504:
            return TimeoutError(f"no answer from {self._url}: {said}")
        return OSError(f"{self._url}: status {response.status_code}: {said}")


def _json(response) -> dict:
    """The body of a response, {} where it is none of the server's."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _by_output(predictions: list) -> dict[str, np.ndarray]:
    """Output name -> array, images first.

    Of a signature with one output the server leaves the name away: text in base64 is an overlay,
    numbers are a map, since classes come with three outputs.
    """
    if not predictions:
        return {}
    first = predictions[0]
    if isinstance(first, dict) and set(first) != {"b64"}:
        return {name: _array([row[name] for row in predictions]) for name in first}
    name = "overlay_bytes" if isinstance(first, dict) else "saliency"
    return {name: _array(predictions)}


def _array(values: list) -> np.ndarray:
    """Values of one output; bytes travel as {"b64": ...}."""
    if isinstance(values[0], dict):
        return np.array([base64.b64decode(value["b64"]) for value in values], object)
    return np.array(values, object if isinstance(values[0], str) else None)

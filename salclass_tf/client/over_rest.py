"""Requests over REST: JSON, with images in base64."""

import base64
import concurrent.futures
import dataclasses
import json
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence

import numpy as np

from salclass_tf.client.errors import RequestRefused

# Too many requests; and what the server or a proxy before it says while it cannot serve.
_REPEATED = (429, 502, 503)

# Bytes after which a body that comes in is looked at: few, so that a slow one is noticed.
_PART = 4096


@dataclasses.dataclass(frozen=True)
class _Response:
    """What a server sent, with nothing left to read."""

    status_code: int
    reason: str
    headers: Mapping[str, str]
    content: bytes


class RestTransport:
    """Calls `/v1/models/...:predict`."""

    def __init__(
        self, base: str, spec: dict, timeout: float, retries: int, back_off: float
    ) -> None:
        """See `Client`.

        Args:
            base: http://host:port, with a path where a proxy has one.
            spec: `name`, and `version` or `version_label`.
            timeout: of a request, its repetitions and pauses included.
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

        class Policy(urllib3.Retry):
            """Repetitions that wait as a server wishes, if that can help in time."""

            def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
                """Seconds that the server asks for."""
                asked = super().get_retry_after(response)
                if asked is not None and asked >= timeout:
                    raise requests.exceptions.RetryError(f"it asks to wait for {asked:g} s")
                return asked

        policy = Policy(
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
            response = self._in_time(body)
        except (TimeoutError, requests.Timeout):
            raise TimeoutError(f"no answer from {self._url} within {self._timeout:g} s") from None
        except requests.RequestException as error:
            raise ConnectionError(f"{self._url} is not available: {error}") from error
        if response.status_code != 200:
            raise self._translated(response)
        try:
            found = _by_output(_json(response).get("predictions"), len(images))
        except (KeyError, TypeError, ValueError) as error:
            raise ConnectionError(f"{self._url} does not answer as a server: {error}") from None
        unknown = sorted(set(outputs) - set(found))
        if unknown:
            raise RequestRefused(f"outputs are {', '.join(found)}; got {', '.join(unknown)}")
        return {name: found[name] for name in outputs or found}

    def _in_time(self, body: dict) -> _Response:
        """The response, whole; raises TimeoutError.

        Timeouts of `requests` bound a wait for the next bytes, not all of them together: it works
        in a thread, which gives up by itself soon after nobody waits for it any more.
        """
        deadline = time.monotonic() + self._timeout
        outcome = concurrent.futures.Future()

        def work():
            try:
                outcome.set_result(self._post(body, deadline))
            except Exception as error:  # whatever it is, for the thread that waits
                outcome.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            return outcome.result(self._timeout)
        except concurrent.futures.TimeoutError:  # not Python's own before 3.11
            raise TimeoutError from None

    def _post(self, body: dict, deadline: float) -> _Response:
        """The response, whole unless the deadline passed while it came."""
        response = self._session.post(
            self._url, json=body, timeout=self._timeout, allow_redirects=False, stream=True
        )
        parts = []
        for part in response.iter_content(_PART):
            parts.append(part)
            if time.monotonic() > deadline:
                response.close()
                raise TimeoutError
        return _Response(response.status_code, response.reason, response.headers, b"".join(parts))

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _translated(self, response: _Response) -> Exception:
        """Python's own error for a status of HTTP."""
        said = _json(response).get("error", response.reason)
        if 300 <= response.status_code < 400:
            place = response.headers.get("Location")
            return ConnectionError(f"{self._url} is elsewhere, and that is not followed: {place}")
        if response.status_code == 400:
            return RequestRefused(str(said).split("\n")[0])
        if response.status_code in (404, 412):
            return ValueError(f"{self._url} is not served: {said}")
        if response.status_code in _REPEATED:
            return ConnectionError(f"{self._url} is not available: {said}")
        if response.status_code == 504:
            return TimeoutError(f"no answer from {self._url}: {said}")
        return ConnectionError(f"{self._url}: status {response.status_code}: {said}")


def _json(response: _Response) -> dict:
    """The body of a response, {} where it is none of the server's."""
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _by_output(predictions: object, count: int) -> dict[str, np.ndarray]:
    """Output name -> array, images first.

    Of a signature with one output the server leaves the name away: text in base64 is an overlay,
    numbers are a map, since classes come with three outputs.

    Raises:
        KeyError, TypeError, ValueError: if these are no predictions, or not one per image.
    """
    if not isinstance(predictions, list) or len(predictions) != count:
        got = len(predictions) if isinstance(predictions, list) else type(predictions).__name__
        raise ValueError(f"there is one prediction per image; got {got} for {count}")
    first = predictions[0]
    if isinstance(first, dict) and set(first) != {"b64"}:
        if any(set(row) != set(first) for row in predictions):
            raise ValueError("predictions have the same outputs")
        return {name: _array([row[name] for row in predictions]) for name in first}
    name = "overlay_bytes" if isinstance(first, dict) else "saliency"
    return {name: _array(predictions)}


def _array(values: list) -> np.ndarray:
    """Values of one output; bytes travel as {"b64": ...}."""
    if isinstance(values[0], dict):
        return np.array([base64.b64decode(value["b64"]) for value in values], object)
    return np.array(values)

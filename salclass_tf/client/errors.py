"""The one error that is the client's own; all others are Python's."""


class RequestRefused(ValueError):
    """The server answered that a request is wrong: mostly an image that does not decode."""

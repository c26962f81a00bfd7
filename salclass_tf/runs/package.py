"""The package itself, as what it writes tells of it."""

import importlib.metadata


def version() -> str | None:
    """Returns the installed version of this package, None where it runs from its source folder."""
    try:
        return importlib.metadata.version("salclass-tf")
    except importlib.metadata.PackageNotFoundError:
        return None

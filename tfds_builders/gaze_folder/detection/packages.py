"""Optional packages that find fixations."""

import importlib
import importlib.metadata
import types


def load(name: str) -> types.ModuleType:
    """Imports a package.

    Args:
        name: as it is imported.

    Returns:
        The module.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"this filter needs the package {name.lower()}: pip install -r requirements-gaze.txt, "
            f"or choose the filter ivt, which needs none ({error})"
        ) from error


def version(name: str) -> str:
    """Returns name and version of an installed package."""
    return f"{name.lower()} {importlib.metadata.version(name)}"

"""The package that Table 6 needs, and nothing else does."""

import importlib


def check_installed() -> None:
    """Looks for scikit-learn.

    Raises:
        ValueError: if it is not there, with what to install.
    """
    try:
        importlib.import_module("sklearn.linear_model")
    except ImportError:
        raise ValueError(
            "Table 6 needs scikit-learn: pip install -r requirements-evaluation.txt"
        ) from None

"""Small files that are written whole or not at all."""

import json
import os
import pathlib


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file; its folder is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def write_json(path: pathlib.Path, content: dict) -> None:
    """Writes a JSON file; its folder is made if it is not there."""
    write_text(path, json.dumps(content, indent=2) + "\n")

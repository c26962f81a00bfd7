"""Every benchmark can be started: it explains its flags."""

import commands
import pytest

NAMES = sorted(
    path.stem
    for path in (commands.ROOT / "benchmarks").glob("[!_]*.py")
    if "__main__" in path.read_text()
)


@pytest.mark.parametrize("name", NAMES)
def test_flags_are_explained(name):
    if name == "torch_twin":
        pytest.importorskip("torch", reason="of another environment, see benchmarks/train_step.py")
    done = commands.run("-m", f"benchmarks.{name}", "--help")
    assert "Traceback" not in done.stderr
    assert "usage: " in done.stdout or "get a list of all flags" in done.stdout

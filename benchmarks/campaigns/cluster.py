"""Where workers of one run meet: ports of this machine, in a network of their own."""

import json
import os
import socket
import subprocess
import sys

_OWN = "CAMPAIGN_HAS_OWN_NETWORK"


def enter_own_network(module: str) -> bool:
    """Starts this program again in a network namespace, unless it is in one or there are none.

    TensorFlow's workers listen on all interfaces. To be called before anything is begun.

    Args:
        module: what `python -m` runs it by.

    Returns:
        Whether it is in one.
    """
    if os.environ.get(_OWN):
        return True
    try:
        subprocess.run(["unshare", "-rn", "ip", "link"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    os.environ[_OWN] = "1"
    again = [sys.executable, "-m", module, *sys.argv[1:]]
    script = 'ip link set lo up && exec "$@"'
    os.execvp("unshare", ["unshare", "-rn", "sh", "-c", script, "sh", *again])


def environments(workers: int) -> list[dict[str, str]]:
    """Returns what each worker of a run finds in its environment, the chief's first."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    places = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    tasks = [{"type": "worker", "index": index} for index in range(workers)]
    return [
        {"TF_CONFIG": json.dumps({"cluster": {"worker": places}, "task": task})} for task in tasks
    ]

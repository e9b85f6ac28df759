"""Run one sender in this process, and print what it took: `python -m benchmarks.measured NAME JOB`.

The job is JSON: project, destination, rows, address, latency in seconds, limit (requests and seconds, or null).
"""

import importlib
import json
import re
import resource
import sys
from pathlib import Path


def main() -> None:
    """Print seconds of sending, and CPU seconds and peak memory of the whole process, as the last line."""
    name, job = sys.argv[1:]
    seconds = importlib.import_module(f"benchmarks.senders.{name}").send(json.loads(job))
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    taken = {
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mb": int(peak[1]) / 1024 if peak else 0.0,
    }
    print(json.dumps(taken))


if __name__ == "__main__":
    main()

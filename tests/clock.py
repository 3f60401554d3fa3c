"""A clock that a test sets, for what runs in this process and for a real Redis alike.

Redis asks for the time with ``gettimeofday``, which ``clock.c`` answers from a file that both processes have in their
memory. (libfaketime stops with the jemalloc of the distributions' Redis, which asks for the time too early for it.)
"""

import mmap
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "clock.c"


class Clock:
    """The time, Unix time in ms, which moves only when it is set.

    Args:
        folder: where the library for Redis and the file with the time go.
        runs: whether it goes like the real one, and what is set is by how much it is fast.
    """

    def __init__(self, folder: Path, runs: bool = False) -> None:
        library, file = folder / "clock.so", folder / "clock"
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._time = memoryview(mmap.mmap(opened.fileno(), 8)).cast("q")
        self.environment = {"LD_PRELOAD": str(library), "TEST_CLOCK": str(file)} | (
            {"TEST_CLOCK_RUNS": "1"} if runs else {}
        )

    def set(self, ms: int) -> None:
        self._time[0] = ms

    def now(self) -> int:
        return self._time[0]

"""Takes out, in a copy, what was mended before, and shows in which world it is missed.

``python -m tests.world.mutations`` prints a table, with the seed and the short schedule of each, and fails when one is
not missed in any world. With words, only those whose names contain one of them.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutations import LEFT_OUT, ROOT, Mutation, plant

HUB, LOCAL_ROOM, RECOVERY, ECHOES = "../hub.py", "../local_room.py", "../recovery.py", "../echoes.py"
WORLD_STORE = "../../tests/world/store.py"
"""What ``RedisConnection`` does for it, the world's store does itself."""
SEEDS = 1500
KINDS = {
    "a repeated ref is answered before what was gathered for its connection": "layer drops,lose answer,late",
    "what comes between a return and the answer to it is lost": "drop",
    "a node that sees the new state before its own beat sends its clients away": "empty",
    "somebody who leaves while people are put back is held for ever": "freeze",
    "who asks for a name that is taken counts as its owner": "silent",
    "a stopping process carries out what comes too late": "terminate",
    "a repeated call tells a message twice": "twice",
    "the first beat after a lost lease need not be confirmed": "freeze,lose answer",
    "those who missed a room's end are sent away": "layer drops,lose answer",
    "the echo has its time anew after the call": "hang",
    "a store that is rolled back keeps its life": "roll back",
    "what was sent over a broken connection is carried out after all": "stale",
}
"""By fault, the kinds of trouble in which it shows soonest."""

MUTATIONS = [
    # Those with the same name are planted together.
    Mutation(
        "a repeated ref is answered before what was gathered for its connection",
        LOCAL_ROOM,
        "        self.flush()\n        return False\n",
        "        return False\n",
    ),
    # Since a call that is repeated tells nothing twice, an early answer is seen only without that too.
    Mutation(
        "a repeated ref is answered before what was gathered for its connection",
        HUB,
        "if made.seq <= again.heard or",
        "if True or",
    ),
    Mutation(
        "what comes between a return and the answer to it is lost",
        LOCAL_ROOM,
        "            if self._joining:\n                self._recent += events\n",
        "",
    ),
    Mutation(
        "a node that sees the new state before its own beat sends its clients away",
        RECOVERY,
        "page.position is None or (position < page.epoch_seq and not ended)",
        "page.position is None",
    ),
    Mutation(
        "somebody who leaves while people are put back is held for ever",
        RECOVERY,
        "if (person.key, person.visitor_id) not in room.holders:",
        "if False:",
    ),
    Mutation(
        "who asks for a name that is taken counts as its owner",
        LOCAL_ROOM,
        "self.holders[key, visitor_id] > 0",
        "any(held for (name, _), held in self.holders.items() if name == key)",
    ),
    Mutation(
        "a stopping process carries out what comes too late", "../dispatch.py", "        self._outbox.close()\n", ""
    ),
    Mutation("a repeated call tells a message twice", HUB, "if made.seq <= again.heard or", "if True or"),
    Mutation(
        "the first beat after a lost lease need not be confirmed",
        "memory_leases.py",
        "return node_id not in self._unregistered",
        "return not (node_id in self._unregistered and self.confirm(node_id) is None)",
    ),
    # The comparing of positions would find it too.
    Mutation(
        "the first beat after a lost lease need not be confirmed",
        RECOVERY,
        "Positions(tuple(known), held=True)",
        "Positions(tuple(known))",
    ),
    Mutation(
        "those who missed a room's end are sent away",
        RECOVERY,
        "bool(page.events) and page.events[-1].end",
        "False",
    ),
    Mutation(
        "the echo has its time anew after the call",
        ECHOES,
        "append((connection, lost, since))",
        "append((connection, lost, asyncio.get_running_loop().time()))",
    ),
    Mutation("a store that is rolled back keeps its life", WORLD_STORE, "        self.life += 1\n", ""),
    Mutation(
        "what was sent over a broken connection is carried out after all",
        WORLD_STORE,
        "self._before._ended = True",
        "pass",
    ),
]


def missed(copy: Path, kinds: str) -> str:
    """What is printed of the first world in which something promised is broken."""
    command = [sys.executable, "-m", "tests.world", "--seeds", f"1-{SEEDS}", "--stop", "--kinds", kinds]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True).stdout


def main() -> None:
    words = sys.argv[1:]
    names = [name for name in KINDS if not words or any(word in name for word in words)]
    survived = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy"
            shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
            for mutation in MUTATIONS:
                if mutation.name == name:
                    plant(mutation, copy)
            found = missed(copy, KINDS[name])
        survived += "made as short" not in found
        print(f"{name}:\n{found}", flush=True)
    sys.exit(f"{survived} of {len(names)} faults were not found" if survived else 0)


if __name__ == "__main__":
    main()

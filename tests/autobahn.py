"""The Autobahn test-suite against our server: its quick way in must pass what autobahn's own way in passes.

``python -m tests.autobahn <wstest>`` starts echo servers that differ in nothing but the way a frame takes, lets the
suite's fuzzing client loose on each, compares the results case by case, and ends with 1 where they differ. Each way in
is tried with an application that answers from the queue, and with one that answers before anything is queued.
Sections 9 (large messages, which is about speed) and 12 and 13 (compression, which is not offered) are left out.
``make autobahn`` installs the suite, which needs Python 2.7, and runs this.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers import ROOT
from tests.stores import free_port, wait_for_port

LEFT_OUT = ["9.*", "12.*", "13.*"]
ECHOES = {"from the queue": {"ECHO_AT_ONCE": ""}, "at once": {"ECHO_AT_ONCE": "1"}}
WAYS = {"autobahn's": {"SERVER_QUICK_FRAMES": "0"}, "quick": {"SERVER_QUICK_FRAMES": "1"}}
"""The ways in, and the variables that choose them."""
AGENTS = {
    f"{way} way in, echoed {echo}": manner | variables
    for echo, manner in ECHOES.items()
    for way, variables in WAYS.items()
}
REPEATS = 10
"""How often cases that differ are repeated: some hang on how much TCP happens to deliver at once."""
COMPARED = (
    "behavior",
    "behaviorClose",
    "remoteCloseCode",
    "remoteCloseReason",
    "wasClean",
    "wasCloseHandshakeTimeout",
    "received",
)
"""The parts of a case's result that must be the same. Times may differ, and so may the sizes of TCP's segments."""


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole, unmasked frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """An ASGI application that sends back what it gets. daphne's own ``send`` would drop empty messages."""
    extension = scope["extensions"]["websocket.frames"]

    def at_once(text: str) -> bool:
        extension["write"](frame(1, text.encode()))
        return True

    if os.environ.get("ECHO_AT_ONCE"):
        extension["receive"] = at_once
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message.get("text") is not None:
            extension["write"](frame(1, message["text"].encode()))
        else:
            extension["write"](frame(2, message["bytes"]))


def serve(port: int) -> None:
    """Run an echo server until it is killed."""
    from chatsite.server import Server

    Server(echo, [f"tcp:port={port}:interface=127.0.0.1"], lambda: asyncio.sleep(0)).run()


@contextlib.contextmanager
def server(variables: dict[str, str]) -> Iterator[str]:
    """An echo server in a process of its own; gives its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.autobahn", "--serve", str(port)],
        env=os.environ | {"SERVER_FRAME_MAX": str(16 * 1024 * 1024)} | variables,
        cwd=ROOT,
    )
    try:
        wait_for_port(port, process)
        yield f"ws://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def run(wstest: str, folder: Path, cases: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Run the fuzzing client against every server; returns the results of each by case."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as servers:
        specification = {
            "outdir": str(folder / "reports"),
            "servers": [
                {"agent": name, "url": servers.enter_context(server(variables))} for name, variables in AGENTS.items()
            ],
            "cases": cases,
            "exclude-cases": LEFT_OUT,
            "exclude-agent-cases": {},
        }
        (folder / "spec.json").write_text(json.dumps(specification))
        with (folder / "log").open("wb") as log:
            done = subprocess.run(
                [wstest, "-m", "fuzzingclient", "-s", str(folder / "spec.json")], cwd=folder, stdout=log, stderr=log
            )
    if done.returncode:
        raise SystemExit(f"{wstest} ended with {done.returncode}:\n{(folder / 'log').read_text()[-2000:]}")
    index = json.loads((folder / "reports/index.json").read_text())
    return {
        agent: {
            case: json.loads((folder / "reports" / entry["reportfile"]).read_text()) for case, entry in results.items()
        }
        for agent, results in index.items()
    }


def outcome(result: dict[str, Any]) -> str:
    """The compared parts of a case's result, as text."""
    return json.dumps({key: result.get(key) for key in COMPARED}, ensure_ascii=False)


def differing(outcomes: dict[str, dict[str, set[str]]]) -> dict[str, list[str]]:
    """The cases in which the two ways in have no outcome in common, with a sentence for each manner of echoing."""
    found: dict[str, list[str]] = {}
    for echo in ECHOES:
        one, other = (outcomes[f"{way} way in, echoed {echo}"] for way in WAYS)
        for case in sorted(set(one) | set(other), key=lambda case: [int(part) for part in case.split(".")]):
            was, now = one.get(case, set()), other.get(case, set())
            if not was & now:
                found.setdefault(case, []).append(f"{case}, echoed {echo}: {sorted(was)} became {sorted(now)}")
    return found


def main() -> int:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn", description=__doc__)
    parser.add_argument("wstest", nargs="?", default="wstest", help="the suite's program")
    parser.add_argument("--cases", nargs="+", default=["*"], help="only these, such as 6.*")
    parser.add_argument("--folder", type=Path, help="keep the suite's reports here")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return 0
    wstest = shutil.which(options.wstest)
    if wstest is None:
        raise SystemExit(f"There is no program {options.wstest}: make autobahn installs it.")
    wstest = str(Path(wstest).absolute())
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        results = run(wstest, folder, options.cases)
        outcomes = {
            agent: {case: {outcome(result)} for case, result in cases.items()} for agent, cases in results.items()
        }
        found = again = differing(outcomes)
        for repeat in range(REPEATS):
            if not found:
                break
            for agent, cases in run(wstest, folder / f"again{repeat}", list(again)).items():
                for case, result in cases.items():
                    outcomes[agent][case].add(outcome(result))
            found = differing(outcomes)
    print(f"Left out: {', '.join(LEFT_OUT)} (speed; compression, which is not offered)")
    for agent in AGENTS:
        for what in ("behavior", "behaviorClose"):
            totals = Counter(result[what] for result in results[agent].values())
            counts = ", ".join(f"{count} {name}" for name, count in sorted(totals.items()))
            print(f"{agent:40} {what:14} {sum(totals.values())} cases: {counts}")
    for case in sorted(set(again) - set(found)):
        print(f"{case} goes either way with both ways in, as TCP happens to deliver it: it was repeated")
    print("\n".join(sentence for sentences in found.values() for sentence in sentences) or "No case differs.")
    return 1 if found or not all(results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

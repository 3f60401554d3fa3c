"""Writes docs/performance.md and its picture from one measurement: the words are here, every number is measured.

Knows the tables; must not know how anything is measured.
"""

from bench.chart import Line, draw
from bench.client import Shape
from bench.measure import IDLE_ROOM
from bench.report import (
    Model,
    Results,
    bars_table,
    commands_table,
    fit,
    idle_table,
    model_table,
    present,
    rooms_table,
    sized,
    sizes_table,
    talk_table,
)
from bench.systems import ROOT, SYSTEMS

DOCUMENT = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "performance.svg"

COLORS = {
    "ours-redis": ("#c0392b", "", 3),
    "ours-redis-2": ("#c0392b", "6 4", 2),
    "ours-memory": ("#d9775f", "2 3", 2),
    "ws": ("#2e7d32", "", 2),
    "socketio": ("#1565c0", "6 4", 2),
    "socketio-redis": ("#1565c0", "", 2),
    "tutorial-pubsub": ("#6d6d6d", "", 2),
    "tutorial-core": ("#6d6d6d", "6 4", 2),
}


def write(results: Results) -> None:
    """Write the document and its picture."""
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(results))
    DOCUMENT.write_text(document(results))


def picture(results: Results) -> str:
    """Deliveries against the size of the room, for all systems."""
    lines = []
    for name in present(results, "sizes"):
        points = {
            float(Shape.read(figures["shape"]).people): figures["deliveries"]
            for figures in sized(results)
            if figures["system"] == name and figures["deliveries"]
        }
        color, dashes, width = COLORS[name]
        lines.append(Line(SYSTEMS[name].title, points, color, dashes, width))
    return draw(
        "Deliveries a second, one room, one server core",
        "People in the room (up to 20 talking)",
        "Deliveries a second",
        lines,
    )


def document(results: Results) -> str:
    """The whole of docs/performance.md."""
    about = results["about"]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    shapes = dict.fromkeys(figures["shape"] for figures in results["talk"])
    talk = "\n\n".join(f"### {Shape.read(shape).words}\n\n{talk_table(results, shape)}" for shape in shapes)
    model = fit(results)
    return f"""{INTRODUCTION}
## Where

| | |
|---|---|
| Date | {about["date"]} |
| Processor | {about["processor"]}, {about["cores"]} cores |
| Memory | {about["memory"]} |
| System | {about["kernel"]} |
| Versions | {versions} |

Server processes ran on core {" and ".join(map(str, about["server_cores"]))}, the client and Redis on core \
{about["client_core"]}.{" " + about["remark"] if "remark" in about else ""}

## Against others

{BARS}

{bars_table(results)}

![Deliveries against the size of the room, for all systems](images/performance.svg)

{SIZES}

{sizes_table(results)}

{TALK}

{talk}

## Silent connections

{_idle(results)}

## How the cost grows

{_growth(results, model)}

{METHOD}
{_failed(results)}"""


def _failed(results: Results) -> str:
    if not results.get("failed"):
        return ""
    return f"- Some could not be measured, because not everyone got in: {', '.join(results['failed'])}.\n"


def _idle(results: Results) -> str:
    count = results["idle"][0]["connections"]
    return f"""{count:,} connections, of which nobody says a word: first in no room, then in rooms of {IDLE_ROOM}.
{SILENT}

{idle_table(results)}"""


def _growth(results: Results, model: Model | None) -> str:
    if model is None:
        return "This measurement had too little to say."
    line, flush, person, write, worker = model.costs
    return f"""A line of talk costs the server processes together, in µs of processor time,

> **{line:.0f} + {flush:.0f} × calls + {person:.2f} × people + {write:.1f} × people × writes + {worker:.0f} × messages**

- *The line* itself: a frame is read, decoded, checked and queued, once.
- *Calls* to Redis: one for a line that is alone. Lines that come in while a call is under way go with the next one
  together, from whatever rooms, so the busier a process, the smaller a line's share of a call.
- *People* in the room: the event is encoded once, and the same bytes are put in line for each socket.
- *Writes*: a system call for each person; one for a line that is alone. Lines of one room that come back with the same
  call are written together. This is what makes large rooms cheap, and why a room with one talker costs more a line.
- *Messages*: every other process with people in the room gets one for all the events of one call, so *workers − 1* for
  a line that is alone, where *workers* are those that have people in the room.

Neither the number of rooms nor that of people elsewhere is in it: the script touches the keys of its room only, and the
hub finds a room in a dictionary. Redis has one call and *workers − 1* messages to carry out for a line that is alone.
That holds up to a thousand rooms. With many thousands that all talk at once a line costs two to three times as much as
the model says; the garbage collector is not the reason (under a twentieth of the time), the rest was not looked into.

The five numbers were fitted to one room of every size. Here they are beside what was measured, and also beside what
was measured with many rooms, to which they were not fitted; *calls* and *messages* were counted.

{model_table(results, model)}

{ROOMS}

{rooms_table(results)}

### Redis commands and layer messages

{COMMANDS}

{commands_table(results)}"""


INTRODUCTION = """<!-- Written by `make bench`. The words are in bench/document.py; do not edit here. -->

# Performance

What Sarangbang delivers and what that costs, beside what else one might have used. All of it is measured by
`make bench`, which writes this page. On a machine of your own the numbers will differ; the ratios should not, by much.
"""

BARS = """*Ratio* is the median of interleaved pairs: both systems are measured within the same minute, round after
round. For the last four the figure is not deliveries but what the row says. *Per CPU* compares deliveries for each
second of processor time the server used, where the first compares deliveries for each second of the clock."""

SIZES = """One room, of which up to 20 people talk, each as soon as the last line is back. An asterisk says that
something was lost or wrong."""

TALK = """A *delivery* is one line that arrived at one person. *Per core* is deliveries for each second of the server's
processor time, *µs each* its inverse. *p50* and *p99* are how many milliseconds a delivery took, first with everyone
talking as fast as lines come back (closed loop), then at half of the rate that this system reached so (open loop,
counted from when the line was due). *Server*, *Redis* and *Client* are shares of one core; a client at 100% would be
measuring itself. *Not delivered* counts what was sent and never arrived, and connections the server closed."""

SILENT = """KiB are the growth of the server's resident memory, without what the kernel holds for a socket; *Redis KiB*
is the growth of Redis for each person in a room. Connecting and joining are done as fast as answers come, 32 handshakes
and 64 joins at a time. The tutorial joins by connecting, so it has one figure for both. Joining Sarangbang tells
everyone in the room; joining the others tells nobody."""

ROOMS = """Deliveries a second in many rooms of two, one talking in each:"""

COMMANDS = """Counted by Redis itself (`INFO commandstats`), not timed, with four people in each process and what the
processes do in silence taken off. First one person talks and waits until all have got it, so that every line is
alone; then everyone talks at once (*busy*). *Inside* are the commands that the script itself runs, without a round
trip."""

METHOD = """## How it is measured

- Each measurement starts its system and a Redis anew, connects everyone, puts them into their rooms, waits until it is
  quiet, lets them talk for a while that is not counted, and then counts. The windows are short, so a figure that stands
  alone is good for two digits; what matters is measured in several rounds.
- One server process has one core; the client, and Redis where there is one, have the other, so Redis never takes from
  the server. With two workers on a machine of two cores both share the first: that shows what sharing costs,
  not what a second core brings.
- The client (`bench/client.c`) is one thread. It checks every delivery: it must be a whole message for this room from
  a talker of this room, with the number after the last one from that talker; from Sarangbang also every event's `seq`
  must follow the one before. Nothing is sampled. When the time is up it waits until all that was sent has arrived.
- Sarangbang runs as it does in production, but with flood control off and larger rooms allowed: every line still goes
  through validation, normalisation, de-duplication and the history before anyone sees it. `ws` and Socket.IO do
  none of this. Socket.IO's adapter publishes every line, but delivers to its own sockets without waiting for Redis.
- The others are set up as their documentation says. `ws`: one `JSON.parse` and one `JSON.stringify` for each line, a
  loop over the sockets of the room, no compression, with the native `bufferutil`. Socket.IO: WebSocket only, no
  compression, `bufferutil`, the first request discarded, and a Redis client that does not give up after 5 s, at which
  the adapter would end the process. The tutorial: its asynchronous consumer on daphne with both
  Redis layers, which are allowed more patience and connections than redis-py 8 gives by itself: they would break after
  5 s of silence, or with more than a hundred sockets.
- `python -m bench --systems ours-redis,ws --shapes 20x10 --pairs 5` measures just that, in five interleaved rounds;
  `QUICK=1 make bench` a part of everything, without writing this page."""

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
    return f"- Some systems could not be measured, because not everyone could join: {', '.join(results['failed'])}.\n"


def _idle(results: Results) -> str:
    count = results["idle"][0]["connections"]
    return f"""{count:,} connections that say nothing: first in no room, then in rooms of {IDLE_ROOM}.
{SILENT}

{idle_table(results)}"""


def _growth(results: Results, model: Model | None) -> str:
    if model is None:
        return "This measurement had too few figures for a model."
    line, flush, person, write, worker = model.costs
    return f"""A line costs all server processes together, in µs of processor time:

> **{line:.0f} + {flush:.0f} × calls + {person:.2f} × people + {write:.1f} × people × writes + {worker:.0f} × messages**

- *The line* itself: a frame is read, decoded, checked and queued, once.
- *Calls* to Redis: one for a line that is alone. Lines of all rooms that come in while a call is under way go together
  with the next one, so the busier a process, the smaller a line's share of a call.
- *People* in the room: the event is encoded once, and the same bytes are queued for each socket.
- *Writes*: a system call for each person; one for a line that is alone. Lines of one room that come back with the same
  call are written together. This makes large rooms cheap; with a single talker a line costs more.
- *Messages*: every other process with people in the room gets one for all the events of one call, so *workers − 1* for
  a line that is alone, where *workers* are those that have people in the room.

Neither the number of rooms nor that of people elsewhere matters: the script touches the keys of its room only, and the
hub finds a room in a dictionary. Redis has one call and *workers − 1* messages to carry out for a line that is alone.
That holds up to a thousand rooms. With many thousands that all talk at once a line costs two to three times as much as
the model says; the garbage collector is not the reason (less than a twentieth of the time), the rest was not examined.

The five numbers were fitted to one room of every size. The table compares the model with the measurements, also with
those of many rooms, to which it was not fitted; *calls* and *messages* were counted.

{model_table(results, model)}

{ROOMS}

{rooms_table(results)}

### Redis commands and layer messages

{COMMANDS}

{commands_table(results)}"""


INTRODUCTION = """<!-- Written by `make bench`. The words are in bench/document.py; do not edit here. -->

# Performance

How much Sarangbang delivers and at what cost, next to the alternatives. `make bench` measures all of it and writes this
page. On your own machine the numbers will differ; the ratios should not differ by much.
"""

BARS = """*Ratio* is the median of interleaved pairs: both systems are measured within the same minute, round after
round. It compares deliveries per second of the clock, *per CPU* deliveries per second of the server's processor time.
The last four rows compare what they name instead of deliveries."""

SIZES = """One room in which up to 20 people talk, each as soon as their last line is back. An asterisk marks a
measurement in which something was lost or wrong."""

TALK = """A *delivery* is one line that arrived at one person. *Per core* is deliveries per second of the server's
processor time, *µs each* its inverse. *p50* and *p99* are the latency of a delivery in ms, first with everyone talking
as fast as lines come back (closed loop), then at half of the rate that this system reached that way (open loop, counted
from when the line was due). *Server*, *Redis* and *Client* are shares of one core; a client at 100% would be
measuring itself. *Not delivered* counts lines that were sent and never arrived, and connections the server closed."""

SILENT = """KiB are the growth of the server's resident memory, without the kernel's memory for a socket; *Redis KiB* is
the growth of Redis per person in a room. Connecting and joining go as fast as answers come, 32 handshakes and 64 joins
at a time. The tutorial joins by connecting, so it has one figure for both. Sarangbang announces every join to everyone
in the room; the others announce none."""

ROOMS = """Deliveries a second in many rooms of two, one talking in each:"""

COMMANDS = """Counted by Redis itself (`INFO commandstats`), not timed, with four people in each process; what silent
processes cause is subtracted. First one person talks and waits until all have received it, so that every line is alone;
then everyone talks at once (*busy*). *Inside* are the commands that the script itself runs, without a round trip."""

METHOD = """## How it is measured

- Each measurement starts its system and a new Redis, connects everyone, lets them join their rooms, waits until it is
  quiet, warms up, and then counts. The windows are short, so a single figure is accurate to two digits at most; the
  comparisons are measured in several rounds.
- One server process has one core; the client, and Redis where there is one, have the other, so Redis never takes from
  the server. With two workers on a machine of two cores both share the first: that shows the cost of sharing,
  not the gain of a second core.
- The client (`bench/client.c`) is one thread. It checks every delivery: it must be a whole message for this room from
  a talker of this room, with the number after the last one from that talker; from Sarangbang also every event's `seq`
  must follow the one before. Nothing is sampled. When the time is up it waits until everything that was sent has
  arrived.
- Sarangbang runs as it does in production, but with flood control off and larger rooms allowed: every line still goes
  through validation, normalisation, de-duplication and the history before anyone sees it. `ws` and Socket.IO do
  none of this. Socket.IO's adapter publishes every line, but delivers to its own sockets without waiting for Redis.
- The other systems are set up as their documentation says. `ws`: one `JSON.parse` and one `JSON.stringify` for each
  line, a loop over the sockets of the room, no compression, with the native `bufferutil`. Socket.IO: WebSocket only, no
  compression, `bufferutil`, the first request discarded, and a Redis client that does not give up after 5 s, at which
  the adapter would end the process. The tutorial: its asynchronous consumer on daphne with both
  Redis layers, with longer timeouts and more connections than redis-py 8 has by default: with those they break after
  5 s of silence, or with more than a hundred sockets.
- `python -m bench --systems ours-redis,ws --shapes 20x10 --pairs 5` measures just that, in five interleaved rounds;
  `QUICK=1 make bench` a part of everything, without writing this page."""

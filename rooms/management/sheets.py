"""How the answers of ``manage.py rooms`` look in a terminal.

Knows the console's rows; must not know how they come about.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from rooms.management.table import table

Row = dict[str, Any]


def _rooms(rows: Sequence[Row]) -> str:
    if not rows:
        return "No room is open."
    headings = ("room", "name", "people", "host", "opened", "reports", "")
    return table(headings, [_room(row) for row in rows])


def _room(row: Row) -> Sequence[object]:
    marks = {"locked": row["locked"], f"slow {row['slow']} s": row["slow"], "not listed": not row["listed"]}
    marks["host away"] = row["hostAway"]
    about = [mark for mark, holds in marks.items() if holds]
    opened = _time(row["openedAt"])
    return row["room"], row["name"], row["people"], row["host"], opened, row["reports"] or None, ", ".join(about)


def _show(row: Row) -> str:
    parts = [_rooms([row])]
    if row["topic"]:
        parts.append(f"topic: {row['topic']}")
    members = [(who["name"], who["tag"], _state(row, who)) for who in row["members"]]
    parts.append(table(("in the room", "tag", ""), members) if members else "Nobody is in the room.")
    if row["keptOut"]:
        kept_out = [(who["name"], who["tag"], _time(who["at"])) for who in row["keptOut"]]
        parts.append(table(("kept out", "tag", "since"), kept_out))
    if row["openReports"]:
        parts.append(_reports(row["openReports"]))
    return "\n\n".join(parts)


def _state(row: Row, who: Row) -> str:
    states = ["host"] if who["name"] == row["host"] else []
    states += [] if who["connected"] else ["connection lost"]
    states += [f"muted until {_time(who['mutedUntil'])}"] if who["mutedUntil"] else []
    return ", ".join(states)


def _each(rows: Sequence[Row]) -> str:
    return (
        table(("room", ""), [(row["room"], row["refused"] or "done") for row in rows]) if rows else "No room is open."
    )


def _kick(row: Row) -> str:
    return f"{row['name']} ({row['tag']}) is out, and cannot come back to this room."


def _ban(row: Row) -> str:
    until = f"until {_time(row['until'])}" if row["until"] else "for ever"
    return f"Ban {row['ban']} holds {until}. To end it: manage.py rooms bans --lift {row['ban']}"


def _bans(rows: Sequence[Row]) -> str:
    if not rows:
        return "No ban is in force."
    cells = [
        (row["ban"], row["tag"], row["room"], _time(row["at"]), _until(row), row["reason"] or None) for row in rows
    ]
    return table(("ban", "tag", "room", "since", "until", "reason"), cells)


def _until(row: Row) -> str:
    if row["liftedAt"]:
        return f"lifted {_time(row['liftedAt'])}"
    return _time(row["until"]) if row["until"] else "for ever"


def _reports(found: Sequence[Row] | Row) -> str:
    if isinstance(found, dict):
        lines = [(*_said(line), "reported" if line.get("reported") else "") for line in found["lines"]]
        return f"{_reports([found])}\n\n{table(('at', 'name', 'tag', 'message', ''), lines)}"
    if not found:
        return "No report is open."
    headings = ("report", "at", "room", "its name", "reason", "author", "tag", "resolution", "message", "note")
    return table(headings, [_report(row) for row in found])


def _report(row: Row) -> Sequence[object]:
    author = row["reason"], row["name"], row["tag"], row["resolution"]
    return row["report"], _time(row["at"]), row["room"], row["roomName"], *author, row["message"], row["note"] or None


def _said(line: Row) -> Sequence[object]:
    return _time(datetime.fromtimestamp(line["at"] / 1000, UTC)), line["nickName"], line["tag"], line["message"]


def _time(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


SHEETS: dict[str, Callable[[Any], str]] = {
    "list": _rooms,
    "show": _show,
    "close": _each,
    "notice": _each,
    "kick": _kick,
    "ban": _ban,
    "bans": _bans,
    "reports": _reports,
}

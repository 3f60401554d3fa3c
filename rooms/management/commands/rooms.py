"""``manage.py rooms``: the open rooms, bans and reports, and what moderators do to them, from a shell.

Knows the console and how its answers are shown; must not know the live store's operations or the verbs.
"""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import Error as DatabaseError
from django.db import connection

from rooms import console, node, protocol
from rooms.hub import Hub
from rooms.management import sheets
from rooms.models import NOTE_MAX, Installation, reason
from rooms.verbs import DatabaseUnavailable

REFUSED, UNREACHABLE = 1, 3
HELP = """\
Show the open rooms, bans and reports, and do to them what moderators do.

list, show, close, notice, kick and ban need the live rooms, and so REDIS_URL; bans and reports do not. Nothing that is
done here stands in the admin's log, which belongs to accounts."""
EXAMPLES = """\
examples:
  manage.py rooms list
  manage.py rooms show 6120395817364512
  manage.py rooms notice 6120395817364512 "Please be kind to each other."
  manage.py rooms notice all "We restart at five. Your rooms stay open."
  manage.py rooms close 6120395817364512 7000000000000001 --reason "This is advertising."
  manage.py rooms kick 6120395817364512 달빛
  manage.py rooms ban 6120395817364512 달빛 --days 30 --reason "Posts addresses of others"
  manage.py rooms ban report 12 --days 0
  manage.py rooms bans --lift 3
  manage.py rooms reports --all --json

exit codes: 0 it was done; 1 it was refused, also for one of several rooms; 2 it was not understood; 3 the live rooms or
the database cannot be reached"""


class Formatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Leaves the examples as they are."""


class Command(BaseCommand):
    """The command."""

    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """With the examples at the end of the help."""
        return super().create_parser(prog_name, subcommand, formatter_class=Formatter, epilog=EXAMPLES, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what can be asked for."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="what")
        made = {}
        for name, text in {
            "list": "the open rooms, those with most people first",
            "show": "a room, who is in it, who is kept out, and its open reports",
            "close": "close rooms",
            "notice": "tell the people in rooms something",
            "kick": "put a person out of a room, until that is lifted",
            "ban": "keep a person, or the author of a reported line, away from the site",
            "bans": "the bans in force; or lift one",
            "reports": "the open reports, or one of them with its lines",
        }.items():
            made[name] = acts.add_parser(name, help=text, description=text)
            made[name].add_argument("--json", action="store_true", help="as JSON")
        made["show"].add_argument("room", type=_number, help="the room's number")
        made["close"].add_argument("room", type=_number, nargs="+", help="the rooms' numbers")
        made["close"].add_argument("--reason", type=_said, default="", help="said to the people before")
        made["notice"].add_argument("room", type=_number_or("all"), nargs="+", help="the rooms' numbers, or: all")
        made["notice"].add_argument("message", type=_said, help="what to say")
        made["kick"].add_argument("room", type=_number, help="the room's number")
        made["kick"].add_argument("name", help="the person's name in it")
        made["ban"].add_argument("room", type=_number_or("report"), help="the room's number, or: report")
        made["ban"].add_argument("name", help="the person's name in the room, or the report's number")
        made["ban"].add_argument("--days", type=_days, default=7.0, help="for how long, 0 for ever (7)")
        made["ban"].add_argument("--reason", type=_said, default="", help="for moderators only")
        made["bans"].add_argument("--all", action="store_true", help="those too that are over")
        made["bans"].add_argument("--lift", type=_number, metavar="BAN", help="end this one")
        made["reports"].add_argument("report", type=_number, nargs="?", help="its number")
        made["reports"].add_argument("--all", action="store_true", help="those too of which something was made")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for and show what came of it.

        Raises:
            CommandError: it was refused, or could not be done.
        """
        act: Callable[[dict[str, Any]], Coroutine[Any, Any, Any]] = getattr(self, f"_{options['act']}")
        try:
            self._say_where()
            answer = async_to_sync(act)(options)
        except DatabaseUnavailable as problem:
            raise CommandError(f"The database {problem.reason}.", returncode=UNREACHABLE) from None
        except DatabaseError as problem:
            raise CommandError(f"The database {reason(problem)}.", returncode=UNREACHABLE) from None
        except protocol.Refusal as problem:
            code = UNREACHABLE if problem.error == "unavailable" else REFUSED
            raise CommandError(_sentence(problem, options), returncode=code) from None
        if options["json"]:
            text = json.dumps(answer, ensure_ascii=False, indent=2, default=lambda at: at.isoformat())
        else:
            text = sheets.SHEETS[options["act"]](answer)
        self.stdout.write(text)
        if isinstance(answer, list) and any(row.get("refused") for row in answer):
            raise CommandError("It was not done in every room.", returncode=REFUSED)

    def _say_where(self) -> None:
        about = connection.settings_dict
        place = f"{about['NAME']} at {about['HOST']}" if about["HOST"] else about["NAME"]
        self.stderr.write(f"Installation {Installation.current().id}, {connection.vendor} database {place}")

    # --- what can be asked for ---------------------------------------------------------------------------------------

    async def _list(self, options: dict[str, Any]) -> Any:
        return await _live(console.rooms)

    async def _show(self, options: dict[str, Any]) -> Any:
        return await _live(lambda hub: console.room(hub, options["room"]))

    async def _close(self, options: dict[str, Any]) -> Any:
        return await _live(lambda hub: _each(options["room"], lambda room: console.close(hub, room, options["reason"])))

    async def _notice(self, options: dict[str, Any]) -> Any:
        async def tell(hub: Hub) -> Any:
            rooms = await console.all_rooms() if "all" in options["room"] else options["room"]
            return await _each(rooms, lambda room: console.notice(hub, room, options["message"]))

        return await _live(tell)

    async def _kick(self, options: dict[str, Any]) -> Any:
        return await _live(lambda hub: console.kick(hub, options["room"], options["name"]))

    async def _ban(self, options: dict[str, Any]) -> Any:
        room, name, days, why = (options[each] for each in ("room", "name", "days", "reason"))
        if room != "report":
            return await _live(lambda hub: console.ban(hub, room, name, days, why))
        if not name.isdecimal():
            raise CommandError(f"{name!r} is no number of a report.", returncode=2)
        return await _live(lambda hub: console.ban_reported(hub, int(name), days, why))

    async def _bans(self, options: dict[str, Any]) -> Any:
        if options["lift"] is not None:
            async with node.errand() as hub:
                await console.lift(hub, options["lift"])
        return await console.list_bans(options["all"])

    async def _reports(self, options: dict[str, Any]) -> Any:
        if options["report"] is not None:
            return await console.report(options["report"])
        return await console.reports(also_resolved=options["all"])


async def _live(work: Callable[[Hub], Awaitable[Any]]) -> Any:
    if not settings.REDIS_URL:
        raise CommandError(
            "This needs the live rooms. Without REDIS_URL they are in the memory of the server's process alone: "
            "use the moderators' pages, or set REDIS_URL as the server has it.",
            returncode=UNREACHABLE,
        )
    async with node.errand() as hub:
        return await work(hub)


async def _each(rooms: list[int], act: Callable[[int], Awaitable[None]]) -> list[dict[str, Any]]:
    """Do one thing to several rooms; in which it was done, and why not in the others."""
    went: list[dict[str, Any]] = []
    for room in rooms:
        try:
            await act(room)
            went.append({"room": room, "refused": None})
        except protocol.Refusal as problem:
            if problem.error == "unavailable":
                raise
            went.append({"room": room, "refused": _sentence(problem, {"room": room})})
    return went


def _sentence(problem: protocol.Refusal, options: dict[str, Any]) -> str:
    sentences = {
        "unavailable": f"The live rooms cannot be reached: Redis {getattr(problem, 'reason', 'lacks the room')}.",
        "room_not_found": f"No room {options.get('room')} is open.",
        "not_in_room": f"Nobody in room {options.get('room')} is called {options.get('name')}.",
    }
    return sentences.get(problem.error, f"It was refused: {problem.detail}.")


def _number(text: str) -> int:
    number = int(text)
    if not 0 < number < protocol.ID_LIMIT:
        raise ValueError(text)
    return number


def _number_or(word: str) -> Callable[[str], int | str]:
    def read(text: str) -> int | str:
        return text if text == word else _number(text)

    read.__name__ = f'number or "{word}"'
    return read


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days <= 36_500:
        raise ValueError(text)
    return days


def _said(text: str) -> str:
    if len(text) > NOTE_MAX:
        raise ValueError(text)
    return text


_number.__name__, _days.__name__, _said.__name__ = "number", "number of days", f"text of {NOTE_MAX} characters or less"

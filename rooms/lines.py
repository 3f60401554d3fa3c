"""What people do about a line that was said: take it back, react to it, report it.

Knows connections, models and the live store's operations; must not know consumers or the hub. What is here needs no
right but to be in the room; which line may be taken back by whom is the live store's to say.
"""

from datetime import timedelta
from typing import Any

import msgspec
from django.utils import timezone
from msgspec import UNSET

from rooms.conf import conf
from rooms.connection import Connection
from rooms.live.contract import refusal
from rooms.live.moderation import Actor, Quote, Quoted, React, Remove
from rooms.live.operations import Duplicate
from rooms.models import Report, Room
from rooms.port import Caller, clean_text, recorded
from rooms.protocol import (
    NOTE_MAX,
    ChatReact,
    ChatRemove,
    ChatReport,
    LineCommand,
    ReactionTaken,
    Removed,
    ReportTaken,
    encode,
)
from rooms.verbs import Doer, HubPort


async def carry_out(hub: HubPort, connection: Connection, command: LineCommand) -> None:
    """Do what somebody asks for about a line, and answer.

    Raises:
        Refusal: ``bad_field``, ``not_in_room``, ``not_host``, ``muted``, ``too_fast``, ``unavailable``.
    """
    note = clean_text(command.note or "", "note", NOTE_MAX) if isinstance(command, ChatReport) else ""
    caller = Caller(hub, connection, command)
    room_id, line, ref = command.roomID, command.line, command.ref or UNSET
    match command:
        case ChatRemove():
            made = await remove(caller, room_id, caller.actor, line)
            if made is not None:
                caller.repeat(made, Removed(room_id, line, "author", ref=ref))
        case ChatReact():
            key, visitor_id = caller.seat.key, connection.visitor.id
            # A ref of its own, because what it made is told later, with others, to all.
            own = f"react {command.ref}" if command.ref else ""
            await caller.do(React(room_id, key, visitor_id, line, command.reaction, command.on, own))
            connection.write(encode(ReactionTaken(room_id, line, command.reaction, command.on, ref=ref)))
        case ChatReport():
            await _report(caller, command, note)
            connection.write(encode(ReportTaken(room_id, line, ref=ref)))


async def remove(hub: Doer, room_id: int, actor: Actor, line: int) -> Duplicate | None:
    """Take a line back; the event answers.

    Args:
        hub: the hub.
        room_id: the room.
        actor: its author, the host or a moderator.
        line: its ``seq``.

    Returns:
        What the actor's ``ref`` made before, in place of doing it again.

    Raises:
        Refusal: as ``Remove``.
    """
    return await hub.do(Remove(room_id, actor, line))


async def _report(caller: Caller, command: ChatReport, note: str) -> None:
    """Keep a line, with those around it, for the moderators."""
    reporter, ref = caller.actor.visitor_id, command.ref or ""
    since = timezone.now() - timedelta(seconds=conf.ref_age)
    async with recorded("the report cannot be kept now; send it again with the same ref"):
        if ref and await Report.objects.filter(reporter=reporter, ref=ref, at__gt=since).aexists():
            return
    quoted = await caller.do(Quote(command.roomID, caller.seat.key, reporter, command.line))
    async with recorded("the report cannot be kept now; send it again with the same ref"):
        name = await Room.objects.filter(id=command.roomID).values_list("name", flat=True).afirst()
        wait = await Report.objects.add_report(
            Report(
                room_id=command.roomID,
                room_name=name or "",
                reason=command.reason,
                note=note,
                line=command.line,
                lines=_lines(quoted, command.line),
                nickname=quoted.nick,
                tag=quoted.tag,
                person=quoted.person,
                visitor=quoted.visitor_id,
                reporter=reporter,
                ref=ref,
            ),
            since,
        )
    if wait:
        raise refusal("too_fast", retryAfter=wait)


def _lines(quoted: Quoted, line: int) -> list[dict[str, Any]]:
    """What was said, without what was taken back since."""
    events: list[dict[str, Any]] = [msgspec.json.decode(text) for text in quoted.texts]
    return [
        {
            "nickName": event["nickname"],
            "tag": event["tag"],
            "message": event["message"],
            "at": event["at"],
            "reported": event["seq"] == line,
        }
        for event in events
        if event["type"] == "SERVER_CHAT_SEND"
    ]

"""What ``manage.py rooms`` shows and does, as plain data.

Knows models, the verbs of moderators and the live store's operations; must not know how it is asked or shown. Nothing
here holds a visitor's id.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from rooms import bans, moderation, names
from rooms.hub import Hub
from rooms.live.contract import RoomUnknown
from rooms.live.contract import refusal as store_refusal
from rooms.live.moderation import Inspect, Overview, Standing, Subject
from rooms.models import Ban, Block, Mute, Report, Room, database
from rooms.protocol import Refusal

Row = dict[str, Any]
AT_ONCE = 500
"""Of how many rooms the live store is asked in one step."""


# --- rooms -----------------------------------------------------------------------------------------------------------


async def rooms(hub: Hub, room_ids: Sequence[int] = ()) -> list[Row]:
    """How rooms are now, those with most people first.

    Args:
        hub: the way to the live rooms.
        room_ids: which; all when there are none.

    Raises:
        Refusal: ``unavailable``.
        DatabaseError: the database cannot be used.
    """
    async with database():
        chosen = Room.objects.select_related("host").order_by("created_at")
        found = [room async for room in (chosen.filter(id__in=room_ids) if room_ids else chosen)]
        waiting = Report.objects.open().order_by().values_list("room_id").annotate(Count("id"))
        reports = dict([pair async for pair in waiting])
    standings: dict[int, Standing] = {}
    for start in range(0, len(found), AT_ONCE):
        now: dict[int, Standing] = await hub.do(Overview(tuple(room.id for room in found[start : start + AT_ONCE])))
        standings |= now
    listed = [_room(room, standings.get(room.id), reports.get(room.id, 0)) for room in found]
    return sorted(listed, key=lambda row: -row["people"])


def _room(room: Room, now: Standing | None, reports: int) -> Row:
    return {
        "room": room.id,
        "name": room.name,
        "people": now.participants if now is not None else 0,
        "host": room.host.nickname if hasattr(room, "host") else None,
        "hostAway": now is not None and now.host_away,
        "locked": room.locked,
        "slow": room.slow,
        "topic": room.topic,
        "listed": room.listed,
        "openedAt": room.created_at,
        "reports": reports,
    }


async def room(hub: Hub, room_id: int) -> Row:
    """One room, with who is in it, who is kept out, and what was reported and waits.

    Raises:
        Refusal: ``room_not_found``, ``unavailable``.
        DatabaseError: the database cannot be used.
    """
    await check_open(room_id)
    people = await _people(hub, room_id)
    found = await rooms(hub, [room_id])
    if not found:
        raise store_refusal("room_not_found")
    async with database():
        muted = {mute.person: mute.until async for mute in Mute.objects.in_force().filter(room_id=room_id)}
        blocks = [block async for block in Block.objects.of(room_id)]
    members = [
        {"name": who.nick, "tag": who.tag, "connected": who.held, "mutedUntil": muted.get(who.person)} for who in people
    ]
    kept_out = [{"name": block.nickname, "tag": block.tag, "at": block.at} for block in blocks]
    return {**found[0], "members": members, "keptOut": kept_out, "openReports": await reports(room_id=room_id)}


async def _people(hub: Hub, room_id: int) -> tuple[Subject, ...]:
    try:
        return await hub.do(Inspect(room_id))
    except RoomUnknown:
        # It has a row, and nobody came since the live store was emptied.
        return ()


async def check_open(room_id: int) -> None:
    """See that a room is open.

    Raises:
        Refusal: ``room_not_found``.
        DatabaseError: the database cannot be used.
    """
    async with database():
        if not await Room.objects.filter(id=room_id).aexists():
            raise store_refusal("room_not_found")


async def all_rooms() -> list[int]:
    """The numbers of all open rooms.

    Raises:
        DatabaseError: the database cannot be used.
    """
    async with database():
        return [room_id async for room_id in Room.objects.order_by("created_at").values_list("id", flat=True)]


async def notice(hub: Hub, room_id: int, message: str) -> None:
    """Tell the people in a room something. Raises as ``room`` does, and ``bad_field``."""
    await check_open(room_id)
    await moderation.notice(hub, room_id, message)


async def close(hub: Hub, room_id: int, reason: str) -> None:
    """Close a room; a reason is told before. Raises as ``notice`` does."""
    await check_open(room_id)
    await moderation.close(hub, room_id, reason)


# --- people ----------------------------------------------------------------------------------------------------------


async def kick(hub: Hub, room_id: int, name: str) -> Row:
    """Put a person out of a room, who cannot come back to it; returns their name and tag.

    Raises:
        Refusal: ``room_not_found``, ``not_in_room``, ``unavailable``.
        DatabaseError: the database cannot be used.
    """
    await check_open(room_id)
    gone = await moderation.kick(hub, room_id, moderation.moderator(), names.key(name))
    return {"name": gone.nickName, "tag": gone.tag}


async def ban(hub: Hub, room_id: int, name: str, days: float, reason: str) -> Row:
    """Keep a person who is in a room away from the site.

    Args:
        hub: the way to the live rooms.
        room_id: the room.
        name: the person's in it, or one that looks like it.
        days: for how long, 0 for ever.
        reason: for moderators.

    Raises:
        Refusal: ``room_not_found``, ``not_in_room``, ``unavailable``.
        DatabaseError: the database cannot be used.
    """
    await check_open(room_id)
    key = names.key(name)
    who = next((subject for subject in await _people(hub, room_id) if subject.key == key), None)
    if who is None:
        raise store_refusal("not_in_room")
    made = await bans.ban(hub, who.visitor_id, reason, _end(days), room_id=room_id, person=who.person, tag=who.tag)
    return _ban(made)


async def ban_reported(hub: Hub, number: int, days: float, reason: str) -> Row:
    """Keep the author of a reported line away from the site, in the room or not; the report is resolved by it.

    Raises:
        Refusal: ``bad_field``, there is no such report; ``unavailable``.
        DatabaseError: the database cannot be used.
    """
    found = await _report(number)
    made = await bans.ban(
        hub, found.visitor, reason, _end(days), room_id=found.room_id, person=found.person, tag=found.tag
    )
    async with database():
        await Report.objects.resolve(number, Report.Resolution.BANNED, None)
    return _ban(made)


async def lift(hub: Hub, number: int) -> None:
    """End a ban.

    Raises:
        Refusal: ``bad_field``, it is not in force; ``unavailable``.
    """
    if await bans.lift(hub, number) is None:
        raise Refusal("bad_field", f"no ban {number} is in force")


async def list_bans(also_ended: bool) -> list[Row]:
    """The bans, the latest first.

    Raises:
        DatabaseError: the database cannot be used.
    """
    async with database():
        return [_ban(each) async for each in (Ban.objects.all() if also_ended else Ban.objects.in_force())]


def _end(days: float) -> datetime | None:
    return timezone.now() + timedelta(days=days) if days else None


def _ban(made: Ban) -> Row:
    about = {"ban": made.pk, "tag": made.tag, "room": made.room_id, "reason": made.reason}
    return {**about, "at": made.at, "until": made.until, "liftedAt": made.lifted_at}


# --- reports ---------------------------------------------------------------------------------------------------------


async def reports(room_id: int | None = None, also_resolved: bool = False) -> list[Row]:
    """What was reported, the latest first.

    Args:
        room_id: of one room only.
        also_resolved: those too of which something was made.

    Raises:
        DatabaseError: the database cannot be used.
    """
    chosen = Report.objects.all() if also_resolved else Report.objects.open()
    async with database():
        found = [each async for each in (chosen if room_id is None else chosen.filter(room_id=room_id))]
    return [_short(each) for each in found]


async def report(number: int) -> Row:
    """One report, with its lines.

    Raises:
        Refusal: ``bad_field``, there is none.
        DatabaseError: the database cannot be used.
    """
    found = await _report(number)
    return {**_short(found), "lines": found.lines}


async def _report(number: int) -> Report:
    async with database():
        found = await Report.objects.filter(id=number).afirst()
    if found is None:
        raise Refusal("bad_field", f"there is no report {number}")
    return found


def _short(found: Report) -> Row:
    return {
        "report": found.pk,
        "at": found.at,
        "room": found.room_id,
        "roomName": found.room_name,
        "reason": found.reason,
        "name": found.nickname,
        "tag": found.tag,
        "message": _reported(found.lines),
        "note": found.note,
        "resolution": found.resolution or None,
    }


def _reported(lines: Iterable[Row]) -> str:
    return next((line["message"] for line in lines if line.get("reported")), "")

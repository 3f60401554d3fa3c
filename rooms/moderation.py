"""What hosts and moderators do to a room and its people, a verb each.

Knows models and the live store's operations; must not know connections, sockets, the hub or whose account a moderator
has: who acts is an ``Actor``. What must outlive the live store's memory is looked at there first, then written to the
database, then carried out there. If it is refused then after all, the database is as it was before.
"""

import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import Error as DatabaseError

from rooms import names, services
from rooms.conf import conf
from rooms.live import moderation as live
from rooms.live.contract import RoomUnknown, refusal
from rooms.live.moderation import Actor, Examine, Examined, Kick, Lift, Subject
from rooms.live.operations import AnswerT, BeginDelete, Duplicate, Operation
from rooms.models import Block, Host, Mute, Room, database
from rooms.port import clean_text, recorded
from rooms.protocol import BLOCKS_MAX, NOTICE_MAX, BlockedPerson, Member, Refusal
from rooms.verbs import Doer

_LATER = "this cannot be written down now; send it again with the same ref"


def moderator() -> Actor:
    """A moderator, for one thing that they do."""
    return Actor(ref=secrets.token_hex(8))


async def examine(hub: Doer, room_id: int, actor: Actor, target: str | None = None, heir: bool = False) -> Examined:
    """Carry out ``Examine``, for a moderator also in a room that the live store has lost."""
    examine = Examine(room_id, actor, target, heir)
    # A room that a host is in has people: the keeper is putting all of them back.
    return await hub.do(examine) if actor.key else await _do_by_moderator(hub, room_id, examine)


async def _do_by_moderator(hub: Doer, room_id: int, operation: Operation[AnswerT]) -> AnswerT:
    """Carry out an operation of a moderator, also in a room that the live store has lost."""
    try:
        return await hub.do(operation)
    except RoomUnknown:
        await services.reopen(hub, room_id)
        return await hub.do(operation)


async def _carry_out(hub: Doer, operation: Operation[AnswerT], undo: Callable[[], Awaitable[object]]) -> AnswerT:
    """Do what has been written down; ``undo`` takes that back when it is refused.

    With ``unavailable`` nobody knows whether it was carried out. It stays written down then, as it was asked for; the
    same command, sent again, completes it, and so does a live store that has forgotten the room.
    """
    try:
        return await hub.do(operation)
    except Refusal as problem:
        if problem.error != "unavailable":
            with contextlib.suppress(DatabaseError):
                async with database():
                    await undo()
        raise


def _found(examined: Examined) -> Subject:
    assert examined.subject is not None
    return examined.subject


# --- people ----------------------------------------------------------------------------------------------------------


async def kick(hub: Doer, room_id: int, actor: Actor, target: str) -> Member:
    """Put a person out of a room, under all their names, until that is lifted; the host's going closes it.

    Args:
        hub: the hub.
        room_id: the room.
        actor: the host or a moderator.
        target: the name key of the person.

    Returns:
        The person as others saw them.

    Raises:
        Refusal: as ``Examine``, or ``unavailable``.
    """
    examined = await examine(hub, room_id, actor, target)
    if examined.made is not None:
        return await _kicked_before(room_id, target, examined.made)
    who = _found(examined)
    async with recorded(_LATER):
        surplus = await Block.objects.keep_out(room_id, who.person, who.nick, who.tag)
    for person in surplus:
        await hub.do(Lift(room_id, Actor(), person))
    kick = Kick(room_id, actor, target, who.visitor_id, address_for=int(conf.kick_address * 1000))
    kicked = await _carry_out(hub, kick, Block.objects.filter(room_id=room_id, person=who.person).adelete)
    if kicked.closing:
        await services.finish_delete(hub, room_id)
    return Member(who.nick, who.tag)


async def _kicked_before(room_id: int, target: str, made: Duplicate) -> Member:
    """Whom the same ``ref`` put out before: as the event said, or if it is no longer kept, the list of blocks."""
    if made.text:
        event: dict[str, Any] = msgspec.json.decode(made.text)
        if event["type"] != "SERVER_ROOM_EXIT":
            raise Refusal("bad_field", "the ref is that of another command", field="ref")
        return Member(event["nickName"], event["tag"])
    async with recorded(_LATER):
        async for block in Block.objects.of(room_id):
            if names.key(block.nickname) == target:
                return Member(block.nickname, block.tag)
    raise refusal("not_in_room", field="target")


async def blocks(hub: Doer, room_id: int, actor: Actor) -> list[BlockedPerson]:
    """Who was put out of a room and cannot come back, the latest first.

    Raises:
        Refusal: as ``Examine``, or ``unavailable``.
    """
    await examine(hub, room_id, actor)
    async with recorded("the list cannot be read now; send it again"):
        found = [block async for block in Block.objects.of(room_id)[:BLOCKS_MAX]]
    return [BlockedPerson(block.nickname, block.tag, int(block.at.timestamp() * 1000)) for block in found]


async def lift(hub: Doer, room_id: int, actor: Actor, tag: str) -> None:
    """Let a person who was put out come back.

    Args:
        hub: the hub.
        room_id: the room.
        actor: the host or a moderator.
        tag: the person's, as the list of blocks has it.

    Raises:
        Refusal: as ``Examine``; ``bad_field``, nobody with the tag is kept out; or ``unavailable``.
    """
    # A ref of its own, because what it made is a number and no event.
    actor = msgspec.structs.replace(actor, ref=f"lift {actor.ref}")
    examined = await examine(hub, room_id, actor)
    if examined.made is not None:
        lifted = examined.made.seq
    else:
        async with recorded(_LATER):
            block = await Block.objects.with_tag(room_id, tag)
        if block is None:
            raise Refusal("bad_field", "nobody with this tag is kept out", field="tag")
        lifted = block.id
        await hub.do(Lift(room_id, actor, block.person, lifted))
    # Last, so that the same command, sent again, completes it whatever failed; a later block has another number.
    async with recorded(_LATER):
        await Block.objects.filter(id=lifted, room_id=room_id).adelete()


async def mute(hub: Doer, room_id: int, actor: Actor, target: str, seconds: int) -> Duplicate | None:
    """Let a person say nothing for a time, under whatever name; the event answers.

    Args:
        hub: the hub.
        room_id: the room.
        actor: the host or a moderator.
        target: the name key of the person.
        seconds: for how long, 0 to lift it.

    Returns:
        What the actor's ``ref`` made before, in place of doing it again.

    Raises:
        Refusal: as ``Examine``, or ``unavailable``.
    """
    examined = await examine(hub, room_id, actor, target)
    if examined.made is not None:
        return examined.made
    who = _found(examined)
    until = int(time.time() * 1000) + seconds * 1000 if seconds else 0
    async with recorded(_LATER):
        before = await Mute.objects.filter(room_id=room_id, person=who.person).afirst()
        if until:
            end = datetime.fromtimestamp(until / 1000, UTC)
            await Mute.objects.mute(room_id, who.person, who.nick, who.tag, end)
        else:
            await Mute.objects.unmute(room_id, who.person)

    async def undo() -> None:
        await Mute.objects.unmute(room_id, who.person)
        if before is not None:
            await Mute.objects.mute(room_id, before.person, before.nickname, before.tag, before.until)

    return await _carry_out(hub, live.Mute(room_id, actor, target, until, who.visitor_id), undo)


async def transfer(hub: Doer, room_id: int, actor: Actor, target: str) -> Duplicate | None:
    """Make another person the host; the event answers.

    Args:
        hub: the hub.
        room_id: the room.
        actor: the host or a moderator.
        target: the name key of the heir, whom a connection must hold.

    Returns:
        What the actor's ``ref`` made before, in place of doing it again.

    Raises:
        Refusal: as ``Examine``; ``too_many_rooms``, the heir hosts as many as allowed; or ``unavailable``.
    """
    examined = await examine(hub, room_id, actor, target, heir=True)
    if examined.made is not None:
        return examined.made
    heir, most = _found(examined), conf.rooms_per_visitor
    async with recorded(_LATER):
        host = await Host.objects.filter(room_id=room_id).afirst()
        if host is None:
            raise refusal("not_host")
        try:
            given = await Host.objects.transfer(room_id, host.visitor, heir.visitor_id, heir.nick, heir.tag, most)
        except Host.DoesNotExist:
            raise refusal("not_host") from None
    if not given:
        raise Refusal("too_many_rooms", f"a visitor hosts at most {most} rooms")

    async def undo() -> None:
        back = {"visitor": host.visitor, "nickname": host.nickname, "tag": host.tag}
        await Host.objects.filter(room_id=room_id, visitor=heir.visitor_id).aupdate(**back)

    return await _carry_out(hub, live.Transfer(room_id, actor, target, int(conf.grace * 1000), heir.visitor_id), undo)


# --- rooms -----------------------------------------------------------------------------------------------------------


async def change(hub: Doer, room_id: int, actor: Actor, **rule: Any) -> Duplicate | None:
    """Change how a room is; the event answers.

    Args:
        hub: the hub.
        room_id: the room.
        actor: the host or a moderator.
        rule: exactly one of ``locked``, ``slow`` (seconds) and ``topic`` (cleaned).

    Returns:
        What the actor's ``ref`` made before, in place of doing it again.

    Raises:
        Refusal: as ``Examine``, or ``unavailable``.
    """
    examined = await examine(hub, room_id, actor)
    if examined.made is not None:
        return examined.made
    async with recorded(_LATER):
        before = await Room.objects.filter(id=room_id).values(*rule).afirst()
        if before is None or not await Room.objects.set_rules(room_id, **rule):
            raise refusal("room_not_found")

    async def undo() -> None:
        await Room.objects.set_rules(room_id, **before)

    return await _carry_out(hub, live.Change(room_id, actor, **rule), undo)


async def notice(hub: Doer, room_id: int, message: str) -> None:
    """Tell the people in a room what the moderators say.

    Raises:
        Refusal: ``bad_field``, ``room_not_found`` or ``unavailable``.
    """
    said = clean_text(message, "message", NOTICE_MAX)
    if not said:
        raise Refusal("bad_field", "message: it is empty", field="message")
    await _do_by_moderator(hub, room_id, live.Notice(room_id, secrets.token_hex(8), said))


async def close(hub: Doer, room_id: int, message: str = "") -> None:
    """Close a room; the people in it are told why before, if ``message`` says so.

    Raises:
        Refusal: ``bad_field`` or ``unavailable``.
    """
    if message:
        try:
            await notice(hub, room_id, message)
        except Refusal as problem:
            if problem.error != "room_not_found":
                raise
    try:
        await hub.do(BeginDelete(room_id, "moderator"))
    except Refusal as problem:
        # Nobody is in it, or it is closing already.
        if problem.error != "room_not_found" and not isinstance(problem, RoomUnknown):
            raise
    await services.finish_delete(hub, room_id)

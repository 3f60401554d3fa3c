"""How the admin, whose pages run in threads, gets at the live rooms: in the event loop of the server's own process.

Knows the node, the verbs and the live store's operations; must not know forms, pages or accounts.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from asgiref.sync import async_to_sync

from rooms import bans, lines, moderation, node, services
from rooms.hub import Hub
from rooms.live.contract import RoomUnknown
from rooms.live.contract import refusal as store_refusal
from rooms.live.moderation import Inspect, Overview, Standing, Subject
from rooms.protocol import Refusal

T = TypeVar("T")

Verb = Callable[[Hub, int, dict[str, Any]], Awaitable[object]]
"""Something that is done to a room, with what its form holds."""


def run(work: Callable[[Hub], Awaitable[T]]) -> T:
    """Carry something out where the node lives, and wait for it.

    Raises:
        Refusal: it was refused; ``unavailable`` when the live store or the database is away.
    """

    async def in_the_loop() -> T:
        here = node.current()
        # Tags and ids are made with the installation's key.
        if not await here.ready():
            raise Refusal("unavailable", "the database cannot be used")
        return await work(here.hub)

    return async_to_sync(in_the_loop)()


def each(verb: Verb, room_ids: Iterable[int], values: dict[str, Any]) -> dict[int, Refusal | None]:
    """Do one thing to several rooms, one after the other; how each went, None where it was done."""

    async def work(hub: Hub) -> dict[int, Refusal | None]:
        went: dict[int, Refusal | None] = {}
        for room_id in room_ids:
            try:
                await verb(hub, room_id, values)
                went[room_id] = None
            except Refusal as problem:
                went[room_id] = problem
                if problem.error == "unavailable":
                    # It would take as long to find that out for each of the others.
                    break
        return went

    return run(work)


def overview(room_ids: Iterable[int]) -> dict[int, Standing] | None:
    """How rooms are now; None while the live store is away."""
    try:
        return run(lambda hub: hub.do(Overview(tuple(room_ids))))
    except Refusal:
        return None


def people(room_id: int) -> tuple[Subject, ...] | None:
    """Who is in a room now; None while the live store is away."""
    try:
        return run(lambda hub: hub.do(Inspect(room_id)))
    except RoomUnknown:
        return ()
    except Refusal as problem:
        return () if problem.error == "room_not_found" else None


def open_live(room_id: int) -> None:
    """Open a room that was just written; without the live store the keeper does it later."""
    try:
        run(lambda hub: services.reopen(hub, room_id))
    except Refusal:
        return


async def to_person(hub: Hub, room_id: int, person: str, verb: Verb, values: dict[str, Any]) -> None:
    """Do something to a person who is known as their room knows them, whatever name they have now.

    Raises:
        Refusal: ``not_in_room``, and what the verb raises.
    """
    for subject in await hub.do(Inspect(room_id)):
        if subject.person == person:
            await verb(hub, room_id, {**values, "target": subject.key})
            return
    raise store_refusal("not_in_room")


# --- the verbs as forms ask for them ---------------------------------------------------------------------------------


async def notice(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Tell a room something."""
    await moderation.notice(hub, room_id, values["message"])


async def close(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Close a room; the reason is told before."""
    await moderation.close(hub, room_id, values.get("reason", ""))


async def lock(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Let nobody new into a room."""
    await moderation.change(hub, room_id, moderation.moderator(), locked=True)


async def unlock(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Let people into a room again."""
    await moderation.change(hub, room_id, moderation.moderator(), locked=False)


async def slow(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Let people say one line in so many seconds."""
    await moderation.change(hub, room_id, moderation.moderator(), slow=values["seconds"])


async def topic(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Give a room another topic, or none."""
    await moderation.change(hub, room_id, moderation.moderator(), topic=values["topic"])


async def kick(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Put a person out of a room."""
    await moderation.kick(hub, room_id, moderation.moderator(), values["target"])


async def mute(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Let a person say nothing, or again."""
    await moderation.mute(hub, room_id, moderation.moderator(), values["target"], values["seconds"])


async def unmute(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Let a person speak again."""
    await moderation.mute(hub, room_id, moderation.moderator(), values["target"], 0)


async def lift(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Let a person who was put out come back."""
    await moderation.lift(hub, room_id, moderation.moderator(), values["tag"])


async def ban(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Keep a person who is in a room away from the site."""
    for subject in await hub.do(Inspect(room_id)):
        if subject.key == values["target"]:
            known = {"visitor": subject.visitor_id, "person": subject.person, "tag": subject.tag}
            await ban_author(hub, room_id, {**values, **known})
            return
    raise store_refusal("not_in_room")


async def ban_author(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Keep the author of a reported line away from the site, in the room or not."""
    who = {name: values[name] for name in ("visitor", "person", "tag", "reason", "by")}
    await bans.ban(hub, **who, until=values.get("until"), room_id=room_id)


async def remove(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Take a line back."""
    await lines.remove(hub, room_id, moderation.moderator(), values["line"])


async def lift_ban(hub: Hub, ban_id: int, values: dict[str, Any]) -> None:
    """End a ban."""
    await bans.lift(hub, ban_id)

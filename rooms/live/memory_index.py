"""What lists say of the rooms in memory, and of their members.

Knows the contract and the rooms; must not know how they change.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from rooms.live.contract import Lobby, LobbyRoom, RoomIndex
from rooms.live.memory_room import MemoryRoom, RoomMember
from rooms.live.operations import Create, Rules


def lobby(rooms: Collection[MemoryRoom], most: int, places: int, share: int) -> Lobby:
    """``LiveStore.lobby``; of so many first ``places`` an address has at most its ``share``."""
    listed = [room for room in rooms if room.listed and room.deletion is None]
    listed.sort(key=lambda room: (-len(room.members), room.created_at, room.id))
    front, later = _first_places(listed, places, share)
    taken = {room.id for room in front}
    rest = [room for room in listed if room.id not in taken]
    return Lobby([_row(room, room.id in later) for room in [*front, *rest][:most]], len(listed))


def _first_places(listed: Sequence[MemoryRoom], places: int, share: int) -> tuple[list[MemoryRoom], set[int]]:
    """The rooms that stand first, and those that stand after them because too many were opened where they were."""
    front: list[MemoryRoom] = []
    later: set[int] = set()
    groups: dict[str, str] = {}
    shares: Counter[str] = Counter()
    for room in listed:
        if len(front) == places:
            break
        if room.opener is not None:
            # The same address has another name each day, and knows the one of the day before.
            name, before = room.opener.name, room.opener.before
            group = groups.get(name) or groups.get(before) or name
            groups[name] = groups[before or name] = group
            if shares[group] == share:
                later.add(room.id)
                continue
            shares[group] += 1
        front.append(room)
    return front, later


def list_rooms(rooms: Collection[MemoryRoom], before: int) -> RoomIndex:
    """``LiveStore.list_rooms``; the deletions that began until ``before`` are told."""
    return RoomIndex(
        {room.id for room in rooms if room.deletion is None},
        {room.id for room in rooms if room.deletion is not None and room.deletion.at <= before},
    )


def describe(room: MemoryRoom, now: int) -> Create | None:
    """``LiveStore.describe``."""
    if room.deletion is not None:
        return None
    muted = sorted((person, until) for person, until in room.rules.muted.items() if until > now)
    rules = Rules(room.rules.topic, room.rules.locked, room.rules.slow, tuple(sorted(room.rules.blocked)), tuple(muted))
    return Create(room.id, room.name, room.listed, room.created_at, room.host, held=False, rules=rules)


def due(rooms: Collection[MemoryRoom], now: int) -> list[tuple[MemoryRoom, RoomMember]]:
    """The members who are waited for no longer, in the order of their deadlines."""
    waiting = [
        (member.deadline, room, member)
        for room in rooms
        for member in room.members.values()
        if member.deadline is not None and member.deadline <= now
    ]
    waiting.sort(key=lambda each: (each[0], f"{each[1].id}:{each[2].person.key}".encode()))
    return [(room, member) for _, room, member in waiting]


def _row(room: MemoryRoom, later: bool) -> LobbyRoom:
    host = room.host.nick if room.host else ""
    about = (room.id, room.name, host, len(room.members), room.rules.locked, room.created_at)
    return LobbyRoom(*about, room.rules.topic, later)

"""What lists say of the rooms in memory, and of their members.

Knows the contract and the rooms; must not know how they change.
"""

from collections.abc import Collection

from rooms.live.contract import Lobby, LobbyRoom, RoomIndex
from rooms.live.memory_room import MemoryRoom, RoomMember
from rooms.live.operations import Create


def lobby(rooms: Collection[MemoryRoom], most: int) -> Lobby:
    """``LiveStore.lobby``."""
    listed = [room for room in rooms if room.listed and room.deletion is None]
    listed.sort(key=lambda room: (-len(room.members), room.created_at, room.id))
    return Lobby([_row(room) for room in listed[:most]], len(listed))


def list_rooms(rooms: Collection[MemoryRoom], before: int) -> RoomIndex:
    """``LiveStore.list_rooms``; the deletions that began until ``before`` are told."""
    return RoomIndex(
        {room.id for room in rooms if room.deletion is None},
        {room.id for room in rooms if room.deletion is not None and room.deletion.at <= before},
    )


def describe(room: MemoryRoom) -> Create | None:
    """``LiveStore.describe``."""
    if room.deletion is not None:
        return None
    return Create(room.id, room.name, room.listed, room.created_at, room.host, held=False)


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


def _row(room: MemoryRoom) -> LobbyRoom:
    host = room.host.nick if room.host else ""
    return LobbyRoom(room.id, room.name, host, len(room.members), room.locked, room.created_at)

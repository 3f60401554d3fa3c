"""What a host asks for over a socket: each command's form is looked at, the verb carried out, the answer written.

Knows connections and the verbs of ``moderation``; must not know models, the live store or the hub.
"""

from msgspec import UNSET

from rooms import moderation, names, words
from rooms.connection import Connection
from rooms.live.operations import Duplicate
from rooms.port import Caller, clean_text
from rooms.protocol import (
    TOPIC_MAX,
    USER_NAME_MAX,
    BlockLift,
    BlockLifted,
    BlockList,
    BlocksListed,
    HostCommand,
    HostTransfer,
    HostTransferred,
    Locked,
    MemberKick,
    MemberKicked,
    MemberMute,
    Muted,
    Refusal,
    RoomEvent,
    RoomLock,
    RoomSlow,
    RoomTopic,
    Slowed,
    TopicSet,
    encode,
)
from rooms.verbs import HubPort


async def carry_out(hub: HubPort, connection: Connection, command: HostCommand) -> None:
    """Do what a host asks for, and answer.

    Raises:
        Refusal: in this order ``bad_field``, ``not_in_room``, ``not_host``, ``not_in_room`` or ``bad_field`` with
            ``field`` ``target``; ``not_allowed``, ``too_many_rooms``, ``unavailable``.
    """
    topic = clean_text(command.topic, "topic", TOPIC_MAX, one_line=True) if isinstance(command, RoomTopic) else ""
    target = _target(command.target) if isinstance(command, MemberKick | MemberMute | HostTransfer) else ""
    caller = Caller(hub, connection, command)
    room_id, actor, key, ref = command.roomID, caller.actor, names.key(target), command.ref or UNSET
    match command:
        case MemberKick():
            out = await moderation.kick(caller, room_id, actor, key)
            connection.write(encode(MemberKicked(room_id, out.nickName, out.tag, ref=ref)))
        case BlockList():
            blocks = await moderation.blocks(caller, room_id, actor)
            connection.write(encode(BlocksListed(room_id, blocks, ref=ref)))
        case BlockLift():
            await moderation.lift(caller, room_id, actor, command.tag)
            connection.write(encode(BlockLifted(room_id, command.tag, ref=ref)))
        case MemberMute():
            made = await moderation.mute(caller, room_id, actor, key, command.seconds)
            _answer(caller, made, Muted(room_id, target, "", 0, "host", ref=ref))
        case HostTransfer():
            made = await moderation.transfer(caller, room_id, actor, key)
            _answer(caller, made, HostTransferred(room_id, target, "", "host", ref=ref))
        case RoomLock():
            made = await moderation.change(caller, room_id, actor, locked=command.locked)
            _answer(caller, made, Locked(room_id, command.locked, "host", ref=ref))
        case RoomSlow():
            made = await moderation.change(caller, room_id, actor, slow=command.seconds)
            _answer(caller, made, Slowed(room_id, command.seconds, "host", ref=ref))
        case RoomTopic():
            await _check_words(caller, room_id, topic)
            made = await moderation.change(caller, room_id, actor, topic=topic)
            _answer(caller, made, TopicSet(room_id, topic, "host", ref=ref))


def _answer(caller: Caller, made: Duplicate | None, event: RoomEvent) -> None:
    """The event is the answer: a new one comes with the room's, one that was made before to the caller only."""
    if made is not None:
        caller.repeat(made, event)


def _target(text: str) -> str:
    """The name of the person to whom something is to be done.

    Raises:
        Refusal: ``bad_field``, it is no name.
    """
    try:
        return names.clean(text, USER_NAME_MAX)
    except ValueError as problem:
        raise Refusal("bad_field", f"target: {problem}", field="target") from None


async def _check_words(caller: Caller, room_id: int, topic: str) -> None:
    try:
        words.check_topic(topic)
    except words.NotAllowed as problem:
        # A guest is told that they are no host, and nothing of the operator's words.
        await moderation.examine(caller, room_id, caller.actor)
        raise Refusal("not_allowed", str(problem)) from None

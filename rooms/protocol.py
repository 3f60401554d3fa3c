"""The wire protocol: the messages as typed structs, decoding, encoding, error codes.

Knows docs/protocol.md and nothing else; must not know Django, Channels or the rest of ``rooms``. What comes in is a
*command* (imperative), what a caller gets back an *answer*, and what a room is told an *event* (past): three different
things, though an answer and an event may have the same ``type`` on the wire. Field names are the wire's, to the letter.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NoReturn, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

FRAME_MAX = 4096
"""Bytes of UTF-8 in one frame from a client."""
ROOM_NAME_MAX = 30
USER_NAME_MAX = 10
MESSAGE_MAX = 128
TOPIC_MAX = 80
NOTE_MAX = 200
NOTICE_MAX = 200
"""Code points after NFC and trimming (see ``names``)."""
PROTOCOL_VERSION = "1"
PING_SECONDS = 10
MUTE_MAX = 86_400
"""Seconds that a mute lasts at most."""
SLOW_MAX = 300
"""Seconds between two lines of a visitor in slow mode, at most."""
BLOCKS_MAX = 500
"""How many visitors a room keeps out; beyond that the oldest may come back."""
REPORTS_MAX = 5
"""How many lines a visitor may report in ten minutes."""
QUOTED = 4
"""How many lines on either side of a reported one are reported with it."""
MEMBERS_MAX = 200
"""How many people a join's answer lists."""
ID_LIMIT = 2**53

ErrorCode = Literal[
    "bad_frame",
    "bad_json",
    "unknown_type",
    "bad_field",
    "room_not_found",
    "room_name_taken",
    "room_full",
    "name_taken",
    "name_not_allowed",
    "not_in_room",
    "not_host",
    "banned",
    "room_locked",
    "muted",
    "not_allowed",
    "too_fast",
    "too_many_rooms",
    "unavailable",
]
ERRORS: tuple[ErrorCode, ...] = get_args(ErrorCode)

CLOSE_RESTART = 4001
CLOSE_SLOW = 4002
CLOSE_LOST = 4004
CLOSE_CROWDED = 4005
CLOSE_BANNED = 4500
CLOSE_FLOODING = 4501
CLOSE_TOO_MANY = 4502

RoomID = Annotated[int, Meta(ge=1, lt=ID_LIMIT)]
Seq = Annotated[int, Meta(ge=0, lt=ID_LIMIT)]
Ref = Annotated[str, Meta(min_length=1, max_length=36)]
Token = Annotated[str, Meta(max_length=200)]
Tag = Annotated[str, Meta(min_length=1, max_length=6)]
Reaction = Literal["like", "heart", "laugh", "wow", "sad", "clap"]
REACTIONS: tuple[Reaction, ...] = get_args(Reaction)
ReportReason = Literal["abuse", "sexual", "spam", "privacy", "other"]
REPORT_REASONS: tuple[ReportReason, ...] = get_args(ReportReason)


class Refusal(Exception):
    """A command that was understood and is not carried out.

    Args:
        error: one of ``ERRORS``.
        detail: one English sentence for developers.
        extra: further fields of the answer (``field``, ``retryAfter``, ``roomID``).
    """

    def __init__(self, error: ErrorCode, detail: str, **extra: Any) -> None:
        super().__init__(error, detail)
        self.error = error
        self.detail = detail
        self.extra = extra


class BadCommand(Exception):
    """A frame that is no command; ``answer`` is the whole text to send back."""

    def __init__(self, answer: str) -> None:
        super().__init__("bad command")
        self.answer = answer


class BadField(BadCommand):
    """A command with a field that is missing or not what it must be.

    Args:
        answer: the answer, echoing no text, because which texts are valid is not known here.
        command: the command, with ``0`` or ``""`` in the place of what is wrong; ``refusal`` makes the full answer.
        problem: what is wrong.
        wrong: the names of all fields that are.
    """

    def __init__(self, answer: str, command: "Command", problem: Refusal, wrong: Sequence[str] = ()) -> None:
        super().__init__(answer)
        self.command = command
        self.problem = problem
        self.wrong = wrong


# --- commands: what a client asks for --------------------------------------------------------------------------------


class Command(Struct, frozen=True, tag_field="type"):
    """What every command may carry; ``answer`` is the type of its answer, ``echoed`` the seed's fields of it."""

    answer: ClassVar[str] = ""
    echoed: ClassVar[dict[str, str | int]] = {}


class RoomCreate(Command, frozen=True, tag="CLIENT_ROOM_CREATE"):
    """Open a room and be in it as its host."""

    answer = "SERVER_ROOM_CREATE"
    echoed = {"roomID": 0, "roomName": ""}

    roomName: str
    userName: str
    listed: bool | None = True
    token: Token | None = None
    ref: Ref | None = None


class RoomDelete(Command, frozen=True, tag="CLIENT_ROOM_DELETE"):
    """End a room; its host's command."""

    answer = "SERVER_ROOM_DELETE"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    ref: Ref | None = None


class RoomJoin(Command, frozen=True, tag="CLIENT_ROOM_JOIN"):
    """Enter a room, or come back to it."""

    answer = "SERVER_ROOM_JOIN"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    after: Seq | None = None
    token: Token | None = None
    ref: Ref | None = None


class RoomExit(Command, frozen=True, tag="CLIENT_ROOM_EXIT"):
    """Take this connection out of a room."""

    answer = "SERVER_ROOM_EXIT"
    echoed = {"roomID": 0, "nickName": ""}

    roomID: RoomID
    userName: str
    ref: Ref | None = None


class ChatSend(Command, frozen=True, tag="CLIENT_CHAT_SEND"):
    """Say something in a room."""

    answer = "SERVER_CHAT_SEND"
    echoed = {"roomID": 0, "nickname": "", "message": ""}

    roomID: RoomID
    userName: str
    message: str
    replyTo: Seq | None = None
    ref: Ref | None = None


class RoomList(Command, frozen=True, tag="CLIENT_ROOM_LIST"):
    """Ask for the open listed rooms, and whether to be told of changes."""

    answer = "SERVER_ROOM_LIST"

    watch: bool | None = False
    ref: Ref | None = None


class MemberKick(Command, frozen=True, tag="CLIENT_MEMBER_KICK"):
    """Put a person out of the room, who cannot come back until that is lifted; the host's command."""

    answer = "SERVER_MEMBER_KICK"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    target: str
    ref: Ref | None = None


class BlockList(Command, frozen=True, tag="CLIENT_BLOCK_LIST"):
    """Ask who was put out and cannot come back; the host's command."""

    answer = "SERVER_BLOCK_LIST"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    ref: Ref | None = None


class BlockLift(Command, frozen=True, tag="CLIENT_BLOCK_LIFT"):
    """Let a person who was put out come back; the host's command."""

    answer = "SERVER_BLOCK_LIFT"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    tag: Tag
    ref: Ref | None = None


class MemberMute(Command, frozen=True, tag="CLIENT_MEMBER_MUTE"):
    """Let a person say nothing for so many seconds, 0 lifting it; the host's command."""

    answer = "SERVER_MEMBER_MUTE"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    target: str
    seconds: Annotated[int, Meta(ge=0, le=MUTE_MAX)]
    ref: Ref | None = None


class RoomLock(Command, frozen=True, tag="CLIENT_ROOM_LOCK"):
    """Let nobody new in, or let people in again; the host's command."""

    answer = "SERVER_ROOM_LOCK"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    locked: bool
    ref: Ref | None = None


class RoomSlow(Command, frozen=True, tag="CLIENT_ROOM_SLOW"):
    """Let each visitor say one line in so many seconds, 0 ending it; the host's command."""

    answer = "SERVER_ROOM_SLOW"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    seconds: Annotated[int, Meta(ge=0, le=SLOW_MAX)]
    ref: Ref | None = None


class RoomTopic(Command, frozen=True, tag="CLIENT_ROOM_TOPIC"):
    """Say what the room is about; the host's command."""

    answer = "SERVER_ROOM_TOPIC"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    topic: str
    ref: Ref | None = None


class HostTransfer(Command, frozen=True, tag="CLIENT_HOST_TRANSFER"):
    """Make another person the host; the host's command."""

    answer = "SERVER_HOST_TRANSFER"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    target: str
    ref: Ref | None = None


class ChatRemove(Command, frozen=True, tag="CLIENT_CHAT_REMOVE"):
    """Take a line back: one's own for five minutes, the host any."""

    answer = "SERVER_CHAT_REMOVE"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    line: Seq
    ref: Ref | None = None


class ChatReact(Command, frozen=True, tag="CLIENT_CHAT_REACT"):
    """Put a reaction under a line, or take it away."""

    answer = "SERVER_CHAT_REACT"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    line: Seq
    reaction: Reaction
    on: bool
    ref: Ref | None = None


class ChatReport(Command, frozen=True, tag="CLIENT_CHAT_REPORT"):
    """Tell the moderators of a line."""

    answer = "SERVER_CHAT_REPORT"
    echoed = {"roomID": 0}

    roomID: RoomID
    userName: str
    line: Seq
    reason: ReportReason
    note: str | None = None
    ref: Ref | None = None


TEXT_FIELDS = {
    "roomName": ROOM_NAME_MAX,
    "userName": USER_NAME_MAX,
    "message": MESSAGE_MAX,
    "target": USER_NAME_MAX,
    "topic": TOPIC_MAX,
    "note": NOTE_MAX,
}
"""The fields whose text has rules beyond its type, with their limits in code points."""


class Hello(Command, frozen=True, tag="CLIENT_HELLO"):
    """Ask for the server's limits, and say with a token who one was before."""

    answer = "SERVER_HELLO"

    token: Token | None = None
    ref: Ref | None = None


HostCommand = MemberKick | BlockList | BlockLift | MemberMute | RoomLock | RoomSlow | RoomTopic | HostTransfer
LineCommand = ChatRemove | ChatReact | ChatReport
AnyCommand = (
    Hello | RoomCreate | RoomDelete | RoomJoin | RoomExit | ChatSend | RoomList
    | MemberKick | BlockList | BlockLift | MemberMute | RoomLock | RoomSlow | RoomTopic | HostTransfer
    | ChatRemove | ChatReact | ChatReport
)  # fmt: skip
COMMANDS: dict[str, type[Command]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyCommand)}


# --- answers: what the caller alone gets -----------------------------------------------------------------------------


class Member(Struct, frozen=True):
    """One person in a room, as others see them."""

    nickName: str
    tag: str


class Greeting(Struct, frozen=True, tag="SERVER_HELLO"):
    """What a client needs to know of the server before it does anything.

    Args:
        version: of the protocol.
        server: the program and its version.
        limits: every limit that a client can run into, its unit in the name, and ``costs``: what costs how many of the
            tokens of ``commandBurst``.
        pingSeconds: how often the server pings a connection; one that does not answer for as long is closed.
    """

    version: str
    server: str
    limits: dict[str, int | float | dict[str, int]]
    pingSeconds: int
    status: bool = True
    token: str | UnsetType = UNSET
    ref: str | UnsetType = UNSET


class RoomState(Struct, frozen=True):
    """A room as somebody who comes in finds it, filled by the live store.

    Args:
        members: at most ``MEMBERS_MAX``, those who have been in longest first.
        slow: seconds between two lines of a visitor in slow mode, 0 when it is off.
        mutedUntil: until when the person who comes in is muted, 0 when they are not.
        closesAt: when the room closes unless its host comes back, while the host is away.
    """

    roomID: int
    roomName: str
    nickName: str
    tag: str
    host: str
    participants: int
    members: list[Member]
    topic: str
    locked: bool
    slow: int
    mutedUntil: int
    seq: int
    at: int
    closesAt: int | UnsetType = UNSET


class RoomEntered(RoomState, frozen=True):
    """The room as the caller finds it, being in it now."""

    status: bool = True
    token: str | UnsetType = UNSET
    ref: str | UnsetType = UNSET
    recovered: bool | UnsetType = UNSET


class RoomCreated(RoomEntered, frozen=True, tag="SERVER_ROOM_CREATE"):
    """The room is open and the caller in it, as its host."""


class RoomJoined(RoomEntered, frozen=True, tag="SERVER_ROOM_JOIN"):
    """The caller is in the room. ``members`` tells it from the event."""


class RoomExited(Struct, frozen=True, tag="SERVER_ROOM_EXIT"):
    """This connection is out of the room. It has no ``seq``: that tells it from the event."""

    roomID: int
    nickName: str
    status: bool = True
    ref: str | UnsetType = UNSET


class ListedRoom(Struct, frozen=True):
    """One room of a list; ``later`` if it stands after the first ten although it is fuller than some of them."""

    roomID: int
    roomName: str
    topic: str
    host: str
    participants: int
    locked: bool
    createdAt: int
    later: bool | UnsetType = UNSET


class RoomListed(Struct, frozen=True, tag="SERVER_ROOM_LIST"):
    """The fullest listed rooms, and how many there are in all."""

    rooms: list[ListedRoom]
    total: int
    status: bool = True
    ref: str | UnsetType = UNSET


class RoomUpdate(Struct, frozen=True, tag="SERVER_ROOM_UPDATE"):
    """What has changed in a watched list since the last word about it."""

    rooms: list[ListedRoom]
    removed: list[int]
    total: int


class MemberKicked(Struct, frozen=True, tag="SERVER_MEMBER_KICK"):
    """The person is out of the room and cannot come back."""

    roomID: int
    nickName: str
    tag: str
    status: bool = True
    ref: str | UnsetType = UNSET


class BlockedPerson(Struct, frozen=True):
    """A person who was put out of a room, as others saw them then; ``at`` is Unix time in milliseconds."""

    nickName: str
    tag: str
    at: int


class BlocksListed(Struct, frozen=True, tag="SERVER_BLOCK_LIST"):
    """Those who were put out and cannot come back, the latest first, at most ``BLOCKS_MAX``."""

    roomID: int
    blocks: list[BlockedPerson]
    status: bool = True
    ref: str | UnsetType = UNSET


class BlockLifted(Struct, frozen=True, tag="SERVER_BLOCK_LIFT"):
    """The person may come back."""

    roomID: int
    tag: str
    status: bool = True
    ref: str | UnsetType = UNSET


class ReactionTaken(Struct, frozen=True, tag="SERVER_CHAT_REACT"):
    """The caller's reaction is there, or gone. It has no ``seq``: that tells it from the event."""

    roomID: int
    line: int
    reaction: Reaction
    on: bool
    status: bool = True
    ref: str | UnsetType = UNSET


class ReportTaken(Struct, frozen=True, tag="SERVER_CHAT_REPORT"):
    """The report is with the moderators."""

    roomID: int
    line: int
    status: bool = True
    ref: str | UnsetType = UNSET


Answer = (
    Greeting | RoomCreated | RoomJoined | RoomExited | RoomListed | RoomUpdate
    | MemberKicked | BlocksListed | BlockLifted | ReactionTaken | ReportTaken
)  # fmt: skip


# --- events: what a room is told; the live store adds seq, at and participants ---------------------------------------


class Joined(Struct, frozen=True, tag="SERVER_ROOM_JOIN"):
    """Someone came in."""

    roomID: int
    nickName: str
    tag: str
    status: bool = True


By = Literal["host", "moderator"]
"""Who did something to a person or a room, as everyone may know it."""


class Exited(Struct, frozen=True, tag="SERVER_ROOM_EXIT"):
    """Someone is out: ``left``, ``lost`` or ``kicked``; only the last has ``by``."""

    roomID: int
    nickName: str
    tag: str
    reason: str
    status: bool = True
    by: By | UnsetType = UNSET


class Deleted(Struct, frozen=True, tag="SERVER_ROOM_DELETE"):
    """The room is gone: ``deleted``, ``host_left``, ``host_lost`` or ``moderator``."""

    roomID: int
    reason: str
    status: bool = True
    ref: str | UnsetType = UNSET


class Sent(Struct, frozen=True, tag="SERVER_CHAT_SEND"):
    """Someone said something; to the sender it is the acknowledgement of ``ref``."""

    roomID: int
    nickname: str
    message: str
    tag: str
    status: bool = True
    replyTo: int | UnsetType = UNSET
    ref: str | UnsetType = UNSET


class HostAway(Struct, frozen=True, tag="SERVER_HOST_AWAY"):
    """The host's last connection was lost; without them the room closes at ``closesAt``."""

    roomID: int
    nickName: str
    closesAt: int


class HostBack(Struct, frozen=True, tag="SERVER_HOST_BACK"):
    """The host is back."""

    roomID: int
    nickName: str


class Recounted(Struct, frozen=True, tag="SERVER_ROOM_COUNT"):
    """People are in again of whose absence nobody had heard; ``participants`` says how many there are now."""

    roomID: int


class Muted(Struct, frozen=True, tag="SERVER_MEMBER_MUTE"):
    """Someone may say nothing until a time (milliseconds of Unix time), 0 when they may speak again."""

    roomID: int
    nickName: str
    tag: str
    until: int
    by: By
    status: bool = True
    ref: str | UnsetType = UNSET


class Locked(Struct, frozen=True, tag="SERVER_ROOM_LOCK"):
    """Nobody new comes in any more, or people may come in again."""

    roomID: int
    locked: bool
    by: By
    status: bool = True
    ref: str | UnsetType = UNSET


class Slowed(Struct, frozen=True, tag="SERVER_ROOM_SLOW"):
    """Each visitor may say one line in so many seconds; 0: as many as flood control allows."""

    roomID: int
    seconds: int
    by: By
    status: bool = True
    ref: str | UnsetType = UNSET


class TopicSet(Struct, frozen=True, tag="SERVER_ROOM_TOPIC"):
    """What the room is about now; may be empty."""

    roomID: int
    topic: str
    by: By
    status: bool = True
    ref: str | UnsetType = UNSET


class HostTransferred(Struct, frozen=True, tag="SERVER_HOST_TRANSFER"):
    """Another person is the host now."""

    roomID: int
    nickName: str
    tag: str
    by: By
    status: bool = True
    ref: str | UnsetType = UNSET


class Removed(Struct, frozen=True, tag="SERVER_CHAT_REMOVE"):
    """A line was taken back; wherever it would be sent again, this stands in its place, with the line's ``seq``."""

    roomID: int
    line: int
    by: Literal["author", "host", "moderator"]
    status: bool = True
    ref: str | UnsetType = UNSET


class Reacted(Struct, frozen=True, tag="SERVER_CHAT_REACT"):
    """How often a reaction is under a line now."""

    roomID: int
    line: int
    reaction: Reaction
    count: int


class Noticed(Struct, frozen=True, tag="SERVER_ROOM_NOTICE"):
    """The moderators say something to the room."""

    roomID: int
    message: str


RoomEvent = (
    Joined | Exited | Deleted | Sent | HostAway | HostBack | Recounted
    | Muted | Locked | Slowed | TopicSet | HostTransferred | Removed | Reacted | Noticed
)  # fmt: skip

CLIENT_TYPES = tuple(COMMANDS)
SERVER_TYPES = (
    "SERVER_HELLO",
    "SERVER_ROOM_CREATE",
    "SERVER_ROOM_DELETE",
    "SERVER_ROOM_JOIN",
    "SERVER_ROOM_EXIT",
    "SERVER_CHAT_SEND",
    "SERVER_ROOM_LIST",
    "SERVER_ROOM_UPDATE",
    "SERVER_HOST_AWAY",
    "SERVER_HOST_BACK",
    "SERVER_ROOM_COUNT",
    "SERVER_MEMBER_KICK",
    "SERVER_BLOCK_LIST",
    "SERVER_BLOCK_LIFT",
    "SERVER_MEMBER_MUTE",
    "SERVER_ROOM_LOCK",
    "SERVER_ROOM_SLOW",
    "SERVER_ROOM_TOPIC",
    "SERVER_HOST_TRANSFER",
    "SERVER_CHAT_REMOVE",
    "SERVER_CHAT_REACT",
    "SERVER_CHAT_REPORT",
    "SERVER_ROOM_NOTICE",
    "SERVER_FRAME_ERROR",
)


# --- decoding --------------------------------------------------------------------------------------------------------

_decoder = msgspec.json.Decoder(AnyCommand)
_encoder = msgspec.json.Encoder()


def decode(text: str) -> AnyCommand:
    """Turn one text frame into a command, in one pass where the frame is sound.

    Args:
        text: the frame, at most ``FRAME_MAX`` bytes of UTF-8.

    Raises:
        BadCommand: with the answer to send (``bad_frame``, ``bad_json``, ``unknown_type``, ``bad_field``).
    """
    # A character takes at most four bytes, so most frames need not be encoded to be measured.
    if len(text) * 4 > FRAME_MAX and len(text.encode("utf-8", "surrogatepass")) > FRAME_MAX:
        raise frame_error("bad_frame", f"a frame has at most {FRAME_MAX} bytes")
    try:
        command: AnyCommand = _decoder.decode(text)
        return command
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _decode_slowly(text)


def _decode_slowly(text: str) -> AnyCommand:
    """Find out what is wrong with a frame, field by field, with a parser that accepts half a surrogate pair."""
    if not text:
        raise frame_error("bad_frame", "the frame is empty")
    try:
        frame = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise frame_error("bad_json", "the frame is not JSON") from None
    if not isinstance(frame, dict):
        raise frame_error("bad_frame", "the frame is not a JSON object")
    name = frame.get("type")
    kind = COMMANDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise frame_error("unknown_type", "the type is missing or unknown", _valid_ref(frame))
    fields: dict[str, Any] = {}
    wrong: list[str] = []
    for field in msgspec.structs.fields(kind):
        if field.name not in frame:
            if field.required:
                wrong.append(field.name)
            continue
        try:
            fields[field.name] = _reject_lone_surrogate(msgspec.convert(frame[field.name], field.type), field.name)
        except (msgspec.ValidationError, ValueError, OverflowError):
            wrong.append(field.name)
    if wrong:
        problem = Refusal("bad_field", f"the field {wrong[0]} is missing or not what it must be", field=wrong[0])
        required = [field.name for field in msgspec.structs.fields(kind) if field.required]
        command = kind(**{name: "" if name in TEXT_FIELDS else 0 for name in required} | fields)
        raise BadField(refusal(command, problem, {}, wrong), command, problem, wrong)
    return kind(**fields)  # type: ignore[return-value]


def _reject_lone_surrogate(value: Any, field: str) -> Any:
    """``value``, unless it is half a surrogate pair where no rule for names or messages will look at it."""
    if isinstance(value, str) and field not in TEXT_FIELDS:
        value.encode()
    return value


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _valid_ref(frame: dict[str, Any]) -> str | None:
    try:
        ref: str | None = _reject_lone_surrogate(msgspec.convert(frame.get("ref"), Ref | None), "ref")
    except ValueError:
        return None
    return ref


def frame_error(error: ErrorCode, detail: str, ref: str | None = None) -> BadCommand:
    """What to raise for a frame that could not be understood at all."""
    answer = {"type": "SERVER_FRAME_ERROR", "status": False, "error": error, "detail": detail}
    return BadCommand(_text({**answer, "ref": ref} if ref else answer))


# --- encoding --------------------------------------------------------------------------------------------------------


def encode(message: Answer) -> str:
    """The text of one answer."""
    return _encoder.encode(message).decode()


def body(message: RoomListed) -> str:
    """The text of an answer that many get, without its closing brace; ``with_ref`` makes it whole."""
    return _encoder.encode(message)[:-1].decode()


def with_ref(text: str, ref: str | None) -> str:
    """An answer's text without its closing brace, made whole for a command with ``ref``."""
    return text + ref_field(ref or UNSET) + "}"


def ref_field(ref: str | UnsetType) -> str:
    """A ref as the last field of a message's text without its closing brace, for those that are put together."""
    return "" if ref is UNSET else f',"ref":{_encoder.encode(ref).decode()}'


def event_body(event: RoomEvent) -> str:
    """The text of an event up to, and without, the closing brace: the live store adds the rest."""
    return _encoder.encode(event)[:-1].decode()


def refusal(command: Command, problem: Refusal, texts: dict[str, str], wrong: Sequence[str] = ()) -> str:
    """The text of the answer that refuses ``command``.

    Args:
        command: what was asked for.
        problem: why it is not done.
        texts: those of the command's texts that are valid, normalised; the seed's others are echoed as ``""``.
        wrong: the names of fields that are not what they must be.
    """
    fields = {
        name: getattr(command, name)
        for name in command.__struct_fields__
        if name not in TEXT_FIELDS and name not in wrong
    }
    return _refusal_text(type(command), fields | texts, problem)


def _refusal_text(kind: type[Command], fields: dict[str, Any], problem: Refusal) -> str:
    answer: dict[str, Any] = {"type": kind.answer, "status": False}
    for name, nothing in kind.echoed.items():
        answer[name] = fields.get("userName" if name in ("nickName", "nickname") else name, nothing)
    if issubclass(kind, get_args(HostCommand) + get_args(LineCommand)):
        # Beyond the seed's messages, a refusal says again all that was valid in its command.
        answer |= {
            name: value for name, value in fields.items() if name not in ("userName", "ref") and value is not None
        }
    if kind is RoomList:
        answer |= {"rooms": [], "total": 0}
    answer |= {"error": problem.error, "detail": problem.detail, **problem.extra}
    if fields.get("ref"):
        answer["ref"] = fields["ref"]
    return _text(answer)


def _text(answer: dict[str, Any]) -> str:
    return _encoder.encode(answer).decode()

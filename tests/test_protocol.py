"""The wire protocol: frames become commands, or answers that name the mistake, and structs become frames."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from rooms import protocol
from rooms.protocol import (
    COMMANDS,
    ERRORS,
    FRAME_MAX,
    ID_LIMIT,
    MESSAGE_MAX,
    ROOM_NAME_MAX,
    SERVER_TYPES,
    USER_NAME_MAX,
    BadCommand,
    ChatSend,
    Command,
    Deleted,
    Exited,
    HostAway,
    HostBack,
    Joined,
    ListedRoom,
    Member,
    Refusal,
    RoomCreate,
    RoomCreated,
    RoomDelete,
    RoomExit,
    RoomExited,
    RoomJoin,
    RoomJoined,
    RoomList,
    RoomListed,
    RoomUpdate,
    Sent,
    decode,
    encode,
    event_body,
    refusal,
)

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SOUND: dict[str, dict[str, Any]] = {
    "CLIENT_ROOM_CREATE": {"roomName": "사랑방", "userName": "주인"},
    "CLIENT_ROOM_DELETE": {"roomID": 7, "userName": "주인"},
    "CLIENT_ROOM_JOIN": {"roomID": 7, "userName": "손님"},
    "CLIENT_ROOM_EXIT": {"roomID": 7, "userName": "손님"},
    "CLIENT_CHAT_SEND": {"roomID": 7, "userName": "손님", "message": "안녕"},
    "CLIENT_ROOM_LIST": {},
}
FIELDS = [(name, field) for name, fields in SOUND.items() for field in fields]
OPTIONAL = [(name, field.name) for name in SOUND for field in structs.fields(COMMANDS[name]) if not field.required]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NEARLY_COMMANDS = st.builds(
    lambda name, fields: json.dumps({"type": name, **SOUND[name], **fields}),
    st.sampled_from(list(SOUND)),
    st.dictionaries(
        st.sampled_from(["type", "roomID", "roomName", "userName", "message", "ref", "after", "token", "listed", "x"]),
        JSON | st.integers(1, 9) | st.text(max_size=9),
        max_size=4,
    ),
)


def frame(name: str, **fields: Any) -> str:
    return json.dumps({"type": name, **SOUND[name], **fields})


def without(name: str, field: str) -> str:
    return json.dumps({"type": name, **{key: value for key, value in SOUND[name].items() if key != field}})


def refused(text: str) -> dict[str, Any]:
    """The answer to a frame that is no command."""
    with pytest.raises(BadCommand) as caught:
        decode(text)
    answer: dict[str, Any] = json.loads(caught.value.answer)
    return answer


# --- sound frames ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (frame("CLIENT_ROOM_CREATE", listed=False, ref="r"), RoomCreate("사랑방", "주인", listed=False, ref="r")),
        (frame("CLIENT_ROOM_DELETE"), RoomDelete(7, "주인")),
        (frame("CLIENT_ROOM_JOIN", after=0, token="t"), RoomJoin(7, "손님", after=0, token="t")),
        (frame("CLIENT_ROOM_EXIT"), RoomExit(7, "손님")),
        (frame("CLIENT_CHAT_SEND", ref="r" * 36), ChatSend(7, "손님", "안녕", ref="r" * 36)),
        (frame("CLIENT_ROOM_LIST", watch=True), RoomList(watch=True)),
    ],
)
def test_a_sound_frame_is_its_command(text: str, command: Command) -> None:
    assert decode(text) == command


@pytest.mark.parametrize("name", SOUND)
def test_a_command_of_the_seed_needs_nothing_but_the_seed_s_fields(name: str) -> None:
    command = decode(frame(name))
    assert type(command) is COMMANDS[name]
    assert command.ref is None


@pytest.mark.parametrize(("name", "field"), OPTIONAL)
def test_null_is_taken_in_a_field_that_may_be_left_out(name: str, field: str) -> None:
    assert getattr(decode(frame(name, **{field: None})), field) is None


def test_a_created_room_is_listed_unless_it_says_otherwise() -> None:
    assert decode(frame("CLIENT_ROOM_CREATE")) == RoomCreate("사랑방", "주인", listed=True)


@pytest.mark.parametrize("value", ["1e999", "9" * 3900, '"\\ud800"', "{}", "[[[]]]"], ids=lambda value: value[:9])
def test_an_unknown_field_is_passed_over(value: str) -> None:
    text = frame("CLIENT_ROOM_EXIT")[:-1] + f', "unknown": {value}}}'
    assert decode(text) == RoomExit(7, "손님")


@pytest.mark.parametrize("room", [1, ID_LIMIT - 1])
def test_a_room_id_may_be_any_positive_integer_below_two_to_the_53(room: int) -> None:
    assert decode(frame("CLIENT_ROOM_EXIT", roomID=room)) == RoomExit(room, "손님")


def test_of_a_field_that_is_there_twice_the_last_counts() -> None:
    assert decode('{"type": "CLIENT_ROOM_EXIT", "roomID": 1, "userName": "a", "roomID": 2}') == RoomExit(2, "a")


def test_a_frame_may_have_exactly_the_largest_size() -> None:
    text = frame("CLIENT_ROOM_LIST", unknown="")
    text = text.replace('""', '"' + "x" * (FRAME_MAX - len(text)) + '"')
    assert len(text) == FRAME_MAX
    assert decode(text) == RoomList()


# --- frames that cannot be understood --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "bad_frame"),
        ("[]", "bad_frame"),
        ("null", "bad_frame"),
        ('"CLIENT_ROOM_LIST"', "bad_frame"),
        ("7", "bad_frame"),
        ("[" * 100_000, "bad_frame"),
        ("x" * (FRAME_MAX + 1), "bad_frame"),
        ("방" * (FRAME_MAX // 3 + 1), "bad_frame"),
        ("[" * FRAME_MAX, "bad_json"),
        ("{", "bad_json"),
        ("NaN", "bad_json"),
        ("{'type': 'CLIENT_ROOM_LIST'}", "bad_json"),
        ('{"type": "CLIENT_ROOM_LIST"} {}', "bad_json"),
        ('\ufeff{"type": "CLIENT_ROOM_LIST"}', "bad_json"),
        ('{"type": "CLIENT_ROOM_LIST", "unknown": -Infinity}', "bad_json"),
        ('{"type": "CLIENT_ROOM_LIST", "unknown": NaN}', "bad_json"),
        (f'{{"type": "CLIENT_ROOM_LIST", "unknown": {"9" * 5000}}}', "bad_frame"),
        ("{}", "unknown_type"),
        ('{"type": null}', "unknown_type"),
        ('{"type": ["CLIENT_ROOM_LIST"]}', "unknown_type"),
        ('{"type": "client_room_list"}', "unknown_type"),
        ('{"type": "SERVER_ROOM_LIST"}', "unknown_type"),
        ('{"type": "\\ud800"}', "unknown_type"),
        ('{"type": "\ud800"}', "unknown_type"),
    ],
    ids=lambda value: value[:30].encode("ascii", "backslashreplace").decode(),
)
def test_a_frame_that_cannot_be_understood_is_answered_with_a_frame_error(text: str, error: str) -> None:
    answer = refused(text)
    assert answer.pop("detail")
    assert answer == {"type": "SERVER_FRAME_ERROR", "status": False, "error": error}


def test_an_unknown_type_is_answered_with_its_ref() -> None:
    assert refused('{"type": "CLIENT_TEA_POT", "ref": "r1"}')["ref"] == "r1"


@pytest.mark.parametrize("ref", ["", "r" * 37, 7, None, "\ud800"])
def test_an_unknown_type_is_answered_without_a_ref_that_is_not_valid(ref: object) -> None:
    assert "ref" not in refused(json.dumps({"type": "CLIENT_TEA_POT", "ref": ref}))


# --- frames with a field that is not what it must be -----------------------------------------------------------------


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_a_missing_field_is_named(name: str, field: str) -> None:
    answer = refused(without(name, field))
    assert (answer["error"], answer["field"]) == ("bad_field", field)


@pytest.mark.parametrize(("name", "field"), FIELDS)
@pytest.mark.parametrize("value", [None, True, [], {}, 1.5])
def test_a_field_of_the_wrong_type_is_named(name: str, field: str, value: object) -> None:
    answer = refused(frame(name, **{field: value}))
    assert (answer["error"], answer["field"]) == ("bad_field", field)


@pytest.mark.parametrize("room", [0, -1, ID_LIMIT, 10**3900, "7", 7.5], ids=lambda room: str(room)[:9])
def test_a_room_id_that_is_no_positive_integer_below_two_to_the_53_is_refused(room: object) -> None:
    answer = refused(frame("CLIENT_ROOM_EXIT", roomID=room))
    assert (answer["error"], answer["field"]) == ("bad_field", "roomID")


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("CLIENT_ROOM_CREATE", "listed", "yes"),
        ("CLIENT_ROOM_JOIN", "after", -1),
        ("CLIENT_ROOM_JOIN", "after", ID_LIMIT),
        ("CLIENT_ROOM_JOIN", "token", "t" * 201),
        ("CLIENT_ROOM_JOIN", "token", "\ud800"),
        ("CLIENT_ROOM_LIST", "watch", 1),
        *[(name, "ref", ref) for name in SOUND for ref in ("", "r" * 37, 7, "\udfff")],
    ],
)
def test_an_addition_that_is_not_what_it_must_be_is_named(name: str, field: str, value: object) -> None:
    answer = refused(frame(name, **{field: value}))
    assert (answer["error"], answer["field"]) == ("bad_field", field)


@pytest.mark.parametrize(("name", "field"), [pair for pair in FIELDS if pair[1] != "roomID"])
def test_half_a_surrogate_pair_in_a_text_is_left_to_the_rules_for_names(name: str, field: str) -> None:
    assert getattr(decode(frame(name, **{field: "\ud800"})), field) == "\ud800"


@pytest.mark.parametrize("name", SOUND)
def test_a_refused_field_is_answered_with_the_ref(name: str) -> None:
    assert refused(frame(name, **dict.fromkeys(SOUND[name] or ["watch"], 1.5), ref="r1"))["ref"] == "r1"


@pytest.mark.parametrize("name", [name for name, field in FIELDS if field == "roomID"])
def test_a_refused_field_is_answered_with_the_room_id_when_that_is_valid(name: str) -> None:
    assert refused(frame(name, userName=None))["roomID"] == 7


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("CLIENT_ROOM_CREATE", {"roomID": 0, "roomName": ""}),
        ("CLIENT_ROOM_DELETE", {"roomID": 0}),
        ("CLIENT_ROOM_JOIN", {"roomID": 0}),
        ("CLIENT_ROOM_EXIT", {"roomID": 0, "nickName": ""}),
        ("CLIENT_CHAT_SEND", {"roomID": 0, "nickname": "", "message": ""}),
        ("CLIENT_ROOM_LIST", {"rooms": [], "total": 0}),
    ],
)
def test_a_refusal_has_the_seed_s_fields_even_when_nothing_of_them_was_valid(name: str, fields: dict[str, Any]) -> None:
    answer = refused(frame(name, **dict.fromkeys(SOUND[name] or ["watch"], 1.5)))
    assert answer["type"] == name.replace("CLIENT", "SERVER")
    assert {key: answer[key] for key in answer if key not in ("type", "status", "error", "detail", "field")} == fields


@relaxed
@given(st.text(st.characters(exclude_categories=())) | NEARLY_COMMANDS)
@example(frame("CLIENT_CHAT_SEND", roomID=10**3900))
@example('{"type":"CLIENT_ROOM_EXIT","type":"CLIENT_CHAT_SEND"}')
@example("[" * 100_000)
@example('{"type":"CLIENT_ROOM_LIST","unknown":' + "[" * 2000 + "]" * 2000 + "}")
@example('{"type":"CLIENT_ROOM_LIST","watch":' + '{"a":' * 500 + "1" + "}" * 501)
def test_any_text_whatever_is_a_command_or_is_answered(text: str) -> None:
    try:
        command = decode(text)
    except BadCommand as bad:
        answer = json.loads(bad.answer.encode())
        assert answer["type"] in SERVER_TYPES
        assert answer["status"] is False
        assert answer["error"] in ERRORS
    else:
        assert type(command) in COMMANDS.values()


# --- refusals and encoders -------------------------------------------------------------------------------------------


def test_a_refusal_echoes_the_fields_that_are_valid() -> None:
    text = refusal(
        ChatSend(7, "손님", "\x07", ref="r"), Refusal("bad_field", "why", field="message"), {"userName": "손님"}
    )
    assert json.loads(text) == {
        "type": "SERVER_CHAT_SEND",
        "status": False,
        "roomID": 7,
        "nickname": "손님",
        "message": "",
        "error": "bad_field",
        "detail": "why",
        "field": "message",
        "ref": "r",
    }


def test_a_refusal_may_carry_the_room_that_has_the_name() -> None:
    problem = Refusal("room_name_taken", "why", roomID=9)
    assert json.loads(refusal(RoomCreate("방", "나"), problem, {"roomName": "방"}))["roomID"] == 9


def test_a_refusal_of_a_command_without_ref_has_none() -> None:
    assert "ref" not in json.loads(refusal(RoomExit(7, "나"), Refusal("not_in_room", "why"), {}))


def test_an_entry_says_all_that_a_page_needs() -> None:
    fields: dict[str, Any] = {"roomID": 7, "roomName": "방", "nickName": "나", "tag": "abcde"}
    fields |= {"host": "", "participants": 1}
    fields |= {"topic": "", "locked": False, "slow": 0, "mutedUntil": 0, "seq": 3, "at": 4}
    joined = RoomJoined(**fields, members=[Member("나", "abcde")], recovered=False)
    expected = {**fields, "members": [{"nickName": "나", "tag": "abcde"}], "recovered": False, "status": True}
    assert json.loads(encode(joined)) == {"type": "SERVER_ROOM_JOIN", **expected}


def test_what_an_answer_leaves_unset_is_not_sent() -> None:
    created = RoomCreated(7, "방", "나", "abcde", "나", 1, [], "", False, 0, 0, 3, 4)
    assert not {"token", "ref", "recovered"} & json.loads(encode(created)).keys()


@pytest.mark.parametrize(
    ("answer", "frame"),
    [
        (
            RoomExited(7, "나", ref="r"),
            {"type": "SERVER_ROOM_EXIT", "roomID": 7, "nickName": "나", "status": True, "ref": "r"},
        ),
        (RoomListed([], 0), {"type": "SERVER_ROOM_LIST", "rooms": [], "total": 0, "status": True}),
        (RoomUpdate([], [7], 0), {"type": "SERVER_ROOM_UPDATE", "rooms": [], "removed": [7], "total": 0}),
    ],
)
def test_an_answer_is_encoded_with_its_type_and_the_wire_s_names(
    answer: protocol.Answer, frame: dict[str, Any]
) -> None:
    assert json.loads(encode(answer)) == frame


def test_a_room_of_a_list_has_the_seven_fields() -> None:
    listed = json.loads(encode(RoomListed([ListedRoom(7, "방", "책", "나", 2, False, 5)], 1)))
    room = {
        "roomID": 7,
        "roomName": "방",
        "topic": "책",
        "host": "나",
        "participants": 2,
        "locked": False,
        "createdAt": 5,
    }
    assert listed["rooms"] == [room]


@pytest.mark.parametrize(
    ("event", "frame"),
    [
        (Joined(7, "나", "t"), {"type": "SERVER_ROOM_JOIN", "nickName": "나", "tag": "t", "status": True}),
        (Exited(7, "나", "t", "lost"), {"type": "SERVER_ROOM_EXIT", "nickName": "나", "tag": "t", "reason": "lost"}),
        (Deleted(7, "deleted", ref="r"), {"type": "SERVER_ROOM_DELETE", "reason": "deleted", "ref": "r"}),
        (Sent(7, "나", "말", "t"), {"type": "SERVER_CHAT_SEND", "nickname": "나", "message": "말", "tag": "t"}),
        (HostAway(7, "나", 9), {"type": "SERVER_HOST_AWAY", "nickName": "나", "closesAt": 9}),
        (HostBack(7, "나"), {"type": "SERVER_HOST_BACK", "nickName": "나"}),
    ],
)
def test_an_event_s_body_takes_what_the_live_store_adds(event: protocol.RoomEvent, frame: dict[str, Any]) -> None:
    whole = json.loads(event_body(event) + ',"seq":1,"at":2,"participants":3}')
    assert whole.items() >= ({"roomID": 7, "seq": 1, "at": 2, "participants": 3} | frame).items()


def test_every_refusal_is_known() -> None:
    assert len(set(ERRORS)) == len(ERRORS)
    assert {"bad_frame", "bad_json", "unknown_type", "bad_field", "unavailable"} <= set(ERRORS)


def test_the_limits_are_those_of_the_contract() -> None:
    assert (ROOM_NAME_MAX, USER_NAME_MAX, MESSAGE_MAX, FRAME_MAX, ID_LIMIT) == (30, 10, 128, 4096, 2**53)

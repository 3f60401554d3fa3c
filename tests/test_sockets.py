"""What docs/protocol.md promises for rooms, talk and the list of rooms, over raw sockets.

Nobody sleeps to wait for a message: what must come is awaited, and what must not come is shown by ``heard``, which
reads everything up to an answer that can only come after it.
"""

import asyncio
import time
import unicodedata
from typing import Any

import pytest
from pytest_django import Settings

from rooms.models import Room
from tests.conftest import Client, Connect, Message, a_cookie, heard

EVENT = {"type": str, "roomID": int, "seq": int, "at": int, "participants": int}
ENTERED = EVENT | {
    "status": bool,
    "roomName": str,
    "nickName": str,
    "tag": str,
    "host": str,
    "members": list,
    "topic": str,
    "locked": bool,
    "slow": int,
    "mutedUntil": int,
    "ref": str,
}
LISTED = {
    "roomID": int,
    "roomName": str,
    "topic": str,
    "host": str,
    "participants": int,
    "locked": bool,
    "createdAt": int,
}
FIVE = {
    "SERVER_ROOM_CREATE": {"type", "status", "roomID", "roomName"},
    "SERVER_ROOM_DELETE": {"type", "status", "roomID"},
    "SERVER_ROOM_JOIN": {"type", "status", "roomID"},
    "SERVER_ROOM_EXIT": {"type", "status", "roomID", "nickName"},
    "SERVER_CHAT_SEND": {"type", "status", "roomID", "nickname", "message"},
}


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    """Short times, and nobody slowed down; before the process starts, which reads some of them only once."""
    settings.ROOMS_FLOOD_CONTROL = False
    settings.ROOMS_SWEEP = 0.02
    settings.ROOMS_LOBBY_PERIOD = 0.02


@pytest.fixture
def short_history(settings: Settings) -> None:
    settings.ROOMS_HISTORY = 3


@pytest.fixture
def quick_reconciling(settings: Settings) -> None:
    settings.ROOMS_RECONCILE = 0.05


def types(message: Message) -> dict[str, type]:
    return {name: type(value) for name, value in message.items()}


def counts(messages: list[Message]) -> list[int]:
    return [message["participants"] for message in messages]


async def meet(connect: Connect, *nicks: str) -> Any:
    """A room, and a connection for each nickname, the host's first; all have read what has happened so far."""
    clients = [await connect() for _ in nicks]
    room = (await clients[0].create(nick=nicks[0]))["roomID"]
    for client, nick in zip(clients[1:], nicks[1:], strict=True):
        await client.join(room, nick)
    for client in clients:
        await heard(client)
    return room, *clients


async def listed(client: Client) -> dict[int, Message]:
    return {room["roomID"]: room for room in (await client.ask("CLIENT_ROOM_LIST"))["rooms"]}


# --- create ----------------------------------------------------------------------------------------------------------


async def test_the_creator_is_host_and_in_the_room_at_once(connect: Connect) -> None:
    host = await connect()
    created = await host.create("사랑방 이야기", "철수")
    assert created["status"] is True
    assert (created["host"], created["nickName"], created["participants"]) == ("철수", "철수", 1)
    assert created["members"] == [{"nickName": "철수", "tag": created["tag"]}]


async def test_the_answer_to_create_has_its_fields_and_no_others(connect: Connect) -> None:
    created = await (await connect()).create("사랑방", "철수", ref="새로")
    assert types(created) == ENTERED | {"token": str}
    assert (created["type"], created["roomName"], created["ref"]) == ("SERVER_ROOM_CREATE", "사랑방", "새로")
    assert (created["locked"], 0 < created["roomID"] < 2**53, 0 < created["seq"] < 2**53) == (False, True, True)


async def test_times_are_unix_milliseconds(connect: Connect) -> None:
    host = await connect()
    created = await host.create()
    now = time.time() * 1000
    room = (await listed(host))[created["roomID"]]
    assert abs(created["at"] - now) < 5_000
    assert abs(room["createdAt"] - now) < 5_000


async def test_room_numbers_are_not_counted_up(connect: Connect) -> None:
    host = await connect()
    first, second = [(await host.create(name, "철수"))["roomID"] for name in ("하나", "둘")]
    assert abs(first - second) > 1000


async def test_a_korean_room_name_goes_from_end_to_end(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    await guest.ask("CLIENT_ROOM_LIST", watch=True)
    created = await host.create("사랑방 이야기 — 둘째", "철수")
    update = await guest.until("SERVER_ROOM_UPDATE")
    joined = await guest.join(update["rooms"][0]["roomID"], "영희")
    assert {created["roomName"], update["rooms"][0]["roomName"], joined["roomName"]} == {"사랑방 이야기 — 둘째"}


async def test_a_name_sent_as_jamo_is_shown_in_syllables(connect: Connect) -> None:
    created = await (await connect()).create(
        unicodedata.normalize("NFD", "사랑방"), unicodedata.normalize("NFD", "철수")
    )
    assert (created["roomName"], created["nickName"]) == ("사랑방", "철수")


async def test_syllables_sent_as_three_jamo_count_as_one(connect: Connect) -> None:
    created = await (await connect()).create(
        unicodedata.normalize("NFD", "강" * 30), unicodedata.normalize("NFD", "강" * 10)
    )
    assert (created["roomName"], created["nickName"]) == ("강" * 30, "강" * 10)


async def test_names_are_trimmed(connect: Connect) -> None:
    created = await (await connect()).create("  사랑방\u3000", "\t철수 ")
    assert (created["roomName"], created["nickName"]) == ("사랑방", "철수")


async def test_the_same_ref_for_create_answers_with_the_room_it_made(connect: Connect) -> None:
    host = await connect()
    first = await host.create("사랑방", "철수", ref="한번")
    again = await host.create("사랑방", "철수", ref="한번")
    assert (again["status"], again["roomID"], again["participants"]) == (True, first["roomID"], 1)
    assert list(await listed(host)) == [first["roomID"]]


async def test_the_same_ref_from_another_tab_answers_with_the_room_it_made(connect: Connect) -> None:
    cookie = a_cookie()
    tab, other = await connect(cookie), await connect(cookie)
    first = await tab.create("사랑방", "철수", ref="한번")
    assert (await other.create("사랑방", "철수", ref="한번"))["roomID"] == first["roomID"]


async def test_the_same_ref_sent_twice_at_once_makes_one_room(connect: Connect) -> None:
    cookie = a_cookie()
    tabs = [await connect(cookie) for _ in range(3)]
    answers = await asyncio.gather(*(tab.create("사랑방", "철수", ref="한번") for tab in tabs))
    assert [answer["status"] for answer in answers] == [True] * 3
    assert len({answer["roomID"] for answer in answers}) == 1


async def test_the_same_ref_from_another_visitor_makes_another_room(connect: Connect) -> None:
    host, other = await connect(), await connect()
    first = await host.create("하나", "철수", ref="한번")
    second = await other.create("둘", "철수", ref="한번")
    assert (second["status"], second["roomName"]) == (True, "둘")
    assert first["roomID"] != second["roomID"]


async def test_the_same_ref_does_not_bring_back_a_room_that_was_deleted(connect: Connect) -> None:
    host = await connect()
    room = (await host.create("사랑방", "철수", ref="한번"))["roomID"]
    await host.ask("CLIENT_ROOM_DELETE", roomID=room, userName="철수")
    assert (await host.create("사랑방", "철수", ref="한번"))["error"] == "room_not_found"
    assert (await host.create("사랑방", "철수"))["status"] is True


async def test_null_in_listed_and_watch_is_the_same_as_leaving_them_out(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    await host.create("사랑방", listed=None)
    answer = await guest.ask("CLIENT_ROOM_LIST", watch=None)
    assert [room["roomName"] for room in answer["rooms"]] == ["사랑방"]
    await host.create("둘째 방")
    await asyncio.sleep(0.1)
    await guest.send("CLIENT_HELLO")
    assert (await guest.receive())["type"] == "SERVER_HELLO"


async def test_an_unlisted_room_is_in_no_list_and_is_found_by_its_number(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    room = (await host.create(listed=False))["roomID"]
    answer = await guest.ask("CLIENT_ROOM_LIST")
    assert (answer["rooms"], answer["total"]) == ([], 0)
    assert (await guest.join(room, "손님"))["participants"] == 2


async def test_an_unlisted_room_takes_no_name_from_anyone(connect: Connect) -> None:
    host = await connect()
    answers = [await host.create("사랑방", "철수", listed=wish) for wish in (False, True, False)]
    assert [answer["status"] for answer in answers] == [True] * 3
    assert len({answer["roomID"] for answer in answers}) == 3


# --- join ------------------------------------------------------------------------------------------------------------


async def test_the_answer_to_join_has_its_fields_and_no_others(connect: Connect) -> None:
    room, _host = await meet(connect, "주인")
    joined = await (await connect()).join(room, "손님", ref="들어가요")
    assert types(joined) == ENTERED | {"token": str}
    assert (joined["type"], joined["status"], joined["ref"]) == ("SERVER_ROOM_JOIN", True, "들어가요")
    assert (joined["roomID"], joined["roomName"], joined["nickName"], joined["host"]) == (
        room,
        "사랑방",
        "손님",
        "주인",
    )


async def test_the_others_hear_of_a_join_and_the_caller_gets_the_answer_only(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    guest = await connect()
    joined = await guest.join(room, "손님")
    [event] = await heard(host)
    assert types(event) == EVENT | {"status": bool, "nickName": str, "tag": str}
    assert (event["type"], event["nickName"], event["tag"]) == ("SERVER_ROOM_JOIN", "손님", joined["tag"])
    assert await heard(guest) == []


async def test_the_seq_of_the_answer_is_that_of_ones_own_join(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    joined = await (await connect()).join(room, "손님")
    event = await host.until("SERVER_ROOM_JOIN")
    assert (joined["seq"], joined["participants"]) == (event["seq"], event["participants"])


async def test_the_members_are_everyone_with_their_tags(connect: Connect) -> None:
    room, _host, _guest = await meet(connect, "주인", "손님")
    joined = await (await connect()).join(room, "셋째")
    assert sorted(member["nickName"] for member in joined["members"]) == ["셋째", "손님", "주인"]
    assert {"nickName": "셋째", "tag": joined["tag"]} in joined["members"]
    assert len({member["tag"] for member in joined["members"]}) == 3


async def test_at_most_200_members_are_listed(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_ROOMS_PER_CONNECTION = 300
    room, crowd = await meet(connect, "주인")
    for number in range(204):
        joined = await crowd.join(room, f"손님{number}")
    assert (joined["participants"], len(joined["members"])) == (205, 200)


async def test_the_count_on_every_screen_is_right_after_each_event(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    guests = [await connect() for _ in range(3)]
    for number, guest in enumerate(guests):
        assert (await guest.join(room, f"손님{number}"))["participants"] == number + 2
    await guests[0].say(room, "손님0", "안녕")
    await guests[1].ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님1")
    assert counts(await heard(host)) == [2, 3, 4, 4, 3]


async def test_seq_grows_by_exactly_one_with_each_event_of_any_kind(connect: Connect) -> None:
    cookie = a_cookie()
    host, guest, back = await connect(cookie), await connect(), await connect(cookie)
    room = (await host.create("사랑방", "철수"))["roomID"]
    start = (await guest.join(room, "손님"))["seq"]
    await guest.say(room, "손님", "하나")
    await host.drop()
    await back.join(room, "철수")
    await (other := await connect()).join(room, "다른이")
    await other.ask("CLIENT_ROOM_EXIT", roomID=room, userName="다른이")
    await back.ask("CLIENT_ROOM_DELETE", roomID=room, userName="철수")
    assert [message["seq"] - start for message in await heard(guest)] == [2, 3, 4, 5, 6]


async def test_a_tag_is_the_same_for_one_visitor_within_a_room(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    tags = {(await guest.join(room, nick))["tag"] for nick in ("손님", "둘째", "셋째")}
    tags.add((await guest.say(room, "셋째", "안녕"))["tag"])
    tags.add((await host.until("SERVER_CHAT_SEND"))["tag"])
    assert len(tags) == 1
    assert 4 <= len(tags.pop()) <= 6


async def test_a_tag_is_another_in_another_room(connect: Connect) -> None:
    host = await connect()
    first, second = await host.create("하나", "철수"), await host.create("둘", "철수")
    assert first["tag"] != second["tag"]


async def test_one_connection_may_be_in_several_rooms(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    rooms = [(await host.create(name, "철수"))["roomID"] for name in ("하나", "둘")]
    for room in rooms:
        await guest.join(room, "손님")
    await host.say(rooms[1], "철수", "둘째 방")
    await host.say(rooms[0], "철수", "첫째 방")
    assert [(said["roomID"], said["message"]) for said in await heard(guest)] == [
        (rooms[1], "둘째 방"),
        (rooms[0], "첫째 방"),
    ]


async def test_a_name_is_shown_as_first_written(connect: Connect) -> None:
    cookie = a_cookie()
    room, _host = await meet(connect, "주인")
    tab, other = await connect(cookie), await connect(cookie)
    await tab.join(room, "Anna")
    assert (await other.join(room, "ANNA"))["nickName"] == "Anna"
    assert (await other.say(room, "anna", "hi"))["nickname"] == "Anna"


async def test_a_nickname_in_nfd_and_in_nfc_is_one(connect: Connect) -> None:
    room, _host, guest = await meet(connect, "주인", "손님")
    jamo = unicodedata.normalize("NFD", "손님")
    assert (await (await connect()).join(room, jamo))["error"] == "name_taken"
    assert (await guest.say(room, jamo, "안녕"))["nickname"] == "손님"


async def test_joining_twice_on_one_connection_is_one_participant(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    assert (await guest.join(room, "손님"))["participants"] == 2
    await guest.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    [event] = await heard(host)
    assert (event["type"], event["participants"]) == ("SERVER_ROOM_EXIT", 1)


async def test_two_tabs_of_one_visitor_with_one_name_are_one_participant(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    tab, other = await connect(cookie), await connect(cookie)
    first, second = await tab.join(room, "손님"), await other.join(room, "손님")
    assert (second["participants"], second["seq"]) == (2, first["seq"])
    assert len(await heard(host)) == 1


async def test_both_tabs_of_one_participant_hear_the_room(connect: Connect) -> None:
    cookie = a_cookie()
    room, _host = await meet(connect, "주인")
    tab, other = await connect(cookie), await connect(cookie)
    await tab.join(room, "손님")
    await other.join(room, "손님")
    said = await tab.say(room, "손님", "안녕")
    assert await heard(other) == [said]


async def test_leaving_one_of_two_tabs_is_no_exit_and_leaving_both_is(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    tabs = [await connect(cookie), await connect(cookie)]
    for tab in tabs:
        await tab.join(room, "손님")
    await heard(host)
    assert (await tabs[0].ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님"))["status"] is True
    assert await heard(host) == []
    await tabs[1].ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    assert [event["type"] for event in await heard(host)] == ["SERVER_ROOM_EXIT"]


async def test_a_tab_that_left_hears_no_more_of_the_room(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    tab, other = await connect(cookie), await connect(cookie)
    await tab.join(room, "손님")
    await other.join(room, "손님")
    await tab.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    await host.say(room, "주인", "안녕")
    assert await heard(tab) == []


async def test_a_visitor_under_two_names_is_two_participants(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    assert (await guest.join(room, "둘째"))["participants"] == 3
    await guest.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    assert (await guest.say(room, "둘째", "안녕"))["participants"] == 2
    left = [(event["type"], event["nickName"]) for event in await heard(host) if event["type"] == "SERVER_ROOM_EXIT"]
    assert left == [("SERVER_ROOM_EXIT", "손님")]


async def test_a_connection_with_two_names_in_a_room_hears_each_event_once(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await guest.join(room, "둘째")
    await heard(guest)
    said = await host.say(room, "주인", "안녕")
    assert await heard(guest) == [said]


# --- tokens and cookies ----------------------------------------------------------------------------------------------


async def test_visitors_with_a_cookie_are_sent_no_token(connect: Connect) -> None:
    host, guest = await connect(a_cookie()), await connect(a_cookie())
    created = await host.create()
    assert types(created) == ENTERED
    assert types(await guest.join(created["roomID"], "손님")) == ENTERED


async def test_a_token_gives_the_hosts_rights_on_a_new_connection(connect: Connect) -> None:
    host, back = await connect(), await connect()
    created = await host.create("사랑방", "철수")
    await host.drop()
    assert (await back.join(created["roomID"], "철수", token=created["token"]))["participants"] == 1
    deleted = await back.ask("CLIENT_ROOM_DELETE", roomID=created["roomID"], userName="철수")
    assert (deleted["status"], deleted["reason"]) == (True, "deleted")


async def test_without_the_token_the_hosts_name_is_taken(connect: Connect) -> None:
    host, other = await connect(), await connect()
    created = await host.create("사랑방", "철수")
    await host.drop()
    assert (await other.join(created["roomID"], "철수"))["error"] == "name_taken"


async def test_a_token_after_the_first_join_is_ignored(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    created = await host.create("사랑방", "철수")
    await guest.join(created["roomID"], "손님")
    assert (await guest.join(created["roomID"], "철수", token=created["token"]))["error"] == "name_taken"


async def test_a_token_does_not_make_a_visitor_with_a_cookie_another(connect: Connect) -> None:
    host, browser = await connect(), await connect(a_cookie())
    created = await host.create("사랑방", "철수")
    assert (await browser.join(created["roomID"], "철수", token=created["token"]))["error"] == "name_taken"


async def test_a_token_is_given_again_to_who_came_with_one(connect: Connect) -> None:
    host, back, third = await connect(), await connect(), await connect()
    created = await host.create("사랑방", "철수")
    joined = await back.join(created["roomID"], "철수", token=created["token"])
    assert (await third.join(created["roomID"], "철수", token=joined["token"]))["tag"] == created["tag"]


# --- coming back with ``after`` --------------------------------------------------------------------------------------


async def test_who_comes_back_gets_what_was_missed_in_order_as_first_sent(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    guest, back = await connect(cookie), await connect(cookie)
    after = (await guest.join(room, "손님"))["seq"]
    await guest.drop()
    said = [await host.say(room, "주인", text) for text in ("하나", "둘", "셋")]
    joined = await back.join(room, "손님", after=after)
    assert types(joined) == ENTERED | {"recovered": bool}
    assert (joined["recovered"], joined["seq"], await heard(back)) == (True, said[-1]["seq"], said)


async def test_nothing_that_was_replayed_comes_twice(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    guest, back = await connect(cookie), await connect(cookie)
    await guest.join(room, "손님")
    await guest.drop()
    first = await host.say(room, "주인", "하나")
    await back.send("CLIENT_ROOM_JOIN", roomID=room, userName="손님", after=first["seq"] - 1)
    second = await host.say(room, "주인", "둘")
    assert [message["seq"] for message in await heard(back)][1:] == [first["seq"], second["seq"]]


async def test_who_missed_nothing_is_told_so(connect: Connect) -> None:
    cookie = a_cookie()
    room, _host = await meet(connect, "주인")
    guest, back = await connect(cookie), await connect(cookie)
    after = (await guest.join(room, "손님"))["seq"]
    await guest.drop()
    assert (await back.join(room, "손님", after=after))["recovered"] is True
    assert await heard(back) == []


async def test_without_after_nothing_is_replayed_and_nothing_said_of_it(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    guest, back = await connect(cookie), await connect(cookie)
    await guest.join(room, "손님")
    await guest.drop()
    await host.say(room, "주인", "하나")
    assert "recovered" not in await back.join(room, "손님")
    assert await heard(back) == []


async def test_who_never_was_in_the_room_gets_no_replay(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    await host.say(room, "주인", "우리끼리")
    stranger = await connect()
    assert (await stranger.join(room, "손님", after=0))["recovered"] is False
    assert await heard(stranger) == []


async def test_nothing_from_before_the_first_join_is_replayed(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    await host.say(room, "주인", "우리끼리")
    guest, back = await connect(cookie), await connect(cookie)
    first = (await guest.join(room, "손님"))["seq"]
    said = await host.say(room, "주인", "어서 와요")
    await guest.drop()
    await back.join(room, "손님", after=0)
    messages = await heard(back)
    assert messages[-1] == said
    assert all(message["seq"] >= first for message in messages)


async def test_who_left_on_purpose_gets_nothing_of_what_was_said_after(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    after = (await guest.say(room, "손님", "갑니다"))["seq"]
    await guest.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    await host.say(room, "주인", "비밀")
    joined = await guest.join(room, "다른 이름", after=after)
    assert (joined["status"], joined["recovered"]) == (True, False)
    assert await heard(guest) == []


async def test_an_after_from_the_future_is_not_recovered(connect: Connect) -> None:
    room, _host, guest = await meet(connect, "주인", "손님")
    joined = await guest.join(room, "손님", after=2**53 - 1)
    assert (joined["status"], joined["recovered"]) == (True, False)
    assert await heard(guest) == []


@pytest.mark.usefixtures("short_history")
async def test_who_missed_more_than_is_kept_gets_the_rest_and_is_told(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    guest, back = await connect(cookie), await connect(cookie)
    after = (await guest.join(room, "손님"))["seq"]
    await guest.drop()
    said = [await host.say(room, "주인", str(number)) for number in range(5)]
    assert (await back.join(room, "손님", after=after))["recovered"] is False
    assert await heard(back) == said[-3:]


@pytest.mark.usefixtures("short_history")
async def test_who_missed_just_what_is_kept_is_recovered(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    guest, back = await connect(cookie), await connect(cookie)
    after = (await guest.join(room, "손님"))["seq"]
    await guest.drop()
    said = [await host.say(room, "주인", str(number)) for number in range(3)]
    assert (await back.join(room, "손님", after=after))["recovered"] is True
    assert await heard(back) == said


# --- exit ------------------------------------------------------------------------------------------------------------


async def test_the_answer_to_exit_has_no_seq(connect: Connect) -> None:
    room, _host, guest = await meet(connect, "주인", "손님")
    answer = await guest.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님", ref="안녕히")
    assert answer == {"type": "SERVER_ROOM_EXIT", "status": True, "roomID": room, "nickName": "손님", "ref": "안녕히"}
    assert await heard(guest) == []


async def test_the_others_hear_of_an_exit(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await guest.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    [event] = await heard(host)
    assert types(event) == EVENT | {"status": bool, "nickName": str, "tag": str, "reason": str}
    assert (event["type"], event["nickName"], event["reason"], event["participants"]) == (
        "SERVER_ROOM_EXIT",
        "손님",
        "left",
        1,
    )


async def test_after_an_exit_nothing_more_is_heard_of_the_room(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await guest.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    await host.say(room, "주인", "갔네요")
    assert await heard(guest) == []


async def test_after_an_exit_one_may_join_again(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await guest.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    assert (await guest.join(room, "손님"))["participants"] == 2
    assert [event["type"] for event in await heard(host)] == ["SERVER_ROOM_EXIT", "SERVER_ROOM_JOIN"]


async def test_after_an_exit_the_name_is_free_for_others(connect: Connect) -> None:
    room, _host, guest = await meet(connect, "주인", "손님")
    await guest.ask("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    assert (await (await connect()).join(room, "손님"))["status"] is True


async def test_the_hosts_exit_is_an_exit_and_then_the_rooms_deletion(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await host.ask("CLIENT_ROOM_EXIT", roomID=room, userName="주인")
    left, deleted = await guest.receive(), await guest.receive()
    assert (left["type"], left["reason"], left["participants"]) == ("SERVER_ROOM_EXIT", "left", 1)
    assert (deleted["type"], deleted["reason"], deleted["participants"]) == ("SERVER_ROOM_DELETE", "host_left", 0)
    assert deleted["seq"] == left["seq"] + 1


async def test_a_leaving_host_hears_of_the_deletion_after_the_answer(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await host.send("CLIENT_ROOM_EXIT", roomID=room, userName="주인")
    answer, deleted = await heard(host)
    assert (answer["type"], answer["nickName"], "seq" in answer) == ("SERVER_ROOM_EXIT", "주인", False)
    assert deleted == await guest.until("SERVER_ROOM_DELETE")


async def test_a_leaving_host_with_a_second_name_in_the_room_hears_of_the_deletion_once(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    await host.join(room, "둘째")
    await host.send("CLIENT_ROOM_EXIT", roomID=room, userName="주인")
    messages = await heard(host)
    assert [message["type"] for message in messages].count("SERVER_ROOM_DELETE") == 1


async def test_a_host_who_leaves_one_of_two_tabs_is_still_there(connect: Connect) -> None:
    cookie = a_cookie()
    tab, other = await connect(cookie), await connect(cookie)
    room = (await tab.create("사랑방", "철수"))["roomID"]
    await other.join(room, "철수")
    await tab.ask("CLIENT_ROOM_EXIT", roomID=room, userName="철수")
    assert (await heard(tab), await heard(other)) == ([], [])
    assert (await other.say(room, "철수", "여기요"))["participants"] == 1


# --- talk ------------------------------------------------------------------------------------------------------------


async def test_a_message_reaches_everyone_with_the_same_seq(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    room = (await host.create())["roomID"]
    await guest.join(room, "손님")
    echo = await guest.say(room, "손님", "안녕하세요", ref="x")
    heard = await host.until("SERVER_CHAT_SEND")
    assert heard == echo
    assert (heard["nickname"], heard["message"], heard["participants"]) == ("손님", "안녕하세요", 2)


async def test_a_message_has_its_fields_and_no_others(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    said = await host.say(room, "주인", "안녕", ref="말")
    assert types(said) == EVENT | {"status": bool, "nickname": str, "message": str, "tag": str, "ref": str}
    assert (said["status"], said["roomID"], said["ref"]) == (True, room, "말")


async def test_a_message_without_ref_has_none(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    await host.send("CLIENT_CHAT_SEND", roomID=room, userName="주인", message="안녕")
    assert "ref" not in await host.until("SERVER_CHAT_SEND")


async def test_the_same_message_without_ref_is_said_as_often_as_it_is_sent(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    for _ in range(2):
        await host.send("CLIENT_CHAT_SEND", roomID=room, userName="주인", message="ㅋㅋ")
    assert [said["message"] for said in await heard(host)] == ["ㅋㅋ", "ㅋㅋ"]


async def test_messages_sent_in_a_row_are_heard_in_that_order(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    for number in range(20):
        await guest.send("CLIENT_CHAT_SEND", roomID=room, userName="손님", message=str(number))
    echoes = await heard(guest)
    assert [said["message"] for said in echoes] == [str(number) for number in range(20)]
    assert [said["seq"] - echoes[0]["seq"] for said in echoes] == list(range(20))
    assert await heard(host) == echoes


async def test_everyone_sees_the_same_order_when_all_talk_at_once(connect: Connect) -> None:
    room, *clients = await meet(connect, "주인", "하나", "둘")
    nicks = ("주인", "하나", "둘")
    for _ in range(5):
        await asyncio.gather(
            *(
                c.send("CLIENT_CHAT_SEND", roomID=room, userName=n, message=n)
                for c, n in zip(clients, nicks, strict=True)
            )
        )
    logs = [await heard(client) for client in clients]
    assert len(logs[0]) == 15
    assert logs[0] == logs[1] == logs[2]


async def test_a_message_is_trimmed_and_put_into_syllables_and_keeps_its_line_feeds(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    said = await host.say(room, "주인", unicodedata.normalize("NFD", "  첫 줄\n둘째 줄 \n"))
    assert said["message"] == "첫 줄\n둘째 줄"


@pytest.mark.parametrize("message", ["가" * 128, "👍" * 128, "👨‍👩‍👧‍👦" * 18, "<b>&amp;\"'\\", "\u202e뒤집기"])
async def test_a_message_is_passed_on_as_it_is(connect: Connect, message: str) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await host.say(room, "주인", message)
    assert (await guest.until("SERVER_CHAT_SEND"))["message"] == message


async def test_the_same_ref_is_said_once_and_answered_again_to_the_caller_alone(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    first = await guest.say(room, "손님", "안녕", ref="한번")
    assert await guest.say(room, "손님", "안녕", ref="한번") == first
    assert await heard(host) == [first]


async def test_the_same_ref_with_other_words_answers_with_the_first(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    first = await host.say(room, "주인", "안녕", ref="한번")
    assert await host.say(room, "주인", "다른 말", ref="한번") == first


async def test_a_ref_is_remembered_across_connections(connect: Connect) -> None:
    cookie = a_cookie()
    room, host = await meet(connect, "주인")
    guest, back = await connect(cookie), await connect(cookie)
    await guest.join(room, "손님")
    first = await guest.say(room, "손님", "안녕", ref="한번")
    await guest.drop()
    await back.join(room, "손님")
    assert await back.say(room, "손님", "안녕", ref="한번") == first
    assert (await heard(host))[1:] == [first]


async def test_the_same_ref_from_another_visitor_is_another_message(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    first = await host.say(room, "주인", "안녕", ref="한번")
    second = await guest.until("SERVER_CHAT_SEND")
    assert (await guest.say(room, "손님", "안녕", ref="한번"))["seq"] == second["seq"] + 1 == first["seq"] + 1


async def test_the_same_ref_in_another_room_is_another_message(connect: Connect) -> None:
    host = await connect()
    rooms = [(await host.create(name, "철수"))["roomID"] for name in ("하나", "둘")]
    said = [await host.say(room, "철수", "안녕", ref="한번") for room in rooms]
    assert [message["roomID"] for message in said] == rooms


async def test_a_repeated_ref_is_answered_before_flood_control(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_FLOOD_CONTROL, settings.ROOMS_CHAT_BURST, settings.ROOMS_CHAT_RATE = True, 1, 0.01
    room, host = await meet(connect, "주인")
    first = await host.say(room, "주인", "안녕", ref="한번")
    assert (await host.say(room, "주인", "또", ref="둘"))["error"] == "too_fast"
    assert await host.say(room, "주인", "안녕", ref="한번") == first


# --- order -----------------------------------------------------------------------------------------------------------


async def test_commands_sent_at_once_are_answered_in_order(connect: Connect) -> None:
    room, _host = await meet(connect, "주인")
    guest = await connect()
    here = {"roomID": room, "userName": "손님"}
    await guest.send("CLIENT_ROOM_JOIN", ref="1", **here)
    await guest.send("CLIENT_CHAT_SEND", ref="2", message="안녕", **here)
    await guest.send("CLIENT_CHAT_SEND", ref="3", message="", **here)
    await guest.send("CLIENT_NO_SUCH", ref="4")
    await guest.send("CLIENT_ROOM_LIST", ref="5")
    await guest.send("CLIENT_CHAT_SEND", ref="6", message="잘 있어요", **here)
    await guest.send("CLIENT_ROOM_EXIT", ref="7", **here)
    await guest.send("CLIENT_CHAT_SEND", ref="8", message="늦었네", **here)
    assert [message["ref"] for message in await heard(guest)] == list("12345678")


async def test_answers_to_commands_without_ref_have_none(connect: Connect) -> None:
    room, _host = await meet(connect, "주인")
    guest = await connect()
    for type in ("CLIENT_ROOM_JOIN", "CLIENT_ROOM_EXIT", "CLIENT_ROOM_DELETE", "CLIENT_ROOM_LIST", "CLIENT_NONE"):
        await guest.send(type, roomID=room, userName="손님")
    assert [("ref" in message) for message in await heard(guest)] == [False] * 5


async def test_the_echo_of_a_message_comes_before_the_answer_to_the_exit_after_it(connect: Connect) -> None:
    room, _host, guest = await meet(connect, "주인", "손님")
    await guest.send("CLIENT_CHAT_SEND", roomID=room, userName="손님", message="안녕히", ref="말")
    await guest.send("CLIENT_ROOM_EXIT", roomID=room, userName="손님", ref="감")
    assert [message["ref"] for message in await heard(guest)] == ["말", "감"]


# --- deletion --------------------------------------------------------------------------------------------------------


async def test_a_deletion_is_told_to_everyone_and_is_the_callers_answer(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    last = (await host.say(room, "주인", "이만"))["seq"]
    answer = await host.ask("CLIENT_ROOM_DELETE", roomID=room, userName="주인", ref="끝")
    assert types(answer) == EVENT | {"status": bool, "reason": str, "ref": str}
    assert (answer["status"], answer["reason"], answer["participants"], answer["seq"]) == (True, "deleted", 0, last + 1)
    assert await guest.until("SERVER_ROOM_DELETE") == answer
    assert (await heard(host), await heard(guest)) == ([], [])


async def test_whoever_has_seen_the_deletion_finds_the_name_free(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await host.send("CLIENT_ROOM_DELETE", roomID=room, userName="주인")
    await guest.until("SERVER_ROOM_DELETE")
    assert (await guest.create("사랑방", "손님"))["status"] is True


async def test_whoever_has_seen_a_leaving_hosts_deletion_finds_the_name_free(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await host.send("CLIENT_ROOM_EXIT", roomID=room, userName="주인")
    await guest.until("SERVER_ROOM_DELETE")
    assert (await guest.create("사랑방", "손님"))["status"] is True


async def test_a_new_room_of_the_same_name_is_another_and_old_sockets_hear_nothing_of_it(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    await host.ask("CLIENT_ROOM_DELETE", roomID=room, userName="주인")
    new = await host.create("사랑방", "주인")
    await host.say(new["roomID"], "주인", "새 방입니다")
    assert new["roomID"] != room
    assert [message["type"] for message in await heard(guest)] == ["SERVER_ROOM_DELETE"]
    assert (await guest.join(room, "손님"))["error"] == "room_not_found"


async def test_a_room_that_is_deleted_while_others_join_leaves_nobody_in_doubt(connect: Connect) -> None:
    room, host = await meet(connect, "주인")
    guests = [await connect() for _ in range(10)]
    joins = [guest.join(room, f"손님{number}") for number, guest in enumerate(guests)]
    delete = host.ask("CLIENT_ROOM_DELETE", roomID=room, userName="주인")
    *answers, deleted = await asyncio.gather(*joins[:5], delete, *joins[5:])
    for guest, answer in zip(guests, [a for a in [*answers, deleted] if a["type"] == "SERVER_ROOM_JOIN"], strict=True):
        last = (await heard(guest))[-1:]
        assert (answer.get("error") == "room_not_found" and last == []) or last[0]["type"] == "SERVER_ROOM_DELETE"


async def test_a_host_may_delete_from_another_tab_that_is_in_the_room(connect: Connect) -> None:
    cookie = a_cookie()
    tab, other = await connect(cookie), await connect(cookie)
    room = (await tab.create("사랑방", "철수"))["roomID"]
    await other.join(room, "철수")
    deleted = await other.ask("CLIENT_ROOM_DELETE", roomID=room, userName="철수")
    assert deleted["reason"] == "deleted"
    assert await heard(tab) == [deleted]


# --- lost connections ------------------------------------------------------------------------------------------------


async def test_the_room_hears_that_the_host_is_away_and_until_when(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_HOST_GRACE = 60.0
    room, host, guest = await meet(connect, "주인", "손님")
    await host.drop()
    away = await guest.receive()
    assert types(away) == EVENT | {"nickName": str, "closesAt": int}
    assert (away["type"], away["roomID"], away["nickName"]) == ("SERVER_HOST_AWAY", room, "주인")
    assert abs(away["closesAt"] - away["at"] - 60_000) < 1_000
    assert away["participants"] == 2


async def test_a_newcomer_learns_when_the_room_closes_without_its_host(connect: Connect) -> None:
    room, host, guest = await meet(connect, "주인", "손님")
    newcomer = await connect()
    await host.drop()
    away = await guest.until("SERVER_HOST_AWAY")
    assert (await newcomer.join(room, "새 손님"))["closesAt"] == away["closesAt"]


async def test_the_room_hears_that_the_host_is_back(connect: Connect) -> None:
    cookie = a_cookie()
    host, guest, back = await connect(cookie), await connect(), await connect(cookie)
    room = (await host.create("사랑방", "철수"))["roomID"]
    await guest.join(room, "손님")
    await host.drop()
    joined = await back.join(room, "철수")
    away, returned = await guest.receive(), await guest.receive()
    assert types(returned) == EVENT | {"nickName": str}
    assert (returned["type"], returned["nickName"]) == ("SERVER_HOST_BACK", "철수")
    assert joined["seq"] == returned["seq"] == away["seq"] + 1


async def test_a_host_with_another_tab_is_not_away(connect: Connect) -> None:
    cookie = a_cookie()
    tab, other, guest = await connect(cookie), await connect(cookie), await connect()
    room = (await tab.create("사랑방", "철수"))["roomID"]
    await other.join(room, "철수")
    await guest.join(room, "손님")
    await tab.drop()
    said = await other.say(room, "철수", "여기요")
    assert await heard(guest) == [said]


async def test_a_room_whose_host_stays_away_is_deleted(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_HOST_GRACE = 0.1
    _room, host, guest = await meet(connect, "주인", "손님")
    await host.drop()
    away, left, deleted = [await guest.receive() for _ in range(3)]
    assert (away["type"], left["type"], left["reason"]) == ("SERVER_HOST_AWAY", "SERVER_ROOM_EXIT", "lost")
    assert (deleted["type"], deleted["reason"], deleted["participants"]) == ("SERVER_ROOM_DELETE", "host_lost", 0)
    assert (left["seq"], deleted["seq"]) == (away["seq"] + 1, away["seq"] + 2)
    assert left["at"] >= away["closesAt"]


async def test_whoever_has_seen_a_lost_hosts_deletion_finds_the_name_free(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_HOST_GRACE = 0.1
    _room, host, guest = await meet(connect, "주인", "손님")
    await host.drop()
    await guest.until("SERVER_ROOM_DELETE")
    assert (await guest.create("사랑방", "손님"))["status"] is True


async def test_who_does_not_come_back_within_the_grace_is_lost(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_GRACE = 0.1
    _room, host, guest = await meet(connect, "주인", "손님")
    await guest.drop()
    event = await host.receive()
    assert types(event) == EVENT | {"status": bool, "nickName": str, "tag": str, "reason": str}
    assert (event["type"], event["nickName"], event["reason"], event["participants"]) == (
        "SERVER_ROOM_EXIT",
        "손님",
        "lost",
        1,
    )


async def test_who_comes_back_within_the_grace_was_never_gone(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_GRACE = 0.3
    cookie = a_cookie()
    room, host, other = await meet(connect, "주인", "다른이")
    guest, back = await connect(cookie), await connect(cookie)
    await guest.join(room, "손님")
    await heard(host)
    await guest.drop()
    await back.join(room, "손님")
    # The other is lost after the guest, so that the guest's exit would have come first.
    await other.drop()
    event = await host.receive()
    assert (event["type"], event["nickName"], event["participants"]) == ("SERVER_ROOM_EXIT", "다른이", 2)


async def test_within_the_grace_name_and_place_are_kept(connect: Connect) -> None:
    room, _host, guest = await meet(connect, "주인", "손님")
    await guest.drop()
    other = await connect()
    assert (await other.join(room, "손님"))["error"] == "name_taken"
    joined = await other.join(room, "다른이")
    assert joined["participants"] == 3
    assert "손님" in [member["nickName"] for member in joined["members"]]


async def test_within_the_grace_a_place_in_a_full_room_is_kept(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_ROOM_SIZE = 2
    cookie = a_cookie()
    room, _host = await meet(connect, "주인")
    guest, back = await connect(cookie), await connect(cookie)
    await guest.join(room, "손님")
    await guest.drop()
    assert (await (await connect()).join(room, "다른이"))["error"] == "room_full"
    assert (await back.join(room, "손님"))["participants"] == 2


async def test_after_the_grace_the_name_is_free(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_GRACE = 0.05
    room, host, guest = await meet(connect, "주인", "손님")
    await guest.drop()
    await host.until("SERVER_ROOM_EXIT")
    assert (await (await connect()).join(room, "손님"))["participants"] == 2


async def test_losing_one_of_two_tabs_is_no_loss(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_GRACE = 0.05
    cookie = a_cookie()
    room, host, other = await meet(connect, "주인", "다른이")
    tabs = [await connect(cookie), await connect(cookie)]
    for tab in tabs:
        await tab.join(room, "손님")
    await tabs[0].drop()
    await heard(host)
    # The other is lost after the tab, so that the tab's loss would have been heard first.
    await other.drop()
    event = await host.receive()
    assert (event["nickName"], event["participants"]) == ("다른이", 2)


async def test_a_lost_connection_is_lost_in_all_its_rooms(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_GRACE = 0.05
    host, guest = await connect(), await connect()
    rooms = [(await host.create(name, "철수"))["roomID"] for name in ("하나", "둘")]
    for room in rooms:
        await guest.join(room, "손님")
    await heard(host)
    await guest.drop()
    lost = [await host.receive(), await host.receive()]
    assert {event["roomID"] for event in lost} == set(rooms)
    assert [event["reason"] for event in lost] == ["lost", "lost"]


# --- official rooms --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick_reconciling")
async def test_an_official_room_has_no_host(connect: Connect) -> None:
    guest = await connect()
    await guest.ask("CLIENT_ROOM_LIST", watch=True)
    await Room.objects.acreate(name="알림방")
    [shown] = (await guest.until("SERVER_ROOM_UPDATE"))["rooms"]
    assert (shown["roomName"], shown["host"], shown["participants"]) == ("알림방", "", 0)
    assert (await guest.join(shown["roomID"], "손님"))["host"] == ""


async def test_an_official_room_stays_when_all_leave(connect: Connect) -> None:
    room = (await Room.objects.acreate(name="알림방")).id
    guest, other = await connect(), await connect()
    await guest.join(room, "손님")
    await guest.send("CLIENT_ROOM_EXIT", roomID=room, userName="손님")
    assert [message["type"] for message in await heard(guest)] == ["SERVER_ROOM_EXIT"]
    assert (await other.join(room, "다른이"))["participants"] == 1
    assert await Room.objects.filter(id=room).aexists()


async def test_an_official_room_stays_when_the_last_is_lost(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_GRACE = 0.05
    room = (await Room.objects.acreate(name="알림방")).id
    guest, watcher = await connect(), await connect()
    await guest.join(room, "손님")
    await watcher.ask("CLIENT_ROOM_LIST", watch=True)
    await guest.drop()
    update = await watcher.until("SERVER_ROOM_UPDATE")
    assert (update["rooms"][0]["participants"], update["removed"], update["total"]) == (0, [], 1)


@pytest.mark.usefixtures("quick_reconciling")
async def test_a_room_whose_row_is_gone_ends(connect: Connect) -> None:
    room, _host, guest = await meet(connect, "주인", "손님")
    await Room.objects.filter(id=room).adelete()
    assert (await guest.until("SERVER_ROOM_DELETE"))["participants"] == 0


# --- the list of rooms -----------------------------------------------------------------------------------------------


async def test_the_list_has_its_fields_and_no_others(connect: Connect) -> None:
    room, _host = await meet(connect, "주인")
    answer = await (await connect()).ask("CLIENT_ROOM_LIST", ref="목록")
    assert types(answer) == {"type": str, "status": bool, "rooms": list, "total": int, "ref": str}
    assert (answer["type"], answer["status"], answer["total"], answer["ref"]) == ("SERVER_ROOM_LIST", True, 1, "목록")
    [shown] = answer["rooms"]
    assert types(shown) == LISTED
    assert [shown[name] for name in ("roomID", "roomName", "host", "participants", "locked")] == [
        room,
        "사랑방",
        "주인",
        1,
        False,
    ]


async def test_the_fullest_rooms_come_first(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    rooms = [(await host.create(name, "철수"))["roomID"] for name in ("하나", "둘", "셋")]
    await guest.join(rooms[1], "손님")
    assert next(iter(await listed(guest))) == rooms[1]


async def test_only_so_many_rooms_are_listed_and_all_are_counted(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_LOBBY_SIZE = 2
    host = await connect()
    for name in ("하나", "둘", "셋"):
        await host.create(name, "철수")
    answer = await host.ask("CLIENT_ROOM_LIST")
    assert (len(answer["rooms"]), answer["total"]) == (2, 3)


async def test_who_does_not_watch_hears_of_no_change(connect: Connect) -> None:
    watcher, reader, host = await connect(), await connect(), await connect()
    await reader.ask("CLIENT_ROOM_LIST")
    await watcher.ask("CLIENT_ROOM_LIST", watch=True)
    await host.create()
    await watcher.until("SERVER_ROOM_UPDATE")
    assert await heard(reader) == []


async def test_who_watches_hears_of_new_rooms(connect: Connect) -> None:
    watcher, host = await connect(), await connect()
    await watcher.ask("CLIENT_ROOM_LIST", watch=True)
    created = await host.create("사랑방", "철수")
    update = await watcher.until("SERVER_ROOM_UPDATE")
    assert types(update) == {"type": str, "rooms": list, "removed": list, "total": int}
    assert (update["removed"], update["total"]) == ([], 1)
    assert update["rooms"] == list((await listed(host)).values())
    assert update["rooms"][0]["roomID"] == created["roomID"]


async def test_who_watches_hears_of_changed_counts_and_of_nothing_unchanged(connect: Connect) -> None:
    host, guest, watcher = await connect(), await connect(), await connect()
    rooms = [(await host.create(name, "철수"))["roomID"] for name in ("하나", "둘")]
    assert (await watcher.ask("CLIENT_ROOM_LIST", watch=True))["total"] == 2
    await guest.join(rooms[0], "손님")
    update = await watcher.until("SERVER_ROOM_UPDATE")
    assert [(room["roomID"], room["participants"]) for room in update["rooms"]] == [(rooms[0], 2)]


async def test_who_watches_hears_of_rooms_that_are_gone(connect: Connect) -> None:
    room, host, watcher = await meet(connect, "주인", "손님")
    await watcher.ask("CLIENT_ROOM_LIST", watch=True)
    await host.send("CLIENT_ROOM_DELETE", roomID=room, userName="주인")
    update = await watcher.until("SERVER_ROOM_UPDATE")
    assert (update["rooms"], update["removed"], update["total"]) == ([], [room], 0)


async def test_a_room_that_falls_out_of_the_list_is_removed_from_it(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_LOBBY_SIZE = 1
    host, guest, watcher = await connect(), await connect(), await connect()
    rooms = [(await host.create(name, "철수"))["roomID"] for name in ("하나", "둘")]
    [shown] = (await watcher.ask("CLIENT_ROOM_LIST", watch=True))["rooms"]
    [other] = set(rooms) - {shown["roomID"]}
    await guest.join(other, "손님")
    update = await watcher.until("SERVER_ROOM_UPDATE")
    assert ([room["roomID"] for room in update["rooms"]], update["removed"]) == ([other], [shown["roomID"]])
    assert update["total"] == 2


async def test_changes_are_gathered_up(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_LOBBY_PERIOD = 0.2
    host, watcher = await connect(), await connect()
    await watcher.ask("CLIENT_ROOM_LIST", watch=True)
    times = []
    for name in ("하나", "둘", "셋"):
        await host.create(name, "철수")
        await watcher.until("SERVER_ROOM_UPDATE")
        times.append(time.monotonic())
    assert times[1] - times[0] > 0.15
    assert times[2] - times[1] > 0.15


async def test_watch_false_ends_the_watching(connect: Connect) -> None:
    watcher, other, host = await connect(), await connect(), await connect()
    for client in (watcher, other):
        await client.ask("CLIENT_ROOM_LIST", watch=True)
    await watcher.ask("CLIENT_ROOM_LIST", watch=False)
    await host.create()
    await other.until("SERVER_ROOM_UPDATE")
    assert await heard(watcher) == []


async def test_watching_twice_brings_each_change_once(connect: Connect) -> None:
    watcher, host = await connect(), await connect()
    for _ in range(2):
        await watcher.ask("CLIENT_ROOM_LIST", watch=True)
    for name in ("하나", "둘"):
        room = (await host.create(name, "철수"))["roomID"]
        update = await watcher.until("SERVER_ROOM_UPDATE")
        assert [shown["roomID"] for shown in update["rooms"]] == [room]


async def test_a_list_with_its_updates_is_the_list(connect: Connect) -> None:
    host, guest, watcher = await connect(), await connect(), await connect()
    known = {room["roomID"]: room for room in (await watcher.ask("CLIENT_ROOM_LIST", watch=True))["rooms"]}
    rooms = [(await host.create(name, "철수"))["roomID"] for name in ("하나", "둘", "셋")]
    await guest.join(rooms[1], "손님")
    await host.ask("CLIENT_ROOM_DELETE", roomID=rooms[0], userName="철수")
    wanted = await listed(host)
    while known != wanted:
        update = await watcher.until("SERVER_ROOM_UPDATE")
        known |= {room["roomID"]: room for room in update["rooms"]}
        known = {number: room for number, room in known.items() if number not in update["removed"]}
        assert update["total"] == len(known)


# --- a client that knows only the seed's five messages ---------------------------------------------------------------


async def seed_hears(client: Client, type: str) -> Message:
    """The next message, of which a client of the seed reads only the seed's fields."""
    message = await client.receive()
    assert message["type"] == type
    assert message["status"] is True
    return {name: message[name] for name in FIVE[type]}


async def test_a_client_that_knows_only_the_five_messages_works_unchanged(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    await host.send("CLIENT_ROOM_CREATE", roomName="사랑방", userName="철수")
    created = await seed_hears(host, "SERVER_ROOM_CREATE")
    room = created["roomID"]
    assert (created["roomName"], type(room)) == ("사랑방", int)
    await guest.send("CLIENT_ROOM_JOIN", roomID=room, userName="영희")
    for client in (guest, host):
        assert (await seed_hears(client, "SERVER_ROOM_JOIN"))["roomID"] == room
    await guest.send("CLIENT_CHAT_SEND", roomID=room, userName="영희", message="안녕하세요")
    for client in (guest, host):
        said = await seed_hears(client, "SERVER_CHAT_SEND")
        assert (said["roomID"], said["nickname"], said["message"]) == (room, "영희", "안녕하세요")
    await guest.send("CLIENT_ROOM_EXIT", roomID=room, userName="영희")
    for client in (guest, host):
        left = await seed_hears(client, "SERVER_ROOM_EXIT")
        assert (left["roomID"], left["nickName"]) == (room, "영희")
    await host.send("CLIENT_ROOM_DELETE", roomID=room, userName="철수")
    assert (await seed_hears(host, "SERVER_ROOM_DELETE"))["roomID"] == room


async def test_a_client_of_the_seed_sees_the_room_go_when_its_host_leaves(connect: Connect) -> None:
    room, host, guest = await meet(connect, "철수", "영희")
    await host.send("CLIENT_ROOM_EXIT", roomID=room, userName="철수")
    for client in (host, guest):
        assert (await seed_hears(client, "SERVER_ROOM_EXIT"))["nickName"] == "철수"
        assert (await seed_hears(client, "SERVER_ROOM_DELETE"))["roomID"] == room


async def test_fields_that_the_server_does_not_know_are_ignored(connect: Connect) -> None:
    created = await (await connect()).create("사랑방", "철수", color="red", host="도둑", participants=99)
    assert (created["status"], created["host"], created["participants"]) == (True, "철수", 1)

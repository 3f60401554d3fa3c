"""Whole systems: several real processes, Redis and PostgreSQL, while parts of them die."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.faults import SEEDS, schedule
from tests.scene import gathered, restart, stop
from tests.servers import ROOT, Cluster, cluster
from tests.talk import Talker, violations


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


async def test_people_on_three_workers_talk_and_leave(system: Cluster) -> None:
    host, guests = await gathered(system, 9)
    await asyncio.gather(*(guest.say(f"안녕 {n}") for n, guest in enumerate(guests)))
    for talker in (host, *guests):
        await talker.until(lambda talker: sum("ref" in e for e in talker.stretches[-1].events) >= 9)
    await guests[0].leave()
    await host.until(lambda host: host.participants == 9)
    assert violations([host, *guests]) == []
    await stop(host, *guests)


async def test_a_killed_workers_people_are_out_after_lease_and_grace(system: Cluster) -> None:
    host, guests = await gathered(system, 6)
    gone = [guest for guest in guests if guest.urls == [system.urls[1]]]
    system.workers[1].kill()
    await stop(*gone)
    await host.until(lambda host: host.participants == 7 - len(gone))
    restart(system.workers[1])
    await stop(host, *guests)


async def test_those_who_come_back_elsewhere_within_the_grace_were_never_gone(system: Cluster) -> None:
    host, guests = await gathered(system, 6)
    for guest in guests:
        guest.urls = [system.urls[0], system.urls[2], guest.urls[0]]
    system.workers[1].kill()
    for guest in (guest for guest in guests if guest.urls[-1] == system.urls[1]):
        await guest.until(lambda guest: guest.joins == 2 and guest.in_room.is_set())
    await host.say("다 있어요?")
    await host.until(lambda host: not host.unsent)
    assert host.participants == 7
    assert not [event for event in host.stretches[-1].events if event["type"] == "SERVER_ROOM_EXIT"]
    restart(system.workers[1])
    await stop(host, *guests)


async def test_a_worker_that_was_stopped_for_a_while_ends_in_exact_counts(system: Cluster) -> None:
    host, guests = await gathered(system, 6)
    system.workers[1].pause()
    # Its lease runs out, its people are given their grace, and out they are.
    await host.until(lambda host: host.participants < 7)
    system.workers[1].resume()
    await host.until(lambda host: host.participants == 7)
    await guests[1].say("다시 왔어요")
    await guests[0].until(lambda talker: any(e.get("message") == "다시 왔어요" for e in talker.stretches[-1].events))
    assert violations([host, *guests]) == []
    await stop(host, *guests)


@pytest.mark.parametrize("loss", ["emptied", "restarted"])
async def test_a_redis_that_forgot_everything_is_told_again(system: Cluster, loss: str) -> None:
    host, guests = await gathered(system, 6)
    if loss == "emptied":
        system.redis.command("FLUSHALL")
    else:
        system.redis.stop()
        system.redis.start()
    await asyncio.gather(*(talker.say(f"{talker.nick} 여기") for talker in (host, *guests)))
    for talker in (host, *guests):
        await talker.until(lambda talker: not talker.unsent and talker.participants == 7)
    assert [talker.joins for talker in (host, *guests)] == [1] * 7
    assert violations([host, *guests], forgotten=True) == []
    await stop(host, *guests)


async def test_cut_redis_connections_lose_nothing(system: Cluster) -> None:
    host, guests = await gathered(system, 6)
    for n in range(10):
        system.redis.command("CLIENT", "KILL", "TYPE", ("normal", "pubsub")[n % 2])
        await guests[n % 6].say(f"말 {n}")
    for talker in (host, *guests):
        await talker.until(lambda talker: sum("ref" in e for e in talker.stretches[-1].events) == 10)
    assert violations([host, *guests]) == []
    assert host.participants == 7
    await stop(host, *guests)


async def test_the_host_outlives_the_kill_of_their_worker(system: Cluster) -> None:
    host, guests = await gathered(system, 3)
    host.urls = [system.urls[2]]
    system.workers[0].kill()
    await host.until(lambda host: host.joins == 2 and host.in_room.is_set())
    restart(system.workers[0])
    await host._socket.send(host._text("CLIENT_ROOM_DELETE"))  # type: ignore[union-attr]
    for talker in (host, *guests[1:]):
        await talker.until(lambda talker: talker.deleted is not None)
        assert talker.deleted["reason"] == "deleted"  # type: ignore[index]
    await stop(host, *guests)


async def test_a_host_who_does_not_come_back_takes_the_room_along_once_everywhere(system: Cluster) -> None:
    host, guests = await gathered(system, 4)
    await host.stop()
    for guest in guests:
        await guest.until(lambda guest: guest.deleted is not None)
    assert {guest.deleted["seq"] for guest in guests if guest.deleted} == {guests[0].last}
    assert guests[0].deleted["reason"] == "host_lost"  # type: ignore[index]
    assert system.postgres.execute(f"select 1 from rooms_room where id = {host.room}") == []
    await stop(*guests)


async def test_the_host_is_host_again_after_all_workers_were_restarted(system: Cluster) -> None:
    host, guests = await gathered(system, 3)
    for worker in system.workers:
        worker.kill()
    for worker in system.workers:
        restart(worker)
    for talker in (host, *guests):
        await talker.until(lambda talker: talker.joins == 2 and talker.in_room.is_set())
    await host._socket.send(host._text("CLIENT_ROOM_DELETE"))  # type: ignore[union-attr]
    await guests[0].until(lambda talker: talker.deleted is not None)
    assert guests[0].deleted["reason"] == "deleted"  # type: ignore[index]
    await stop(host, *guests)


async def test_a_room_whose_row_is_deleted_in_a_shell_ends_everywhere(system: Cluster) -> None:
    host, guests = await gathered(system, 4)
    delete = f"from rooms.models import Room; Room.objects.filter(id={host.room}).delete()"
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", delete]
    await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=os.environ | system.environment, check=True)
    for talker in (host, *guests):
        await talker.until(lambda talker: talker.deleted is not None)
        assert talker.deleted["reason"] == "moderator"  # type: ignore[index]
    await stop(host, *guests)


async def test_a_room_whose_row_is_gone_without_a_record_gets_it_back(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    system.postgres.execute(f"delete from rooms_host where room_id = {host.room}")
    system.postgres.execute(f"delete from rooms_room where id = {host.room}")
    async with asyncio.timeout(30):
        while not system.postgres.execute(f"select 1 from rooms_room where id = {host.room}"):
            await asyncio.sleep(0.2)
    await guests[0].say("아직 있어요")
    await host.until(lambda host: any(e.get("message") == "아직 있어요" for e in host.stretches[-1].events))
    await stop(host, *guests)


async def test_rooms_left_in_the_database_by_a_crash_are_cleared_up(system: Cluster) -> None:
    system.postgres.execute(
        "insert into rooms_room (id, name, name_key, listed, created_at)"
        " values (5, '남은 방', 'x', true, now() - interval '1 day')"
    )
    system.postgres.execute(
        f"insert into rooms_host (room_id, visitor, nickname, tag) values (5, '{'v' * 32}', '없는이', 'tag')"
    )
    async with asyncio.timeout(60):
        while system.postgres.execute("select 1 from rooms_room where id = 5"):
            await asyncio.sleep(0.2)


async def test_talk_goes_on_while_the_database_is_away(system: Cluster) -> None:
    host, guests = await gathered(system, 3)
    system.postgres.stop()
    await guests[0].say("데이터베이스 없이도")
    await host.until(lambda host: any(e.get("message") == "데이터베이스 없이도" for e in host.stretches[-1].events))
    newcomer = await Talker(system.urls, host.room, "newcomer", random.Random(1)).enter()
    refused = Talker(system.urls, None, "homeless", random.Random(1)).start()
    await refused.until(lambda refused: bool(refused.refused))
    assert refused.refused[0]["error"] == "unavailable"
    system.postgres.start()
    await refused.until(lambda refused: refused.in_room.is_set())
    await stop(host, newcomer, refused, *guests)


async def test_connections_stay_open_while_redis_is_away(system: Cluster) -> None:
    host, guests = await gathered(system, 3)
    system.redis.stop()
    await guests[0].say("들리나요?")
    await guests[0].until(lambda talker: bool(talker.refused))
    assert guests[0].refused[0]["error"] == "unavailable"
    system.redis.start()
    for talker in (host, *guests):
        await talker.until(lambda talker: not talker.unsent and talker.participants == 4)
    assert [talker.joins for talker in (host, *guests)] == [1] * 4
    await stop(host, *guests)


async def test_a_terminated_worker_sends_its_people_elsewhere_and_is_gone_in_time(system: Cluster) -> None:
    host, guests = await gathered(system, 6)
    for guest in guests:
        guest.urls = [*system.urls, guest.urls[0]]
    took = await asyncio.to_thread(system.workers[1].terminate)
    assert took < 10
    moved = [guest for guest in guests if guest.urls[-1] == system.urls[1]]
    for guest in moved:
        await guest.until(lambda guest: guest.joins == 2 and guest.in_room.is_set())
    await host.say("다 있어요?")
    await host.until(lambda host: not host.unsent)
    assert host.participants == 7
    restart(system.workers[1])
    await stop(host, *guests)


def test_the_logs_tell_of_each_change_once_and_of_no_fault(system: Cluster) -> None:
    log = system.logs()
    assert "Traceback" not in log
    assert "the live store cannot be reached" in log
    assert "the database is back" in log
    for worker in system.workers:
        lines = worker.log.read_text().splitlines()
        assert len([line for line in lines if "it is tried again" in line]) <= 12


# --- random faults ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("lossy"), environment={"LAYER_LOSS": "0.1"}) as running:
        yield running


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_promised_is_broken_by_faults_drawn_from_a_seed(lossy: Cluster, seed: int) -> None:
    print(f"seed {seed}")
    assert await schedule(lossy, seed) == []

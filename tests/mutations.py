"""Plants faults into a copy of the live stores, one by one, and shows which test of ``make test`` catches each.

``python -m tests.mutations`` prints a table and fails when a fault is not caught, or cannot be planted any more because
the text that it changes is gone. With words, only the faults whose names contain one of them.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "node_modules", "__pycache__", "bench", "locale", "*.png")
TESTS = (
    *("tests/test_differential.py", "tests/test_live.py"),
    *("tests/test_live_addresses.py", "tests/test_live_moderation.py"),
)
CAUGHT = re.compile(r"^(?:FAILED|ERROR) tests/(\S+?)(?: - .*)?$", re.MULTILINE)
SEED = re.compile(r"\bseed (\d+), made as short as it can be:")
STEP = re.compile(r"^E +Step\(", re.MULTILINE)


class Mutation(NamedTuple):
    """A fault.

    Args:
        name: what is wrong then.
        file: below ``rooms/live``.
        old: a text that is in the file once.
        new: what is there instead.
    """

    name: str
    file: str
    old: str
    new: str


COMMON, EVENTS, MEMBERS = "scripts/common.lua", "scripts/events.lua", "scripts/members.lua"
BEAT, FINISH, SEND, SWEEP = "scripts/beat.lua", "scripts/finish_delete.lua", "scripts/send.lua", "scripts/sweep.lua"
RESTORE, CREATE, EXIT = "scripts/restore.lua", "scripts/create.lua", "scripts/exit.lua"
DISCONNECT, DELETE = "scripts/disconnect.lua", "scripts/begin_delete.lua"
KICK, TRANSFER, REMOVE, LINES = "scripts/kick.lua", "scripts/transfer.lua", "scripts/remove.lua", "scripts/lines.lua"

ARRIVE, ADDRESSES = "scripts/arrive.lua", "scripts/addresses.lua"
MUTATIONS = [
    # The five that passed every test once.
    Mutation("members are capped at 99", MEMBERS, "0, MEMBERS_MAX - 1)", "0, 98)"),
    Mutation("an exit has no tag", MEMBERS, "tag = who.tag, reason = reason}", "tag = '', reason = reason}"),
    Mutation("an event has a field too many", EVENTS, """body .. ',"seq":'""", """body .. ',"extra":1,"seq":'"""),
    Mutation("a join gives no time to live", MEMBERS, "  touch(room)\n  return nil, entered", "  return nil, entered"),
    Mutation("the lobby does not look at age", COMMON, " - state[2]), room)", "), room)"),
    Mutation(
        "the lobby looks at seconds only", COMMON, " - state[2]), room)", " - math.floor(state[2] / 1000)), room)"
    ),
    # Time.
    Mutation("milliseconds are counted wrong", COMMON, "math.floor(time[2] / 1000)", "math.floor(time[2] / 10000)"),
    Mutation("a key's life is in seconds", COMMON, "key('held', NODE), LIFE)", "key('held', NODE), LIFE * 1000)"),
    Mutation(
        "a deadline is a moment late", SWEEP, "'deadlines', '-inf', int(NOW)", "'deadlines', '-inf', int(NOW - 1)"
    ),
    Mutation("a lease lasts a moment longer", BEAT, "tonumber(due) <= NOW", "tonumber(due) < NOW"),
    Mutation("the host has everyone's grace", MEMBERS, "(host == who.key and host_grace or grace)", "(grace)"),
    Mutation(
        "refs are kept for an hour", EVENTS, "math.floor(NOW / REF_AGE) - before", "math.floor(NOW / LIFE) - before"
    ),
    Mutation("refs are not kept", SEND, "redis.call('HSETNX', found.refs, field, number) == 1", "found.refs"),
    Mutation("a reserved ref is overwritten", "scripts/reserve.lua", "if made then return {'', made, {}} end", ""),
    Mutation(
        "old events are kept a moment longer", EVENTS, "[4]) + HISTORY_AGE > NOW end", "[4]) + HISTORY_AGE >= NOW end"
    ),
    Mutation("events have no time to live", EVENTS, "  redis.call('PEXPIRE', events, HISTORY_AGE)\n", ""),
    Mutation(
        "a room's end is remembered too long", FINISH, "redis.call('PEXPIRE', key('room', room), HISTORY_AGE)\n", ""
    ),
    Mutation("a beat touches no rooms", BEAT, "do touch(room) end", "do end"),
    Mutation("a beat touches no indexes", BEAT, "touch_indexes()\n", ""),
    Mutation("no beat refreshes", "redis.py", "% REFRESH_BEATS == 0", "% REFRESH_BEATS == -1"),
    Mutation("an ended lease is made", "redis.py", '"XX", 0, node_id', "0, node_id"),
    Mutation("closing rooms are told at once", "scripts/list_rooms.lua", "int(NOW - closing_for)", "int(NOW)"),
    # Addresses.
    Mutation("a dead node's connections count", ARRIVE, "'(' .. AT, '+inf'", "'-inf', '+inf'"),
    Mutation("yesterday does not count", ARRIVE, " + open_at(day - 1, node, before)", ""),
    Mutation("a window is a tenth short", ADDRESSES, "at < step - STEPS", "at <= step - STEPS"),
    Mutation("a refused attempt is counted", ARRIVE, "if wait > 0 then return", "hold_open(day, name, held) return"),
    Mutation("what was not made stays counted", "scripts/cancel.lua", "refund('creates', address)", ""),
    Mutation("coming back costs something", MEMBERS, "not known and pay and", "pay and"),
    Mutation("one address has four first places", "scripts/lobby.lua", "shares[group] == share", "shares[group] == 4"),
    # Who is in.
    Mutation("a room holds one too many", MEMBERS, "count(room) >= size", "count(room) > size"),
    Mutation(
        "names are not protected",
        MEMBERS,
        "if present and present.visitor ~= who.visitor then return",
        "if false then return",
    ),
    Mutation("members are not in their order", MEMBERS, "'arrivals', 1), who.key", "'arrivals', -1), who.key"),
    Mutation(
        "a node is counted once too often", MEMBERS, "key('nodes', room), node, -1", "key('nodes', room), node, 0"
    ),
    Mutation(
        "who is held is still waited for",
        MEMBERS,
        "  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, name))\n  local holders",
        "  local holders",
    ),
    Mutation(
        "a node without a lease gets none",
        MEMBERS,
        "if not redis.call('ZSCORE', PREFIX .. 'leases', NODE) then",
        "if false then",
    ),
    Mutation("a node never counts as registered", BEAT, "return 1 - redis.call", "return 0 * redis.call"),
    Mutation(
        "the host is back who was not away",
        MEMBERS,
        "redis.call('ZSCORE', PREFIX .. 'deadlines', deadline_name(room, who.key)) then\n    events",
        "true then\n    events",
    ),
    Mutation("an exit is not remembered", MEMBERS, "  elseif window then\n", "  elseif false then\n"),
    Mutation("old visits count", MEMBERS, "tonumber(string.match(window, '%d+$')) + HISTORY_AGE > NOW)", "true)"),
    Mutation(
        "an exit leaves the lobby as it was",
        MEMBERS,
        "  list(room)\n  if host ~= who.key then return event",
        "  if host ~= who.key then return event",
    ),
    Mutation(
        "an exit is told to those left only",
        EXIT,
        "  local to = recipients(room)\n  if not let_go(room, name, NODE) then return {'', 0, {}} end",
        "  if not let_go(room, name, NODE) then return {'', 0, {}} end\n  local to = recipients(room)",
    ),
    Mutation("a repeated exit closes nothing", EXIT, "closing[1] == 'host_left' and", "false and"),
    Mutation("a dead node stays", SWEEP, "redis.call('ZREM', PREFIX .. 'leases', dead)\n", ""),
    Mutation("a sweep has no limit", SWEEP, "'LIMIT', 0, most)", "'LIMIT', 0, 500)"),
    Mutation("rooms without keys stay in the lists", SWEEP, "    redis.call('SREM', PREFIX .. 'rooms', room)\n", ""),
    Mutation("the closing host is not told", SWEEP, "if host_lost then", "if false then"),
    Mutation("anyone exits for anyone", EXIT, "if not who or who.visitor ~= visitor then", "if not who then"),
    Mutation("anyone disconnects anyone", DISCONNECT, "if not who or who.visitor ~= visitor then", "if not who then"),
    Mutation("a name is put back twice", RESTORE, "if present and present.visitor ~= who.visitor\n", "if false\n"),
    Mutation(
        "a deadline is given anew",
        MEMBERS,
        "deadlines', name) then return nil end",
        "deadlines', '') then return nil end",
    ),
    Mutation(
        "a restored host is said to be back", RESTORE, "elseif awaited and not restored and", "elseif awaited and"
    ),
    # What was missed.
    Mutation(
        "one event too many is kept",
        EVENTS,
        "redis.call('XTRIM', events, 'MAXLEN', most)",
        "redis.call('XTRIM', events, 'MAXLEN', most + 1)",
    ),
    Mutation("a gap goes unnoticed", MEMBERS, "and after >= lost then", "then"),
    Mutation("an earlier epoch recovers", MEMBERS, "after >= epoch_seq and", "after >= 0 and"),
    Mutation("an epoch begins one later", MEMBERS, "after >= epoch_seq and", "after > epoch_seq and"),
    Mutation("who has seen everything missed something", MEMBERS, "known and after <= seq", "known and after < seq"),
    Mutation("strangers are sent the past", MEMBERS, "math.max(after, first)", "after"),
    Mutation("a restored room tells who comes", RESTORE, "'restored_until')) > NOW", "'restored_until')) < 0"),
    Mutation(
        "a room made live counts as restored", CREATE, "held == '1' and '0' or int(NOW + grace)", "int(NOW + grace)"
    ),
    Mutation("a restored room goes back", RESTORE, "if state.seq < seen then", "if false then"),
    Mutation("a made room goes back", CREATE, "math.max(NOW_MICROSECONDS, seq + 1,", "math.max(NOW_MICROSECONDS,"),
    # The end.
    Mutation("a finished deletion stays listed", FINISH, "redis.call('ZREM', PREFIX .. 'closing', room)\n", ""),
    Mutation("a deleted room stays held", FINISH, "redis.call('SREM', key('held', node), room)", "break"),
    Mutation(
        "a deleted room's members are waited for",
        FINISH,
        "  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, name))\n",
        "",
    ),
    Mutation("a deletion is finished twice", FINISH, "if not state[1] or state[3] then", "if not state[1] then"),
    Mutation("a deletion forgets its ref", FINISH, "state[2] ~= '' and 'DeletedByRef' or 'Deleted'", "'Deleted'"),
    Mutation("a room in deletion is made again", CREATE, "if refused == 'room_not_found' then", "if false then"),
    Mutation("the second deletion counts", DELETE, "if not state[3] then", "if true then"),
    Mutation("the host's name is enough to delete", DELETE, " or state[5] ~= visitor)", ")"),
    Mutation(
        "a room in deletion stays in the lobby",
        COMMON,
        "  redis.call('ZREM', PREFIX .. 'lobby', room)\n  touch_indexes()",
        "  touch_indexes()",
    ),
    # Talk.
    Mutation("a line is lost when it follows another", SEND, "        found.seq = found.seq + 1\n", ""),
    Mutation(
        "a duplicate is refused who has left",
        SEND,
        "answer = made and '=' .. made .. ':' .. text_of(room, made) or refused",
        "answer = refused or made and '=' .. made .. ':' .. text_of(room, made)",
    ),
    Mutation(
        "anyone speaks for anyone",
        SEND,
        "return record and string.sub(record, 1, #visitor + 1) == visitor .. ':'",
        "return record",
    ),
    Mutation("slashes are escaped", EVENTS, r"(string.gsub(cjson.encode(text), '\\/', '/'))", "cjson.encode(text)"),
    # The calls.
    Mutation(
        "lines are sent last",
        "redis_calls.py",
        "        if talk:\n            found.append(_talk(talk))\n            talk = []\n",
        "",
    ),
    Mutation("no event seen is any event", "redis_kinds.py", '"" if op.after is None else op.after', 'op.after or ""'),
    Mutation("too_fast does not say how long", "redis_calls.py", '{"retryAfter": int(more)} if', "{} if"),
    # The store in memory.
    Mutation(
        "memory: a room holds one too many",
        "memory_people.py",
        "len(room.members) >= op.size",
        "len(room.members) > op.size",
    ),
    Mutation(
        "memory: due members go as they came",
        "memory_index.py",
        '    waiting.sort(key=lambda each: (each[0], f"{each[1].id}:{each[2].person.key}".encode()))\n',
        "",
    ),
    Mutation("memory: a node is never let go", "memory_room.py", "            self.nodes[node_id] -= 1\n", ""),
    Mutation(
        "memory: old visits count", "memory_people.py", "window.out_at + room.past.limits.history_age > now", "True"
    ),
    Mutation("memory: refs are kept for good", "memory_past.py", "if step < now // limits.ref_age - 1]", "if False]"),
    Mutation(
        "memory: rooms in deletion are joined",
        "memory.py",
        'if room is None or room.deletion is not None:\n            raise refusal("room_not_found")',
        'if room is None:\n            raise refusal("room_not_found")',
    ),
    # What came with version 1.4.
    Mutation("a pause counts", COMMON, "if missed >= 0 and missed <= tonumber(pause or 0) then", "if true then"),
    Mutation(
        "a pause counts for leases",
        COMMON,
        "{'deadlines', 'leases'}) do\n    local times",
        "{'deadlines'}) do\n    local times",
    ),
    Mutation("a lease is moved by a pause that was before it", BEAT, "skip_pause()\n", ""),
    Mutation("a deadline is moved by a pause that was before it", DISCONNECT, "skip_pause()\n", ""),
    Mutation(
        "a node that comes in late has the lease of an age",
        MEMBERS,
        "'lease') or HISTORY_AGE",
        "'none') or HISTORY_AGE",
    ),
    Mutation(
        "evicted people are not missed", MEMBERS, "return count(room) >= people and redis", "return true or redis"
    ),
    Mutation("evicted holders are not missed", MEMBERS, "key('holders', room)) >= held", "key('holders', room)) >= 0"),
    Mutation("a room without its people goes on", CREATE, "if state and whole(room) then", "if state then"),
    Mutation(
        "a restored node keeps whom it does not hold",
        RESTORE,
        "elseif let_go(room, holders[i], NODE) then",
        "elseif false then",
    ),
    Mutation(
        "somebody on their way in is let go", RESTORE, "for i = 1, joining do mine[ARGV[FIRST + 4 + i]] = true end", ""
    ),
    Mutation("a node is told of rooms it is not in", "scripts/positions.lua", "ARGV[FIRST] == '0'", "true"),
    Mutation(
        "who left on purpose is sent what was said after",
        MEMBERS,
        "if window and reason == 'left' then",
        "if false then",
    ),
    Mutation(
        "a visitor is the same in every room's past", COMMON, "room .. ':' .. visitor), 1, 20)", "visitor), 1, 20)"
    ),
    Mutation(
        "comings and goings cost lines their place",
        EVENTS,
        "trim('others', room, OTHERS - lasting)",
        "trim('lines', room, HISTORY - 1)",
    ),
    Mutation("fewer other events are kept", EVENTS, "local OTHERS = 3 * HISTORY", "local OTHERS = 2 * HISTORY"),
    Mutation(
        "what was said outlives its room",
        FINISH,
        "for _, kind in ipairs({'lines', 'others', 'lasting',",
        "for _, kind in ipairs({'lasting',",
    ),
    Mutation("refs outlive their room", FINISH, "redis.call('DEL', refs_key(room, 0), refs_key(room, 1))\n", ""),
    Mutation("lines that ran out together were never there", MEMBERS, "none and 'last_line' or 'lost'", "'lost'"),
    Mutation(
        "a lost line is forgotten with the next",
        SEND,
        "if last then redis.call('HSET', key('room', room), 'lost', last) end",
        "",
    ),
    Mutation("nothing grows old by itself", SWEEP, "'LIMIT', 0, 200)) do", "'LIMIT', 0, 0)) do"),
    Mutation("a visitor who is in is forgotten", SWEEP, "if not here[hash] then redis", "if true then redis"),
    Mutation(
        "a lease is confirmed by itself",
        BEAT,
        "then redis.call('SADD', PREFIX .. 'unregistered', NODE) end",
        "then end",
    ),
    # Hosts, moderators, lines.
    Mutation("a kicked visitor comes back", KICK, "if block == '1' then", "if false then"),
    Mutation(
        "a kicked visitor is put back",
        RESTORE,
        "    or redis.call('HEXISTS', key('room', room)",
        "    or 0 * redis.call('HEXISTS', key('room', room)",
    ),
    Mutation(
        "a kick lets in whom the one before keeps out",
        KICK,
        "HGET', kicked, address), person)",
        "HGET', kicked, ''), person)",
    ),
    Mutation("a lift opens an address that another keeps out", "scripts/lift.lua", "if kicks[1] then", "if false then"),
    Mutation("the names of a kicked visitor go as they came", KICK, "name == target and -1 or", ""),
    Mutation("an address is forgotten at midnight", MEMBERS, "who.address, who.before)) do", "who.address)) do"),
    Mutation("a lock keeps members out", MEMBERS, "  if here then return nil end\n", ""),
    Mutation("a mute counts for nothing", SEND, "if muted > NOW then return", "if false then return"),
    Mutation("slow mode is for the host too", SEND, "return visitor ~= found.host_visitor", "return true"),
    Mutation(
        "slow mode counts from before it was set", "scripts/change.lua", "if field == 'slow' then", "if false then"
    ),
    Mutation(
        "a host who was replaced is waited for as before", TRANSFER, "'XX', 'LT', int(NOW + grace)", "'XX', 'LT', 'inf'"
    ),
    Mutation("a line that was taken back stays", REMOVE, "redis.call('XDEL', key('lines', room), entry[1])\n", ""),
    Mutation(
        "a line that was taken back is missed",
        SEND,
        "redis.call('EXISTS', key('lines', room)) == 0",
        "redis.call('XLEN', key('lines', room)) == 0",
    ),
    Mutation("an author has all the time", REMOVE, " and NOW - at < tonumber(own_for)", ""),
    Mutation("removals go with the rest", EVENTS, "keep(kind or 'others', room", "keep('others', room"),
    Mutation("reactions are told at once", LINES, "NOW - told < REACTIONS_EVERY", "false"),
    Mutation("reactions outlive their room", FINISH, "'reactions', 'tallies', 'changed'}", "'changed'}"),
    Mutation("memory: a lift opens an address", "memory_rules.py", "kicks.pop(op.person, None)", "kicks.clear()"),
    Mutation(
        "memory: who is kicked may be sent the past", "memory_rules.py", "    room.windows.pop(person, None)\n", ""
    ),
]


def plant(mutation: Mutation, copy: Path) -> str:
    """Put a fault into the copy; returns the file's text as it was."""
    file = copy / "rooms/live" / mutation.file
    text = file.read_text()
    if text.count(mutation.old) != 1:
        sys.exit(
            f"{mutation.name!r} cannot be planted: {mutation.file} has {text.count(mutation.old)} times\n{mutation.old}"
        )
    file.write_text(text.replace(mutation.old, mutation.new))
    return text


def caught_by(copy: Path) -> str:
    """The test that fails in the copy, and the seed if it is the differential one; nothing when all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    test, seed = CAUGHT.search(done.stdout), SEED.search(done.stdout)
    if test is None:
        sys.exit(f"the tests cannot be run:\n{done.stdout}\n{done.stderr}")
    return test[1] + (f", seed {seed[1]}, steps: {len(STEP.findall(done.stdout))}" if seed else "")


def main() -> None:
    words = sys.argv[1:]
    chosen = [each for each in MUTATIONS if not words or any(word in each.name for word in words)]
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for mutation in chosen:
            (copy / "rooms/live" / mutation.file).write_text(plant(mutation, copy))
        if test := caught_by(copy):
            sys.exit(f"{test} fails without a fault")
        print("| Fault | Where | Caught by |\n|---|---|---|")
        for mutation in chosen:
            text = plant(mutation, copy)
            test = caught_by(copy)
            survived += not test
            print(f"| {mutation.name} | {mutation.file} | {test or '**nothing**'} |", flush=True)
            (copy / "rooms/live" / mutation.file).write_text(text)
    sys.exit(f"{survived} of {len(chosen)} faults were not caught" if survived else 0)


if __name__ == "__main__":
    main()

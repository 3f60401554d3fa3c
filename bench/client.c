/* The benchmark's client: many WebSockets in one thread, for every system that is measured.
 *
 * It reads commands from standard input, a line each, and answers each with a line of JSON; bench/client.py drives it.
 * It knows how each system is talked to, and nothing of processes, cores or reports. Every single delivery is checked:
 * it must be for this connection's room, from a talker of that room, whole, and the talker's next message; from ours,
 * every event must also have the next seq. That costs some tens of nanoseconds, since a message is found by a
 * mark that occurs nowhere else in a frame, and its numbers have fixed places after it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define BUFFER (1 << 20)
#define CONNECTING_AT_ONCE 32
#define ENTERING_AT_ONCE 64
#define QUIET (SECOND * 3 / 10)
#define MOST 16
/* The share of a core that tells a server at work from one that waits. */
#define BUSY 0.1
/* How long the first round may take before counting begins. */
#define FIRST_ROUND (SECOND * 15)

/* "~room.talker.number~" and a text of the length people write. */
#define MARK '~'
#define MARKED "~%05u.%05u.%08u~"
#define TEXT " hello to all of you in here"

enum system { OURS, SOCKETIO, WS, TUTORIAL };
static const char *const SYSTEMS[] = {"ours", "socketio", "ws", "tutorial"};
static const char *const CHATS[] = {"{\"type\":\"SERVER_CHAT_SEND\"", "42[\"chat\",", "{\"type\":\"chat\",", "{\"message\":"};

enum state { CLOSED, HANDSHAKE, OPENING, OPEN, ENTERED };

typedef struct {
    char *bytes;
    size_t length, room;
} Bytes;

typedef struct {
    int fd;
    enum state state;
    int room, person; /* -1: in no room */
    bool writing;
    int64_t seq;
    uint32_t *last; /* the last number heard of each talker of the room */
    Bytes in, out;
} Conn;

typedef struct {
    Conn *conn;
    uint32_t sent, room;
    bool waits;
    uint64_t *when;
    size_t space;
} Talker;

static enum system system_;
static int ports[MOST], port_count;
static long watched[MOST];
static int watched_count;
static Conn **conns;
static int conn_count, conn_space;
static int room_count, people, talkers_each, first;
static int64_t *room_ids;
static Talker *talkers;
static int talker_count;
static int poll_fd, timer_fd;
static char *buffer;
static uint64_t now;

/* What the phases count. */
static int opened, failed, closed, entered_count, not_entered, refused;
static int next_open, open_end, next_enter, enter_end;
static uint64_t heard, last_heard, received, in_window, wrong, disordered, gaps;
static uint64_t window_begin, window_end;
static uint64_t histogram[64 * 32], longest;
static bool looping, open_loop, patient;
static uint64_t awaited;

static uint64_t clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void fail(const char *text) {
    fprintf(stderr, "bench client: %s\n", text);
    exit(1);
}

static void *space(void *old, size_t bytes) {
    void *new = realloc(old, bytes ? bytes : 1);
    if (!new) fail("out of memory");
    return new;
}

static void keep(Bytes *bytes, const char *from, size_t length) {
    if (bytes->length + length > bytes->room) {
        bytes->room = (bytes->length + length) * 2;
        bytes->bytes = space(bytes->bytes, bytes->room);
    }
    memcpy(bytes->bytes + bytes->length, from, length);
    bytes->length += length;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void want(Conn *c, bool writing) {
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
    c->writing = writing;
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void drop(Conn *c) {
    if (c->state == HANDSHAKE || c->state == OPENING) failed++;
    else if (c->state != CLOSED) closed++;
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->state = CLOSED;
}

static void put(Conn *c, const char *bytes, size_t length) {
    ssize_t sent = 0;
    if (c->state == CLOSED) return;
    if (!c->out.length) {
        sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINPROGRESS) {
            drop(c);
            return;
        }
        if (sent < 0) sent = 0;
    }
    if ((size_t)sent < length) {
        keep(&c->out, bytes + sent, length - sent);
        if (!c->writing) want(c, true);
    }
}

static void put_rest(Conn *c) {
    ssize_t sent = send(c->fd, c->out.bytes, c->out.length, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN) drop(c);
        return;
    }
    memmove(c->out.bytes, c->out.bytes + sent, c->out.length - sent);
    c->out.length -= sent;
    if (!c->out.length) want(c, false);
}

static void put_frame(Conn *c, int opcode, const char *text, size_t length) {
    static uint32_t random = 2463534242u;
    static char frame[4096 + 14];
    size_t at = 0;
    uint8_t mask[4];
    if (length > 4096) fail("too long a frame");
    random ^= random << 13, random ^= random >> 17, random ^= random << 5;
    memcpy(mask, &random, 4);
    frame[at++] = (char)(0x80 | opcode);
    if (length < 126) {
        frame[at++] = (char)(0x80 | length);
    } else {
        frame[at++] = (char)(0x80 | 126);
        frame[at++] = (char)(length >> 8);
        frame[at++] = (char)length;
    }
    memcpy(frame + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < length; i++) frame[at + i] = text[i] ^ mask[i & 3];
    put(c, frame, at + length);
}

#define SAY(c, ...) \
    do { \
        char text_[1024]; \
        put_frame(c, 1, text_, snprintf(text_, sizeof text_, __VA_ARGS__)); \
    } while (0)

/* --- talking ------------------------------------------------------------------------------------------------------ */

static void talk(Talker *t, uint64_t when) {
    Conn *c = t->conn;
    unsigned person = c->person;
    char line[128];
    if (t->sent + 1 >= t->space) {
        t->space = t->space ? t->space * 2 : 256;
        t->when = space(t->when, t->space * sizeof *t->when);
    }
    t->sent++;
    t->when[t->sent] = when;
    t->waits = true;
    snprintf(line, sizeof line, MARKED TEXT, t->room, person, t->sent);
    switch (system_) {
    case OURS:
        SAY(c,
            "{\"type\":\"CLIENT_CHAT_SEND\",\"roomID\":%lld,\"userName\":\"u%05u\",\"message\":\"%s\",\"ref\":\"%08x-%08x\"}",
            (long long)room_ids[c->room], person, line, person * 2654435761u, t->sent);
        break;
    case SOCKETIO: SAY(c, "42[\"chat\",{\"message\":\"%s\"}]", line); break;
    case WS: SAY(c, "{\"type\":\"chat\",\"message\":\"%s\"}", line); break;
    case TUTORIAL: SAY(c, "{\"message\":\"%s\"}", line); break;
    }
}

static unsigned digits(const char *p, int count) {
    unsigned value = 0;
    while (count--) value = value * 10 + (unsigned)(*p++ - '0');
    return value;
}

static void record(uint64_t ns) {
    int power = 63 - __builtin_clzll(ns | 32);
    histogram[power * 32 + ((ns >> (power - 5)) & 31)]++;
    if (ns > longest) longest = ns;
}

static double percentile(double share) {
    uint64_t all = 0, upto = 0;
    for (int i = 0; i < 64 * 32; i++) all += histogram[i];
    for (int i = 0; i < 64 * 32; i++) {
        upto += histogram[i];
        if (histogram[i] && upto >= share * all) return ((32 + i % 32) + 0.5) * (double)(1ull << (i / 32)) / 32 / 1e6;
    }
    return 0;
}

static void on_chat(Conn *c, const char *text, size_t length) {
    const size_t marked = 22, whole = marked + sizeof TEXT - 1;
    const char *p = memchr(text, MARK, length);
    if (!p || (size_t)(text + length - p) < whole || p[marked - 1] != MARK || memcmp(p + marked, TEXT, whole - marked)) {
        wrong++;
        return;
    }
    unsigned room = digits(p + 1, 5), person = digits(p + 7, 5), number = digits(p + 13, 8);
    if ((int)room != c->room || (int)person >= talkers_each) {
        wrong++;
        return;
    }
    Talker *t = &talkers[room * talkers_each + person];
    if (number == 0 || number > t->sent) {
        wrong++;
        return;
    }
    if (number <= c->last[person]) {
        disordered++;
        return;
    }
    if (number != c->last[person] + 1) gaps++;
    c->last[person] = number;
    received++;
    if (now >= window_begin && now < window_end) {
        in_window++;
        record(now - t->when[number]);
    }
    if ((int)person == c->person && number == t->sent) {
        t->waits = false;
        if (looping && !open_loop && !patient) talk(t, now);
    }
    if (looping && patient && received == awaited) {
        awaited += people;
        talk(t, now);
    }
}

/* --- each system's way in ------------------------------------------------------------------------------------------ */

static Conn *conn_at(int room, int person) { return conns[first + room * people + person]; }

static void enter_more(void);

static void entered(Conn *c) {
    if (c->state != OPEN) return;
    c->state = ENTERED;
    entered_count++;
    enter_more();
}

static void enter(Conn *c) {
    unsigned room = c->room, person = c->person;
    switch (system_) {
    case OURS:
        if (!person) {
            SAY(c, "{\"type\":\"CLIENT_ROOM_CREATE\",\"roomName\":\"bench %05u\",\"userName\":\"u%05u\",\"ref\":\"c%05u\"}", room,
                person, room);
        } else {
            SAY(c, "{\"type\":\"CLIENT_ROOM_JOIN\",\"roomID\":%lld,\"userName\":\"u%05u\",\"ref\":\"j%05u\"}",
                (long long)room_ids[room], person, person);
        }
        break;
    case SOCKETIO: SAY(c, "420[\"join\",{\"room\":\"r%05u\",\"name\":\"u%05u\"}]", room, person); break;
    case WS: SAY(c, "{\"type\":\"join\",\"room\":\"r%05u\",\"name\":\"u%05u\"}", room, person); break;
    case TUTORIAL: entered(c); break;
    }
}

/* The first person of every room, then the second of every room, and so on. */
static void enter_more(void) {
    static bool inside;
    if (inside) return;
    inside = true;
    while (next_enter < enter_end && next_enter - entered_count < ENTERING_AT_ONCE) {
        int i = next_enter++;
        Conn *c = conn_at(i % room_count, i / room_count);
        if (c->state == OPEN) enter(c);
    }
    inside = false;
}

static bool begins(const char *text, size_t length, const char *with) {
    size_t n = strlen(with);
    return length >= n && !memcmp(text, with, n);
}

static int64_t number_after(const char *text, size_t length, const char *name) {
    const char *p = memmem(text, length, name, strlen(name));
    return p ? strtoll(p + strlen(name), NULL, 10) : -1;
}

/* The seq of an event, whose last three fields are seq, at and participants; -1: it has none. */
static int64_t seq_of(const char *text, size_t length) {
    const char *p = text + length;
    for (int i = 0; p && i < 3; i++) p = memrchr(text, ':', p - text);
    if (p && p - text >= 6 && !memcmp(p - 6, ",\"seq\"", 6)) {
        int64_t seq = 0;
        while (*++p >= '0' && *p <= '9') seq = seq * 10 + (*p - '0');
        return seq;
    }
    return number_after(text, length, ",\"seq\":");
}

static void complain(const char *what, const char *text, size_t length) {
    static int said;
    if (said++ < 3) fprintf(stderr, "bench client: %s: %.*s\n", what, (int)(length < 300 ? length : 300), text);
}

static void on_ours(Conn *c, const char *text, size_t length) {
    bool chat = begins(text, length, CHATS[OURS]);
    if (chat && begins(text + strlen(CHATS[OURS]), length - strlen(CHATS[OURS]), ",\"status\":false")) {
        refused++;
        complain("refused", text, length);
        for (int i = 0; i < talkers_each; i++) {
            Talker *t = &talkers[c->room * talkers_each + i];
            if (t->conn == c) t->waits = false;
        }
        return;
    }
    if (c->state == ENTERED) {
        int64_t seq = seq_of(text, length);
        if (seq >= 0) {
            if (seq != c->seq + 1) disordered++;
            c->seq = seq;
        }
        if (chat) on_chat(c, text, length);
        return;
    }
    if (memmem(text, length, "\"status\":false", 14)) {
        not_entered++;
        complain("refused", text, length);
        entered(c);
        return;
    }
    if (begins(text, length, "{\"type\":\"SERVER_ROOM_CREATE\"")) {
        room_ids[c->room] = number_after(text, length, "\"roomID\":");
    } else if (!memmem(text, length, "\"members\":", 10)) {
        return;
    }
    c->seq = number_after(text, length, ",\"seq\":");
    entered(c);
}

static void open_more(void);

static void ready(Conn *c) {
    if (c->state != OPENING) return;
    c->state = OPEN;
    opened++;
    open_more();
}

static void on_text(Conn *c, const char *text, size_t length) {
    if (system_ == OURS) {
        on_ours(c, text, length);
    } else if (begins(text, length, CHATS[system_])) {
        on_chat(c, text, length);
    } else if (system_ == SOCKETIO) {
        if (begins(text, length, "0{")) SAY(c, "40");
        else if (begins(text, length, "40")) ready(c);
        else if (begins(text, length, "430")) entered(c);
        else if (begins(text, length, "2")) SAY(c, "3");
    } else if (system_ == WS && begins(text, length, "{\"type\":\"joined\"")) {
        entered(c);
    }
}

static void on_upgraded(Conn *c) {
    c->state = OPENING;
    if (system_ != SOCKETIO) ready(c);
}

/* It leaves as soon as the connection stands. */
static void ask_upgrade(Conn *c, int port) {
    char text[1024], path[64], origin[64] = "";
    snprintf(path, sizeof path, "/ws/");
    if (system_ == SOCKETIO) snprintf(path, sizeof path, "/socket.io/?EIO=4&transport=websocket");
    if (system_ == TUTORIAL) {
        if (c->room < 0) snprintf(path, sizeof path, "/ws/chat/nobody/");
        else snprintf(path, sizeof path, "/ws/chat/r%05u/", (unsigned)c->room);
        snprintf(origin, sizeof origin, "Origin: http://127.0.0.1:%d\r\n", port);
    }
    int length = snprintf(text, sizeof text,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
        path, port, origin);
    keep(&c->out, text, length);
}

static void open_conn(Conn *c) {
    int port = ports[(c->person < 0 ? 0 : c->person) % port_count], one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("no more sockets: raise ulimit -n");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->state = HANDSHAKE;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    c->writing = true;
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        drop(c);
        return;
    }
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
    ask_upgrade(c, port);
}

static void open_more(void) {
    while (next_open < open_end && next_open - opened - failed < CONNECTING_AT_ONCE) open_conn(conns[next_open++]);
}

/* --- the loop ------------------------------------------------------------------------------------------------------ */

static void on_frame(Conn *c, int opcode, bool whole, const char *text, size_t length) {
    heard++;
    if (opcode == 1 && whole) {
        on_text(c, text, length);
    } else if (opcode == 9) {
        put_frame(c, 10, text, length);
    } else if (opcode == 8) {
        char code[32];
        int n = length >= 2 ? snprintf(code, sizeof code, "%d", ((uint8_t)text[0] << 8) | (uint8_t)text[1]) : 0;
        complain("closed by the server", code, n);
        drop(c);
        open_more();
    } else if (opcode != 10) {
        wrong++;
    }
}

static void read_conn(Conn *c) {
    size_t length = c->in.length, at = 0;
    if (length) memcpy(buffer, c->in.bytes, length);
    ssize_t n = recv(c->fd, buffer + length, BUFFER - length, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        complain("a connection was cut", "", 0);
        drop(c);
        open_more();
        return;
    }
    length += n;
    c->in.length = 0;
    now = clock_now();
    last_heard = now;
    if (c->state == HANDSHAKE) {
        char *end = memmem(buffer, length, "\r\n\r\n", 4);
        if (end) {
            at = end + 4 - buffer;
            if (!begins(buffer, length, "HTTP/1.1 101")) {
                complain("not let in", buffer, length);
                drop(c);
                open_more();
                return;
            }
            on_upgraded(c);
        }
    }
    while (c->state != HANDSHAKE && c->state != CLOSED && length - at >= 2) {
        const uint8_t *p = (uint8_t *)buffer + at;
        size_t size = p[1] & 127, head = 2;
        if (size == 126) {
            if (length - at < 4) break;
            size = (size_t)p[2] << 8 | p[3];
            head = 4;
        } else if (size == 127) {
            if (length - at < 10) break;
            size = 0;
            for (int i = 2; i < 10; i++) size = size << 8 | p[i];
            head = 10;
        }
        if (length - at < head + size) break;
        on_frame(c, p[0] & 15, p[0] & 128, buffer + at + head, size);
        at += head + size;
    }
    if (c->state != CLOSED && at < length) keep(&c->in, buffer + at, length - at);
}

/* Serves what is ready, or waits for it, but not beyond `until`. */
static void turn(uint64_t until) {
    static struct epoll_event events[1024];
    uint64_t left = until > now ? (until - now) / 1000000 + 1 : 0;
    int n = epoll_wait(poll_fd, events, 1024, left > 50 ? 50 : (int)left);
    for (int i = 0; i < n; i++) {
        Conn *c = events[i].data.ptr;
        if (!c) {
            uint64_t ticks;
            if (read(timer_fd, &ticks, sizeof ticks) < 0) continue;
        } else if (c->state != CLOSED) {
            if (events[i].events & EPOLLOUT && c->out.length) put_rest(c);
            if (c->state != CLOSED && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_conn(c);
        }
    }
}

/* Serves the connections until `until`, or until nothing that is waited for is missing. */
static void serve(uint64_t until, bool (*done)(void)) {
    while (!(done && done())) {
        now = clock_now();
        if (now >= until) return;
        turn(until);
    }
}

static bool is_quiet(void) { return clock_now() - last_heard > QUIET; }
static bool all_open(void) { return opened + failed >= open_end; }
static bool all_entered(void) { return entered_count >= enter_end; }

/* --- what was used ------------------------------------------------------------------------------------------------- */

static double cpu_of(long pid) {
    char path[64], text[1024];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    char *p = strrchr(text, ')');
    if (p) sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    return (double)(user + kernel) / sysconf(_SC_CLK_TCK);
}

static double cpu_own(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double used[MOST], used_own;

static void begin_use(void) {
    for (int i = 0; i < watched_count; i++) used[i] = cpu_of(watched[i]);
    used_own = cpu_own();
}

static void end_use(void) {
    for (int i = 0; i < watched_count; i++) used[i] = cpu_of(watched[i]) - used[i];
    used_own = cpu_own() - used_own;
}

static void answer_use(void) {
    printf("\"cpu\":[");
    for (int i = 0; i < watched_count; i++) printf("%s%.3f", i ? "," : "", used[i]);
    printf("],\"client\":%.4f}\n", used_own);
    fflush(stdout);
}

/* --- the commands --------------------------------------------------------------------------------------------------- */

static Conn *new_conn(int room, int person) {
    Conn *c = space(NULL, sizeof *c);
    memset(c, 0, sizeof *c);
    c->fd = -1;
    c->room = room;
    c->person = person;
    if (conn_count == conn_space) {
        conn_space = conn_space ? conn_space * 2 : 1024;
        conns = space(conns, conn_space * sizeof *conns);
    }
    conns[conn_count++] = c;
    return c;
}

static void command_connect(double most) {
    int before = opened, failed_before = failed;
    open_end = conn_count;
    begin_use();
    uint64_t begin = clock_now();
    open_more();
    serve(begin + (uint64_t)(most * SECOND), all_open);
    uint64_t end = clock_now();
    end_use();
    printf("{\"opened\":%d,\"failed\":%d,\"seconds\":%.6f,", opened - before, failed - failed_before, (end - begin) / 1e9);
    answer_use();
}

static void command_extra(int count, double most) {
    for (int i = 0; i < count; i++) new_conn(-1, -1);
    command_connect(most);
}

static void command_rooms(int rooms, int each, int talking, double most) {
    room_count = rooms;
    people = each;
    talkers_each = talking;
    first = conn_count;
    room_ids = space(room_ids, rooms * sizeof *room_ids);
    talker_count = rooms * talking;
    talkers = space(talkers, talker_count * sizeof *talkers);
    memset(talkers, 0, talker_count * sizeof *talkers);
    for (int room = 0; room < rooms; room++) {
        for (int person = 0; person < each; person++) {
            Conn *c = new_conn(room, person);
            c->last = space(NULL, talking * sizeof *c->last);
            memset(c->last, 0, talking * sizeof *c->last);
            if (person < talking) talkers[room * talking + person] = (Talker){.conn = c, .room = room};
        }
    }
    command_connect(most);
}

static void command_enter(double most) {
    uint64_t limit = clock_now() + (uint64_t)(most * SECOND);
    entered_count = next_enter = 0;
    enter_end = room_count;
    begin_use();
    uint64_t begin = clock_now();
    enter_more();
    serve(limit, all_entered);
    uint64_t created = clock_now();
    end_use();
    enter_end = room_count * people;
    begin_use();
    enter_more();
    serve(limit, all_entered);
    uint64_t end = clock_now();
    /* Whoever came first is told of all the others. */
    last_heard = end;
    serve(limit, is_quiet);
    end_use();
    printf("{\"entered\":%d,\"failed\":%d,\"creating\":%.6f,\"joining\":%.6f,\"settled\":%.6f,", entered_count,
        not_entered + enter_end - entered_count, (created - begin) / 1e9, (end - created) / 1e9, (last_heard - created) / 1e9);
    answer_use();
}

static uint64_t expected(void) {
    uint64_t lines = 0;
    for (int i = 0; i < talker_count; i++) lines += talkers[i].sent;
    return lines * people;
}

static uint64_t expected_now;

/* Nothing has come for so long, and not because a server is still at work. */
static bool is_stuck(uint64_t how_long) {
    static uint64_t looked;
    static double before;
    uint64_t t = clock_now();
    if (t - last_heard > SECOND / 5 && t - looked > SECOND / 5) {
        double cpu = 0;
        for (int i = 0; i < watched_count; i++) cpu += cpu_of(watched[i]);
        if (looked > last_heard && (cpu - before) / ((t - looked) / 1e9) > BUSY) last_heard = t;
        looked = t;
        before = cpu;
    }
    return t - last_heard > how_long;
}

static bool all_received(void) { return received >= expected_now || is_stuck(SECOND * 3); }

static uint32_t *shuffled(void) {
    uint32_t *order = space(NULL, talker_count * sizeof *order), random = 12345;
    for (int i = 0; i < talker_count; i++) order[i] = i;
    for (int i = talker_count - 1; i > 0; i--) {
        random = random * 1664525u + 1013904223u;
        uint32_t j = (random >> 8) % (i + 1), other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    return order;
}

/* `rate` is in lines a second; without one each talker talks again when its own line is back. Only the first
 * `talking` of the talkers do; when that is 0, the first one alone, who waits until everyone has the last line. */
static void command_talk(double warm, double seconds, double rate, int talking) {
    uint64_t lines_before = expected() / (people ? people : 1), received_before = received;
    uint64_t wrong_before = wrong, disordered_before = disordered, gaps_before = gaps, begin = clock_now();
    uint64_t sent_in_window = 0, due = 0;
    int refused_before = refused, closed_before = closed;
    /* Those who talk in a slow system are heard for the first time after a while: that is not its pace. */
    uint64_t first_round = received + (uint64_t)talking * people;
    bool begun = false;
    patient = !talking;
    awaited = received + people;
    if (patient) talking = 1;
    uint32_t *order = shuffled();
    memset(histogram, 0, sizeof histogram);
    longest = in_window = 0;
    window_begin = window_end = UINT64_MAX;
    looping = true;
    open_loop = rate > 0;
    now = last_heard = begin;
    if (!open_loop) {
        for (int i = 0; i < talking; i++) talk(&talkers[order[i]], now);
    }
    while (true) {
        now = clock_now();
        uint64_t wake = begun ? window_begin + (uint64_t)(seconds * SECOND) : begin + (uint64_t)(warm * SECOND);
        if (now >= wake && begun) break;
        if (now >= wake && !open_loop && received < first_round && now < begin + FIRST_ROUND) {
            wake = now + SECOND / 20;
        } else if (now >= wake) {
            begun = true;
            sent_in_window = expected() / people;
            begin_use();
            window_begin = clock_now();
            continue;
        }
        if (open_loop) {
            uint64_t next;
            while ((next = begin + (uint64_t)(due * (SECOND / rate))) <= now) talk(&talkers[order[due++ % talking]], next);
            struct itimerspec at = {.it_value = {.tv_sec = next / SECOND, .tv_nsec = next % SECOND}};
            timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
            if (next < wake) wake = next;
        } else if (is_stuck(SECOND)) {
            /* Whose line was lost would wait for ever. */
            last_heard = now;
            for (int i = 0; i < talker_count; i++) {
                if (talkers[i].waits) talk(&talkers[i], now);
            }
        }
        turn(wake);
    }
    window_end = clock_now();
    end_use();
    double took = (window_end - window_begin) / 1e9;
    looping = false;
    sent_in_window = expected() / people - sent_in_window;
    expected_now = expected();
    last_heard = clock_now();
    serve(clock_now() + SECOND * 60, all_received);
    uint64_t lines = expected() / people - lines_before;
    printf("{\"seconds\":%.6f,\"lines\":%llu,\"sent\":%llu,\"deliveries\":%llu,\"expected\":%llu,\"received\":%llu,", took,
        (unsigned long long)lines, (unsigned long long)sent_in_window, (unsigned long long)in_window,
        (unsigned long long)(lines * people), (unsigned long long)(received - received_before));
    printf("\"wrong\":%llu,\"disordered\":%llu,\"gaps\":%llu,\"refused\":%d,\"closed\":%d,",
        (unsigned long long)(wrong - wrong_before), (unsigned long long)(disordered - disordered_before),
        (unsigned long long)(gaps - gaps_before), refused - refused_before, closed - closed_before);
    printf("\"p50\":%.4f,\"p99\":%.4f,\"longest\":%.4f,", percentile(0.5), percentile(0.99), longest / 1e6);
    answer_use();
    free(order);
}

static void command_idle(double seconds) {
    int closed_before = closed;
    begin_use();
    uint64_t begin = clock_now();
    serve(begin + (uint64_t)(seconds * SECOND), NULL);
    end_use();
    printf("{\"seconds\":%.6f,\"closed\":%d,", (clock_now() - begin) / 1e9, closed - closed_before);
    answer_use();
}

int main(void) {
    char line[512], word[32];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_TIMERSLACK, 1000ul);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &event);
    buffer = space(NULL, BUFFER);
    while (fgets(line, sizeof line, stdin)) {
        int a = 0, b = 0, c = 0, used_ = 0;
        double x = 0, y = 0, z = 0;
        char *rest = line;
        if (sscanf(line, "%31s%n", word, &used_) != 1) continue;
        rest += used_;
        if (!strcmp(word, "system") && sscanf(rest, "%31s", word) == 1) {
            for (int i = 0; i < 4; i++) {
                if (!strcmp(word, SYSTEMS[i])) system_ = (enum system)i;
            }
        } else if (!strcmp(word, "ports")) {
            for (port_count = 0; port_count < MOST && sscanf(rest, "%d%n", &ports[port_count], &used_) == 1; port_count++)
                rest += used_;
        } else if (!strcmp(word, "watch")) {
            for (watched_count = 0; watched_count < MOST && sscanf(rest, "%ld%n", &watched[watched_count], &used_) == 1;
                 watched_count++)
                rest += used_;
        } else if (!strcmp(word, "extra") && sscanf(rest, "%d %lf", &a, &x) == 2) {
            command_extra(a, x);
        } else if (!strcmp(word, "rooms") && sscanf(rest, "%d %d %d %lf", &a, &b, &c, &x) == 4) {
            command_rooms(a, b, c, x);
        } else if (!strcmp(word, "enter") && sscanf(rest, "%lf", &x) == 1) {
            command_enter(x);
        } else if (!strcmp(word, "talk") && sscanf(rest, "%lf %lf %lf %d", &x, &y, &z, &a) == 4) {
            command_talk(x, y, z, a >= 0 && a < talker_count ? a : talker_count);
        } else if (!strcmp(word, "idle") && sscanf(rest, "%lf", &x) == 1) {
            command_idle(x);
        } else {
            fail("unknown command");
        }
    }
    return 0;
}

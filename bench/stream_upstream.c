/* A provider to put under load: answers like OpenAI's chat completions. One thread, epoll, Linux only.
 *
 *     stream_upstream --port 0        prints "listening on 127.0.0.1:PORT" and serves until killed
 *
 * The request's last message says what to play: "MOCK n=200 d=20000 t=0" is 200 events, 20,000 us
 * apart, the first after 0 us. Each event is one HTTP chunk and one send(), and carries its time of
 * sending. A gap of 0 sends as fast as the connection takes. Without "stream":true the answer is a
 * small JSON body.
 *
 * A client that plays is in exactly one place: in the heap of timers (waiting for its next event), in
 * the flood list (no gap), or blocked (its socket is full; EPOLLOUT puts it back).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "script.h"

/* Connections at once; more than the local port range gives one address. */
#define MAX_CLIENTS 70000
/* A request of a load test has a few hundred bytes; a longer one is refused by closing. */
#define REQUEST_LIMIT 16384
/* Room for the longest thing sent at once: the last events with their chunk framing. */
#define SEND_ROOM 2048
/* The kernel cuts it to net.core.somaxconn; a burst of 5,000 clients must not be turned away. */
#define BACKLOG 4096
#define EVENTS_PER_TURN 1024
/* So that a burst of connections does not hold up the events that are due. */
#define ACCEPTS_PER_TURN 256

#define STREAM_HEAD                                                                               \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"                       \
    "Cache-Control: no-cache\r\nx-request-id: req_0123456789abcdef\r\n"                           \
    "openai-processing-ms: 12\r\nTransfer-Encoding: chunked\r\n\r\n"
#define JSON_HEAD_FORMAT                                                                          \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"                                       \
    "x-request-id: req_0123456789abcdef\r\nopenai-processing-ms: 12\r\nContent-Length: %zu\r\n\r\n"

#define NOWHERE (-1)

struct client {
    int fd;
    bool is_playing, is_blocked;
    long events, played;   /* asked for, and sent so far */
    uint64_t gap, due;     /* ns between events; when the next one is due */
    int heap_at, flood_at; /* place in the heap or the flood list, or NOWHERE */
    size_t request_size, unsent_from, unsent_to;
    char request[REQUEST_LIMIT + 1];
    char unsent[SEND_ROOM];
};

static int poller;
static struct client *heap[MAX_CLIENTS];
static int heap_size;
static struct client *flood[MAX_CLIENTS];
static int flood_size;
static int client_count;

/* -- the heap of timers: the client that is due first stands at the root ------------------------ */

static void heap_set(int at, struct client *client)
{
    heap[at] = client;
    client->heap_at = at;
}

static void heap_rise(int at)
{
    struct client *client = heap[at];
    while (at > 0 && heap[(at - 1) / 2]->due > client->due) {
        heap_set(at, heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(at, client);
}

static void heap_sink(int at)
{
    struct client *client = heap[at];
    for (;;) {
        int child = 2 * at + 1;
        if (child >= heap_size)
            break;
        if (child + 1 < heap_size && heap[child + 1]->due < heap[child]->due)
            child++;
        if (heap[child]->due >= client->due)
            break;
        heap_set(at, heap[child]);
        at = child;
    }
    heap_set(at, client);
}

static void heap_add(struct client *client)
{
    heap_set(heap_size++, client);
    heap_rise(client->heap_at);
}

static void heap_remove(struct client *client)
{
    int at = client->heap_at;
    if (at == NOWHERE)
        return;
    struct client *last = heap[--heap_size];
    client->heap_at = NOWHERE;
    if (last == client)
        return;
    heap_set(at, last);
    heap_rise(at);
    heap_sink(last->heap_at);
}

/* -- the flood list: clients without a gap, one event each in turn ------------------------------ */

static void flood_add(struct client *client)
{
    client->flood_at = flood_size;
    flood[flood_size++] = client;
}

static void flood_remove(struct client *client)
{
    int at = client->flood_at;
    if (at == NOWHERE)
        return;
    flood[at] = flood[--flood_size];
    flood[at]->flood_at = at;
    client->flood_at = NOWHERE;
}

/* -- one client --------------------------------------------------------------------------------- */

static void watch(struct client *client, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(poller, operation, client->fd, &event);
}

static void close_client(struct client *client)
{
    heap_remove(client);
    flood_remove(client);
    close(client->fd);
    free(client);
    client_count--;
}

/* Send, keeping what the socket does not take for EPOLLOUT. False: the client is gone. */
static bool send_or_keep(struct client *client, const char *data, size_t size)
{
    ssize_t sent = 0;
    if (!client->is_blocked) {
        sent = send(client->fd, data, size, MSG_NOSIGNAL);
        if (sent == (ssize_t)size)
            return true;
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < 0)
            sent = 0;
        client->is_blocked = true;
        client->unsent_from = client->unsent_to = 0;
        watch(client, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    size_t rest = size - (size_t)sent;
    if (client->unsent_to + rest > SEND_ROOM)
        return false; /* pipelined answers that nobody reads */
    memcpy(client->unsent + client->unsent_to, data + sent, rest);
    client->unsent_to += rest;
    return true;
}

static int as_chunk(char *out, const char *text, int size, const char *after)
{
    return snprintf(out, SEND_ROOM, "%x\r\n%s\r\n%s", (unsigned)size, text, after);
}

static bool send_event(struct client *client)
{
    char text[LAST_EVENTS_ROOM], chunk[SEND_ROOM];
    int size;
    if (client->played < client->events) {
        unsigned long long stamp = now_ns() % STAMP_RANGE;
        int length = snprintf(text, sizeof text, EVENT_FORMAT, stamp);
        size = as_chunk(chunk, text, length, "");
    } else {
        int length = snprintf(text, sizeof text, LAST_EVENTS_FORMAT, client->events,
                              client->events + PROMPT_TOKENS);
        size = as_chunk(chunk, text, length, "0\r\n\r\n");
        client->is_playing = false;
    }
    client->played++;
    return send_or_keep(client, chunk, (size_t)size);
}

/* Put a playing client where it waits for its next event. */
static void schedule(struct client *client)
{
    if (!client->is_playing || client->is_blocked)
        return;
    if (client->gap)
        heap_add(client);
    else if (client->flood_at == NOWHERE)
        flood_add(client);
}

static bool send_json(struct client *client)
{
    char answer[SEND_ROOM];
    int size = snprintf(answer, sizeof answer, JSON_HEAD_FORMAT JSON_BODY, sizeof(JSON_BODY) - 1);
    return send_or_keep(client, answer, (size_t)size);
}

static bool start_stream(struct client *client, long events, long gap_us, long ttft_us)
{
    client->is_playing = true;
    client->events = events;
    client->played = 0;
    client->gap = (uint64_t)gap_us * 1000;
    client->due = now_ns() + (uint64_t)ttft_us * 1000;
    if (!send_or_keep(client, STREAM_HEAD, sizeof(STREAM_HEAD) - 1))
        return false;
    if (ttft_us > 0) {
        heap_add(client);
        return true;
    }
    if (!send_event(client))
        return false;
    client->due += client->gap;
    schedule(client);
    return true;
}

/* -- requests ----------------------------------------------------------------------------------- */

/* The size of the first request in the buffer, or 0 while it is incomplete. */
static size_t whole_request(const char *request, size_t size)
{
    const char *end = strstr(request, "\r\n\r\n");
    if (!end)
        return 0;
    size_t total = (size_t)(end + 4 - request);
    const char *length = strcasestr(request, "content-length:");
    const char *coding = strcasestr(request, "transfer-encoding: chunked");
    if (length && length < end) {
        total += strtoul(length + strlen("content-length:"), NULL, 10);
    } else if (coding && coding < end) {
        const char *last = strstr(end + 2, "\r\n0\r\n\r\n");
        if (!last)
            return 0;
        total = (size_t)(last + 7 - request);
    }
    return total <= size ? total : 0;
}

static bool answer_one(struct client *client, size_t size)
{
    long events = 10, gap_us = 0, ttft_us = 0;
    const char *wish = strstr(client->request, WISH_MARK);
    if (wish)
        sscanf(wish, WISH_FORMAT, &events, &gap_us, &ttft_us);
    bool is_stream = strstr(client->request, "\"stream\":true") ||
                     strstr(client->request, "\"stream\": true");
    client->request_size -= size;
    memmove(client->request, client->request + size, client->request_size + 1);
    return is_stream ? start_stream(client, events, gap_us, ttft_us) : send_json(client);
}

/* Answer what is complete; a request that comes during a stream waits for its end. */
static bool answer_all(struct client *client)
{
    while (client->request_size > 0 && !client->is_playing) {
        size_t size = whole_request(client->request, client->request_size);
        if (!size)
            break;
        if (!answer_one(client, size))
            return false;
    }
    return true;
}

static bool on_readable(struct client *client)
{
    size_t room = REQUEST_LIMIT - client->request_size;
    ssize_t got = recv(client->fd, client->request + client->request_size, room, 0);
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0)
        return false;
    client->request_size += (size_t)got;
    client->request[client->request_size] = 0;
    return answer_all(client);
}

static bool on_writable(struct client *client)
{
    size_t size = client->unsent_to - client->unsent_from;
    ssize_t sent = send(client->fd, client->unsent + client->unsent_from, size, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    client->unsent_from += (size_t)sent;
    if (client->unsent_from < client->unsent_to)
        return true;
    client->is_blocked = false;
    watch(client, EPOLL_CTL_MOD, EPOLLIN);
    if (client->is_playing && client->heap_at == NOWHERE) {
        /* Go on from here; what the full socket held up is not made good by a burst. */
        if (client->due < now_ns())
            client->due = now_ns();
        schedule(client);
    }
    return answer_all(client);
}

/* -- the loop ----------------------------------------------------------------------------------- */

static void accept_some(int listener)
{
    int on = 1;
    for (int i = 0; i < ACCEPTS_PER_TURN && client_count < MAX_CLIENTS; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct client *client = calloc(1, sizeof *client);
        client->fd = fd;
        client->heap_at = client->flood_at = NOWHERE;
        client_count++;
        watch(client, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void serve(struct client *client, uint32_t events)
{
    bool is_alive = true;
    if (events & EPOLLOUT && client->is_blocked)
        is_alive = on_writable(client);
    if (is_alive && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        is_alive = on_readable(client);
    if (!is_alive)
        close_client(client);
}

static void send_due(void)
{
    uint64_t now = now_ns();
    while (heap_size && heap[0]->due <= now) {
        struct client *client = heap[0];
        heap_remove(client);
        if (!send_event(client)) {
            close_client(client);
            continue;
        }
        /* From the plan, not from now: lateness of one event does not shift the next. */
        client->due += client->gap;
        schedule(client);
        if (!client->is_playing && !answer_all(client))
            close_client(client);
    }
}

static void send_flood(void)
{
    for (int i = 0; i < flood_size; i++) {
        struct client *client = flood[i];
        bool is_alive = send_event(client);
        if (is_alive && client->is_playing && !client->is_blocked)
            continue;
        flood_remove(client); /* the last one takes this place */
        i--;
        if (!is_alive || (!client->is_playing && !answer_all(client)))
            close_client(client);
    }
}

/* How long the poll may sleep: not at all while flooding, else until the first timer. */
static struct timespec *patience(struct timespec *room)
{
    if (!flood_size && !heap_size)
        return NULL;
    uint64_t now = now_ns(), wait = 0;
    if (!flood_size && heap[0]->due > now)
        wait = heap[0]->due - now;
    room->tv_sec = (time_t)(wait / 1000000000ull);
    room->tv_nsec = (long)(wait % 1000000000ull);
    return room;
}

static void run(int listener)
{
    static struct epoll_event ready[EVENTS_PER_TURN];
    struct timespec room;
    for (;;) {
        /* epoll_wait's milliseconds are too coarse for a pace in microseconds. */
        int count = epoll_pwait2(poller, ready, EVENTS_PER_TURN, patience(&room), NULL);
        if (count < 0 && errno != EINTR) {
            perror("epoll_pwait2");
            exit(1);
        }
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr)
                serve(ready[i].data.ptr, ready[i].events);
            else
                accept_some(listener);
        }
        send_due();
        send_flood();
    }
}

static int listen_on(int port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, BACKLOG)) {
        perror("stream_upstream: cannot listen");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static int port_of(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'}, {0}};
    int port = -1, option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) == 'p')
        port = atoi(optarg);
    if (option != -1 || optind < argc || port < 0 || port > 65535) {
        fprintf(stderr, "usage: stream_upstream --port PORT\n"
                        "  answers on 127.0.0.1:PORT (0: any free port, printed)\n");
        exit(2);
    }
    return port;
}

int main(int argc, char **argv)
{
    int listener = listen_on(port_of(argc, argv));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    run(listener);
}

/* Load for a proxy: many clients in one thread, epoll, Linux only. Run it without arguments for help.
 *
 * Each connection sends a request, reads the answer to its end, and sends the next. The life of a run:
 *
 *     ramp      connections are opened evenly spread over this time
 *     warm      everybody runs, nothing is counted
 *     measure   times, bytes and the proxy's CPU (from /proc) are counted
 *     drain     no new requests; what is open is read to its end, so that every request sent has one
 *               complete answer and the counts of both sides can be compared
 *
 * Every byte of every answer is compared with what the upstream is known to send (script.h), after the
 * chunked coding is undone. The result is one line of JSON.
 */
#define _GNU_SOURCE
#include <ctype.h>
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

/* A response head of a proxy that adds its own headers; a longer one counts as an error. */
#define HEAD_LIMIT 8192
#define REQUEST_LIMIT 8192
#define BODY_LIMIT 1024
#define EXTRA_HEADERS_LIMIT 4096
/* One read takes all that a fast stream has ready, so that the tool is not what is measured. */
#define READ_SIZE 262144
#define EVENTS_PER_TURN 1024
/* Between two looks at what has arrived; connecting is a blocking call. */
#define CONNECTS_PER_TURN 64
/* A proxy that is down or answers nonsense: stop instead of hammering it. */
#define ERROR_LIMIT 20000
/* The first few bad answers are shown, the rest only counted. */
#define ERRORS_SHOWN 3
#define MAX_PIDS 64
/* Milliseconds: how exactly the phases of a run begin and end. */
#define TICK_MS 20
#define RAMP_TICK_MS 1

/* -- histogram: exact up to 512 ns, then 256 steps for each doubling (0.4 %) -------------------- */

#define STEP_BITS 8
#define STEPS (1 << STEP_BITS)
#define BUCKETS ((64 - STEP_BITS) * STEPS + STEPS)

struct histogram {
    uint64_t counts[BUCKETS], count, max;
};

static int bucket_of(uint64_t value)
{
    if (value < 2 * STEPS)
        return (int)value;
    int shift = 63 - __builtin_clzll(value) - STEP_BITS;
    return (shift << STEP_BITS) + (int)(value >> shift);
}

static uint64_t bucket_value(int bucket)
{
    if (bucket < 2 * STEPS)
        return (uint64_t)bucket;
    int shift = (bucket >> STEP_BITS) - 1;
    return (uint64_t)((bucket & (STEPS - 1)) | STEPS) << shift;
}

static void add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->count++;
    if (value > histogram->max)
        histogram->max = value;
}

static double percentile_us(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)((double)histogram->count * share), seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > wanted)
            return (double)bucket_value(i) / 1000;
    }
    return (double)histogram->max / 1000;
}

/* -- what to do, and what came of it ------------------------------------------------------------ */

static struct {
    int port, connections;
    const char *path;
    bool is_stream;
    long ramp_ms, warm_ms, measure_ms, drain_ms;
    long events, gap_us, ttft_us;
    int pids[MAX_PIDS], pid_count;
    char headers[EXTRA_HEADERS_LIMIT];
} plan = {.path = "/v1/chat/completions", .is_stream = true, .connections = 1,
          .warm_ms = 500, .measure_ms = 1000, .events = 10};

static struct {
    struct histogram latency, ttft, request;     /* in the measured time */
    uint64_t chunks, requests, bytes;            /* in the measured time */
    uint64_t sent, finished, chunks_in_all;      /* in the whole run */
    uint64_t errors, wrong_count, altered, reconnects;
} result;

static bool is_measuring, is_draining;

/* -- one connection ----------------------------------------------------------------------------- */

enum body_kind { SIZED, CHUNKED, UNTIL_CLOSE };
enum chunk_part { SIZE_LINE, DATA, DATA_END, TRAILER };

struct connection {
    int fd;
    bool is_waiting;     /* a request was sent and its answer is not complete */
    bool is_reused;      /* an answer has come on this connection before */
    bool in_body, will_close, is_altered;
    uint64_t sent_at;
    size_t head_size;
    char head[HEAD_LIMIT + 1];
    enum body_kind kind;
    uint64_t left;       /* of a sized body, or of the chunk at hand */
    enum chunk_part part;
    size_t line_size;    /* of the chunk's size line or trailer line so far */
    uint64_t body_at;    /* position in the expected body */
    long stamps;         /* events seen */
    int stamp_digits;    /* of the stamp at hand: 0 looking for '@', 1 for 'T', 2 and up digits */
    uint64_t stamp;
};

static struct sockaddr_in address;
static int poller;
static int open_answers;
static char request[REQUEST_LIMIT];
static size_t request_size;
static char last_events[LAST_EVENTS_ROOM];
static size_t last_events_size;

static void give_up(const char *why)
{
    fprintf(stderr, "stream_load: %s\n", why);
    exit(1);
}

static void count_error(void)
{
    if (++result.errors > ERROR_LIMIT)
        give_up("too many errors; is the proxy up, and is this its port?");
}

static void open_connection(struct connection *connection)
{
    int on = 1;
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->fd < 0)
        give_up("no more sockets; raise the limit of open files (ulimit -n)");
    connection->is_reused = false;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address)) {
        count_error();
        usleep(1000);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event);
}

static void reset_answer(struct connection *connection)
{
    connection->in_body = connection->will_close = connection->is_altered = false;
    connection->head_size = connection->line_size = 0;
    connection->body_at = 0;
    connection->stamps = 0;
    connection->stamp_digits = 0;
}

static void send_request(struct connection *connection)
{
    reset_answer(connection);
    if (!connection->is_waiting)
        open_answers++;
    connection->is_waiting = true;
    connection->sent_at = now_ns();
    result.sent++;
    if (send(connection->fd, request, request_size, MSG_NOSIGNAL) == (ssize_t)request_size)
        return;
    /* A kept connection that the proxy has closed meanwhile: what any client does is a second try. */
    result.reconnects++;
    open_connection(connection);
    connection->sent_at = now_ns();
    if (send(connection->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
        count_error();
}

static void next_request(struct connection *connection)
{
    if (!is_draining) {
        send_request(connection);
        return;
    }
    if (connection->is_waiting)
        open_answers--;
    connection->is_waiting = false;
}

static void fail(struct connection *connection)
{
    count_error();
    open_connection(connection);
    next_request(connection);
}

/* -- the body: every byte compared, every stamp timed ------------------------------------------- */

/* What the body holds at a position: *text and how many bytes of it; text NULL stands for digits. */
static size_t expected_at(uint64_t at, const char **text)
{
    static const char before[] = EVENT_BEFORE_STAMP, after[] = EVENT_AFTER_STAMP;
    if (!plan.is_stream) {
        *text = JSON_BODY + (at < sizeof(JSON_BODY) - 1 ? at : 0);
        return at < sizeof(JSON_BODY) - 1 ? sizeof(JSON_BODY) - 1 - at : 0;
    }
    uint64_t end_of_events = (uint64_t)plan.events * EVENT_SIZE;
    if (at >= end_of_events) {
        at -= end_of_events;
        *text = last_events + (at < last_events_size ? at : 0);
        return at < last_events_size ? last_events_size - at : 0;
    }
    at %= EVENT_SIZE;
    if (at < STAMP_AT) {
        *text = before + at;
        return STAMP_AT - at;
    }
    if (at < STAMP_AT + STAMP_DIGITS) {
        *text = NULL;
        return STAMP_AT + STAMP_DIGITS - at;
    }
    *text = after + (at - STAMP_AT - STAMP_DIGITS);
    return EVENT_SIZE - at;
}

static void compare(struct connection *connection, const char *data, size_t size)
{
    while (size && !connection->is_altered) {
        const char *text;
        size_t part = expected_at(connection->body_at, &text);
        if (part > size)
            part = size;
        if (!part || (text && memcmp(data, text, part)))
            connection->is_altered = true;
        connection->body_at += part;
        data += part;
        size -= part;
    }
}

static bool is_whole(const struct connection *connection)
{
    const char *text;
    return !connection->is_altered && expected_at(connection->body_at, &text) == 0;
}

static void on_stamp(struct connection *connection, uint64_t at)
{
    /* Both are taken modulo the stamp's range, as the clock may have passed it. */
    uint64_t delay = (at % STAMP_RANGE + STAMP_RANGE - connection->stamp) % STAMP_RANGE;
    result.chunks_in_all++;
    if (connection->stamps++ == 0 && is_measuring)
        add(&result.ttft, at - connection->sent_at);
    if (!is_measuring)
        return;
    result.chunks++;
    add(&result.latency, delay);
}

/* Finds the stamps wherever the proxy cut the bytes, and whatever it made of the rest. */
static void find_stamps(struct connection *connection, const char *data, size_t size, uint64_t at)
{
    const char *end = data + size;
    while (data < end) {
        if (connection->stamp_digits == 0) {
            data = memchr(data, STAMP_MARK[0], (size_t)(end - data));
            if (!data)
                return;
            data++;
            connection->stamp_digits = 1;
        } else if (connection->stamp_digits == 1) {
            connection->stamp_digits = *data == STAMP_MARK[1] ? 2 : 0;
            connection->stamp = 0;
            data += connection->stamp_digits == 2;
        } else {
            connection->stamp = connection->stamp * 10 + (uint64_t)(*data++ - '0');
            if (++connection->stamp_digits == 2 + STAMP_DIGITS) {
                connection->stamp_digits = 0;
                on_stamp(connection, at);
            }
        }
    }
}

static void on_body(struct connection *connection, const char *data, size_t size, uint64_t at)
{
    compare(connection, data, size);
    if (plan.is_stream)
        find_stamps(connection, data, size, at);
}

static void finish(struct connection *connection)
{
    result.finished++;
    if (is_measuring) {
        result.requests++;
        add(&result.request, now_ns() - connection->sent_at);
    }
    if (plan.is_stream && connection->stamps != plan.events)
        result.wrong_count++;
    if (!is_whole(connection))
        result.altered++;
    if (connection->will_close)
        open_connection(connection);
    else
        connection->is_reused = true;
    next_request(connection);
}

/* -- the answer's framing ----------------------------------------------------------------------- */

enum progress { MORE, COMPLETE, BROKEN };

/* A line of the chunked coding is complete: a size (an empty one is bad), or a line of the trailer. */
static enum progress on_chunk_line(struct connection *connection)
{
    if (connection->part == TRAILER)
        return connection->line_size == 0 ? COMPLETE : MORE;
    if (connection->line_size == 0)
        return BROKEN;
    connection->part = connection->left ? DATA : TRAILER;
    return MORE;
}

static enum progress read_line(struct connection *connection, char byte)
{
    if (byte == '\r')
        return MORE;
    if (byte == '\n') {
        enum progress progress = on_chunk_line(connection);
        connection->line_size = 0;
        return progress;
    }
    if (connection->part == SIZE_LINE) {
        if (!isxdigit((unsigned char)byte))
            return BROKEN; /* chunk extensions: no proxy that we compare with writes them */
        if (connection->line_size == 0)
            connection->left = 0;
        int digit = isdigit((unsigned char)byte) ? byte - '0' : (byte | 32) - 'a' + 10;
        connection->left = connection->left * 16 + (uint64_t)digit;
    }
    connection->line_size++;
    return MORE;
}

static enum progress read_chunked(struct connection *connection, const char *data, size_t size,
                                  uint64_t at)
{
    while (size) {
        size_t part = 1;
        enum progress progress = MORE;
        if (connection->part == DATA) {
            part = size < connection->left ? size : connection->left;
            on_body(connection, data, part, at);
            connection->left -= part;
            if (!connection->left)
                connection->part = DATA_END;
        } else if (connection->part == DATA_END) {
            if (*data == '\n')
                connection->part = SIZE_LINE;
            else if (*data != '\r')
                return BROKEN;
        } else {
            progress = read_line(connection, *data);
        }
        data += part;
        size -= part;
        if (progress == COMPLETE && size)
            return BROKEN; /* bytes after the end: nobody asked for a second answer */
        if (progress != MORE)
            return progress;
    }
    return MORE;
}

static enum progress read_body(struct connection *connection, const char *data, size_t size,
                               uint64_t at)
{
    if (connection->kind == CHUNKED)
        return read_chunked(connection, data, size, at);
    if (connection->kind == UNTIL_CLOSE) {
        on_body(connection, data, size, at);
        return MORE;
    }
    if (size > connection->left)
        return BROKEN;
    on_body(connection, data, size, at);
    connection->left -= size;
    return connection->left ? MORE : COMPLETE;
}

static bool understand_head(struct connection *connection)
{
    const char *head = connection->head;
    const char *length = strcasestr(head, "\ncontent-length:");
    if (strlen(head) < 12 || strncmp(head + 9, "200", 3)) {
        if (result.errors < ERRORS_SHOWN)
            fprintf(stderr, "stream_load: %.300s\n", head);
        return false;
    }
    connection->will_close = strcasestr(head, "\nconnection: close") != NULL;
    connection->part = SIZE_LINE;
    connection->kind = UNTIL_CLOSE;
    if (strcasestr(head, "\ntransfer-encoding: chunked")) {
        connection->kind = CHUNKED;
    } else if (length) {
        connection->kind = SIZED;
        connection->left = strtoull(length + strlen("\ncontent-length:"), NULL, 10);
    }
    return true;
}

static enum progress read_answer(struct connection *connection, const char *data, size_t size,
                                 uint64_t at)
{
    if (!connection->in_body) {
        size_t before = connection->head_size, room = HEAD_LIMIT - before;
        size_t taken = size < room ? size : room;
        memcpy(connection->head + before, data, taken);
        connection->head_size += taken;
        connection->head[connection->head_size] = 0;
        char *end = strstr(connection->head, "\r\n\r\n");
        if (!end)
            return connection->head_size < HEAD_LIMIT ? MORE : BROKEN;
        size_t head_size = (size_t)(end + 4 - connection->head);
        *end = 0;
        connection->in_body = true;
        if (!understand_head(connection))
            return BROKEN;
        data += head_size - before;
        size -= head_size - before;
    }
    return size ? read_body(connection, data, size, at) : MORE;
}

static void on_closed(struct connection *connection)
{
    if (!connection->is_waiting) {
        epoll_ctl(poller, EPOLL_CTL_DEL, connection->fd, NULL);
    } else if (connection->in_body && connection->kind == UNTIL_CLOSE) {
        connection->will_close = true;
        finish(connection);
    } else if (connection->is_reused && !connection->head_size) {
        /* The kept connection was closed just as we wrote; the request was not answered, so again. */
        result.reconnects++;
        result.sent--;
        open_connection(connection);
        send_request(connection);
    } else {
        fail(connection);
    }
}

static void on_readable(struct connection *connection)
{
    static char buffer[READ_SIZE];
    ssize_t got = recv(connection->fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
        on_closed(connection);
        return;
    }
    uint64_t at = now_ns();
    if (is_measuring)
        result.bytes += (uint64_t)got;
    enum progress progress = read_answer(connection, buffer, (size_t)got, at);
    if (progress == COMPLETE)
        finish(connection);
    else if (progress == BROKEN)
        fail(connection);
}

/* -- the proxy's processes, as the kernel accounts them ----------------------------------------- */

static double cpu_seconds(void)
{
    double ticks = 0;
    for (int i = 0; i < plan.pid_count; i++) {
        char path[64], line[1024];
        unsigned long user = 0, system = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", plan.pids[i]);
        FILE *file = fopen(path, "r");
        if (!file)
            give_up("a process of the proxy is gone");
        size_t got = fread(line, 1, sizeof line - 1, file);
        fclose(file);
        line[got] = 0;
        /* The command's name may hold spaces; the fields begin after its bracket. */
        const char *fields = strrchr(line, ')');
        if (fields)
            sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
        ticks += (double)(user + system);
    }
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

static double rss_bytes(void)
{
    double pages = 0;
    for (int i = 0; i < plan.pid_count; i++) {
        char path[64];
        long total, resident;
        snprintf(path, sizeof path, "/proc/%d/statm", plan.pids[i]);
        FILE *file = fopen(path, "r");
        if (file && fscanf(file, "%ld %ld", &total, &resident) == 2)
            pages += (double)resident;
        if (file)
            fclose(file);
    }
    return pages * (double)sysconf(_SC_PAGESIZE);
}

static double own_cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* What the meters show at one moment; the difference of two is a result. */
struct reading {
    uint64_t at;
    double cpu, own_cpu, rss;
};

static struct reading read_meters(void)
{
    return (struct reading){now_ns(), cpu_seconds(), own_cpu_seconds(), rss_bytes()};
}

/* -- the run ------------------------------------------------------------------------------------ */

static struct connection *connections;
static int started;

static void start_some(double elapsed_ms)
{
    double share = plan.ramp_ms ? elapsed_ms / (double)plan.ramp_ms : 1;
    int wanted = share >= 1 ? plan.connections : (int)(plan.connections * share);
    for (int i = 0; i < CONNECTS_PER_TURN && started < wanted; i++) {
        struct connection *connection = &connections[started++];
        connection->fd = -1;
        open_connection(connection);
        send_request(connection);
    }
}

static void poll_once(void)
{
    static struct epoll_event ready[EVENTS_PER_TURN];
    int patience = started < plan.connections ? RAMP_TICK_MS : TICK_MS;
    int count = epoll_wait(poller, ready, EVENTS_PER_TURN, patience);
    for (int i = 0; i < count; i++)
        on_readable(ready[i].data.ptr);
}

static double ms_since(uint64_t start)
{
    return (double)(now_ns() - start) / 1e6;
}

static void run_for(uint64_t start, double until_ms)
{
    for (double elapsed = ms_since(start); elapsed < until_ms; elapsed = ms_since(start)) {
        start_some(elapsed);
        poll_once();
    }
}

static void drain(void)
{
    uint64_t start = now_ns();
    is_draining = true;
    while (open_answers && ms_since(start) < (double)plan.drain_ms)
        poll_once();
}

static void print_result(struct reading idle, struct reading from, struct reading to)
{
    double seconds = (double)(to.at - from.at) / 1e9, cpu_us = (to.cpu - from.cpu) * 1e6;
    printf("{\"connections\":%d,\"seconds\":%.3f,", plan.connections, seconds);
    printf("\"chunks_per_s\":%.0f,\"requests_per_s\":%.1f,\"megabytes_per_s\":%.1f,",
           (double)result.chunks / seconds, (double)result.requests / seconds,
           (double)result.bytes / seconds / 1e6);
    printf("\"latency_p50_us\":%.1f,\"latency_p99_us\":%.1f,\"latency_p999_us\":%.1f,"
           "\"latency_max_us\":%.1f,",
           percentile_us(&result.latency, .5), percentile_us(&result.latency, .99),
           percentile_us(&result.latency, .999), (double)result.latency.max / 1000);
    printf("\"ttft_p50_us\":%.1f,\"ttft_p99_us\":%.1f,", percentile_us(&result.ttft, .5),
           percentile_us(&result.ttft, .99));
    printf("\"request_p50_us\":%.1f,\"request_p99_us\":%.1f,", percentile_us(&result.request, .5),
           percentile_us(&result.request, .99));
    printf("\"cpu_share\":%.3f,\"cpu_us_per_chunk\":%.2f,\"cpu_us_per_request\":%.1f,",
           cpu_us / 1e6 / seconds, result.chunks ? cpu_us / (double)result.chunks : 0,
           result.requests ? cpu_us / (double)result.requests : 0);
    printf("\"rss_idle_bytes\":%.0f,\"rss_bytes\":%.0f,", idle.rss, to.rss);
    printf("\"load_cpu_share\":%.3f,", (to.own_cpu - from.own_cpu) / seconds);
    printf("\"sent\":%lu,\"finished\":%lu,\"unfinished\":%d,\"chunks\":%lu,", result.sent,
           result.finished, open_answers, result.chunks_in_all);
    printf("\"errors\":%lu,\"wrong_count\":%lu,\"altered\":%lu,\"reconnects\":%lu}\n",
           result.errors, result.wrong_count, result.altered, result.reconnects);
}

static void run(void)
{
    struct reading idle = read_meters();
    uint64_t start = now_ns();
    double from_ms = (double)(plan.ramp_ms + plan.warm_ms);
    run_for(start, from_ms);
    struct reading from = read_meters();
    is_measuring = true;
    run_for(start, from_ms + (double)plan.measure_ms);
    is_measuring = false;
    struct reading to = read_meters();
    drain();
    print_result(idle, from, to);
}

/* -- the command line --------------------------------------------------------------------------- */

static const char USAGE[] =
    "usage: stream_load --port PORT [options]\n"
    "  --port PORT          of the proxy (or upstream) on 127.0.0.1\n"
    "  --path PATH          default /v1/chat/completions\n"
    "  --mode stream|json   default stream\n"
    "  --connections N      at once, default 1\n"
    "  --ramp-ms MS         open the connections over this time, default 0\n"
    "  --warm-ms MS         run without counting, default 500\n"
    "  --measure-ms MS      count, default 1000\n"
    "  --drain-ms MS        read what is open to its end for at most this time, default 0\n"
    "  --events N           of each stream, default 10\n"
    "  --gap-us US          between events, default 0: as fast as possible\n"
    "  --ttft-us US         before the first event, default 0\n"
    "  --pids PID,PID       the proxy's processes: their CPU and memory are measured\n"
    "  --header 'NAME: VALUE'   one more request header; may be repeated\n";

enum option_name { PORT = 1, PATH, MODE, CONNECTIONS, RAMP, WARM, MEASURE, DRAIN, EVENTS, GAP, TTFT,
                   PIDS, HEADER };

static const struct option OPTIONS[] = {
    {"port", required_argument, NULL, PORT},
    {"path", required_argument, NULL, PATH},
    {"mode", required_argument, NULL, MODE},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"ramp-ms", required_argument, NULL, RAMP},
    {"warm-ms", required_argument, NULL, WARM},
    {"measure-ms", required_argument, NULL, MEASURE},
    {"drain-ms", required_argument, NULL, DRAIN},
    {"events", required_argument, NULL, EVENTS},
    {"gap-us", required_argument, NULL, GAP},
    {"ttft-us", required_argument, NULL, TTFT},
    {"pids", required_argument, NULL, PIDS},
    {"header", required_argument, NULL, HEADER},
    {0},
};

static void refuse(const char *why)
{
    fprintf(stderr, "stream_load: %s\n%s", why, USAGE);
    exit(2);
}

static long number(const char *text, long least)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*end || end == text || value < least)
        refuse("a number is missing or too small");
    return value;
}

static void take_pids(char *list)
{
    for (char *pid = strtok(list, ","); pid; pid = strtok(NULL, ",")) {
        if (plan.pid_count == MAX_PIDS)
            refuse("too many pids");
        plan.pids[plan.pid_count++] = (int)number(pid, 1);
    }
}

static void take_header(const char *line)
{
    size_t used = strlen(plan.headers);
    if (used + strlen(line) + 3 > sizeof plan.headers)
        refuse("the headers are too long");
    snprintf(plan.headers + used, sizeof plan.headers - used, "%s\r\n", line);
}

static void take_option(int option, char *value)
{
    switch (option) {
    case PORT: plan.port = (int)number(value, 1); break;
    case PATH: plan.path = value; break;
    case MODE:
        plan.is_stream = !strcmp(value, "stream");
        if (!plan.is_stream && strcmp(value, "json"))
            refuse("the mode is stream or json");
        break;
    case CONNECTIONS: plan.connections = (int)number(value, 1); break;
    case RAMP: plan.ramp_ms = number(value, 0); break;
    case WARM: plan.warm_ms = number(value, 0); break;
    case MEASURE: plan.measure_ms = number(value, 1); break;
    case DRAIN: plan.drain_ms = number(value, 0); break;
    case EVENTS: plan.events = number(value, 1); break;
    case GAP: plan.gap_us = number(value, 0); break;
    case TTFT: plan.ttft_us = number(value, 0); break;
    case PIDS: take_pids(value); break;
    case HEADER: take_header(value); break;
    default: refuse("unknown option");
    }
}

static void write_request(void)
{
    char body[BODY_LIMIT];
    int body_size = snprintf(
        body, sizeof body,
        "{\"model\":\"mock-gpt\",%s\"messages\":[{\"role\":\"user\",\"content\":\"" WISH_FORMAT "\"}]}",
        plan.is_stream ? "\"stream\":true,\"stream_options\":{\"include_usage\":true}," : "",
        plan.events, plan.gap_us, plan.ttft_us);
    int size = snprintf(request, sizeof request,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: stream_load\r\n"
                        "Accept: application/json\r\nAuthorization: Bearer sk-0123456789abcdef\r\n"
                        "Content-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
                        plan.path, plan.port, plan.headers, body_size, body);
    if (size >= (int)sizeof request)
        refuse("the request is too long");
    request_size = (size_t)size;
    last_events_size = (size_t)snprintf(last_events, sizeof last_events, LAST_EVENTS_FORMAT,
                                        plan.events, plan.events + PROMPT_TOKENS);
}

int main(int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
        take_option(option, optarg);
    if (!plan.port || optind < argc)
        refuse("the port is missing, or there is an argument too many");
    write_request();
    signal(SIGPIPE, SIG_IGN);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)plan.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(0);
    connections = calloc((size_t)plan.connections, sizeof *connections);
    run();
}

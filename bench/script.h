/* What the two load tools agree on: the words of the answers, and the clock.
 *
 * The upstream writes these bytes, the load generator knows them by heart and compares every byte
 * that comes out of the proxy with them. Only the time stamps in the events differ from run to run.
 */
#ifndef STREAMGAUGE_BENCH_SCRIPT_H
#define STREAMGAUGE_BENCH_SCRIPT_H

#include <stdint.h>
#include <time.h>

/* A stamp is the time of sending in nanoseconds, as sixteen digits after a mark that occurs nowhere
 * else. Sixteen digits hold 115 days of CLOCK_MONOTONIC; after that they wrap, and so does the
 * difference that the load generator takes. */
#define STAMP_MARK "@T"
#define STAMP_DIGITS 16
#define STAMP_RANGE 10000000000000000ull

#define EVENT_BEFORE_STAMP                                                                        \
    "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\","           \
    "\"created\":1700000000,\"model\":\"mock-gpt\",\"choices\":[{\"index\":0,\"delta\":"          \
    "{\"content\":\"" STAMP_MARK
#define EVENT_AFTER_STAMP " hi \"},\"finish_reason\":null}]}\n\n"

/* 185 bytes: what a token costs on the wire of a real provider. */
#define EVENT_SIZE (sizeof(EVENT_BEFORE_STAMP) - 1 + STAMP_DIGITS + sizeof(EVENT_AFTER_STAMP) - 1)
#define STAMP_AT (sizeof(EVENT_BEFORE_STAMP) - 1)

/* printf formats; the number of events is the completion's tokens. */
#define EVENT_FORMAT EVENT_BEFORE_STAMP "%016llu" EVENT_AFTER_STAMP
#define LAST_EVENTS_FORMAT                                                                        \
    "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\","           \
    "\"created\":1700000000,\"model\":\"mock-gpt\",\"choices\":[{\"index\":0,\"delta\":{},"       \
    "\"finish_reason\":\"stop\"}]}\n\n"                                                           \
    "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\","           \
    "\"created\":1700000000,\"model\":\"mock-gpt\",\"choices\":[],\"usage\":"                     \
    "{\"prompt_tokens\":11,\"completion_tokens\":%ld,\"total_tokens\":%ld}}\n\n"                  \
    "data: [DONE]\n\n"
#define PROMPT_TOKENS 11

/* The formats above with their longest numbers stay well below this. */
#define LAST_EVENTS_ROOM 1024

#define JSON_BODY                                                                                 \
    "{\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion\",\"created\":1700000000,"\
    "\"model\":\"mock-gpt\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","       \
    "\"content\":\"Hello there, how may I assist you today? This is a mock answer of a plausible "\
    "size for a short completion.\"},\"finish_reason\":\"stop\"}],\"usage\":"                     \
    "{\"prompt_tokens\":11,\"completion_tokens\":24,\"total_tokens\":35}}"

/* How a request asks: in its last message. Events, microseconds between them and before the first. */
#define WISH_FORMAT "MOCK n=%ld d=%ld t=%ld "
#define WISH_MARK "MOCK n="

/* Both tools read the same clock on the same machine, so a stamp and its arrival can be compared. */
static inline uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

#endif

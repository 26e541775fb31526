"""Asking for usage, byte for byte, and hiding exactly the event that this adds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire.looks.stream_usage import Hider, ask

ASKED = {"include_usage": True}

SPLICED = {
    "no options": (
        b'{"model":"x","stream":true}',
        b'{"stream_options":{"include_usage":true},"model":"x","stream":true}',
    ),
    "spaces": (
        b' \n{ "stream" : true }',
        b' \n{"stream_options":{"include_usage":true}, "stream" : true }',
    ),
    "other options": (
        b'{"stream": true, "stream_options": {"include_obfuscation": false}}',
        b'{"stream": true, "stream_options": {"include_usage":true,"include_obfuscation": false}}',
    ),
    "empty options": (
        b'{"stream_options":{},"stream":true}',
        b'{"stream_options":{"include_usage":true},"stream":true}',
    ),
    "null options": (
        '{"user":"Zoë","stream_options":null,"stream":true}'.encode(),
        '{"user":"Zoë","stream_options":{"include_usage":true},"stream":true}'.encode(),
    ),
    "told twice: the last one counts": (
        b'{"stream":false,"stream_options":{"a":1},"stream":true,"stream_options":null}',
        b'{"stream":false,"stream_options":{"a":1},"stream":true,'
        b'"stream_options":{"include_usage":true}}',
    ),
    "names in escapes": (
        b'{"str\\u0065am":true,"stream\\u005foptions":{"a":1}}',
        b'{"str\\u0065am":true,"stream\\u005foptions":{"include_usage":true,"a":1}}',
    ),
    "a number that Python does not read": (
        b'{"stream":true,"stream_options":{},"seed":' + b"1" * 5000 + b',"top_p":1e99999}',
        b'{"stream":true,"stream_options":{"include_usage":true},"seed":'
        + b"1" * 5000
        + b',"top_p":1e99999}',
    ),
    "words in a text": (
        b'{"messages":[{"content":"\\"stream\\":false,\\"stream_options\\":{}"}],"stream":true}',
        b'{"stream_options":{"include_usage":true},'
        b'"messages":[{"content":"\\"stream\\":false,\\"stream_options\\":{}"}],"stream":true}',
    ),
    "the same name further down": (
        b'{"x":{"stream_options":{}},"y":"\\"stream_options\\":{}","stream_options":{},"stream":true}',
        b'{"x":{"stream_options":{}},"y":"\\"stream_options\\":{}","stream_options":{"include_usage":true},"stream":true}',
    ),
}


@pytest.mark.parametrize(("body", "expected"), SPLICED.values(), ids=SPLICED)
def test_the_wish_is_spliced_in(body: bytes, expected: bytes) -> None:
    """All other bytes stay."""
    assert ask(body) == expected
    asked = json.loads(expected, parse_int=str)
    assert asked["stream_options"]["include_usage"] is True


@pytest.mark.parametrize(
    "body",
    [
        b'{"stream":false}',
        b'{"model":"x"}',
        b'{"stream":true,"stream_options":{"include_usage":true}}',
        b'{"stream":true,"stream_options":{"include_usage":false}}',
        b'{"stream":true,"stream_options":"yes"}',
        b'{"stream":"true"}',
        b"[]",
        b"",
        b"{",
        b'{"stream":true',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_needs_no_wish_is_left_alone(body: bytes) -> None:
    """Requests that do not stream, that say it themselves, and what is no JSON object."""
    assert ask(body) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), json_values), st.sampled_from([None, {}, {"a": 1}, "absent"]))
def test_nothing_else_of_the_request_changes(body: dict[str, object], options: object) -> None:
    """Whatever else is in there."""
    request = body | {"stream": True}
    request.pop("stream_options", None)
    if options != "absent":
        request["stream_options"] = options
    asked = ask(json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if asked is None:  # a lone surrogate is no JSON text
        return
    wish = (options if isinstance(options, dict) else {}) | ASKED
    assert json.loads(asked) == request | {"stream_options": wish}


TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
DONE = b"data: [DONE]\n\n"


def passed(*lines: bytes) -> bytes:
    hider = Hider()
    return b"".join(
        piece for one in lines for piece, is_hidden in hider.split(one) if not is_hidden
    )


def test_only_the_usage_event_goes() -> None:
    """With its blank line, also where that comes later."""
    assert passed(TEXT + USAGE + DONE) == TEXT + DONE
    assert passed(TEXT, USAGE, DONE) == TEXT + DONE
    assert passed(TEXT + USAGE[:-1], b"\n" + DONE) == TEXT + DONE
    assert passed(USAGE) == b""


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_name_and_the_id_of_the_event_go_with_it(end: bytes) -> None:
    """Before its data or behind: left behind, they would be the next event's."""
    named = (b"event: message\nid: 6\n" + TEXT).replace(b"\n", end)
    usage = b"event: message\nid: 7\n" + USAGE[:-1] + b"retry: 9\n\n"
    last = b"id: 8\n" + DONE
    whole = named + (usage + usage + last).replace(b"\n", end)
    assert passed(whole) == named + last.replace(b"\n", end)
    hider = Hider()
    assert b"".join(piece for piece, _ in hider.split(whole)) == whole


def test_pieces_add_up_in_order() -> None:
    """The recorder reads what is hidden, at its place."""
    pieces = Hider().split(TEXT + USAGE + DONE)
    assert pieces == [(TEXT, False), (USAGE, True), (DONE, False)]


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices":[],"usage":null}\n\n',
        b'data: {"choices":[],"prompt_filter_results":[1]}\n\n',
        b'data: {"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\"usage\\": {"}}]}\n\n',
        b'data: "usage":{ [\n\n',
        b': "usage":{}\n\n',
    ],
)
def test_what_would_have_come_anyway_stays(event: bytes) -> None:
    """Usage in the last content event, Azure's first event, text that looks like it, rubbish."""
    assert passed(event + DONE) == event + DONE


def test_spaces_and_other_line_ends_make_no_difference() -> None:
    """As some servers write them."""
    usage = b'data:{ "choices" : [ ] , "usage" : { "prompt_tokens" : 1 } }\r\n\r\n'
    assert passed(TEXT + usage + DONE) == TEXT + DONE

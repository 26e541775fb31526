"""From the bytes of one answer to its reply: inflate, frame, read, add up."""

from __future__ import annotations

import codecs
import logging

from streamgauge.wire.accumulate import Accumulator
from streamgauge.wire.detect import Choice, choose, guess, is_text, sniff
from streamgauge.wire.dialects import DIALECTS, Dialect
from streamgauge.wire.encoding import Inflater, inflater
from streamgauge.wire.events import CONTENT, Event, Frame, ReasoningDelta, TextDelta, Unknown
from streamgauge.wire.framing import FRAMINGS, Framing
from streamgauge.wire.likeness import Likeness

log = logging.getLogger("streamgauge.wire")

# So many bytes are inflated at once: a bomb of zeros becomes a thousand times as many.
INFLATE_BYTES = 16 * 1024

# The dialect of an unknown path shows in one of so many first frames, or it stays unknown.
SNIFFED = 5

# What a chunk brought; they add up.
EVENT, REASONING, TEXT = 1, 2, 4

_WEIGHTS: dict[type, int] = {ReasoningDelta: REASONING, **dict.fromkeys(CONTENT, TEXT)}


class Decoding:
    """Decodes one answer; what cannot be read never stops it, and never raises.

    ``trouble`` says why the rest of the answer could not be read, if so. ``deltas`` counts
    pieces of content and reasoning: about a token each.
    """

    __slots__ = (
        "_doubts",
        "_first",
        "_framing",
        "_inflater",
        "_is_plain",
        "_likeness",
        "deltas",
        "dialect",
        "reply",
        "trouble",
    )

    def __init__(self, choice: Choice, content_encoding: str | None = None) -> None:
        self.reply = Accumulator()
        self.deltas = 0
        self.trouble: str | None = None
        self.dialect = DIALECTS[choice.dialect]() if choice.dialect else None
        self._doubts = SNIFFED if choice.dialect else 0
        self._likeness = _likeness(self.dialect)
        self._is_plain = choice.framing in (None, "plain")
        self._first: list[Frame] = []  # frames that no dialect has read yet
        self._framing = FRAMINGS[choice.framing]() if choice.framing else None
        self._inflater = inflater(content_encoding) if self._framing is not None else None

    @property
    def is_stream(self) -> bool:
        """Whether the answer came in frames."""
        return not self._is_plain

    @property
    def is_read(self) -> bool:
        """Whether it is known what the answer says."""
        return self.dialect is not None

    @property
    def dialect_name(self) -> str | None:
        """The dialect's name, None while it is unknown."""
        return self.dialect.name if self.dialect is not None else None

    @property
    def is_whole(self) -> bool:
        """Whether the dialect's last word has come, or it has none and gave its reason to end."""
        if self.reply.has_terminal:
            return True
        return (
            self.reply.has_finish
            and self.dialect is not None
            and self.dialect.ends_without_terminal
        )

    def feed(self, data: bytes) -> int:
        """Take in a chunk and return what it brought, `EVENT`, `REASONING` and `TEXT` added."""
        framing = self._framing
        if framing is None:
            return 0
        likeness = self._likeness
        if likeness is not None:
            text = likeness.read_chunk(data)
            if text is not None:
                self.reply.say(text, likeness.index)
                self.deltas += 1
                return EVENT | TEXT
        try:
            if self._inflater is None:
                was_at_rest = framing.is_at_rest
                frames = framing.feed(data)
                heard = self._hear(frames)
                if likeness is not None:
                    is_alone = was_at_rest and framing.is_at_rest
                    likeness.learn_chunk(data, frames, is_alone=is_alone)
            else:
                heard = self._inflate(framing, self._inflater, data)
        except Exception:
            log.exception("an answer could not be decoded; its bytes are kept")
            self._stop("it could not be decoded")
            return 0
        if framing.failed:
            self._stop("its framing is corrupt: where a frame begins is no longer known")
        return heard

    def _inflate(self, framing: Framing, inflating: Inflater, data: bytes) -> int:
        heard = 0
        for first in range(0, len(data), INFLATE_BYTES):
            heard |= self._hear(framing.feed(inflating.feed(data[first : first + INFLATE_BYTES])))
        if inflating.failed:
            self._stop("its content encoding is corrupt or unknown")
        return heard

    def close(self) -> None:
        """The answer has ended: read what is left."""
        if self._framing is None:
            return
        try:
            self._hear(self._framing.close())
        except Exception:
            log.exception("the end of an answer could not be decoded; its bytes are kept")
            self.trouble = "it could not be decoded"
        self._framing = None

    def _hear(self, frames: list[Frame]) -> int:
        if not frames:
            return 0
        heard = EVENT
        if self.dialect is None:
            frames = self._recognize(frames)
        if self.dialect is None:
            return heard
        said = self._doubt(self.dialect, frames) if self._doubts else None
        read, add, likeness = self.dialect.read, self.reply.add, self._likeness
        for frame in frames:
            if likeness is not None:
                delta = likeness.read(frame)
                if delta is not None:
                    add(delta)
                    heard |= TEXT
                    self.deltas += 1
                    continue
            events, said = said or read(frame), None
            if likeness is not None:
                likeness.learn(frame, events)
            for event in events:
                add(event)
                weight = _WEIGHTS.get(type(event), 0)
                if weight:
                    heard |= weight
                    self.deltas += 1
        return heard

    def _doubt(self, assumed: Dialect, frames: list[Frame]) -> list[Event] | None:
        """Take the dialect of the first *frames*, if that of the path cannot read them; return what
        the very first says, if it can.

        A path may be anybody's: `/api/chat` is Ollama's, and that of many an application.
        """
        for frame in frames[: self._doubts]:
            is_first = self._doubts == SNIFFED
            self._doubts -= 1
            # By one of its own, as the frame may be read again: reading changes a dialect's state.
            reader = DIALECTS[assumed.name]()
            said = reader.read(frame)
            if any(type(event) is not Unknown for event in said):
                self._doubts = 0
                if not is_first:
                    return None
                self.dialect = reader
                return said
            name = sniff(frame)
            if name is not None:
                self._speak(name)
                return None
        return None

    def _recognize(self, frames: list[Frame]) -> list[Frame]:
        """Look for the dialect in *frames*; once it shows, return all there are to read."""
        if len(self._first) == SNIFFED:
            return []
        fresh = frames[: SNIFFED - len(self._first)]
        name = next(filter(None, map(sniff, fresh)), None)
        if name is None:
            self._first += fresh
            return []
        self._speak(name)
        return self._first + frames

    def _speak(self, name: str) -> None:
        """Read what comes in the dialect that showed itself."""
        self.dialect = DIALECTS[name]()
        self._likeness = _likeness(self.dialect)
        self._doubts = 0

    def _stop(self, trouble: str) -> None:
        self.trouble = trouble
        self._framing = None


class TextDecoding(Decoding):
    """Reads an answer that is its own text, as an application tells of it.

    What comes through the gateway as text may be an error page of anybody in between.
    """

    __slots__ = ("_characters",)

    is_read = True

    def __init__(self) -> None:
        super().__init__(Choice(None, None))
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> int:
        """Take in a piece of the text."""
        return self._say(self._characters.decode(data))

    def close(self) -> None:
        """The text has ended."""
        self._say(self._characters.decode(b"", final=True))

    def _say(self, text: str) -> int:
        if not text:
            return 0
        self.reply.add(TextDelta(text))
        self.deltas += 1
        return EVENT | TEXT


def _likeness(dialect: Dialect | None) -> Likeness | None:
    return Likeness() if dialect is not None and dialect.are_texts_alike else None


def decoding_of(
    *,
    path: str,
    content_type: str | None,
    content_encoding: str | None = None,
    beginning: bytes = b"",
    is_told: bool = False,
) -> Decoding:
    """Return what reads an answer to a request for *path*.

    Where *content_type* does not tell the framing, the *beginning* of the answer may. Text is the
    answer itself if it *is_told*: if it did not pass the gateway.
    """
    if is_told and is_text(content_type):
        return TextDecoding()
    choice = choose(path=path, content_type=content_type)
    if beginning and (choice.framing is None or not content_type):
        plain = inflated(beginning[:INFLATE_BYTES], content_encoding, limit=INFLATE_BYTES)
        choice = Choice(guess(plain).framing, choice.dialect)
    return Decoding(choice, content_encoding)


def decode(
    data: bytes,
    *,
    path: str = "",
    content_type: str | None = None,
    content_encoding: str | None = None,
) -> Decoding:
    """Decode a whole answer; ``.reply.reply()`` of the result is what it says.

    Framing and dialect are told by the request's *path* and the *content_type*, as far as they
    are known, else by the bytes.
    """
    decoding = decoding_of(
        path=path,
        content_type=content_type,
        content_encoding=content_encoding,
        beginning=data,
    )
    decoding.feed(data)
    decoding.close()
    return decoding


def inflated(data: bytes, content_encoding: str | None, *, limit: int) -> bytes:
    """Return *data* without its encoding, cut off at about *limit*; as it is where that fails."""
    inflating = inflater(content_encoding)
    if inflating is None:
        return data
    plain = bytearray()
    for first in range(0, len(data), INFLATE_BYTES):
        plain += inflating.feed(data[first : first + INFLATE_BYTES])
        if len(plain) > limit:
            break
    return data if inflating.failed else bytes(plain)

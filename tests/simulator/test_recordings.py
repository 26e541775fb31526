from __future__ import annotations

import pytest

from streamgauge.errors import ConfigurationError
from streamgauge.simulator.providers import target_of
from streamgauge.simulator.recordings import Library, pieces_of
from tests.simulating import RECORDINGS

LIBRARY = Library(RECORDINGS)


@pytest.mark.parametrize("recording", LIBRARY.recordings, ids=lambda one: one.file)
def test_the_frames_of_a_recording_are_its_bytes(recording):
    """Each frame has its turn, none is lost, and most recordings have several."""
    data = LIBRARY.read(recording)
    frames = [piece.data for piece in pieces_of(recording, data)]
    assert b"".join(frames) == data
    assert all(frames)
    assert len(frames) > 1 or len(data) < 2000


@pytest.mark.parametrize(
    "name",
    [
        "vllm/openai_chat/chat_streaming.sse",
        "vllm/openai_chat/chat_streaming",
        "/vllm/openai_chat/chat_streaming.sse",
    ],
)
def test_a_recording_has_several_names(name):
    """With and without folder and suffix."""
    assert LIBRARY.named(name).file == "vllm/openai_chat/chat_streaming.sse"


def test_a_short_name_finds_the_recording():
    """The first by path, where several share it."""
    assert LIBRARY.named("astream").file == "cohere/cohere/astream.sse"
    assert LIBRARY.named("astream.sse").file == "cohere/cohere/astream.sse"
    assert LIBRARY.named("no such thing") is None


@pytest.mark.parametrize(
    ("path", "model", "provider"),
    [
        ("/v1/chat/completions", "gpt-3.5-turbo", "openai"),
        ("/vllm/v1/chat/completions", "gpt-3.5-turbo", "vllm"),
        ("/v1/messages", "claude-3-5-haiku-20241022", "anthropic"),
        ("/together/v1/chat/completions", "deepseek-ai/DeepSeek-R1", "together"),
        ("/v1beta/models/gemini-2.0-flash:streamGenerateContent", None, "google"),
        ("/model/amazon.nova-lite-v1:0/converse-stream", None, "bedrock"),
        ("/openai/deployments/openllmetry-testing/chat/completions", None, "azure"),
        ("/ml/v1-beta/generation/text_stream", None, "watsonx"),
    ],
)
def test_path_and_model_choose_a_recording(path, model, provider):
    """The provider's own, where several providers fit; the same for the same seed."""
    target = target_of(path)
    found = LIBRARY.fitting(target, path, model, 1)
    assert found.provider == provider
    assert LIBRARY.fitting(target, path, model, 1) == found


def test_the_seed_chooses_among_several():
    """Another seed may play another recording of the same model."""
    path = "/v1/chat/completions"
    target = target_of(path)
    assert len({LIBRARY.fitting(target, path, "gpt-4o-mini", seed).file for seed in range(20)}) > 1


def test_an_unknown_model_has_no_recording():
    """Then the answer is made."""
    path = "/v1/chat/completions"
    assert LIBRARY.fitting(target_of(path), path, "gpt-of-nobody", 1) is None


def test_a_folder_without_manifest_is_walked(tmp_path):
    """Then the path says whose a recording is."""
    file = tmp_path / "acme" / "openai_chat" / "one.sse"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"data: {}\n\n")
    (tmp_path / "acme" / "notes.txt").write_text("not a recording")
    (found,) = Library(tmp_path).recordings
    assert (found.provider, found.dialect, found.framing) == ("acme", "openai_chat", "sse")
    assert found.bytes == 10


def test_a_bad_folder_is_told_in_one_line(tmp_path):
    """Missing, or with a manifest that cannot be read."""
    with pytest.raises(ConfigurationError, match="not a folder"):
        Library(tmp_path / "nowhere")
    (tmp_path / "manifest.jsonl").write_text('{"file": 1}\n')
    with pytest.raises(ConfigurationError, match="line 1"):
        Library(tmp_path)

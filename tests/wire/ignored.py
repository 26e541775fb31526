"""What providers send and no reply needs, with the reason. ``*`` stands for anything."""

from __future__ import annotations

PADDING = "random characters against guessing the text by the length of its pieces"
KIND = "the kind of the object; it is told by where it stands"
ORDER = "the order of the blocks, which is that of the frames"
TIME = "when the provider made the frame; ours is the time that counts"
LATER = "an earlier count; the last one holds"
NOT_YET = "not kept yet"

IGNORED: dict[str, dict[str, str]] = {
    "openai_chat": {
        ":obfuscation": PADDING,
        ":object": KIND,
        ":choices[].message.*": "what the delta beside it says",
        ":choices[].text": "what the delta beside it says",
    },
    "anthropic": {
        "content_block_delta:delta(*).type": KIND,
        "message_start:message(message).type": KIND,
        "content_block_*:index": ORDER,
        "message_start:message(message).usage.*": LATER,
        "content_block_start:content_block(mcp_tool_use).server_name": NOT_YET,
        "content_block_start:content_block(tool_use).caller(*).type": NOT_YET,
    },
    "bedrock_converse": {
        "*:p": PADDING,
        "*:contentBlockIndex": ORDER,
    },
    "bedrock_invoke": {
        "*:p": PADDING,
        "chunk:bytes*.index": ORDER,
        "chunk:bytes(*).*.type": KIND,
        "chunk:bytes(message_start).message(message).usage.*": LATER,
    },
    "cohere": {
        "*:index": ORDER,
        "content-start:delta.message.content(text).type": KIND,
    },
    "gemini": {
        ":usageMetadata.candidatesTokenCount": LATER,
    },
    "ollama": {
        ":created_at": TIME,
    },
    "watsonx": {
        "message:created_at": TIME,
    },
}

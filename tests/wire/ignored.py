"""What providers send and no reply needs, with the reason. ``*`` stands for anything."""

from __future__ import annotations

PADDING = "random characters against guessing the text by the length of its pieces"
KIND = "the kind of the object; it is told by where it stands"
ORDER = "the order of the blocks, which is that of the frames"
TIME = "when the provider made the frame; ours is the time that counts"
PLACE = "where a piece belongs; taken for another place, the last snapshot mends it"
REPEATED = "what the deltas said"

# The reply of a stream that breaks off there has it; the test sees to it.
LATER = "said anew later; the last one holds"

IGNORED: dict[str, dict[str, str]] = {
    "openai_chat": {
        ":obfuscation": PADDING,
        ":object": KIND,
        ":choices[].message.*": "what the delta beside it says",
        ":choices[].text": "what the delta beside it says",
        ":choices[].delta.content[](*).type": KIND,
        ":choices[].delta.content[](*).thinking[](*).type": KIND,
    },
    "openai_responses": {
        "*:type": "the kind of the frame; taken for another, the last snapshot mends it",
        "*:item_id": PLACE,
        "*:*_index": PLACE,
        "*:sequence_number": "the number of the frame",
        "*:obfuscation": PADDING,
        "response.created:*": LATER,
        "response.queued:*": LATER,
        "response.in_progress:*": LATER,
        "response.output_item.*:*": LATER,
        "response.content_part.*:*": REPEATED,
        "response.*.done:*": REPEATED,
        "response.*:response.object": KIND,
        "*.content[](output_text).type": KIND,
        ":output[](message).content[](output_text).type": KIND,
        ":object": KIND,
        "response.completed:*.content[](output_text).annotations*": REPEATED,
        "response.completed:*.content[](output_text).logprobs*": REPEATED,
        "response.completed:*.content[](reasoning_text).text": REPEATED,
        "response.audio.*:response_id": PLACE,
        "response.reasoning_summary_part.added:part(*).type": KIND,
    },
    "openai_completions": {
        ":object": KIND,
    },
    "openai_assistants": {
        "thread.run.created:*": LATER,
        "thread.run.queued:*": LATER,
        "thread.run.in_progress:*": LATER,
        "thread.message.created:*": LATER,
        "thread.message.in_progress:*": LATER,
        "thread.message.*(text).type": KIND,
        "*step_details(*).type": "the step itself says so",
        "thread.run.step.delta:*.tool_calls[](*).id": "the step that is done says it again",
    },
    "anthropic": {
        "content_block_delta:delta(*).type": KIND,
        "error:type": KIND,
        "message_start:message(message).type": KIND,
        "content_block_*:index": ORDER,
        "message_start:message(message).usage.*": LATER,
    },
    "bedrock_converse": {
        "*:p": PADDING,
        "*:contentBlockIndex": ORDER,
    },
    "bedrock_invoke": {
        "*:p": PADDING,
        "chunk:bytes*.index": ORDER,
        "chunk:bytes(*).*.type": KIND,
        "chunk:bytes.*.contentBlockIndex": ORDER,
        "chunk:bytes(message_start).message(message).usage.*": LATER,
    },
    "cohere": {
        "*:index": ORDER,
        "content-start:delta.message.content(*).type": KIND,
        ":message.content[](*).type": KIND,
        "message-end:id": "that of the message-start",
        ":is_finished": KIND,
        ":response.*": REPEATED,
    },
    "gemini": {
        ":usageMetadata.candidatesTokenCount": LATER,
    },
    "ollama": {
        ":created_at": TIME,
        ":message.tool_calls[].function.index": ORDER,
    },
    "replicate": {
        ":input.*": "the request's",
    },
    "ai_sdk": {
        "*-start:id": ORDER,
        "*-delta:id": ORDER,
        "*-end:id": ORDER,
        "*-end:type": KIND,
        "message-metadata:type": KIND,
        "tool-input-start:toolName": LATER,
        "tool-input-available:input.*": REPEATED,
    },
    "watsonx": {
        "*:created_at": TIME,
    },
}

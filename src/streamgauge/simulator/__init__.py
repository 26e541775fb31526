"""A provider that plays recordings and makes streams, for the demo, our tests and yours.

wishes      what a request asks of us in its Simulate-* headers
providers   whose path it is, and how that provider answers
answer      what is said: seeded words, token counts, a tool call
formats     how it is said: openai_chat, openai_completions, anthropic
recordings  real streams from a folder, found by name or by model
play        when each byte leaves: schedule, cuts, encodings, back-pressure
http        HTTP/1.1, so that every write is ours to decide
server      the assembly
traffic     the other side: lively clients for the demo
"""

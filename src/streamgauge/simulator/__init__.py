"""A provider that plays recordings and makes streams, for the demo, our tests and yours.

wishes      what a request asks of us in its Simulate-* headers
providers   whose path it is, and how that provider answers
answer      what is said: seeded words, token counts, a tool call
formats     how it is said: openai_chat, openai_completions, anthropic
recordings  real streams from a folder, found by name or by model
faults      what can go wrong, and how a request or a script asks for it
attempts    how often each model was asked, and whose turn it is to go wrong
damage      what a fault does to the pieces of a body
play        when each byte leaves: schedule, cuts, encodings, back-pressure
door        connections before there is a request: faults that meet them, TLS
http        HTTP/1.1, so that every write is ours to decide
server      the assembly
traffic     the other side: lively clients for the demo
"""

"""The data plane: requests go up, answers come down, and the journal hears of both.

server      one worker: accepts connections, and owns what they share
client      our side towards a client; `upstream`, towards a provider; `pool` keeps the latter
head        heads of requests and responses: what is passed on, what is ours, what is secret

checks      what is no request for us; `guard`, who has no key for it
routes      where it goes; `targets`, all places it may go to; `policy`, how long we wait
attempts    whom to ask after a failure; `breaker`, whom to leave alone

relay       one exchange between its two connections
exchange    what follows from what happens there, as `commands`; `performing` carries them out
upload      the request as the provider gets it; `dispatch`, over which connection, and when
trial       an answer's beginning, before the client gets it; `rescue`, a second answer's

passage     the body on its way down: the hot path; `outflow`, where a look at it is needed
delimiter   where it ends for the client; `byline`, what we add to its head
answer      what we say ourselves; `nobody`, who hears it when the client has left
turn        all that one turn of the loop writes: requests, then the journal, then answers
notes       what the journal hears besides the bytes; `ident`, under which id

stops       streams that are to end on purpose
probes      peers that are gone without a word
"""

"""What does not pass the gateway is logged from inside the application.

account     one call as it is to be told: its request, its chunks with their times, its end
helpers     events of SDKs' streaming helpers, as they were on the wire
faults      what an exception says about how a call ended
plain       any value as JSON, as it would stand on the wire
labels      headers that say who and what for, and those that are sent on
builder     a call while it runs; `LogBuilder`
streams     the same items, passed on and noted
logger      `ManualLogger` and `AsyncManualLogger`
wrap        a provider's client whose every call is logged
decorator   a function of yours whose every call is logged
background  flushing after a response, where a process may be frozen
delivery    the queue, the thread behind it, retries, the end of the program
post        posting logs, and what the server's answers mean
spool       what could not be delivered, in a folder

Only httpx is needed, and only once a logger is made.
"""

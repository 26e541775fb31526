"""Streamgauge: pass LLM streams through untouched and tell the truth about them.

The map of this package:

* `record` is the vocabulary; read it first. `app` is the assembly; read it second.
* `wire` turns bytes into events and replies, `meter` turns times into a timeline and
  tokens into cost. Both are pure: no I/O, no clock.
* `gateway` moves the bytes, `journal` keeps them, `recorder` makes records of them.
* `store` holds the records, `api` answers questions about them.
* `simulator` is a provider to test against; `cli` is the command.
"""

__version__ = "0.1.0"

"""The few small looks that the gateway takes into a stream; everything else reads copies."""

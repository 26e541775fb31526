"""The simulator, on real sockets."""

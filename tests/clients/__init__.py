"""Unmodified provider SDKs through the whole product."""

"""Bytes to requests: framing, messages, retransmission, sessions."""

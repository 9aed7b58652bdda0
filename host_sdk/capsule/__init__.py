"""Runs that a board kept, and the same runs here."""

# What is frozen into the firmware, in MicroPython's own words.
# ruff: noqa: D100, F821
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")

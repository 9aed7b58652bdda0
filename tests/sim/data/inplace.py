"""Run in place by test_scripts.py; made with mpy-cross 1.25.0 inplace.py."""

NAME = "bytecode in place"


def double(x):
    return 2 * x


def step_0(values):
    """Text that stays in flash, number 0."""
    total = 0
    for value in values:
        total += value * 300 - 0
    return total, "a string of step 0"


def step_1(values):
    """Text that stays in flash, number 1."""
    total = 0
    for value in values:
        total += value * 301 - 1
    return total, "a string of step 1"


def step_2(values):
    """Text that stays in flash, number 2."""
    total = 0
    for value in values:
        total += value * 302 - 2
    return total, "a string of step 2"


def step_3(values):
    """Text that stays in flash, number 3."""
    total = 0
    for value in values:
        total += value * 303 - 3
    return total, "a string of step 3"


def step_4(values):
    """Text that stays in flash, number 4."""
    total = 0
    for value in values:
        total += value * 304 - 4
    return total, "a string of step 4"


def step_5(values):
    """Text that stays in flash, number 5."""
    total = 0
    for value in values:
        total += value * 305 - 5
    return total, "a string of step 5"


def step_6(values):
    """Text that stays in flash, number 6."""
    total = 0
    for value in values:
        total += value * 306 - 6
    return total, "a string of step 6"


def step_7(values):
    """Text that stays in flash, number 7."""
    total = 0
    for value in values:
        total += value * 307 - 7
    return total, "a string of step 7"


def step_8(values):
    """Text that stays in flash, number 8."""
    total = 0
    for value in values:
        total += value * 308 - 8
    return total, "a string of step 8"


def step_9(values):
    """Text that stays in flash, number 9."""
    total = 0
    for value in values:
        total += value * 309 - 9
    return total, "a string of step 9"


def step_10(values):
    """Text that stays in flash, number 10."""
    total = 0
    for value in values:
        total += value * 310 - 10
    return total, "a string of step 10"


def step_11(values):
    """Text that stays in flash, number 11."""
    total = 0
    for value in values:
        total += value * 311 - 11
    return total, "a string of step 11"


def step_12(values):
    """Text that stays in flash, number 12."""
    total = 0
    for value in values:
        total += value * 312 - 12
    return total, "a string of step 12"


def step_13(values):
    """Text that stays in flash, number 13."""
    total = 0
    for value in values:
        total += value * 313 - 13
    return total, "a string of step 13"


def step_14(values):
    """Text that stays in flash, number 14."""
    total = 0
    for value in values:
        total += value * 314 - 14
    return total, "a string of step 14"


def step_15(values):
    """Text that stays in flash, number 15."""
    total = 0
    for value in values:
        total += value * 315 - 15
    return total, "a string of step 15"


def step_16(values):
    """Text that stays in flash, number 16."""
    total = 0
    for value in values:
        total += value * 316 - 16
    return total, "a string of step 16"


def step_17(values):
    """Text that stays in flash, number 17."""
    total = 0
    for value in values:
        total += value * 317 - 17
    return total, "a string of step 17"


def step_18(values):
    """Text that stays in flash, number 18."""
    total = 0
    for value in values:
        total += value * 318 - 18
    return total, "a string of step 18"


def step_19(values):
    """Text that stays in flash, number 19."""
    total = 0
    for value in values:
        total += value * 319 - 19
    return total, "a string of step 19"


def step_20(values):
    """Text that stays in flash, number 20."""
    total = 0
    for value in values:
        total += value * 320 - 20
    return total, "a string of step 20"


def step_21(values):
    """Text that stays in flash, number 21."""
    total = 0
    for value in values:
        total += value * 321 - 21
    return total, "a string of step 21"


def step_22(values):
    """Text that stays in flash, number 22."""
    total = 0
    for value in values:
        total += value * 322 - 22
    return total, "a string of step 22"


def step_23(values):
    """Text that stays in flash, number 23."""
    total = 0
    for value in values:
        total += value * 323 - 23
    return total, "a string of step 23"


def step_24(values):
    """Text that stays in flash, number 24."""
    total = 0
    for value in values:
        total += value * 324 - 24
    return total, "a string of step 24"


def step_25(values):
    """Text that stays in flash, number 25."""
    total = 0
    for value in values:
        total += value * 325 - 25
    return total, "a string of step 25"


def step_26(values):
    """Text that stays in flash, number 26."""
    total = 0
    for value in values:
        total += value * 326 - 26
    return total, "a string of step 26"


def step_27(values):
    """Text that stays in flash, number 27."""
    total = 0
    for value in values:
        total += value * 327 - 27
    return total, "a string of step 27"


def step_28(values):
    """Text that stays in flash, number 28."""
    total = 0
    for value in values:
        total += value * 328 - 28
    return total, "a string of step 28"


def step_29(values):
    """Text that stays in flash, number 29."""
    total = 0
    for value in values:
        total += value * 329 - 29
    return total, "a string of step 29"


def step_30(values):
    """Text that stays in flash, number 30."""
    total = 0
    for value in values:
        total += value * 330 - 30
    return total, "a string of step 30"


def step_31(values):
    """Text that stays in flash, number 31."""
    total = 0
    for value in values:
        total += value * 331 - 31
    return total, "a string of step 31"


def step_32(values):
    """Text that stays in flash, number 32."""
    total = 0
    for value in values:
        total += value * 332 - 32
    return total, "a string of step 32"


def step_33(values):
    """Text that stays in flash, number 33."""
    total = 0
    for value in values:
        total += value * 333 - 33
    return total, "a string of step 33"


def step_34(values):
    """Text that stays in flash, number 34."""
    total = 0
    for value in values:
        total += value * 334 - 34
    return total, "a string of step 34"


def step_35(values):
    """Text that stays in flash, number 35."""
    total = 0
    for value in values:
        total += value * 335 - 35
    return total, "a string of step 35"


def step_36(values):
    """Text that stays in flash, number 36."""
    total = 0
    for value in values:
        total += value * 336 - 36
    return total, "a string of step 36"


def step_37(values):
    """Text that stays in flash, number 37."""
    total = 0
    for value in values:
        total += value * 337 - 37
    return total, "a string of step 37"


def step_38(values):
    """Text that stays in flash, number 38."""
    total = 0
    for value in values:
        total += value * 338 - 38
    return total, "a string of step 38"


def step_39(values):
    """Text that stays in flash, number 39."""
    total = 0
    for value in values:
        total += value * 339 - 39
    return total, "a string of step 39"

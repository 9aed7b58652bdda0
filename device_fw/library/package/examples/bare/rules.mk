# What both examples are built with.
#     CPU=cortex-m4 or cortex-m0plus
#     TOOLS=gcc: Arm's GCC, with its C library; TOOLS=zig: the Clang that `pip install ziglang` brings
CPU ?= cortex-m4
TOOLS ?= gcc
BARE_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
SOURCES = $(BARE_DIR)start.c $(BARE_DIR)../../src/xipnet.c

ifeq ($(TOOLS),zig)
CC = python3 -m ziglang cc
CPU_FLAGS_cortex-m0plus = -target thumb-freestanding-eabi -mcpu=cortex_m0plus
CPU_FLAGS_cortex-m4 = -target thumb-freestanding-eabihf -mcpu=cortex_m4+vfp4d16sp
CPU_FLAGS = $(CPU_FLAGS_$(CPU)) -I$(BARE_DIR)libc
SOURCES += $(BARE_DIR)libc/string.c
else
CC = arm-none-eabi-gcc
CPU_FLAGS_cortex-m0plus = -mcpu=cortex-m0plus
CPU_FLAGS_cortex-m4 = -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard
CPU_FLAGS = $(CPU_FLAGS_$(CPU)) -mthumb
LINK = -nostartfiles
endif
FLAGS = $(CPU_FLAGS) -std=gnu11 -Os -ffunction-sections -fdata-sections -Wall -Wextra \
    -I$(BARE_DIR)../../src -I$(BARE_DIR)
LINK += -Wl,--gc-sections -Wl,-e,start -Wl,-T,$(BARE_DIR)mps2.ld

# Arm's MPS2 with a Cortex-M3, which runs what a Cortex-M0+ does, and with a Cortex-M4.
MACHINE_cortex-m0plus = mps2-an385
MACHINE_cortex-m4 = mps2-an386
SERIAL ?= stdio
EMULATE = qemu-system-arm -M $(MACHINE_$(CPU)) -semihosting -display none -monitor none -nic none \
    -serial $(SERIAL) -kernel

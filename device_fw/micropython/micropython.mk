# xipnet as a user C module of a MicroPython port built with make (docs/PORTING.md):
#     make BOARD=... USER_C_MODULES=<this repository>/device_fw XIPNET_FLASH=...
XIPNET_DIR := $(patsubst %/micropython,%,$(USERMOD_DIR))
XIPNET_GLUE := array_type docstring head metadata model_run model_type modxipnet picture preprocess stream \
	rpc signature store_module vm_msgpack vm_service vm_unpack usermod/port usermod/serve usermod/stream_io usermod/streams

# Where the store is: the back ends, by name.
XIPNET_FLASH_ram := ports/flash/ram.c
XIPNET_FLASH_rp2 := ports/rp2/xn_rp2.c
XIPNET_FLASH_stm32_internal := ports/flash/stm32_internal.c
XIPNET_FLASH_stm32_qspi := ports/flash/stm32_qspi.c
XIPNET_FLASH_mimxrt := ports/flash/mimxrt.c
XIPNET_FLASH_nrf := ports/flash/nrf.c
XIPNET_FLASH ?= ram
ifeq ($(XIPNET_FLASH_$(XIPNET_FLASH)),)
$(error XIPNET_FLASH must be one of ram, rp2, stm32_internal, stm32_qspi, mimxrt, nrf; is $(XIPNET_FLASH))
endif
ifeq ($(XIPNET_FLASH)$(XIPNET_PORT_C),ram)
$(info xipnet: XIPNET_FLASH=ram: the store is in RAM, and empty after each reset)
endif

SRC_USERMOD_C += $(addprefix $(XIPNET_DIR)/micropython/,$(addsuffix .c,$(XIPNET_GLUE)))
# What locks a board needs more than a module: the prompt and the files are the port's own.
XIPNET_CORE := $(filter-out $(XIPNET_DIR)/core/trust/%,$(wildcard $(XIPNET_DIR)/core/*/*.c))
XIPNET_PLAIN := $(XIPNET_CORE) $(XIPNET_DIR)/arch/cortexm/cache.c \
	$(XIPNET_DIR)/$(XIPNET_FLASH_$(XIPNET_FLASH))
# A board's own implementation of what usermod/port.c and the flash's back end leave open.
SRC_USERMOD_LIB_C += $(XIPNET_PLAIN) $(XIPNET_PORT_C)

# Hosts at once: that of the board's own line, and three on streams.
XIPNET_LINES := $(if $(findstring XN_LINK_LINES,$(XIPNET_CFLAGS)),,-DXN_LINK_LINES=4)

CFLAGS_USERMOD += -DXN_USER_MODULE=1 -DXN_LOCKABLE=0 $(XIPNET_LINES) -I$(XIPNET_DIR) -I$(XIPNET_DIR)/core \
	-I$(XIPNET_DIR)/../relocatable/blob/include $(XIPNET_CFLAGS)

# Objects are made again if these flags change, which the ports do not notice.
XIPNET_FLAGS_FILE := $(BUILD)/xipnet_flags
XIPNET_FLAGS_TEXT := '$(subst ','\'',$(XIPNET_CFLAGS))'
$(shell mkdir -p $(BUILD); printf '%s\n' $(XIPNET_FLAGS_TEXT) | cmp -s - $(XIPNET_FLAGS_FILE) || \
	printf '%s\n' $(XIPNET_FLAGS_TEXT) > $(XIPNET_FLAGS_FILE))
XIPNET_OBJECTS := $(addprefix $(BUILD)/,$(patsubst $(USER_C_MODULES)/%.c,%.o,$(XIPNET_PLAIN) \
	$(addprefix $(XIPNET_DIR)/micropython/,$(addsuffix .c,$(XIPNET_GLUE)))) $(XIPNET_PORT_C:.c=.o))
$(XIPNET_OBJECTS): $(XIPNET_FLAGS_FILE)

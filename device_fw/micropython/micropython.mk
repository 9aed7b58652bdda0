# xipnet as a user C module of a MicroPython port built with make (docs/PORTING.md):
#     make BOARD=... USER_C_MODULES=<this repository>/device_fw
XIPNET_DIR := $(patsubst %/micropython,%,$(USERMOD_DIR))
XIPNET_GLUE := array_type docstring head metadata model_run model_type modxipnet picture preprocess \
	rpc signature store_module vm_msgpack vm_service vm_unpack usermod/port usermod/serve usermod/stream_io usermod/streams

SRC_USERMOD_C += $(addprefix $(XIPNET_DIR)/micropython/,$(addsuffix .c,$(XIPNET_GLUE)))
SRC_USERMOD_LIB_C += $(wildcard $(XIPNET_DIR)/core/*/*.c)
# A board's own implementation of what usermod/port.c leaves open: flash, above all.
SRC_USERMOD_LIB_C += $(XIPNET_PORT_C)

# Hosts at once: that of the board's own line, and three on streams.
XIPNET_LINES := $(if $(findstring XN_LINK_LINES,$(XIPNET_CFLAGS)),,-DXN_LINK_LINES=4)

CFLAGS_USERMOD += -DXN_USER_MODULE=1 $(XIPNET_LINES) -I$(XIPNET_DIR) -I$(XIPNET_DIR)/core \
	-I$(XIPNET_DIR)/../relocatable/blob/include -Wno-double-promotion -Wno-float-conversion \
	$(XIPNET_CFLAGS)

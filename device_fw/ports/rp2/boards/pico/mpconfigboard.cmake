# Raspberry Pi Pico: 2 MB of flash; firmware, store, file system
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(XN_RP2_STORE_OFFSET 0xC0000)
set(XN_RP2_STORE_BYTES 0x100000)
set(XN_USER_ARENA_BYTES 65536)
set(XN_STORE_OBJECTS 128)
include(${CMAKE_CURRENT_LIST_DIR}/../../rp2.cmake)

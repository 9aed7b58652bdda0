# Raspberry Pi Pico 2: 4 MB of flash; firmware, store, file system
set(PICO_BOARD "pico2")
set(PICO_PLATFORM "rp2350")
set(XN_RP2_STORE_OFFSET 0xC0000)
set(XN_RP2_STORE_BYTES 0x280000)
set(XN_USER_ARENA_BYTES 196608)
set(XN_STORE_OBJECTS 256)
include(${CMAKE_CURRENT_LIST_DIR}/../../rp2.cmake)

# What every board of this port has in common; its mpconfigboard.cmake sets XN_RP2_STORE_OFFSET,
# XN_RP2_STORE_BYTES and XN_USER_ARENA_BYTES before.
set(XN_RP2_DIR ${CMAKE_CURRENT_LIST_DIR})
get_filename_component(XN_FIRMWARE_DIR ${XN_RP2_DIR}/../.. ABSOLUTE)

set(MICROPY_FROZEN_MANIFEST ${XN_RP2_DIR}/manifest.py)
set(MICROPY_LIB_DIR ${MICROPY_DIR}/lib) # micropython-lib, of which nothing is frozen
set(USER_C_MODULES ${XN_FIRMWARE_DIR}/micropython/micropython.cmake)
set(XIPNET_FLASH rp2)
set(XIPNET_PORT_C
    ${XN_FIRMWARE_DIR}/micropython/scripts.c ${XN_FIRMWARE_DIR}/micropython/store_vfs.c)
set(XIPNET_CFLAGS "-DXN_SERVE_ALWAYS=1 -DXN_USER_ARENA_BYTES=${XN_USER_ARENA_BYTES} \
-DXN_USER_FLASH_START=${XN_RP2_STORE_OFFSET} -DXN_USER_FLASH_BYTES=${XN_RP2_STORE_BYTES} \
-DXN_FRAME_MAX=1024 -DXN_LINK_WINDOW=4 -DXN_STORE_OBJECTS=${XN_STORE_OBJECTS}")

# mpconfigboard.h includes ours, wherever it is included itself.
include_directories(${XN_FIRMWARE_DIR} ${XN_FIRMWARE_DIR}/core
    ${XN_FIRMWARE_DIR}/../relocatable/blob/include)

add_compile_definitions(XN_LOCKABLE=0)

# C++ is in the SDK alone, and in nothing that is linked: its library stays out.
add_compile_definitions(PICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1)
# Steps on a stack of their own, behind the MPU.
set(XN_ARCH_DIR ${XN_FIRMWARE_DIR}/arch/cortexm)
set(XN_STEP_SOURCES ${XN_ARCH_DIR}/fault_place.c ${XN_ARCH_DIR}/mpu.c ${XN_ARCH_DIR}/pmsa7.c
    ${XN_ARCH_DIR}/step.c ${XN_ARCH_DIR}/step.S ${XN_ARCH_DIR}/step_v6m.S)

cmake_language(DEFER CALL target_sources firmware PRIVATE
    ${XN_RP2_DIR}/xn_attend.c ${XN_RP2_DIR}/xn_clock.c
    ${XN_RP2_DIR}/xn_fault.c ${XN_RP2_DIR}/xn_start.c ${XN_RP2_DIR}/xn_usb.c
    ${XN_RP2_DIR}/xn_vectors.S ${XN_STEP_SOURCES})
cmake_language(DEFER CALL set_target_properties firmware PROPERTIES LINKER_LANGUAGE C)
cmake_language(DEFER CALL target_link_libraries firmware m)
cmake_language(DEFER CALL target_link_options firmware PRIVATE
    -Wl,--wrap=tud_cdc_rx_cb -Wl,--wrap=pyexec_file_if_exists -Wl,--wrap=tud_task_ext
    -Wl,--wrap=tud_cdc_n_write -Wl,--wrap=tud_cdc_n_write_flush -Wl,--wrap=xn_port_run_step
    -Wl,--wrap=xn_vm_poll)

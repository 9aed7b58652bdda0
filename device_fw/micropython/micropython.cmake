# xipnet as a user C module of a MicroPython port built with CMake (docs/PORTING.md):
#     cmake -DUSER_C_MODULES=<this repository>/device_fw/micropython/micropython.cmake ...
add_library(usermod_xipnet INTERFACE)

set(XIPNET_DIR ${CMAKE_CURRENT_LIST_DIR}/..)
set(XIPNET_GLUE array_type docstring head metadata model_run model_type modxipnet picture
    preprocess rpc signature store_module vm_msgpack vm_service vm_unpack usermod/port usermod/serve
    stream usermod/stream_io usermod/streams)
list(TRANSFORM XIPNET_GLUE PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
list(TRANSFORM XIPNET_GLUE APPEND .c)
file(GLOB XIPNET_CORE ${XIPNET_DIR}/core/*/*.c)
# What locks a board needs more than a module: the prompt and the files are the port's own.
list(FILTER XIPNET_CORE EXCLUDE REGEX /core/trust/)

# Where the store is: the back ends, by name.
set(XIPNET_FLASH_ram ports/flash/ram.c)
set(XIPNET_FLASH_rp2 ports/rp2/xn_rp2.c)
set(XIPNET_FLASH_stm32_internal ports/flash/stm32_internal.c)
set(XIPNET_FLASH_stm32_qspi ports/flash/stm32_qspi.c)
set(XIPNET_FLASH_mimxrt ports/flash/mimxrt.c)
set(XIPNET_FLASH_nrf ports/flash/nrf.c)
if(NOT XIPNET_FLASH)
    set(XIPNET_FLASH ram)
endif()
if(NOT XIPNET_FLASH_${XIPNET_FLASH})
    message(FATAL_ERROR "XIPNET_FLASH must be one of ram, rp2, stm32_internal, stm32_qspi, mimxrt, "
        "nrf; is ${XIPNET_FLASH}")
endif()
if(XIPNET_FLASH STREQUAL ram AND NOT XIPNET_PORT_C)
    message(NOTICE "xipnet: XIPNET_FLASH=ram: the store is in RAM, and empty after each reset")
endif()

# XIPNET_PORT_C: a board's own implementation of what usermod/port.c and the flash leave open.
target_sources(usermod_xipnet INTERFACE ${XIPNET_GLUE} ${XIPNET_CORE}
    ${XIPNET_DIR}/arch/cortexm/cache.c ${XIPNET_DIR}/${XIPNET_FLASH_${XIPNET_FLASH}}
    ${XIPNET_PORT_C})
target_include_directories(usermod_xipnet INTERFACE ${XIPNET_DIR} ${XIPNET_DIR}/core
    ${XIPNET_DIR}/../relocatable/blob/include)
target_compile_definitions(usermod_xipnet INTERFACE XN_USER_MODULE=1 XN_LOCKABLE=0)
# The port looks for names (qstr) without a module's own definitions.
list(APPEND MICROPY_CPP_DEF_EXTRA XN_USER_MODULE=1 XN_LOCKABLE=0)
# Hosts at once: that of the board's own line, and three on streams.
if(NOT XIPNET_CFLAGS MATCHES "XN_LINK_LINES")
    target_compile_definitions(usermod_xipnet INTERFACE XN_LINK_LINES=4)
endif()
separate_arguments(XIPNET_CFLAGS)
target_compile_options(usermod_xipnet INTERFACE ${XIPNET_CFLAGS})
target_link_libraries(usermod INTERFACE usermod_xipnet)

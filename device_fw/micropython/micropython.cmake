# xipnet as a user C module of a MicroPython port built with CMake (docs/PORTING.md):
#     cmake -DUSER_C_MODULES=<this repository>/device_fw/micropython/micropython.cmake ...
add_library(usermod_xipnet INTERFACE)

set(XIPNET_DIR ${CMAKE_CURRENT_LIST_DIR}/..)
set(XIPNET_GLUE array_type docstring head metadata model_run model_type modxipnet picture
    preprocess rpc signature store_module vm_msgpack vm_service vm_unpack usermod/port usermod/serve
    usermod/stream_io usermod/streams)
list(TRANSFORM XIPNET_GLUE PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
list(TRANSFORM XIPNET_GLUE APPEND .c)
file(GLOB XIPNET_CORE ${XIPNET_DIR}/core/*/*.c)

# XIPNET_PORT_C: a board's own implementation of what usermod/port.c leaves open.
target_sources(usermod_xipnet INTERFACE ${XIPNET_GLUE} ${XIPNET_CORE} ${XIPNET_PORT_C})
target_include_directories(usermod_xipnet INTERFACE ${XIPNET_DIR} ${XIPNET_DIR}/core
    ${XIPNET_DIR}/../relocatable/blob/include)
target_compile_definitions(usermod_xipnet INTERFACE XN_USER_MODULE=1)
# The port looks for names (qstr) without a module's own definitions.
list(APPEND MICROPY_CPP_DEF_EXTRA XN_USER_MODULE=1)
# Hosts at once: that of the board's own line, and three on streams.
if(NOT XIPNET_CFLAGS MATCHES "XN_LINK_LINES")
    target_compile_definitions(usermod_xipnet INTERFACE XN_LINK_LINES=4)
endif()
separate_arguments(XIPNET_CFLAGS)
target_compile_options(usermod_xipnet INTERFACE ${XIPNET_CFLAGS})
target_link_libraries(usermod INTERFACE usermod_xipnet)

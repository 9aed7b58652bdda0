// The firmware's version.
#ifndef XN_VERSION_H
#define XN_VERSION_H

#ifndef XN_VERSION_MAJOR
#define XN_VERSION_MAJOR 0
#define XN_VERSION_MINOR 1
#define XN_VERSION_PATCH 0
#endif

#define XN_VERSION_TEXT_OF(major, minor, patch) #major "." #minor "." #patch
#define XN_VERSION_TEXT_WITH(major, minor, patch) XN_VERSION_TEXT_OF(major, minor, patch)
#define XN_VERSION_TEXT XN_VERSION_TEXT_WITH(XN_VERSION_MAJOR, XN_VERSION_MINOR, XN_VERSION_PATCH)
// As a seal's minimum_firmware.
#define XN_VERSION_NUMBER                                                                          \
    ((uint32_t)XN_VERSION_MAJOR << 16 | (uint32_t)XN_VERSION_MINOR << 8 |                          \
     (uint32_t)XN_VERSION_PATCH)

#endif

// What the store holds: objects, their versions, trials; and how many of them fit.
#ifndef XN_STORE_TYPES_H
#define XN_STORE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#ifndef XN_STORE_OBJECTS
#define XN_STORE_OBJECTS 1000u // objects, retained old versions included; 16 bytes of RAM each
#endif
#ifndef XN_STORE_SECTORS
#define XN_STORE_SECTORS                                                                           \
    4096u // sectors the store can use, more are left alone; 1.25 bytes of RAM each
#endif
#define XN_STORE_EVENTS 16u           // that a compaction of the log keeps
#define XN_STORE_AREA_PER_OBJECT 256u // bytes of a log area for each object that the store takes

#define XN_STORE_NAME_MAX 39u // bytes of a name, the ending 0 not counted

enum xn_store_type {
    XN_STORE_BLOB = 1,
    XN_STORE_SCRIPT = 2,
    XN_STORE_DATA = 3,
    XN_STORE_WEIGHTS = 4,  // xn_weights.h
    XN_STORE_FIRMWARE = 5, // not taken yet
    XN_STORE_BUNDLE = 6    // xn_bundle.h
};

enum xn_store_state {
    XN_STORE_CURRENT = 0,
    XN_STORE_EARLIER = 1,    // kept until room is needed
    XN_STORE_WITHDRAWN = 2,  // the same, but nothing returns to it
    XN_STORE_UNFINISHED = 3, // an upload that was begun
    XN_STORE_LOST = 4        // what is left of a record of the log that cannot be read any more
};

// Whether an object's bytes are those that were stored.
enum xn_store_health {
    XN_STORE_UNREAD = 0, // they were not compared since the start, or since they were placed
    XN_STORE_WHOLE = 1,
    XN_STORE_DAMAGED = 2
};

enum xn_store_reason {
    XN_STORE_NO_REASON = 0,
    XN_STORE_STATUS = 1,   // detail: enum xn_status
    XN_STORE_FAULT = 2,    // detail: step, -1 outside of any
    XN_STORE_DEADLINE = 3, // detail: step
    XN_STORE_START = 4,    // the board started; detail: enum xn_port_boot_cause
    XN_STORE_LATE = 5,     // detail: seconds it had
    XN_STORE_HOST = 6,
    XN_STORE_OPEN = 7 // cannot be opened; detail: enum xn_status
};

enum xn_store_event { XN_STORE_TESTING = 1, XN_STORE_REFUSED = 2 };

// The active model may be on trial: it stays only if it is confirmed.
typedef struct xn_store_trial {
    bool on;
    bool withdraws;     // failing withdraws the version, not only its being active
    uint32_t version;   // of the active model
    uint32_t previous;  // sequence of the OBJECT record to return to, 0: none
    uint32_t confirm_s; // time it has
    uint32_t boots;     // starts of the board that it may still see
} xn_store_trial;

typedef struct xn_store_object {
    char name[XN_STORE_NAME_MAX + 1];
    uint32_t type; // enum xn_store_type
    uint32_t size;
    uint32_t version; // 1 for the first of its name
    uint32_t offset;  // of its first byte in the flash region, aligned to a sector
    uint8_t sha256[32];
#if XN_LOCKABLE
    uint32_t seal;    // its offset in the flash region, 0: it is not sealed
    uint32_t counter; // security counter of the seal
#endif
} xn_store_object;

#endif

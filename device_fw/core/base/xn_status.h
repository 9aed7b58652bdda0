// Every error of the device, one number each: 0 is success, positive values are results.
// docs/ERRORS.md is generated from this file; the remark behind a code is its text there.
#ifndef XN_STATUS_H
#define XN_STATUS_H

enum xn_status {
    XN_OK = 0,
    // The wire
    XN_E_FRAME = -1,    // frame is malformed, too long or fails its CRC
    XN_E_MSGPACK = -2,  // message is not the msgpack that its place asks for
    XN_E_METHOD = -3,   // no such method
    XN_E_PARAMS = -4,   // parameters have a wrong number, type or range
    XN_E_BUSY = -5,     // the service is at work on another request
    XN_E_TOO_LONG = -6, // the reply does not fit a frame
    // The store and its flash
    XN_E_NOT_FOUND = -20, // no object of that name
    XN_E_NO_SPACE = -21,  // no free run of sectors is long enough
    XN_E_NAME = -22,      // name is empty, too long or not printable
    XN_E_RANGE = -23,     // offset or length lies outside
    XN_E_FLASH = -24,     // flash did not take an erase or a program
    XN_E_SESSION = -25,   // no such upload session, or it was replaced by another
    XN_E_HASH = -26,      // SHA-256 of the bytes is not the stated one
    XN_E_TYPE = -27,      // object is of another type
    XN_E_STORE = -28,     // store is not readable: made by another format, or not formatted
    XN_E_VERSION = -29,   // no such version: nothing to return to, or not on trial
    XN_E_OCCUPIED = -30,  // other bytes are there already
    XN_E_DAMAGED = -31,   // object is damaged: its bytes in flash are not those that were stored
    XN_E_BUNDLE = -32,    // bundle breaks a rule of its format
    XN_E_WEIGHTS = -33,   // weights that the model needs are not in the store
    XN_E_NEEDED = -34,    // a model needs these weights
    // The loader
    XN_E_BLOB_SHORT = -40,   // blob is shorter than its header says
    XN_E_BLOB_MAGIC = -41,   // not a blob
    XN_E_BLOB_VERSION = -42, // blob format is newer than this firmware reads
    XN_E_BLOB_HASH = -43,    // blob's SHA-256 is wrong
    XN_E_BLOB_BOUNDS = -44,  // an offset or size in the blob points outside, or is misaligned
    XN_E_BLOB_CPU = -45,     // blob holds no code for this CPU
    XN_E_BLOB_GOLDEN = -46,  // golden vector: the outputs differ from the expected ones
    XN_E_ARENA = -47,        // arena does not fit the free RAM
    XN_E_STACK = -48,        // a step needs more stack than there is
    XN_E_BLOB_CODE = -49,    // code holds an instruction or a branch that no kernel has
    // The runner
    XN_E_NO_MODEL = -60, // no model is active
    XN_E_INPUT = -61,    // input has a wrong index or size
    XN_E_ENTRY = -62,    // model has no such entry
    XN_E_STEP = -63,     // a step reported that it cannot go on
    XN_E_CHECK = -64,    // inputs are not those that the host wrote
    XN_E_RESULT = -65,   // the result of that run is not there any more
    XN_E_FAULT = -66,    // a step faulted
    XN_E_DEADLINE = -67, // time ran out
    XN_E_STOPPED = -68,  // an interrupt or a new session ended the run
    // The Python VM
    XN_E_PYTHON = -80,      // the Python code raised; detail holds the traceback
    XN_E_INTERRUPTED = -81, // the Python code was interrupted
    XN_E_RESTARTED = -82,   // Python was restarted
    // Trust
    XN_E_SEAL = -90,    // seal is missing, or is not one for this object on this board
    XN_E_COUNTER = -91, // security counter is below the floor
    XN_E_LOCKED = -92,  // board is locked
    XN_E_TRUST = -93    // policy, order or device key is refused
};

const char *xn_status_text(int code);

#endif

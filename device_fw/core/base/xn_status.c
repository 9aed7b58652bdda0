#include "base/xn_status.h"

#include <stdint.h>

// The texts are the remarks of xn_status.h.
static const struct {
    int8_t code;
    const char *text;
} texts[] = {
    {XN_E_FRAME, "frame is malformed, too long or fails its CRC"},
    {XN_E_MSGPACK, "message is not the msgpack that its place asks for"},
    {XN_E_METHOD, "no such method"},
    {XN_E_PARAMS, "parameters have a wrong number, type or range"},
    {XN_E_BUSY, "the service is at work on another request"},
    {XN_E_TOO_LONG, "the reply does not fit a frame"},
    {XN_E_NOT_FOUND, "no object of that name"},
    {XN_E_NO_SPACE, "no free run of sectors is long enough"},
    {XN_E_NAME, "name is empty, too long or not printable"},
    {XN_E_RANGE, "offset or length lies outside"},
    {XN_E_FLASH, "flash did not take an erase or a program"},
    {XN_E_SESSION, "no such upload session, or it was replaced by another"},
    {XN_E_HASH, "SHA-256 of the bytes is not the stated one"},
    {XN_E_TYPE, "object is of another type"},
    {XN_E_STORE, "store is not readable: made by another format, or not formatted"},
    {XN_E_VERSION, "no such version: nothing to return to, or not on trial"},
    {XN_E_OCCUPIED, "other bytes are there already"},
    {XN_E_DAMAGED, "object is damaged: its bytes in flash are not those that were stored"},
    {XN_E_BUNDLE, "bundle breaks a rule of its format"},
    {XN_E_WEIGHTS, "weights that the model needs are not in the store"},
    {XN_E_NEEDED, "a model needs these weights"},
    {XN_E_BLOB_SHORT, "blob is shorter than its header says"},
    {XN_E_BLOB_MAGIC, "not a blob"},
    {XN_E_BLOB_VERSION, "blob format is newer than this firmware reads"},
    {XN_E_BLOB_HASH, "blob's SHA-256 is wrong"},
    {XN_E_BLOB_BOUNDS, "an offset or size in the blob points outside, or is misaligned"},
    {XN_E_BLOB_CPU, "blob holds no code for this CPU"},
    {XN_E_BLOB_GOLDEN, "golden vector: the outputs differ from the expected ones"},
    {XN_E_ARENA, "arena does not fit the free RAM"},
    {XN_E_STACK, "a step needs more stack than there is"},
    {XN_E_BLOB_CODE, "code holds an instruction or a branch that no kernel has"},
    {XN_E_NO_MODEL, "no model is active"},
    {XN_E_INPUT, "input has a wrong index or size"},
    {XN_E_ENTRY, "model has no such entry"},
    {XN_E_STEP, "a step reported that it cannot go on"},
    {XN_E_CHECK, "inputs are not those that the host wrote"},
    {XN_E_RESULT, "the result of that run is not there any more"},
    {XN_E_FAULT, "a step faulted"},
    {XN_E_DEADLINE, "time ran out"},
    {XN_E_STOPPED, "an interrupt or a new session ended the run"},
    {XN_E_PYTHON, "the Python code raised; detail holds the traceback"},
    {XN_E_INTERRUPTED, "the Python code was interrupted"},
    {XN_E_RESTARTED, "Python was restarted"},
#if XN_LOCKABLE
    {XN_E_SEAL, "seal is missing, or is not one for this object on this board"},
    {XN_E_COUNTER, "security counter is below the floor"},
    {XN_E_LOCKED, "board is locked"},
    {XN_E_TRUST, "policy, order or device key is refused"},
#endif
};

const char *xn_status_text(int code) {
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].code == code) {
            return texts[i].text;
        }
    }
    return "error";
}

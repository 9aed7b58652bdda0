// The last run of the active model, as the host's session knows it.
#ifndef XN_RUN_H
#define XN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/xn_msgpack.h"
#include "model/xn_runner.h"

void xn_run_forget(void); // a new session knows of none
// Runs an entry for the request `id`.
int xn_run(xn_runner_model *model, uint32_t id, uint32_t entry, bool profile);
// Whether the result of that request's run is still there.
bool xn_run_is_there(const xn_runner_model *model, uint32_t id);
// Whether the inputs are those that the host wrote: pieces may be lost or late, and an earlier run
// may have overwritten them. XN_OK or XN_E_CHECK. A CRC of 0 checks only that no run came in
// between.
int xn_run_check_inputs(const xn_runner_model *model, uint32_t id, uint32_t crc);

// Writes the last run's reply; its result must still be there.
int xn_run_put_last(xn_msgpack_writer *out, const xn_runner_model *model);
// Writes n bytes of its result as a bin.
int xn_run_put_bytes(xn_msgpack_writer *out, const xn_runner_model *model, uint32_t offset,
                     uint32_t n);

#endif

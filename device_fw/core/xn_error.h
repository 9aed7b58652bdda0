// What went wrong, in words: a status code, and the rule, value and place of the last failure.
#ifndef XN_ERROR_H
#define XN_ERROR_H

#include <stdint.h>

#include "xn_status.h"

#define XN_ERROR_TEXT_MAX 160u

// Notes "`what` is `value`, must be/limit `limit`" for the message and returns `code`. `what` is a
// literal: "code_offset must lie below".
int xn_error(int code, const char *what, uint32_t value, uint32_t limit);
// The message of `code`, with the note where the last xn_error() was for this code; terminated.
void xn_error_text(int code, char text[XN_ERROR_TEXT_MAX]);

#endif

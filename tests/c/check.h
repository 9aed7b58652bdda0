// What every C test includes: the host's board, and the assertion.
#ifndef CHECK_H
#define CHECK_H

#include "boards/host/host.h"

#define CHECK XN_HOST_CHECK

#endif

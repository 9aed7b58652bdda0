// The board under libFuzzer: bytes as they come over the wire, into receiver, codec, MessagePack
// and every method. An input is a row of pieces, each a length byte and so many bytes: from 0xF0 on
// a piece is the rest of the input as raw bytes of the wire, else it is the body of a frame, which
// gets its CRC here; a body of length 0 takes two more bytes as its length. XIPNET_FUZZ_BLOB names
// a valid blob, the active model.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fuzz_replay.h"
#include "base/xn_sha256.h"
#include "base/xn_status.h"
#include "link/xn_link.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_server.h"
#include "rpc/xn_session.h"
#include "store/xn_extent.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"

#define RAW 0xF0u
#define FRESH 512u // inputs after which the board starts again

static uint8_t *blob;
static uint32_t blob_bytes;
static uint32_t inputs;

static void receive(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        xn_link_receive(bytes[i]);
    }
}

static void touch(const uint8_t *bytes, uint32_t n) {
    static volatile uint8_t last;
    for (uint32_t i = 0; i < n; i++) {
        last = bytes[i];
    }
    (void)last;
}

static void install_blob(void) {
    xn_store_object o = {.name = "model", .type = XN_STORE_BLOB, .size = blob_bytes};
    bool have;
    bool resumed;
    xn_sha256 h;
    xn_sha256_begin(&h);
    xn_sha256_add(&h, blob, blob_bytes);
    xn_sha256_end(&h, o.sha256);
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK);
    CHECK(have || xn_upload_write(0, blob, blob_bytes) == XN_OK);
    CHECK(xn_upload_verify(&o) == XN_OK && xn_upload_commit(true, 0, 0) == XN_OK);
}

static void start_again(void) {
    static const xn_port_flash flash = {65536, 4096, 256, 16, 0, 0};
    xn_extent_in_use = NULL; // by the models of the board before
    xn_host_init(&flash, NULL);
    CHECK(xn_store_mount() == XN_OK);
    install_blob();
    xn_host_sent = touch;
    xn_lane_vm_version = "fuzz";
    xn_link_init();
    xn_server_init();
    xn_session_open(1);
}

static void serve(void) {
    xn_server_poll();
    const xn_lane_request *request = xn_lane_take();
    if (request != NULL && request->text_bytes % 2 == 0) {
        static const uint8_t nil[1] = {0xC0};
        xn_lane_reply(request->id, nil, 1);
    } else if (request != NULL) {
        xn_lane_error(request->id, XN_E_PYTHON, "error", "detail");
    }
    while (xn_link_text_get() >= 0) {
    }
}

static void send_frame(const uint8_t *body, uint32_t n) {
    xn_host_sent = receive;
    xn_link_send_frame(body, n);
    xn_host_sent = touch;
    serve();
}

static void read_blob(void) {
    const char *path = getenv("XIPNET_FUZZ_BLOB");
    CHECK(path != NULL);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    blob = aligned_alloc(64, 1 << 16);
    blob_bytes = (uint32_t)fread(blob, 1, 1 << 16, file);
    fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (blob == NULL) {
        read_blob();
    }
    if (inputs++ % FRESH == 0) {
        start_again();
    }
    while (n > 0) {
        uint32_t size = *data++;
        n--;
        if (size >= RAW) {
            receive(data, (uint32_t)n);
            serve();
            return 0;
        }
        if (size == 0 && n >= 2) {
            size = (uint32_t)data[0] | (uint32_t)data[1] << 8;
            data += 2;
            n -= 2;
        }
        if (size > n) {
            size = (uint32_t)n;
        }
        if (size > 0 && size <= XN_FRAME_MAX) {
            send_frame(data, size);
        }
        data += size;
        n -= size;
    }
    return 0;
}

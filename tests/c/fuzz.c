// Random and mutated input for some seconds, under the sanitizers. `fuzz server|loader FILE ROUNDS
// SEED`; FILE is a valid blob.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "here.h"
#include "walk_program.h"
#include "base/xn_msgpack.h"
#include "base/xn_sha256.h"
#include "base/xn_status.h"
#include "link/xn_link.h"
#include "model/xn_active.h"
#include "model/xn_loader.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_server.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"

static uint32_t state;

static uint32_t below(uint32_t n) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

static uint8_t *blob;
static uint32_t blob_bytes;
static uint8_t blob_sha256[32];

static void read_blob(const char *path) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    blob = aligned_alloc(64, 1 << 16);
    blob_bytes = (uint32_t)fread(blob, 1, 1 << 16, file);
    fclose(file);
    xn_sha256 h;
    xn_sha256_begin(&h);
    xn_sha256_add(&h, blob, blob_bytes);
    xn_sha256_end(&h, blob_sha256);
    CHECK(blob_bytes > sizeof(xn_blob_header) && blob_bytes % 64 == 0);
}

static uint32_t odd_number(void) {
    static const uint32_t odd[] = {0,      1,          3,          63,         64,        255,
                                   0x7FFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFC0, 0xFFFFFFFF};
    return below(2) ? odd[below(sizeof(odd) / 4)] : below(2) ? below(4096) : below(0xFFFFFFFF);
}

static void mutate(uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 1 + below(4); i > 0; i--) {
        uint32_t at = below(n);
        if (below(2) || n < 4) {
            bytes[at] = (uint8_t)below(256);
        } else {
            uint32_t number = odd_number();
            memcpy(bytes + at % (n - 3) / 4 * 4, &number, 4);
        }
    }
}

// ---- The loader -------------------------------------------------------------------------------

static void fuzz_loader(uint32_t rounds) {
    uint32_t good = 0;
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t n = below(8) == 0 ? below(blob_bytes + 1) : blob_bytes;
        uint8_t *copy = aligned_alloc(64, blob_bytes);
        uint8_t *exact = n == blob_bytes ? copy : malloc(n); // the sanitizer then knows the end
        memcpy(exact, blob, n);
        if (n > 0 && below(20) != 0) {
            mutate(exact, n);
        }
        if (n >= sizeof(xn_blob_header) && below(16) != 0) { // past the hash
            xn_sha256 h;
            xn_sha256_begin(&h);
            xn_sha256_add(&h, exact + 40, n - 40);
            xn_sha256_end(&h, exact + 8);
        }
        xn_loader_program program;
        xn_reason why;
        const xn_loader_place place = here(65536);
        if (xn_loader_check(&program, exact, n, &place, &why) == XN_OK) {
            good++;
            walk_program(&program);
        }
        if (exact != copy) {
            free(exact);
        }
        free(copy);
    }
    CHECK(good > rounds / 100 && good < rounds);
}

// ---- The server -------------------------------------------------------------------------------

static void receive(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        xn_link_receive(bytes[i]);
    }
}

static uint32_t sent_bytes;

static void count_sent(const uint8_t *bytes, uint32_t n) {
    walk_touch(bytes, n);
    sent_bytes += n;
}

static void put_any(xn_msgpack_writer *w, int depth) {
    static const char *const texts[] = {"a", "model", "", "ping", "hold", "\xFF"};
    switch (below(depth > 3 ? 7 : 9)) {
    case 0:
        xn_msgpack_put_nil(w);
        break;
    case 1:
        xn_msgpack_put_bool(w, below(2));
        break;
    case 2:
        xn_msgpack_put_int(w, -(int64_t)odd_number());
        break;
    case 3:
    case 4:
        xn_msgpack_put_uint(w, below(3) ? below(4) : odd_number());
        break;
    case 5:
        xn_msgpack_put_text(w, texts[below(6)]);
        break;
    case 6:
        xn_msgpack_put_bin(w, blob, below(2) ? 32 : below(1024));
        break;
    default: {
        uint32_t n = below(4);
        xn_msgpack_put_array(w, n);
        while (n-- > 0) {
            put_any(w, depth + 1);
        }
    }
    }
}

// The right number of parameters, of the right types: what lies behind the first checks.
static void put_sensible(xn_msgpack_writer *w, const char *method) {
    if (strcmp(method, "get") == 0) {
        xn_msgpack_put_array(w, 3);
        xn_msgpack_put_text(w, below(4) ? "model" : "other");
        xn_msgpack_put_uint(w, below(2) ? below(blob_bytes) : odd_number());
        xn_msgpack_put_uint(w, below(2) ? below(4096) : odd_number());
    } else if (strcmp(method, "run") == 0) {
        xn_msgpack_put_array(w, 3);
        xn_msgpack_put_uint(w, below(3));
        xn_msgpack_put_array(w, 1);
        xn_msgpack_put_bin(w, blob, 16);
        xn_msgpack_put_bool(w, below(2));
    } else if (strcmp(method, "run_steps") == 0) {
        xn_msgpack_put_array(w, 3);
        xn_msgpack_put_uint(w, below(3));
        xn_msgpack_put_uint(w, below(2) ? below(3) : odd_number());
        xn_msgpack_put_uint(w, below(2) ? below(3) : odd_number());
    } else if (strcmp(method, "arena_read") == 0) {
        xn_msgpack_put_array(w, 2);
        xn_msgpack_put_uint(w, below(2) ? below(80) : odd_number());
        xn_msgpack_put_uint(w, below(2) ? below(80) : odd_number());
    } else if (strcmp(method, "put_begin") == 0) {
        xn_msgpack_put_array(w, 4);
        xn_msgpack_put_text(w, below(2) ? "model" : "other");
        xn_msgpack_put_uint(w, below(2) ? 1 : below(4));
        xn_msgpack_put_uint(w, below(2) ? blob_bytes : odd_number());
        xn_msgpack_put_bin(w, blob_sha256, 32);
    } else { // in_write, put_data
        xn_msgpack_put_array(w, 3);
        xn_msgpack_put_uint(w, below(100));
        xn_msgpack_put_uint(w, below(2) ? below(8) * 256 : odd_number());
        xn_msgpack_put_bin(w, blob, below(2) ? 256 : below(17));
    }
}

static void put_request(xn_msgpack_writer *w, uint32_t id) {
    static const char *const methods[] = {
        "hello",      "help",     "ping",      "reset",       "baud",      "ls",
        "put_begin",  "put_data", "put_copy",  "put_patch",   "put_end",   "get",
        "flash_read", "rm",       "activate",  "confirm",     "rollback",  "trial",
        "history",    "held",     "hashes",    "wear",        "format",    "model",
        "in_write",   "run",      "out_read",  "reset_state", "run_steps", "arena_read",
        "exec",       "eval",     "interrupt", "rpc_list",    "call",      "events"};
    static const char *const of_sensible[] = {"get",      "run",       "put_begin", "in_write",
                                              "put_data", "run_steps", "arena_read"};
    bool sensible = below(3) == 0;
    const char *method =
        sensible ? of_sensible[below(7)] : methods[below(sizeof(methods) / sizeof(methods[0]))];
    uint32_t n = below(5);
    xn_msgpack_put_array(w, 4);
    xn_msgpack_put_uint(w, 0);
    xn_msgpack_put_uint(w, below(8) == 0 ? below(20) : id);
    xn_msgpack_put_text(w, method);
    if (sensible) {
        put_sensible(w, method);
        return;
    }
    xn_msgpack_put_array(w, n);
    while (n-- > 0) {
        put_any(w, 0);
    }
}

// Sends one frame by the encoder under test, into the receiver under test.
static void send_in(const uint8_t *body, uint32_t n) {
    xn_host_sent = receive;
    xn_link_send_frame(body, n);
    xn_host_sent = count_sent;
}

static void answer_vm(void) {
    const xn_lane_request *request = xn_lane_take();
    if (request != NULL && below(2)) {
        xn_lane_reply(request->id, request->params, 1);
    } else if (request != NULL) {
        xn_lane_error(request->id, XN_E_PYTHON, "error", "detail");
    }
}

static void install_blob(void) {
    xn_store_object o = {.name = "model", .type = XN_STORE_BLOB, .size = blob_bytes};
    bool have, resumed;
    memcpy(o.sha256, blob_sha256, sizeof(o.sha256));
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK);
    CHECK(have || xn_upload_write(0, blob, blob_bytes) == XN_OK);
    CHECK(xn_upload_verify(&o) == XN_OK && xn_upload_commit(true, 0, 0) == XN_OK);
}

static void fuzz_server(uint32_t rounds) {
    static uint8_t body[XN_FRAME_MAX];
    xn_msgpack_writer w;
    CHECK(xn_store_mount() == XN_OK);
    install_blob();
    xn_lane_vm_version = "fuzz";
    xn_host_sent = count_sent;
    xn_link_init();
    xn_server_init();
    for (uint32_t i = 0; i < rounds; i++) {
        if (i % 1000 == 0) { // it was removed long ago
            install_blob();
            CHECK(xn_active_set("model") == XN_OK);
        }
        xn_msgpack_begin(&w, body, sizeof(body));
        put_request(&w, i);
        if (!w.full && below(3) == 0) {
            mutate(body, w.used);
        }
        send_in(body, below(10) == 0 ? 1 + below(w.used) : w.used);
        if (below(10) == 0) {
            xn_link_receive((uint8_t)below(256));
        }
        if (below(3) == 0) {
            xn_server_poll();
            answer_vm();
        }
    }
    CHECK(sent_bytes > rounds);
}

int main(int argc, char **argv) {
    static const xn_port_flash flash = {262144, 4096, 256, 16, 0, 0};
    CHECK(argc == 5);
    read_blob(argv[2]);
    state = (uint32_t)atoi(argv[4]) * 2654435761u | 1u;
    xn_host_init(&flash, NULL);
    if (strcmp(argv[1], "loader") == 0) {
        fuzz_loader((uint32_t)atoi(argv[3]));
    } else {
        fuzz_server((uint32_t)atoi(argv[3]));
    }
    puts("ok");
    return 0;
}

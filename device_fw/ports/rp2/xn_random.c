// Random numbers of a firmware that can be locked. pico_rand mixes samples of the RP2350's TRNG, or
// 32 of the RP2040's ring oscillator, into each number; such samples are neither independent
// nor even, so 64 numbers are hashed for each 64 bytes that are given.
#include "core/base/xn_port.h"
#include "core/trust/xn_sha512.h"

#include "pico/rand.h"

#include <string.h>

#define SAMPLES 64u

#if PICO_RP2040
#define NAME "rosc_rp2040"
#else
#define NAME "trng_rp2350"
#endif

const char *xn_port_entropy(uint8_t *to, uint32_t n) {
    uint8_t digest[XN_SHA512_BYTES];
    for (uint32_t done = 0, part; done < n; done += part) {
        xn_sha512 hash;
        xn_sha512_init(&hash);
        for (uint32_t i = 0; i < SAMPLES; i++) {
            uint64_t sample = get_rand_64();
            xn_sha512_add(&hash, &sample, sizeof(sample));
        }
        xn_sha512_end(&hash, digest);
        part = n - done < sizeof(digest) ? n - done : (uint32_t)sizeof(digest);
        memcpy(to + done, digest, part);
    }
    crypto_wipe(digest, sizeof(digest));
    return NAME;
}

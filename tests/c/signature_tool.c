// Answers requests on stdin: a letter and its operands, each with its length of 4 bytes before it.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "trust/xn_ed25519.h"
#include "trust/xn_sha512.h"

typedef struct operand {
    uint8_t *bytes; // of exactly n, so the sanitizer sees what reads beyond
    uint32_t n;
} operand;

static operand next_operand(void) {
    operand made;
    assert(fread(&made.n, 1, 4, stdin) == 4);
    made.bytes = malloc(made.n);
    assert(made.n == 0 || fread(made.bytes, 1, made.n, stdin) == made.n);
    return made;
}

static void check(void) {
    operand signature = next_operand(), key = next_operand(), message = next_operand();
    assert(signature.n == 64 && key.n == 32);
    putchar(xn_ed25519_check(signature.bytes, key.bytes, message.bytes, message.n));
    free(signature.bytes);
    free(key.bytes);
    free(message.bytes);
}

static void sign(void) {
    operand seed = next_operand(), message = next_operand();
    uint8_t signature[64];
    assert(seed.n == 32);
    xn_ed25519_sign(seed.bytes, message.bytes, message.n, signature);
    fwrite(signature, 1, sizeof(signature), stdout);
    free(seed.bytes);
    free(message.bytes);
}

static void make_public(void) {
    operand seed = next_operand();
    uint8_t key[32];
    assert(seed.n == 32);
    xn_ed25519_public(seed.bytes, key);
    fwrite(key, 1, sizeof(key), stdout);
    free(seed.bytes);
}

static void hash(void) {
    operand message = next_operand();
    uint8_t digest[64];
    xn_sha512_of(message.bytes, message.n, digest);
    fwrite(digest, 1, sizeof(digest), stdout);
    free(message.bytes);
}

static void hash_pieces(void) {
    uint8_t digest[64];
    xn_sha512 stream;
    xn_sha512_init(&stream);
    for (operand piece = next_operand(); piece.n != 0; piece = next_operand()) {
        xn_sha512_add(&stream, piece.bytes, piece.n);
        free(piece.bytes);
    }
    xn_sha512_end(&stream, digest);
    fwrite(digest, 1, sizeof(digest), stdout);
}

int main(void) {
    for (int letter; (letter = getchar()) != EOF;) {
        switch (letter) {
        case 'c':
            check();
            break;
        case 's':
            sign();
            break;
        case 'p':
            make_public();
            break;
        case 'h':
            hash();
            break;
        case 'i':
            hash_pieces();
            break;
        default:
            assert(0);
        }
        fflush(stdout);
    }
    return 0;
}

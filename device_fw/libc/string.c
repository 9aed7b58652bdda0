// Of <string.h> what the core uses, for a firmware without MicroPython, whose own is another.
#include <stdint.h>
#include <string.h>

// Whether two addresses are both those of words.
static int are_words(const void *a, const void *b) {
    return (((uintptr_t)a | (uintptr_t)b) & 3u) == 0;
}

void *memcpy(void *to, const void *from, size_t n) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if (are_words(to, from)) {
        for (; n >= 4u; n -= 4u, out += 4, in += 4) {
            *(uint32_t *)(void *)out = *(const uint32_t *)(const void *)in;
        }
    }
    while (n-- > 0) {
        *out++ = *in++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out <= in || out >= in + n) {
        return memcpy(to, from, n);
    }
    while (n-- > 0) {
        out[n] = in[n];
    }
    return to;
}

void *memset(void *to, int value, size_t n) {
    uint8_t *out = to;
    uint32_t word = (uint8_t)value * 0x01010101u;
    if (are_words(to, to)) {
        for (; n >= 4u; n -= 4u, out += 4) {
            *(uint32_t *)(void *)out = word;
        }
    }
    while (n-- > 0) {
        *out++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *left = a, *right = b;
    for (; n > 0; n--, left++, right++) {
        if (*left != *right) {
            return *left - *right;
        }
    }
    return 0;
}

void *memchr(const void *at, int value, size_t n) {
    const uint8_t *byte = at;
    for (; n > 0; n--, byte++) {
        if (*byte == (uint8_t)value) {
            return (void *)(uintptr_t)byte;
        }
    }
    return NULL;
}

size_t strlen(const char *s) {
    size_t n = 0;
    while (s[n] != 0) {
        n++;
    }
    return n;
}

int strcmp(const char *a, const char *b) {
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n) {
    for (; n > 0; n--, a++, b++) {
        if (*a != *b || *a == 0) {
            return (uint8_t)*a - (uint8_t)*b;
        }
    }
    return 0;
}

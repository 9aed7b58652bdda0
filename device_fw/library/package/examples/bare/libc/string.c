#include "string.h"

void *memcpy(void *to, const void *from, size_t n) {
    char *out = to;
    for (const char *in = from; n > 0; n--) {
        *out++ = *in++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    char *out = to;
    const char *in = from;
    if (out <= in || out >= in + n) {
        return memcpy(to, from, n);
    }
    while (n-- > 0) {
        out[n] = in[n];
    }
    return to;
}

void *memset(void *to, int value, size_t n) {
    for (char *out = to; n > 0; n--) {
        *out++ = (char)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *left = a, *right = b;
    for (; n > 0; n--, left++, right++) {
        if (*left != *right) {
            return *left - *right;
        }
    }
    return 0;
}

void *memchr(const void *at, int value, size_t n) {
    for (const unsigned char *byte = at; n > 0; n--, byte++) {
        if (*byte == (unsigned char)value) {
            return (void *)byte;
        }
    }
    return NULL;
}

size_t strlen(const char *text) {
    size_t n = 0;
    while (text[n] != 0) {
        n++;
    }
    return n;
}

int strcmp(const char *a, const char *b) {
    for (; *a != 0 && *a == *b; a++, b++) {
    }
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n) {
    for (; n > 0 && *a != 0 && *a == *b; a++, b++, n--) {
    }
    return n == 0 ? 0 : (unsigned char)*a - (unsigned char)*b;
}

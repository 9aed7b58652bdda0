// Finds a function's docstring in its source, since the VM keeps none.
#include "micropython/docstring.h"

#include <string.h>

#define DOCSTRING_MAX 512u // bytes: it has to fit a reply with others

typedef struct source {
    const char *p, *end;
} source;

static bool at(const source *s, char c) {
    return s->p < s->end && *s->p == c;
}

static bool starts(const source *s, const char *text) {
    size_t n = strlen(text);
    return (size_t)(s->end - s->p) >= n && memcmp(s->p, text, n) == 0;
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void skip_spaces(source *s, const char *which) {
    while (s->p < s->end && *s->p != '\0' && strchr(which, *s->p) != NULL) {
        s->p++;
    }
}

// Passes over a string; returns its text's start and length. false: it does not end.
static bool skip_string(source *s, const char **text, size_t *n) {
    char quotes[4] = {*s->p, *s->p, *s->p, '\0'};
    size_t wide = starts(s, quotes) ? 3 : 1;
    quotes[wide] = '\0';
    s->p += wide;
    *text = s->p;
    while (s->p < s->end && !starts(s, quotes)) {
        s->p += *s->p == '\\' && s->end - s->p > 1 ? 2 : 1;
    }
    *n = (size_t)(s->p - *text);
    if (s->p == s->end) {
        return false;
    }
    s->p += wide;
    return true;
}

static void skip_remark(source *s) {
    while (s->p < s->end && *s->p != '\n') {
        s->p++;
    }
}

// From the opening parenthesis to behind the colon.
static bool skip_parameters(source *s) {
    int depth = 0;
    const char *text;
    size_t n;
    while (s->p < s->end) {
        char c = *s->p;
        if (c == '"' || c == '\'') {
            if (!skip_string(s, &text, &n)) {
                return false;
            }
            continue;
        }
        if (c == '#') {
            skip_remark(s);
            continue;
        }
        depth += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
        s->p++;
        if (c == ':' && depth == 0) {
            return true;
        }
    }
    return false;
}

// Sets s to the opening parenthesis of the last function of that name.
static bool find_function(source *s, const char *name) {
    source at_def = *s;
    bool found = false;
    for (const char *p = s->p; p < s->end; p++) {
        source here = {p, s->end};
        if (!starts(&here, "def ") || (p > s->p && is_word(p[-1]))) {
            continue;
        }
        here.p += 4;
        skip_spaces(&here, " \t");
        if (!starts(&here, name)) {
            continue;
        }
        here.p += strlen(name);
        skip_spaces(&here, " \t");
        if (at(&here, '(')) {
            at_def = here;
            found = true;
        }
    }
    *s = at_def;
    return found;
}

static void skip_to_statement(source *s) {
    skip_spaces(s, " \t\r\n");
    while (at(s, '#')) {
        skip_remark(s);
        skip_spaces(s, " \t\r\n");
    }
}

mp_obj_t xn_docstring(const char *text, size_t n, const char *name) {
    source s = {text, text + n};
    if (find_function(&s, name) && skip_parameters(&s)) {
        skip_to_statement(&s);
        if ((at(&s, '"') || at(&s, '\'')) && skip_string(&s, &text, &n)) {
            return mp_obj_new_str(text, MIN(n, DOCSTRING_MAX));
        }
    }
    return mp_obj_new_str("", 0);
}

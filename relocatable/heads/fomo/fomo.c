// Head `fomo`: centres of things on a grid of class scores [1, rows, columns, 1 + classes]; channel
// 0 is the background.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/value.h"

typedef struct xn_fomo {
    int32_t rows, columns, channels;
    int32_t softmax; // 1: the values are logits
    float threshold; // lowest score of a cell
    int32_t most;
} xn_fomo;

typedef struct xn_fomo_item {
    int32_t label;
    float score;
    float center[2], box[4]; // 0..1 of the model's input
} xn_fomo_item;

typedef struct xn_fomo_items {
    uint32_t count, reserved[3];
    xn_fomo_item item[];
} xn_fomo_items;

// Cells that touch one another.
typedef struct xn_fomo_thing {
    float score, sum, x, y; // the best, their sum, the places of the cells weighted by them
    int32_t left, top, right, bottom;
} xn_fomo_thing;

#define FOMO_TAKEN (-1.0f)

static __attribute__((noinline)) float fomo_exp(float x) {
    return xn_expf(x);
}

// A value that is no number counts as 0.
static __attribute__((noinline)) float fomo_score(const xn_values *values, const xn_fomo *p,
                                                  int32_t cell, int32_t channel) {
    int32_t first = cell * p->channels;
    float x = xn_value_at(values, first + channel);
    if (!p->softmax) {
        return xn_value_unit(x);
    }
    float most = x, sum = 0.0f;
    for (int32_t c = 0; c < p->channels; c++) {
        float other = xn_value_at(values, first + c);
        most = other > most ? other : most;
    }
    for (int32_t c = 0; c < p->channels; c++) {
        sum += fomo_exp(xn_value_at(values, first + c) - most);
    }
    return xn_value_unit(fomo_exp(x - most) / sum);
}

static inline void fomo_add(xn_fomo_thing *thing, float score, int32_t x, int32_t y) {
    thing->score = score > thing->score ? score : thing->score;
    thing->sum += score;
    thing->x += score * ((float)x + 0.5f);
    thing->y += score * ((float)y + 0.5f);
    thing->left = xn_min(thing->left, x);
    thing->right = xn_max(thing->right, x);
    thing->top = xn_min(thing->top, y);
    thing->bottom = xn_max(thing->bottom, y);
}

// Takes a cell and all that touch it, directly or through others.
// scores: [rows * columns]; stack: room for as many.
static inline xn_fomo_thing fomo_take(const xn_fomo *p, float *scores, int32_t *stack,
                                      int32_t cell) {
    int32_t left = 0, x = cell % p->columns, y = cell / p->columns;
    xn_fomo_thing thing = {.left = x, .right = x, .top = y, .bottom = y};
    fomo_add(&thing, scores[cell], x, y);
    scores[cell] = FOMO_TAKEN;
    stack[left++] = cell;
    while (left > 0) {
        cell = stack[--left];
        x = cell % p->columns;
        y = cell / p->columns;
        for (int32_t ny = xn_max(y - 1, 0); ny <= xn_min(y + 1, p->rows - 1); ny++) {
            for (int32_t nx = xn_max(x - 1, 0); nx <= xn_min(x + 1, p->columns - 1); nx++) {
                int32_t next = ny * p->columns + nx;
                if (scores[next] >= p->threshold) {
                    fomo_add(&thing, scores[next], nx, ny);
                    scores[next] = FOMO_TAKEN;
                    stack[left++] = next;
                }
            }
        }
    }
    return thing;
}

static inline xn_fomo_item fomo_item(const xn_fomo *p, const xn_fomo_thing *thing, int32_t label) {
    float columns = (float)p->columns, rows = (float)p->rows;
    float x0 = (float)thing->left / columns, x1 = (float)(thing->right + 1) / columns;
    float y0 = (float)thing->top / rows, y1 = (float)(thing->bottom + 1) / rows;
    float x = 0.5f * (x0 + x1), y = 0.5f * (y0 + y1); // if all scores are 0
    if (thing->sum > 0.0f) {
        x = thing->x / thing->sum / columns;
        y = thing->y / thing->sum / rows;
    }
    return (xn_fomo_item){
        label,
        thing->score,
        {xn_value_unit(x), xn_value_unit(y)},
        {x0, y0, x1, y1},
    };
}

// Keeps the best by falling score; of equal ones those that came first.
static inline void fomo_insert(xn_fomo_items *found, uint32_t most, const xn_fomo_item *item) {
    uint32_t at = found->count;
    if (at == most) {
        if (!(item->score > found->item[at - 1].score)) {
            return;
        }
        at--;
    } else {
        found->count++;
    }
    for (; at > 0 && item->score > found->item[at - 1].score; at--) {
        found->item[at] = found->item[at - 1];
    }
    found->item[at] = *item;
}

// scores, stack: room for rows * columns each; found: room for most.
XN_KERNEL void xn_fomo_find(const xn_values *values, const xn_fomo *p, float *scores,
                            int32_t *stack, xn_fomo_items *found) {
    int32_t cells = p->rows * p->columns;
    *found = (xn_fomo_items){0};
    for (int32_t channel = 1; channel < p->channels; channel++) {
        for (int32_t cell = 0; cell < cells; cell++) {
            scores[cell] = fomo_score(values, p, cell, channel);
        }
        for (int32_t cell = 0; cell < cells; cell++) {
            if (scores[cell] >= p->threshold) {
                xn_fomo_thing thing = fomo_take(p, scores, stack, cell);
                xn_fomo_item item = fomo_item(p, &thing, channel - 1);
                fomo_insert(found, (uint32_t)p->most, &item);
            }
        }
    }
    for (uint32_t i = found->count; i < (uint32_t)p->most; i++) {
        found->item[i] = (xn_fomo_item){0};
    }
}

// Models as files, in a program of your own: checked, opened, run, one after the other in the same
// memory and side by side. The second has its weights in another memory than its code.
#include "xipnet.h"

#include <stdbool.h>
#include <stddef.h>

#include "start.h"

// A file as an array of constants in a section of the linker script's.
#define FILE_IN(section, name, path)                                                               \
    __asm__(".section " section ",\"a\",%progbits\n.balign 64\n.global " #name "\n" #name          \
            ":\n.incbin \"" path "\"\n" #name "_end:\n.global " #name "_end\n.previous\n");        \
    extern const uint8_t name[], name##_end[]

FILE_IN(".code_of_models", first, "first.bin");
FILE_IN(".code_of_models", second, "second.bin");
FILE_IN(".weights_of_models", second_weights, "second.weights.bin");

static uint8_t arena[2][ARENA_BYTES] __attribute__((aligned(16)));
static uint8_t copy[64 * 1024] __attribute__((aligned(64)));

static uint32_t now(void) {
    return (uint32_t)time_us();
}

static bool say_refused(int32_t status, const xn_reason *why) {
    say("refused: ");
    say(xn_status_text(status));
    if (why->what != NULL) {
        say(": ");
        say(why->what);
        say(" ");
        say_number(why->value);
    }
    say("\n");
    return false;
}

// Opens a file in one of the arenas.
static bool load(xn_model *model, const uint8_t *file, const uint8_t *end, uint8_t *to) {
    const xn_model_room room = {
        .arena = to,
        .arena_bytes = ARENA_BYTES,
        .stack_bytes = 4096,
        .weights = second_weights,
        .weights_bytes = (uint32_t)(second_weights_end - second_weights),
    };
    xn_reason why;
    int32_t status = xn_model_load(model, file, (uint32_t)(end - file), &room, &why);
    return status == XN_OK || say_refused(status, &why);
}

// Runs what came with the model, which must give what came with it; then tells its time.
static bool run(xn_model *model, const char *name) {
    static uint32_t each[256];
    uint32_t steps = xn_model_steps(model, 0), sum = 0;
    if (xn_model_verify(model) != XN_OK || steps > sizeof each / sizeof *each) {
        return false;
    }
    for (uint32_t i = 0; i < xn_model_input_bytes(model, 0); i++) {
        xn_model_input(model, 0)[i] = (uint8_t)i;
    }
    if (xn_model_profile(model, 0, now, each) != XN_OK) {
        return false;
    }
    for (uint32_t i = 0; i < steps; i++) {
        sum += each[i];
    }
    say(name);
    say(": exact; ");
    say_number(xn_model_arena_bytes(model));
    say(" bytes of RAM, ");
    say_number(steps);
    say(" steps, ");
    say_number(sum);
    say(" us\n");
    return true;
}

static bool swap(void) {
    xn_model model;
    return load(&model, first, first_end, arena[0]) && run(&model, "first") &&
           load(&model, second, second_end, arena[0]) && run(&model, "second");
}

static bool side_by_side(void) {
    xn_model a, b;
    return load(&a, first, first_end, arena[0]) && load(&b, second, second_end, arena[1]) &&
           run(&a, "first") && run(&b, "second") && run(&a, "first");
}

// A bit has tipped over: the file is not run.
static bool is_damage_refused(void) {
    uint32_t bytes = (uint32_t)(first_end - first);
    xn_model model;
    for (uint32_t i = 0; i < bytes && i < sizeof copy; i++) {
        copy[i] = first[i];
    }
    copy[bytes / 2] ^= 4;
    return !load(&model, copy, copy + bytes, arena[0]);
}

int main(void) {
    return swap() && side_by_side() && is_damage_refused() ? 0 : 1;
}

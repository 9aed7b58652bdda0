// A plugin for QEMU 7.2 (plugin API 1) that counts, one by one, the instructions executed in a
// range of addresses. The counts lie in a file mapped into memory: they are there however QEMU
// ends, and may be read while it runs. One CPU.
//
//     -plugin libcount.so,counts=FILE,base=0x21000000,size=0x1000000
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// ---- What of QEMU's interface is used -----------------------------------------------------------

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*made)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
                                          void (*entered)(unsigned cpu, void *data),
                                          enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
                                                enum qemu_plugin_op op, void *to, uint64_t value);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                      void (*accessed)(unsigned cpu, qemu_plugin_meminfo_t info,
                                                       uint64_t address, void *data),
                                      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw,
                                      void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *insn);
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                               char **argv);

// ---- The file -----------------------------------------------------------------------------------

// One instruction, in the order of translation; behind the last one there are zeros.
typedef struct record {
    uint32_t address;
    uint32_t bytes;
    uint64_t count;     // times executed
    uint64_t jumps;     // times that what came next was not the instruction behind it
    uint64_t unaligned; // further bus accesses that unaligned loads and stores took
    char text[96];      // disassembled
} record;

_Static_assert(sizeof(record) == 128, "read by _counter.py");

#define MOST_RECORDS (1u << 17)

// What QEMU translates, and enters, at once: its code has no branch but at its end.
typedef struct block {
    uint64_t start, end;
    record *last;
} block;

static record *records;
static uint32_t record_count;
static uint64_t base, size;
static record **by_address; // [size / 2]
static const block *previous;

static record *find_record(const struct qemu_plugin_insn *insn) {
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    record **at = &by_address[(address - base) / 2];
    if (*at == NULL) {
        if (record_count == MOST_RECORDS) {
            abort();
        }
        *at = &records[record_count++];
        (*at)->address = (uint32_t)address;
        (*at)->bytes = (uint32_t)qemu_plugin_insn_size(insn);
        char *text = qemu_plugin_insn_disas(insn);
        strncpy((*at)->text, text, sizeof(*at)->text - 1);
        free(text);
    }
    return *at;
}

// ---- Counting -----------------------------------------------------------------------------------

static void on_block(unsigned cpu, void *data) {
    (void)cpu;
    const block *entered = data;
    if (previous != NULL && previous->end != entered->start) {
        previous->last->jumps++;
    }
    previous = entered;
}

static void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
    (void)cpu;
    unsigned shift = qemu_plugin_mem_size_shift(info);
    if ((address & 1) != 0) {
        ((record *)data)->unaligned += shift == 0 ? 0 : shift; // a word goes as 1 + 2 + 1 bytes
    } else if ((address & 2) != 0 && shift == 2) {
        ((record *)data)->unaligned += 1;
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    block *made = malloc(sizeof *made); // QEMU may enter it until the end
    made->start = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    if (made->start < base || made->start - base >= size) {
        free(made);
        return;
    }
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        made->last = find_record(insn);
        made->end = made->last->address + made->last->bytes;
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                   &made->last->count, 1);
        qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, made->last);
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, made);
}

// ---- Start --------------------------------------------------------------------------------------

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                        char **argv) {
    (void)info;
    const char *path = "";
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "counts=", 7) == 0) {
            path = argv[i] + 7;
        } else if (strncmp(argv[i], "base=", 5) == 0) {
            base = strtoull(argv[i] + 5, NULL, 0);
        } else if (strncmp(argv[i], "size=", 5) == 0) {
            size = strtoull(argv[i] + 5, NULL, 0);
        }
    }
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || ftruncate(file, MOST_RECORDS * sizeof(record)) != 0) {
        return -1;
    }
    records =
        mmap(NULL, MOST_RECORDS * sizeof(record), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    by_address = calloc(size / 2, sizeof *by_address);
    if (records == MAP_FAILED || by_address == NULL) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}

#define _GNU_SOURCE
#include "boards/host/process.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "boards/host/host.h"
#include "link/xn_link.h"
#include "rpc/xn_server.h"

#define IDLE_MS 50 // how often the clock of a trial is checked
#define BUSY_MS 1
#define SECTOR_BYTES 4096

static char **arguments;
static const xn_process_vm *services;
static uint64_t step_end_us;

static struct {
    uint8_t bytes[4096];
    size_t next, n;
} input;

// ---- Restarts -----------------------------------------------------------------------------------

// Async-signal-safe except snprintf(), which is safe for integers in every libc.
void xn_process_restart(const xn_port_boot *b) {
    char boot[128];
    snprintf(boot, sizeof(boot), "%u,%u,%d,%u,%u,%u,%u,%u", b->cause, b->resets, b->fault_step,
             b->pc, b->address, b->cfsr, b->hfsr, xn_port_kept());
    execv(arguments[0], (char *[]){arguments[0], arguments[1], arguments[2], boot, NULL});
    perror(arguments[0]);
    _exit(1);
}

static void restart(void) {
    xn_process_restart(&(xn_port_boot){.cause = XN_PORT_BOOT_RESET,
                                       .resets = xn_host_boot.resets + 1u,
                                       .fault_step = -1,
                                       .address = UINT32_MAX});
}

static void read_boot(const char *text) {
    xn_port_boot *b = &xn_host_boot;
    uint32_t kept;
    XN_HOST_CHECK(sscanf(text, "%u,%u,%d,%u,%u,%u,%u,%u", &b->cause, &b->resets, &b->fault_step,
                         &b->pc, &b->address, &b->cfsr, &b->hfsr, &kept) == 8);
    xn_port_keep(kept);
}

// ---- A step that faults or does not return: without an MPU, a report and a restart --------------

static struct sigaction before[NSIG];

static void restart_in_step(uint32_t cause, uint32_t address) {
    xn_process_restart(&(xn_port_boot){.cause = cause,
                                       .resets = xn_host_boot.resets + 1u,
                                       .fault_step = xn_host.step,
                                       .address = address});
}

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    if (xn_host.step < 0) { // the core's own fault: it must be seen as one
        sigaction(number, &before[number], NULL);
        return;
    }
    restart_in_step(XN_PORT_BOOT_FAULT, (uint32_t)(uintptr_t)info->si_addr);
}

static void on_alarm(int number) {
    (void)number;
    if (xn_host.step >= 0 && xn_port_time_us() >= step_end_us) {
        restart_in_step(XN_PORT_BOOT_DEADLINE, UINT32_MAX);
    }
}

static void watch_steps(void) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sigaction alarm = {.sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_NODEFER};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sigaction(faults[i], &fault, &before[faults[i]]);
    }
    sigaction(SIGALRM, &alarm, NULL);
}

static void limit_step(void) {
    uint32_t ms = xn_host.limit_ms;
    struct itimerval timer = {.it_value = {ms / 1000u, (int)(ms % 1000u) * 1000}};
    step_end_us = xn_port_time_us() + ms * (uint64_t)1000;
    setitimer(ITIMER_REAL, &timer, NULL);
}

// ---- The UART -----------------------------------------------------------------------------------

static void send_out(const uint8_t *bytes, uint32_t n) {
    while (n > 0) {
        ssize_t sent = write(1, bytes, n);
        if (sent <= 0) {
            _exit(0); // nobody listens now
        }
        bytes += sent;
        n -= (uint32_t)sent;
    }
}

// False: none has come yet.
static bool next_byte(uint8_t *byte) {
    struct pollfd in = {.fd = 0, .events = POLLIN};
    if (input.next == input.n) {
        if (poll(&in, 1, 0) <= 0) {
            return false;
        }
        ssize_t n = read(0, input.bytes, sizeof(input.bytes));
        if (n <= 0) {
            _exit(0);
        }
        input.n = (size_t)n;
        input.next = 0;
    }
    *byte = input.bytes[input.next++];
    return true;
}

// What comes while a board restarts is lost.
static void lose_input(void) {
    uint8_t byte;
    while (next_byte(&byte)) {
    }
}

// What the receive interrupt does while a step runs.
static void begin_step(void) {
    uint8_t byte;
    while (next_byte(&byte)) {
        xn_link_receive(byte);
    }
    limit_step();
}

// Ends with the process that started it, even within a step that never returns.
static void *watch_parent(void *unused) {
    struct pollfd in = {.fd = 0};
    while (poll(&in, 1, -1) <= 0 || (in.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0) {
    }
    _exit(0);
    return unused;
}

// ---- The loop -----------------------------------------------------------------------------------

static void work(void) {
    const xn_lane_request *request;
    xn_server_poll();
    while ((request = xn_lane_take()) != NULL) {
        services->serve(request);
    }
    for (int c; (c = xn_link_text_get()) >= 0;) {
        if (services->typed != NULL) {
            services->typed((uint8_t)c);
        }
    }
}

static void start(int argc, char **argv) {
    struct stat file;
    pthread_t watcher;
    XN_HOST_CHECK((argc == 3 || argc == 4) && stat(argv[1], &file) == 0);
    XN_HOST_CHECK(file.st_size > 0 && file.st_size % SECTOR_BYTES == 0);
    xn_host_init(&(xn_port_flash){(uint32_t)file.st_size, SECTOR_BYTES, 256, 16, 0, 0}, argv[1]);
    xn_host_set_arena((uint32_t)atoi(argv[2]));
    if (argc == 4) {
        read_boot(argv[3]);
        lose_input();
    }
    xn_host_sent = send_out;
    xn_host_on_step = begin_step;
    xn_host_on_reset = restart;
    xn_lane_on_interrupt = services->interrupt;
    xn_lane_vm_version = services->version;
    watch_steps();
    XN_HOST_CHECK(pthread_create(&watcher, NULL, watch_parent, NULL) == 0);
    xn_link_init();
    xn_server_init();
}

int xn_process_run(int argc, char **argv, const xn_process_vm *vm) {
    uint8_t byte;
    arguments = argv;
    services = vm;
    start(argc, argv);
    for (;;) {
        struct pollfd in[2] = {{.fd = 0, .events = POLLIN}, {.fd = vm->fd, .events = POLLIN}};
        (void)poll(in, 2, xn_server_pending() ? BUSY_MS : IDLE_MS);
        while (next_byte(&byte)) { // the rest can still come while a model runs
            xn_link_receive(byte);
            if (byte == 0 || xn_link_text_ready()) {
                work();
            }
        }
        if (in[1].revents != 0) {
            vm->fd_ready();
        }
        work();
    }
}

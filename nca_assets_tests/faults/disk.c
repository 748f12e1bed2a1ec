/* A disk that fills up, or a process that dies, at the Nth byte that it writes below a folder: preloaded, it stands
   before the C library's own writing, for Python, DuckDB, Arrow and SQLite alike. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[4096];
static atomic_long left = -1; /* bytes; below 0 there is no end */
static int deadly;

/* Called by the test; 'kill' ends the process instead of refusing. */
void disk_begin(const char *below, long bytes, int kill) {
    strncpy(folder, below, sizeof folder - 1);
    deadly = kill;
    left = bytes;
}

long disk_left(void) { return left; }

static int counted(int file) {
    char name[64], path[4096];
    if (left < 0 && !folder[0]) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    return length > 0 && !strncmp(path, folder, strlen(folder));
}

/* How many of these bytes fit; as on a real disk the last write may be a short one. */
static ssize_t fitting(int file, size_t bytes) {
    if (!folder[0] || !counted(file)) return bytes;
    long before = atomic_fetch_sub(&left, (long)bytes);
    if (before >= (long)bytes) return bytes;
    atomic_store(&left, 0);
    if (before > 0 && !deadly) return before;
    if (deadly) kill(getpid(), SIGKILL);
    errno = ENOSPC;
    return -1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)
#define GUARD(file, bytes) ssize_t fit = fitting(file, bytes); if (fit < 0) return -1

ssize_t write(int file, const void *from, size_t bytes) { REAL(write); GUARD(file, bytes); return real(file, from, fit); }
ssize_t pwrite(int file, const void *from, size_t bytes, off_t at) { REAL(pwrite); GUARD(file, bytes); return real(file, from, fit, at); }
ssize_t pwrite64(int file, const void *from, size_t bytes, off64_t at) { REAL(pwrite64); GUARD(file, bytes); return real(file, from, fit, at); }
ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(writev);
    size_t bytes = 0;
    for (int part = 0; part < count; part++) bytes += parts[part].iov_len;
    ssize_t fit = fitting(file, bytes);
    if (fit < 0) return -1;
    return (size_t)fit == bytes ? real(file, parts, count) : write(file, parts[0].iov_base, parts[0].iov_len);
}

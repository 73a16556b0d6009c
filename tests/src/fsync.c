/* Preloaded into a role: fsync and fdatasync of files below STOA_FSYNC_PATH fail or are slow, as the
   file STOA_FSYNC_ORDER says: "eio", or a number of milliseconds. Without that file nothing changes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ordered(int fd) {
  const char *path = getenv("STOA_FSYNC_PATH"), *order = getenv("STOA_FSYNC_ORDER");
  char link[64], name[4096] = "", text[16] = "";
  if (!path || !order) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (readlink(link, name, sizeof name - 1) < 0 || !strstr(name, path)) return 0;
  FILE *file = fopen(order, "r");
  if (!file) return 0;
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  if (length >= 3 && !strncmp(text, "eio", 3)) {
    errno = EIO;
    return -1;
  }
  usleep(atoi(text) * 1000);
  return 0;
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return ordered(fd) ? -1 : real(fd);
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return ordered(fd) ? -1 : real(fd);
}

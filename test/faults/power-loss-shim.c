/*
 * Lies under the program (LD_PRELOAD) and keeps, beside each LMDB data file, what a disk would hold for
 * certain: `data.mdb.flushed` receives a write only once it has been flushed. When the program has been
 * killed, the two files together say what a power cut at that moment could have left.
 *
 * A write to a descriptor opened with O_DSYNC is flushed by itself; any other is remembered as a range
 * until fdatasync or fsync on the same file succeeds. Files under a `snapshot` directory are left alone:
 * they are written whole, flushed and only then named.
 *
 * While the file named by POWER_LOSS_FAIL_FLUSH exists, flushing a data file fails with EIO.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct range {
  ino_t file;
  off_t at;
  size_t length;
};

static struct range *ranges;
static size_t count, capacity;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int is_data_file(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 9) return 0;
  path[length] = 0;
  return strcmp(path + length - 9, "/data.mdb") == 0 && !strstr(path, "/snapshot");
}

static ino_t inode_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t at) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
  return real(fd, bytes, length, at);
}

/* Copies a range of the data file, or all of it, into the image. */
static void copy_range(int fd, int image, off_t at, size_t length) {
  char buffer[65536];
  while (length > 0) {
    ssize_t got = pread(fd, buffer, length < sizeof buffer ? length : sizeof buffer, at);
    if (got <= 0 || write_at(image, buffer, got, at) != got) return;
    at += got;
    length -= got;
  }
}

/* The data file may be open for writing only: it is read through a descriptor of its own. */
static void into_image(const char *path, const struct range *flushed, size_t many) {
  char name[4200];
  snprintf(name, sizeof name, "%s.flushed", path);
  int is_new = access(name, F_OK) != 0;
  int data = open(path, O_RDONLY);
  int image = open(name, O_WRONLY | O_CREAT, 0600);
  struct stat status;
  if (data >= 0 && image >= 0 && fstat(data, &status) == 0) {
    if (is_new) copy_range(data, image, 0, status.st_size);
    for (size_t index = 0; index < many; index++)
      copy_range(data, image, flushed[index].at, flushed[index].length);
  }
  if (data >= 0) close(data);
  if (image >= 0) close(image);
}

static void wrote(int fd, const char *path, off_t at, ssize_t length) {
  if (length <= 0) return;
  struct range range = {inode_of(fd), at, length};
  pthread_mutex_lock(&lock);
  if (fcntl(fd, F_GETFL) & O_DSYNC) {
    into_image(path, &range, 1);
  } else {
    if (count == capacity) {
      capacity = capacity ? capacity * 2 : 1024;
      ranges = realloc(ranges, capacity * sizeof *ranges);
    }
    ranges[count++] = range;
  }
  pthread_mutex_unlock(&lock);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
  char path[4096];
  int is_data = is_data_file(fd, path, sizeof path);
  ssize_t written = write_at(fd, bytes, length, at);
  if (is_data) wrote(fd, path, at, written);
  return written;
}

ssize_t writev(int fd, const struct iovec *parts, int many) {
  REAL(writev);
  char path[4096];
  int is_data = is_data_file(fd, path, sizeof path);
  off_t at = is_data ? lseek(fd, 0, SEEK_CUR) : 0;
  ssize_t written = real(fd, parts, many);
  if (is_data) wrote(fd, path, at, written);
  return written;
}

static int flush(int fd, int (*real)(int)) {
  char path[4096];
  if (!is_data_file(fd, path, sizeof path)) return real(fd);
  const char *failing = getenv("POWER_LOSS_FAIL_FLUSH");
  if (failing && access(failing, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  ino_t file = inode_of(fd);
  pthread_mutex_lock(&lock);
  struct range *mine = malloc((count + 1) * sizeof *mine);
  size_t many = 0, kept = 0;
  for (size_t index = 0; index < count; index++) {
    if (ranges[index].file == file) mine[many++] = ranges[index];
    else ranges[kept++] = ranges[index];
  }
  count = kept;
  int result = real(fd);
  if (result == 0) into_image(path, mine, many);
  pthread_mutex_unlock(&lock);
  free(mine);
  return result;
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return flush(fd, real);
}

int fsync(int fd) {
  REAL(fsync);
  return flush(fd, real);
}

//! A bad disk between the server and the kernel: a library loaded before libc fails the writes and syncs of the
//! ledger's files while it is told to, and writes down what was written and synced. It never touches another file.

use crate::world::{World, not_tested};
use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Words that the library and the test share in a file; the first thing a word says is its number.
#[derive(Clone, Copy)]
enum Word {
    Loaded,
    WriteError,
    SyncError,
    Left,
    Part,
    Struck,
    Lies,
    CutIn,
    CutPart,
    Cut,
}

const WORDS: u64 = 10;

/// See the module. Its calls stand for the kernel's, under one lock, so that what is written down has an order.
/// As in Linux since 4.13, a sync that failed is reported once to every open file, and what it was to write is
/// clean all the same: the next sync succeeds without it.
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LOADED, WRITE_ERROR, SYNC_ERROR, LEFT, PART, STRUCK, LIES, CUT_IN, CUT_PART, CUT, WORDS };
enum { OPEN_MAX_FILES = 4096 };

static _Atomic uint32_t *control;
static int journal = -1;
static char folder[PATH_MAX];
static size_t folder_length;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
/* The error of an earlier sync that this descriptor has not been told yet. */
static _Atomic int owed[OPEN_MAX_FILES];

__attribute__((constructor)) static void begin(void) {
    const char *words = getenv("FAULTS_CONTROL"), *into = getenv("FAULTS_JOURNAL");
    const char *where = getenv("FAULTS_FOLDER");
    if (!words || !into || !where) return;
    snprintf(folder, sizeof folder, "%s", where);
    folder_length = strlen(folder);
    journal = open(into, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int file = open(words, O_RDWR | O_CLOEXEC);
    void *shared = mmap(0, 4 * WORDS, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (journal < 0 || file < 0 || shared == MAP_FAILED) abort();
    control = shared;
    control[LOADED]++;
}

/* The name of a file of the ledger, "" for its folder, or nothing. */
static const char *name_of(const char *path) {
    if (strncmp(path, folder, folder_length)) return 0;
    if (!path[folder_length]) return path + folder_length;
    const char *name = path + folder_length + 1;
    if (path[folder_length] != '/' || strncmp(name, "ledger.sqlite3", 14)) return 0;
    return strchr(name, ' ') ? 0 : name; /* " (deleted)" */
}

static const char *path_of(int file, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return path;
}

static const char *ours(int file, char path[PATH_MAX]) {
    return control ? name_of(path_of(file, path)) : 0;
}

/* Shared memory is no part of what lasts. */
static int lasts(const char *name) { return !strstr(name, "-shm"); }

static void note(char kind, const char *name, uint64_t at, const void *data, uint64_t length) {
    if (!lasts(name)) return;
    struct { uint32_t kind, name_length; uint64_t at, length; } head =
        { (uint32_t)kind, (uint32_t)strlen(name), at, length };
    struct iovec parts[] = {
        { &head, sizeof head }, { (void *)name, head.name_length }, { (void *)data, data ? length : 0 } };
    ssize_t all = (ssize_t)(parts[0].iov_len + parts[1].iov_len + parts[2].iov_len);
    if (syscall(SYS_writev, journal, parts, 3) != all) abort();
}

static int within(uint32_t part, const char *name) {
    return part == 0 || (part == 1 && strstr(name, "-wal")) || (part == 2 && !strcmp(name, "ledger.sqlite3"));
}

/* One step further towards the power cut. */
static void step(const char *name) {
    uint32_t in = control[CUT_IN];
    if (!in || !within(control[CUT_PART], name)) return;
    control[CUT_IN] = in - 1;
    if (in > 1) return;
    control[CUT] = 1;
    for (;;) { kill(getpid(), SIGKILL); pause(); }
}

static int strikes(int kind, const char *name) {
    int error = (int)control[kind];
    uint32_t left = control[LEFT];
    if (!error || !left || !within(control[PART], name)) return 0;
    if (left != UINT32_MAX) control[LEFT] = left - 1;
    control[STRUCK]++;
    return error;
}

/* Writes at `at`, or where the file stands if that is negative. A write that fails leaves its first half behind. */
static ssize_t put(int file, const void *data, size_t length, off_t at) {
    char path[PATH_MAX];
    const char *name = ours(file, path);
    if (!name || !*name) {
        return at < 0 ? syscall(SYS_write, file, data, length)
                      : syscall(SYS_pwrite64, file, data, length, at);
    }
    pthread_mutex_lock(&one_at_a_time);
    step(name);
    int error = strikes(WRITE_ERROR, name);
    size_t part = error ? length / 2 : length;
    off_t offset = at < 0 ? lseek(file, 0, SEEK_CUR) : at;
    ssize_t done = part ? syscall(SYS_pwrite64, file, data, part, offset) : 0;
    int failed = error ? error : errno;
    if (done > 0) note('W', name, (uint64_t)offset, data, (uint64_t)done);
    if (done > 0 && at < 0) lseek(file, offset + done, SEEK_SET);
    pthread_mutex_unlock(&one_at_a_time);
    errno = failed;
    return error ? -1 : done;
}

ssize_t write(int file, const void *data, size_t length) { return put(file, data, length, -1); }
ssize_t pwrite(int file, const void *data, size_t length, off_t at) { return put(file, data, length, at); }
ssize_t pwrite64(int file, const void *data, size_t length, off_t at) { return put(file, data, length, at); }

/* Everyone else who has this file open is told as well, once. */
static void owe(int but, const char *path, int error) {
    char other[PATH_MAX];
    DIR *open_files = opendir("/proc/self/fd");
    if (!open_files) abort();
    for (struct dirent *one; (one = readdir(open_files));) {
        int file = atoi(one->d_name);
        if (one->d_name[0] == '.' || file == but || file >= OPEN_MAX_FILES) continue;
        if (!strcmp(path_of(file, other), path)) owed[file] = error;
    }
    closedir(open_files);
}

static int put_down(int file, long way) {
    char path[PATH_MAX];
    const char *name = ours(file, path);
    if (!name || !lasts(name)) return (int)syscall(way, file);
    pthread_mutex_lock(&one_at_a_time);
    step(name);
    int result = 0, error = strikes(SYNC_ERROR, name);
    if (error) {
        note('F', name, 0, 0, 0);
        owe(file, path, error);
    } else if (!control[LIES]) {
        result = (int)syscall(way, file);
        if (!result) note('S', name, 0, 0, 0);
    }
    int failed = error ? error : result ? errno : 0;
    if (file < OPEN_MAX_FILES) {
        int before = atomic_exchange(&owed[file], 0);
        if (!failed) failed = before;
    }
    pthread_mutex_unlock(&one_at_a_time);
    if (failed) errno = failed;
    return failed ? -1 : 0;
}

int fsync(int file) { return put_down(file, SYS_fsync); }
int fdatasync(int file) { return put_down(file, SYS_fdatasync); }

static int cut_off(int file, off_t length) {
    char path[PATH_MAX];
    const char *name = ours(file, path);
    if (!name) return (int)syscall(SYS_ftruncate, file, length);
    pthread_mutex_lock(&one_at_a_time);
    step(name);
    int error = strikes(WRITE_ERROR, name);
    int result = error ? -1 : (int)syscall(SYS_ftruncate, file, length);
    int failed = error ? error : errno;
    if (!result) note('T', name, (uint64_t)length, 0, 0);
    pthread_mutex_unlock(&one_at_a_time);
    errno = failed;
    return result;
}

int ftruncate(int file, off_t length) { return cut_off(file, length); }
int ftruncate64(int file, off_t length) { return cut_off(file, length); }

int unlink(const char *path) {
    const char *name = control ? name_of(path) : 0;
    if (!name || !*name) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&one_at_a_time);
    step(name);
    int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0), failed = errno;
    if (!result) note('U', name, 0, 0, 0);
    pthread_mutex_unlock(&one_at_a_time);
    errno = failed;
    return result;
}

int close(int file) {
    if (file >= 0 && file < OPEN_MAX_FILES) owed[file] = 0;
    return (int)syscall(SYS_close, file);
}
"#;

/// An error of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// EIO.
    Io,
    /// ENOSPC.
    NoSpace,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Writing and cutting off; half of what is written is written all the same.
    Write,
    /// Syncing, of files and of the folder.
    Sync,
}

/// Of which files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Part {
    /// All, and their folder.
    All = 0,
    /// The log, in which commits are.
    Log = 1,
    /// The database, into which the log is moved.
    Database = 2,
}

/// The library, built, and the file by which it is told what to do.
pub struct Shim {
    folder: tempfile::TempDir,
    control: File,
}

impl Shim {
    /// Builds it; nothing, and a loud word of it, where no library can be loaded before libc.
    pub fn build(test: &str) -> Option<Self> {
        if cfg!(not(all(target_os = "linux", target_env = "gnu"))) {
            not_tested(test, "faults of the disk are made by a library for Linux with glibc");
            return None;
        }
        let folder = tempfile::tempdir().expect("a scratch folder");
        let source = folder.path().join("faults.c");
        std::fs::write(&source, SOURCE).expect("a scratch file");
        let library = folder.path().join("faults.so");
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-pthread", "-o"]);
        // Whoever builds the bundled SQLite has a C compiler.
        let output = command.arg(&library).arg(&source).output().expect("cc runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut fresh = File::options();
        fresh.read(true).write(true).create_new(true);
        let control = fresh.open(folder.path().join("control")).expect("a scratch file");
        control.set_len(4 * WORDS).expect("a scratch file");
        Some(Self { folder, control })
    }

    /// The servers of this world have it from now on; other commands do not.
    pub fn attach(&self, world: &mut World) {
        let text = |path: PathBuf| path.to_str().expect("plain names").to_owned();
        let data = world.data();
        // As the system calls it: a link may be on the way.
        let parent = data.parent().expect("it is in a scratch folder").canonicalize();
        let data = parent.expect("a scratch folder").join(data.file_name().expect("a name"));
        let of = |name: &str| text(self.folder.path().join(name));
        world.wrap(&format!(
            "exec env LD_PRELOAD='{}' FAULTS_CONTROL='{}' FAULTS_JOURNAL='{}' FAULTS_FOLDER='{}' \
             \"$0\" \"$@\"",
            of("faults.so"),
            of("control"),
            of("journal"),
            text(data)
        ));
    }

    /// What was written and synced since it was last forgotten.
    pub fn journal(&self) -> Vec<u8> {
        std::fs::read(self.journal_path()).unwrap_or_default()
    }

    /// Forgets all of that; only while no server runs.
    pub fn forget(&self) {
        let _ = std::fs::remove_file(self.journal_path());
        self.set(Word::Cut, 0);
        self.set(Word::CutIn, 0);
    }

    fn journal_path(&self) -> PathBuf {
        Path::new(self.folder.path()).join("journal")
    }

    /// From now on these calls fail, `times` times or until it is lifted.
    pub fn fail(&self, call: Call, error: Error, part: Part, times: Option<u32>) {
        assert!(self.get(Word::Loaded) > 0, "no server has loaded the library");
        self.set(Word::Part, part as u32);
        self.set(Word::Left, times.unwrap_or(u32::MAX));
        let number = match error {
            Error::Io => 5,
            Error::NoSpace => 28,
        };
        let call = match call {
            Call::Write => Word::WriteError,
            Call::Sync => Word::SyncError,
        };
        self.set(call, number);
    }

    /// Nothing fails any more.
    pub fn lift(&self) {
        self.set(Word::WriteError, 0);
        self.set(Word::SyncError, 0);
    }

    /// How many calls have failed.
    pub fn struck(&self) -> u32 {
        self.get(Word::Struck)
    }

    /// Syncs do nothing and say that all is well.
    pub fn lie(&self) {
        self.set(Word::Lies, 1);
    }

    /// The process is killed on the way into the call for these files that is so many calls ahead, counted from 1.
    pub fn cut_in(&self, part: Part, calls: usize) {
        self.set(Word::CutPart, part as u32);
        self.set(Word::CutIn, u32::try_from(calls).expect("a few"));
    }

    /// Whether that has happened.
    pub fn was_cut(&self) -> bool {
        self.get(Word::Cut) == 1
    }

    fn set(&self, word: Word, value: u32) {
        let written = self.control.write_all_at(&value.to_ne_bytes(), 4 * word as u64);
        written.expect("a scratch file");
    }

    fn get(&self, word: Word) -> u32 {
        let mut bytes = [0; 4];
        self.control.read_exact_at(&mut bytes, 4 * word as u64).expect("a scratch file");
        u32::from_ne_bytes(bytes)
    }
}

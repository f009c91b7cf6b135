//! Accepted claims on a slow disk: 5 ms are added to every sync of our server by a library loaded before libc.
//! The library is built here with the C compiler; without one this part says so and is left out.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::checks::Checks;
use super::fault::{BenchFault, io};
use super::load::{Expect, Pool, Script};
use super::measure::{Measured, measure, settle};
use super::options::Options;
use super::process::{Process, Setup};
use super::site::{Base, Queue, people_for};
use crate::compiler;

/// Enough waiting people to hide the disk, if waiting is cheap.
pub const CONNECTIONS: usize = 2_048;
const WARM_UP: Duration = Duration::from_millis(500);

/// Adds 5 ms to every sync, and leaves a file behind so that nobody measures without it unknowingly.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void slow(void) {
    const char *seen = getenv("BENCH_SLOW_SYNC_SEEN");
    if (seen) {
        int file = open(seen, O_CREAT | O_WRONLY, 0600);
        if (file >= 0) close(file);
    }
    struct timespec five_ms = {0, 5000000};
    nanosleep(&five_ms, 0);
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    slow();
    return real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    slow();
    return real(file);
}
"#;

/// What was found, by round: the plain no-op, and accepted claims on the slow disk.
#[derive(Debug, Default)]
pub struct SlowSync {
    /// Each round's two slices.
    pub rounds: Vec<(Measured, Measured)>,
}

/// Runs the part; nothing when there is no C compiler.
pub fn run(
    options: &Options,
    base: &Base,
    people: usize,
    noop: &Process,
    scratch: &Path,
    checks: &mut Checks,
) -> Result<Option<SlowSync>, BenchFault> {
    if !compiler::present() {
        eprintln!("  SLOW SYNC LEFT OUT: no C compiler (`cc`) to build its library with.");
        return Ok(None);
    }
    let seen = scratch.join("slow-sync-seen");
    let mut setup: Setup = base.setup().clone();
    setup.environment.push(("LD_PRELOAD", build(scratch)?));
    setup.environment.push(("BENCH_SLOW_SYNC_SEEN", seen.clone()));
    let site = base.copy_with("slow", setup)?;
    let mut noop_pool = Pool::connect(noop.address, CONNECTIONS)?;
    let mut pool = Pool::connect(site.process.address, CONNECTIONS)?;
    let plain = Script::around("/healthz", &base.tokens, 0..people, Expect::Ok);
    noop_pool.run(&plain, WARM_UP)?;
    pool.run(&plain, WARM_UP)?;
    settle(&site.process)?;

    let length = Duration::from_secs_f64(options.seconds);
    let mut queue = Queue::open("slow", 0..people);
    let mut found = SlowSync::default();
    let (mut accepted, mut queued) = (0, 0);
    for _ in 0..options.rounds {
        let measured_plain = measure(noop, &mut noop_pool, &plain, length, None)?;
        let share = queue.share(&site, &base.tokens, people_for(length))?;
        let path = format!("/ticket/get?actId={}", share.id);
        let script = Script::once(&path, &base.tokens, share.people, Expect::Accepted);
        let claims = measure(&site.process, &mut pool, &script, length, Some(&site.operator))?;
        queue.give_back(script.asked());
        checks.answers("slow sync", &claims.tally);
        accepted += claims.tally.expected;
        queued += claims.tally.queued;
        found.rounds.push((measured_plain, claims));
    }
    checks.that(seen.exists(), || "slow sync: no sync went through the slow library".into());
    let mut sold = 0;
    for id in queue.ids() {
        sold += site.given(&id)?;
    }
    checks.ledger("slow sync", sold, accepted, queued);
    checks.recomputed(&site.stop_and_check()?);
    Ok(Some(found))
}

fn build(scratch: &Path) -> Result<PathBuf, BenchFault> {
    let source = scratch.join("slow_sync.c");
    let library = scratch.join("slow_sync.so");
    std::fs::write(&source, SHIM).map_err(io("writing the slow library"))?;
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).arg("-ldl");
    let output = command.output().map_err(io("building the slow library"))?;
    if output.status.success() {
        return Ok(library);
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(BenchFault::Process("the slow library does not build", errors))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_sync_through_the_slow_library_is_slow_and_leaves_its_mark() {
        let scratch = tempfile::tempdir().unwrap();
        let library = build(scratch.path()).unwrap();
        for way in ["fsync", "fdatasync"] {
            let seen = scratch.path().join(way);
            let mut written = std::ffi::OsString::from("of=");
            written.push(scratch.path().join("written"));
            let started = Instant::now();
            let output = Command::new("dd")
                .args(["if=/dev/zero", "bs=1", "count=1", &format!("conv={way}")])
                .arg(written)
                .env("LD_PRELOAD", &library)
                .env("BENCH_SLOW_SYNC_SEEN", &seen)
                .output()
                .unwrap();
            assert!(output.status.success() && seen.exists(), "{way}: {output:?}");
            assert!(started.elapsed() >= Duration::from_millis(5), "{way}");
        }
    }
}

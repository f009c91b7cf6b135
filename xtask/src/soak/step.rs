//! One step of a long run: a process in a group of its own, so that an end can be made of all that it has started.
//! Whatever it leaves in the scratch folder goes with it, mounted file systems included.

use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

use super::plan::Job;
use crate::paths;

/// A step that takes longer hangs.
const STEP_MAX: Duration = Duration::from_secs(20 * 60);
/// Bytes of what a failed step has printed that are shown: the last ones.
const SHOWN_BYTES_MAX: usize = 256 * 1024;

/// How a step ended.
#[derive(Debug)]
pub enum Ended {
    /// As it should.
    Passed(Figures),
    /// With a failure, and what it printed.
    Failed(Why, String),
    /// Because it was told to.
    Interrupted,
}

/// What a step that passed has told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Tests that passed.
    pub tests: u32,
    /// What crowds were told, or why nobody was asked, a line each.
    pub crowds: Vec<String>,
    /// Seconds it took.
    pub seconds: u64,
}

/// Why a step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It said so.
    Exit,
    /// Not all of its tests exist.
    TooFew {
        /// Those that ran.
        ran: u32,
        /// Those that were to run.
        named: u32,
    },
    /// It did not end within `STEP_MAX`.
    TooLong,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit => f.write_str("it failed"),
            Self::TooFew { ran, named } => write!(f, "{ran} of {named} tests ran"),
            Self::TooLong => write!(f, "it did not end within {} s", STEP_MAX.as_secs()),
        }
    }
}

/// Runs a job in `scratch` until it ends or `stop` comes.
pub async fn run<S>(job: &Job, scratch: &Path, stop: Pin<&mut S>) -> io::Result<Ended>
where
    S: Future<Output = ()>,
{
    let begun = Instant::now();
    let printed = scratch.join("printed");
    let mut child = start(job, scratch, &printed)?;
    let ended = tokio::select! {
        status = child.wait() => Ok(status?),
        () = stop => Err(None),
        () = tokio::time::sleep(STEP_MAX) => Err(Some(Why::TooLong)),
    };
    if ended.is_err() {
        end_all(&mut child).await?;
    }
    let text = String::from_utf8_lossy(&fs::read(&printed)?).into_owned();
    clear(scratch);
    Ok(match ended {
        Ok(status) => judge(job, status, text, begun.elapsed()),
        Err(Some(why)) => Ended::Failed(why, last(text)),
        Err(None) => Ended::Interrupted,
    })
}

fn start(job: &Job, scratch: &Path, printed: &Path) -> io::Result<Child> {
    let output = File::create(printed)?;
    let mut command = Command::new(&job.program);
    command.args(&job.arguments).envs(job.environment.iter().cloned());
    command.env("TMPDIR", scratch).current_dir(paths::root());
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut command = tokio::process::Command::from(command);
    command.process_group(0).kill_on_drop(true).spawn()
}

/// Ends the process and everything that it has started and that stayed in its group: servers, above all.
async fn end_all(child: &mut Child) -> io::Result<()> {
    // It has not been waited for, so that its number still belongs to it and its group.
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = pid {
        kill_process_group(pid, Signal::KILL)?;
    }
    child.wait().await.map(drop)
}

fn judge(job: &Job, status: ExitStatus, text: String, took: Duration) -> Ended {
    let tests = passed(&text);
    if !status.success() {
        Ended::Failed(Why::Exit, last(text))
    } else if tests < job.tests {
        Ended::Failed(Why::TooFew { ran: tests, named: job.tests }, last(text))
    } else {
        let crowds = text.lines().filter(|line| tells(line)).map(|line| line.trim().to_owned());
        let crowds = crowds.collect();
        Ended::Passed(Figures { tests, crowds, seconds: took.as_secs() })
    }
}

/// Whether a line says what was done to how many, or that it was not done.
fn tells(line: &str) -> bool {
    let figures = [" requests: ", " generated, "];
    figures.iter().any(|figure| line.contains(figure)) || line.starts_with("SKIPPED")
}

/// How many tests passed, by all the results that stand in what was printed.
fn passed(text: &str) -> u32 {
    let counts = text.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix("test result: ok. ")?;
        rest.split(' ').next()?.parse::<u32>().ok()
    });
    counts.sum()
}

/// The end of what was printed, where the failure stands.
fn last(text: String) -> String {
    let mut from = text.len().saturating_sub(SHOWN_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].to_owned()
}

/// Removes what is left in the scratch folder. Tests remove what is theirs, but not when they were ended.
fn clear(scratch: &Path) {
    for mounted in
        mounted_below(scratch, &fs::read_to_string("/proc/self/mounts").unwrap_or_default())
    {
        let _ = Command::new("umount").arg("-l").arg(mounted).status();
    }
    for entry in fs::read_dir(scratch).into_iter().flatten().flatten() {
        let path = entry.path();
        // What cannot be removed now goes with the folder, or stays in the system's scratch folder.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

/// The mount points below a folder, by the system's table of them.
fn mounted_below<'a>(folder: &Path, mounts: &'a str) -> Vec<&'a str> {
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    points
        .filter(|point| Path::new(point).starts_with(folder) && Path::new(point) != folder)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_below_the_scratch_folder_are_found() {
        let mounts = "proc /proc proc rw 0 0\ntmpfs /tmp/soak tmpfs rw 0 0\n\
                      tmpfs /tmp/soak/.tmpx/disk tmpfs rw 0 0\ntmpfs /tmp/soak-2/x tmpfs rw 0 0\n";
        assert_eq!(mounted_below(Path::new("/tmp/soak"), mounts), ["/tmp/soak/.tmpx/disk"]);
    }

    #[test]
    fn figures_are_told_and_so_is_that_something_was_skipped() {
        let table = [
            ("    12 requests: 12 won", true),
            ("stranger: 99 generated, 99 passed", true),
            ("SKIPPED, the server was not asked: there is no python3", true),
            ("test a::b ... ok", false),
        ];
        for (line, expected) in table {
            assert_eq!(tells(line), expected, "{line}");
        }
    }

    #[test]
    fn the_tests_of_all_results_are_counted() {
        let text = "test result: ok. 2 passed; 0 failed\nx\ntest result: ok. 11 passed; 0 failed";
        assert_eq!(passed(text), 13);
        assert_eq!(passed("test result: FAILED. 2 passed; 1 failed"), 0);
    }
}

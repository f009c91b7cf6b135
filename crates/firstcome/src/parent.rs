//! Whoever started this process for itself: a rehearsal its server, a server its rehearsal. It holds our standard
//! input open for as long as it lives; once it is gone, however it ended, we end too, and a server removes its scratch
//! folder, which nobody else is left to do. No folder is ever removed whose name is not that of a scratch folder.

use crate::commands::Failure;
use std::{
    io::{Read, stdin},
    path::{Path, PathBuf},
};
use tokio::sync::watch;

/// The names of scratch folders begin so.
pub const SCRATCH_PREFIX: &str = "firstcome-rehearsal-";
/// The folder of the ledger in a scratch folder.
pub const SCRATCH_DATA: &str = "data";

/// This program, to be started once more: the very file that runs, also where another release has taken its place.
pub fn own_program() -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let replaced = !own.exists() && Path::new(RUNNING).exists();
    Ok(if replaced { RUNNING.into() } else { own })
}

/// The file that a process runs, as Linux has it: it lives as long as the process, and a child that is about to
/// become another program still has its parent's.
const RUNNING: &str = "/proc/self/exe";

/// Whoever started this process.
pub struct Parent {
    gone: watch::Receiver<bool>,
}

impl Parent {
    /// Watches for its end: the end of standard input, of which nothing may be wanted any more.
    pub fn watch() -> Result<Self, Failure> {
        Ok(Self { gone: watched()? })
    }

    /// Ends once it is gone.
    async fn gone(&self) {
        let mut gone = self.gone.clone();
        // The thread that watches says so before it ends. If it panicked, nobody can tell, and that is as good.
        let _ = gone.wait_for(|gone| *gone).await;
    }
}

/// Ends once the parent is gone; never, where there is none to go.
pub async fn gone(parent: Option<&Parent>) {
    match parent {
        Some(parent) => parent.gone().await,
        None => std::future::pending().await,
    }
}

/// Does `work` with a parent that is watched. If the parent is gone when it is done, nothing of the scratch folder
/// stays. Whatever `work` opened there is to be closed by then.
pub fn with_parent(
    data: &Path,
    work: impl FnOnce(&Parent) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = scratch_of(data).ok_or_else(|| {
        let data = data.display();
        Failure::Usage(format!("{data} is not in the scratch folder of a rehearsal"))
    })?;
    let parent = Parent::watch()?;
    let done = work(&parent);
    if *parent.gone.borrow() {
        // Nobody is left to be told of an error.
        let _ = std::fs::remove_dir_all(folder);
    }
    done
}

/// Becomes true at the end of standard input. A thread, because a read of a pipe can only be waited for; it ends
/// with the process.
fn watched() -> Result<watch::Receiver<bool>, Failure> {
    let (tell, gone) = watch::channel(false);
    let thread = std::thread::Builder::new().name("parent".to_owned());
    let thread = thread.spawn(move || {
        let mut ignored = [0; 64];
        // A byte means that somebody still writes, and an error that nobody can be heard any more.
        while matches!(stdin().lock().read(&mut ignored), Ok(1..)) {}
        tell.send_replace(true);
    });
    thread.map(|_| gone).map_err(|error| Failure::Io("a thread", error.kind()))
}

/// The scratch folder in which this ledger's folder is; nothing for any other folder.
fn scratch_of(data: &Path) -> Option<PathBuf> {
    let folder = data.parent().filter(|_| data.ends_with(SCRATCH_DATA))?;
    let name = folder.file_name()?.to_str()?;
    name.starts_with(SCRATCH_PREFIX).then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scratch_folders_are_ever_removed() {
        let scratch = Some(PathBuf::from("/tmp/firstcome-rehearsal-a1"));
        for (data, expected) in [
            ("/tmp/firstcome-rehearsal-a1/data", scratch),
            ("/tmp/firstcome-rehearsal-a1", None),
            ("/tmp/firstcome-rehearsal-a1/other", None),
            ("/tmp/firstcome-rehearsal-a1/../data", None),
            ("/var/lib/firstcome/data", None),
            ("firstcome-data", None),
            ("data", None),
            ("/", None),
        ] {
            assert_eq!(scratch_of(Path::new(data)), expected, "{data}");
        }
    }
}

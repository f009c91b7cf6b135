//! One half of the cores for the server, the other for everybody else, so that neither pays for the other's work.
//! It moves only the calling thread, and what that thread starts afterwards.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::fault::{BenchFault, io};

/// The two halves; when it is dropped the thread may run everywhere again.
pub struct Halves {
    all: CpuSet,
    server: CpuSet,
    others: CpuSet,
}

impl Halves {
    /// Of the cores this thread may use; with only one, both halves are that one.
    pub fn find() -> Result<Self, BenchFault> {
        let all =
            sched_getaffinity(None).map_err(|error| io("asking for the cores")(error.into()))?;
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
        let (server, others) = match cores.len() {
            1 => (cores.as_slice(), cores.as_slice()),
            count => cores.split_at(count / 2),
        };
        Ok(Self { all, server: set(server), others: set(others) })
    }

    /// How many cores the server has, and how many everybody else.
    pub fn sizes(&self) -> (u32, u32) {
        (self.server.count(), self.others.count())
    }

    /// Starts the server, on its half; everything that is started later has the other one.
    pub fn serve<T>(&self, start: impl FnOnce() -> Result<T, BenchFault>) -> Result<T, BenchFault> {
        enter(&self.server)?;
        let started = start();
        enter(&self.others)?;
        started
    }
}

impl Drop for Halves {
    fn drop(&mut self) {
        // Whoever cannot go back stays on fewer cores, which the next part's numbers show.
        let _ = enter(&self.all);
    }
}

fn set(cores: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    set
}

fn enter(cores: &CpuSet) -> Result<(), BenchFault> {
    sched_setaffinity(None, cores).map_err(|error| io("moving to other cores")(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_started_for_the_server_and_later_shares_no_core_and_afterwards_all_are_back() {
        let before = sched_getaffinity(None).unwrap();
        let halves = Halves::find().unwrap();
        let here = || {
            let thread = std::thread::spawn(|| sched_getaffinity(None).unwrap());
            thread.join().unwrap()
        };
        let server = halves.serve(|| Ok(here())).unwrap();
        let others = here();
        assert_eq!((server.count(), others.count()), halves.sizes());
        let shared = (0..CpuSet::MAX_CPU).any(|core| server.is_set(core) && others.is_set(core));
        assert_eq!(shared, before.count() == 1);
        drop(halves);
        assert_eq!(here(), before);
    }
}

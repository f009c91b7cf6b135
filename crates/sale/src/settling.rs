//! Requests to write everything that was decided before, and how far the writer has fulfilled them.
//! Nobody waits here for a writer that has stopped.

use parking_lot::{Condvar, Mutex};
use std::time::Duration;

/// Requests to write everything that was decided before, and how far they are fulfilled.
#[derive(Default)]
pub struct Settling {
    numbers: Mutex<SettlingNumbers>,
    done: Condvar,
}

#[derive(Default)]
struct SettlingNumbers {
    asked: u64,
    done: u64,
    stop: bool,
    stopped: bool,
}

/// What the writer is asked for.
#[derive(Clone, Copy, Debug)]
pub struct SettlingAsk {
    /// The number of the newest request.
    pub asked: u64,
    /// A request is not fulfilled yet.
    pub open: bool,
    /// Write what is left and stop.
    pub stop: bool,
}

impl Settling {
    /// Waits until everything decided before this call is written; false if that took longer than `within`.
    pub fn wait(&self, within: Duration) -> bool {
        let mut numbers = self.numbers.lock();
        numbers.asked += 1;
        let mine = numbers.asked;
        let waiting = |numbers: &mut SettlingNumbers| numbers.done < mine && !numbers.stopped;
        self.done.wait_while_for(&mut numbers, waiting, within);
        numbers.done >= mine
    }

    /// Asks the writer to write what is left and stop.
    pub fn stop(&self) {
        self.numbers.lock().stop = true;
    }

    /// What is asked for now.
    pub fn ask(&self) -> SettlingAsk {
        let numbers = self.numbers.lock();
        SettlingAsk { asked: numbers.asked, open: numbers.done < numbers.asked, stop: numbers.stop }
    }

    /// Everything decided before request `asked` is written.
    pub fn fulfil(&self, asked: u64) {
        let mut numbers = self.numbers.lock();
        if numbers.done < asked {
            numbers.done = asked;
            self.done.notify_all();
        }
    }

    /// Nothing will be written any more: nobody may wait for it.
    pub fn stopped(&self) {
        self.numbers.lock().stopped = true;
        self.done.notify_all();
    }
}

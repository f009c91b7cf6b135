//! The log, on standard error. Whoever logs never waits: lines go to a bounded queue, one thread writes them, and
//! what the queue cannot hold is dropped and counted. A pipe that nobody reads must not stop a sale.

use std::{
    fs::File,
    io::{IsTerminal, Write},
    os::fd::AsFd,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait to be written; one more is dropped. A line is a few hundred bytes.
const LINES_MAX: usize = 4096;
/// How long the process waits at its end for what is still to be written.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

static QUEUE: OnceLock<Queue> = OnceLock::new();

enum Entry {
    Line(Vec<u8>),
    /// Answered once everything before it is written.
    Flush(SyncSender<()>),
}

/// The way to the thread that writes.
#[derive(Clone)]
struct Queue {
    entries: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    /// Starts the thread. It ends with the process, because it may be in a write that never ends.
    fn start(mut out: impl Write + Send + 'static) -> Self {
        let (entries, waiting) = sync_channel(LINES_MAX);
        let queue = Self { entries, dropped: Arc::default() };
        let dropped = Arc::clone(&queue.dropped);
        let started = std::thread::Builder::new().name("log".into());
        let started = started.spawn(move || write_all(&waiting, &dropped, &mut out));
        started.expect("the system starts one more thread");
        queue
    }

    fn push(&self, line: Vec<u8>) {
        match self.entries.try_send(Entry::Line(line)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits until everything pushed before is written, at most so long.
    fn flush(&self, within: Duration) -> Result<(), RecvTimeoutError> {
        let (written, wait) = sync_channel(1);
        match self.entries.try_send(Entry::Flush(written)) {
            Ok(()) => wait.recv_timeout(within),
            // So long a queue is one that nobody reads.
            Err(_) => Err(RecvTimeoutError::Timeout),
        }
    }
}

/// Writes until nobody can log any more. A line that cannot be written has nobody to be told of it.
fn write_all(waiting: &Receiver<Entry>, dropped: &AtomicU64, out: &mut impl Write) {
    for entry in waiting {
        match entry {
            Entry::Line(line) => {
                let _ = out.write_all(&line);
            }
            Entry::Flush(written) => {
                let _ = written.try_send(());
            }
        }
        let lines = dropped.swap(0, Ordering::Relaxed);
        if lines > 0 {
            let _ = writeln!(out, "{lines} lines of the log were dropped here: it was not read");
        }
    }
}

/// A line on its way: it is pushed whole.
struct Line<'a> {
    queue: &'a Queue,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.queue.push(std::mem::take(&mut self.bytes));
        }
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { queue: self, bytes: Vec::new() }
    }
}

/// Starts to log what `level` lets through. Panics are logged too: their usual words go to standard error at once.
pub fn start(level: &str) {
    let queue = QUEUE.get_or_init(|| Queue::start(standard_error()));
    let log = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(queue.clone())
        .with_ansi(std::io::stderr().is_terminal());
    // A second start in the same process (tests) keeps the first one's.
    if log.try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    }
}

/// Not the standard library's handle: its lock would be held for as long as a write takes.
fn standard_error() -> Box<dyn Write + Send> {
    match std::io::stderr().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(File::from(own)),
        // Out of descriptors: the lock is better than no log.
        Err(_) => Box::new(std::io::stderr()),
    }
}

/// Says something that is not for the log but for whoever started the program.
pub fn say(words: &str) {
    let queue = QUEUE.get_or_init(|| Queue::start(standard_error()));
    queue.push(format!("{words}\n").into_bytes());
}

/// Says why the process ends, after everything logged before. It waits for that, but not for ever.
pub fn last_words(words: &str) {
    say(words);
    end();
}

/// To be called at the end of the process: what was logged is written, if somebody takes it.
pub fn end() {
    if let Some(queue) = QUEUE.get() {
        let _ = queue.flush(LAST_WORDS_WITHIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Takes what it is given once it may.
    struct Slow(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // Closed: it may take everything.
            let _ = self.0.recv();
            self.1.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_takes_are_dropped_and_counted_and_the_rest_keeps_its_order() {
        let (go, may) = sync_channel(0);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let queue = Queue::start(Slow(may, Arc::clone(&taken)));
        let lines = 2 * LINES_MAX;
        (0..lines).for_each(|line| queue.push(format!("line {line}\n").into_bytes()));
        assert!(queue.flush(Duration::from_millis(1)).is_err(), "it is not written yet");
        drop(go);
        // A place may be free only once the thread has taken a line.
        while queue.flush(Duration::from_secs(30)).is_err() {
            std::thread::yield_now();
        }
        queue.push(b"last\n".to_vec());
        assert_eq!(queue.flush(Duration::from_secs(30)), Ok(()));
        let text = String::from_utf8(taken.lock().expect("no panic").clone()).expect("UTF-8");
        let numbers: Vec<usize> =
            text.lines().filter_map(|line| line.strip_prefix("line ")?.parse().ok()).collect();
        assert!(numbers.is_sorted() && numbers.len() >= LINES_MAX, "{} lines", numbers.len());
        let dropped: usize = text
            .lines()
            .filter_map(|line| {
                line.split_once(" lines of the log were dropped")?.0.parse::<usize>().ok()
            })
            .sum();
        assert_eq!(numbers.len() + dropped, lines);
        assert!(text.ends_with("last\n"), "{text}");
    }
}

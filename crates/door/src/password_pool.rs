//! The threads that hash passwords: few, with a bounded queue, so that sign-ins never take the
//! cores of a sale.
//! Work that does not fit is refused at once; work whose asker has gone is not done.

use crate::{
    password::{HashFault, Password, PasswordHasher},
    settings::PasswordSettings,
};
use parking_lot::Mutex;
use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use tokio::sync::oneshot;

/// Too much is waiting; nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// Hashes passwords off the threads that answer requests. Its threads end when it is dropped.
pub struct PasswordPool {
    queue: SyncSender<Work>,
}

enum Work {
    Hash { password: Password, reply: oneshot::Sender<Result<String, HashFault>> },
    Verify { password: Password, hash: Option<String>, reply: oneshot::Sender<Verdict> },
}

type Verdict = Result<bool, HashFault>;

impl PasswordPool {
    /// Starts `settings.threads` threads with a queue of `settings.queue_max`.
    pub fn start(hasher: PasswordHasher, settings: &PasswordSettings) -> io::Result<Self> {
        let (queue, taken) = sync_channel(settings.queue_max as usize);
        let taken = Arc::new(Mutex::new(taken));
        for number in 0..settings.threads {
            let (taken, hasher) = (Arc::clone(&taken), hasher.clone());
            let thread = thread::Builder::new().name(format!("password-{number}"));
            thread.spawn(move || run(&taken, &hasher))?;
        }
        Ok(Self { queue })
    }

    /// The password's hash as a PHC string.
    pub async fn hash(&self, password: Password) -> Result<Result<String, HashFault>, Busy> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Work::Hash { password, reply }).map_err(|_| Busy)?;
        answer.await.map_err(|_| Busy)
    }

    /// Whether this is the password of `hash`; without a hash it is not, after the same time.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<Verdict, Busy> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Work::Verify { password, hash, reply }).map_err(|_| Busy)?;
        answer.await.map_err(|_| Busy)
    }
}

impl Work {
    fn is_wanted(&self) -> bool {
        match self {
            Self::Hash { reply, .. } => !reply.is_closed(),
            Self::Verify { reply, .. } => !reply.is_closed(),
        }
    }
}

fn run(taken: &Mutex<Receiver<Work>>, hasher: &PasswordHasher) {
    while let Some(work) = next(taken) {
        // An asker who goes away in the meantime misses nothing but the answer.
        match work {
            Work::Hash { password, reply } => {
                let _gone = reply.send(hasher.hash(&password));
            }
            Work::Verify { password, hash, reply } => {
                let _gone = reply.send(hasher.verify(&password, hash.as_deref()));
            }
        }
    }
}

/// The next work that somebody still waits for; `None` when the pool is gone.
/// The lock is held while waiting and never while hashing: one idle thread waits, the others wait
/// for it.
fn next(taken: &Mutex<Receiver<Work>>) -> Option<Work> {
    taken.lock().iter().find(Work::is_wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::Future,
        task::{Context, Waker},
    };

    const CHEAP: PasswordSettings =
        PasswordSettings { threads: 1, queue_max: 1, memory_kib: 8, passes: 1, lanes: 1 };

    fn password() -> Password {
        Password::new("correct horse".into()).unwrap()
    }

    fn hasher() -> PasswordHasher {
        PasswordHasher::new(&CHEAP).unwrap()
    }

    #[tokio::test]
    async fn what_does_not_fit_the_queue_is_refused_at_once_and_what_fits_is_done() {
        let (queue, taken) = sync_channel(1);
        let pool = PasswordPool { queue };
        let mut first = Box::pin(pool.hash(password()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending(), "it waits in the queue");
        assert_eq!(pool.hash(password()).await, Err(Busy));
        assert_eq!(pool.verify(password(), None).await, Err(Busy));
        let thread = thread::spawn(move || run(&Mutex::new(taken), &hasher()));
        let hash = first.await.unwrap().unwrap();
        assert_eq!(pool.verify(password(), Some(hash)).await, Ok(Ok(true)));
        drop(pool);
        thread.join().unwrap();
    }

    #[tokio::test]
    async fn a_pool_without_threads_is_busy() {
        let (queue, taken) = sync_channel(1);
        let pool = PasswordPool { queue };
        drop(taken);
        assert_eq!(pool.hash(password()).await, Err(Busy));
    }

    #[test]
    fn work_whose_asker_has_gone_is_not_done() {
        let (queue, taken) = sync_channel(3);
        let (gone, _) = oneshot::channel();
        let (gone_too, _) = oneshot::channel();
        let (reply, mut answer) = oneshot::channel();
        queue.try_send(Work::Hash { password: password(), reply: gone }).unwrap();
        queue.try_send(Work::Verify { password: password(), hash: None, reply: gone_too }).unwrap();
        queue.try_send(Work::Verify { password: password(), hash: None, reply }).unwrap();
        drop(queue);
        let taken = Mutex::new(taken);
        let Some(Work::Verify { reply, .. }) = next(&taken) else { panic!("the third is wanted") };
        reply.send(Ok(false)).unwrap();
        assert_eq!(answer.try_recv(), Ok(Ok(false)));
        assert!(next(&taken).is_none());
    }

    #[tokio::test]
    async fn several_threads_answer_everyone() {
        let settings = PasswordSettings { threads: 3, queue_max: 64, ..CHEAP };
        let pool = Arc::new(PasswordPool::start(hasher(), &settings).unwrap());
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let pool = Arc::clone(&pool);
            asked.spawn(async move { pool.hash(password()).await });
        }
        while let Some(hash) = asked.join_next().await {
            assert!(hash.unwrap().unwrap().is_ok());
        }
    }
}

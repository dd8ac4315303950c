//! Streams that are given up when their readers stand still while the receive window is short.
//!
//! A program that leaves streams unread harms itself, and can mend it. A tunnel's clients are other programs: 40 of them that read
//! nothing would hold up all the others. So where more streams stand still than the connection's window has room for, beside one that
//! is read, those that stand still longest are given up. A connection with fewer readers is not watched.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tracing::warn;

use super::Connection;
use crate::log_target;

/// Receive window of one stream, in bytes: 12.5 MB/s at a round-trip time of 100 ms.
pub(crate) const STREAM_WINDOW: u32 = 1_250_000;

/// How often readers are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Looks without progress after which a reader stands still: 1 s.
const STILL: u32 = 4;

/// The readers of a connection.
#[derive(Default)]
pub(crate) struct SlowReaders(Mutex<State>);

#[derive(Default)]
struct State {
    readers: HashMap<u64, Arc<Reader>>,
    /// Whether a task looks at them.
    is_watched: bool,
}

/// Progress of one reader.
pub(crate) struct Reader {
    /// Number of reads that gave something.
    reads: AtomicU64,
    has_unread: Box<dyn Fn() -> bool + Send + Sync>,
    give_up: Box<dyn Fn() + Send + Sync>,
}

/// In place of a number of reads: the reader waits for the peer.
const WAITS: u64 = 1 << 63;

impl Reader {
    /// Records a read that gave something.
    pub(crate) fn took(&self) {
        // One stream has one reader, so that nothing comes between.
        let reads = self.reads.load(Ordering::Relaxed) & !WAITS;
        self.reads.store((reads + 1) & !WAITS, Ordering::Relaxed);
    }

    /// Records a read that gave nothing, or the end.
    pub(crate) fn waits(&self) {
        self.reads.fetch_or(WAITS, Ordering::Relaxed);
    }
}

impl Connection {
    /// Watches the reader of a stream, until [`Connection::forget_reader`]. `has_unread` says of one that does not read whether there is
    /// something to read, and `give_up` ends the stream.
    pub(crate) fn watch_reader(
        &self,
        stream: u64,
        has_unread: Box<dyn Fn() -> bool + Send + Sync>,
        give_up: Box<dyn Fn() + Send + Sync>,
    ) -> Arc<Reader> {
        let reader = Arc::new(Reader { reads: AtomicU64::new(WAITS), has_unread, give_up });
        let mut state = self.0.slow_readers.lock();
        state.readers.insert(stream, reader.clone());
        if !state.is_watched && state.readers.len() > self.most_still() {
            state.is_watched = true;
            let connection = self.clone();
            self.0.lifecycle.spawn_untracked(async move { connection.watch_readers().await });
        }
        reader
    }

    pub(crate) fn forget_reader(&self, stream: u64) {
        self.0.slow_readers.lock().readers.remove(&stream);
    }

    /// Full streams beside which the others flow on: an eighth of the window must stay free (`peer/receive_windows.rs`).
    fn most_still(&self) -> usize {
        let window = self.0.receive_window.load(Ordering::Relaxed);
        usize::try_from(window / 8 * 7 / u64::from(STREAM_WINDOW)).unwrap_or(usize::MAX).saturating_sub(1).max(1)
    }

    async fn watch_readers(self) {
        let mut looks = Looks::default();
        loop {
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = self.0.quic.closed() => return,
            }
            let most = self.most_still();
            let mut still = {
                let mut state = self.0.slow_readers.lock();
                if state.readers.len() <= most {
                    state.is_watched = false;
                    return;
                }
                looks.at(&state.readers)
            };
            // Not under the lock: a stream that ends forgets its reader.
            if still.len() > most {
                still.retain(|reader| (reader.has_unread)());
            }
            if still.len() <= most {
                continue;
            }
            still.truncate(still.len() - most / 2);
            let (peer, count) = (self.remote(), still.len());
            warn!(target: log_target::CONNECTION, %peer, connection = self.id(), count, "gave up streams whose readers took nothing for 1 s: their unread bytes held up the others");
            for reader in still {
                reader.waits();
                (reader.give_up)();
            }
        }
    }
}

impl SlowReaders {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while held")
    }
}

/// Number of reads of each reader at the last look, and looks since it changed.
#[derive(Default)]
struct Looks(HashMap<u64, (u64, u32)>);

impl Looks {
    /// Looks at all readers. Returns those that stand still, the longest first.
    fn at(&mut self, readers: &HashMap<u64, Arc<Reader>>) -> Vec<Arc<Reader>> {
        self.0.retain(|stream, _| readers.contains_key(stream));
        let mut still = Vec::new();
        for (&stream, reader) in readers {
            let reads = reader.reads.load(Ordering::Relaxed);
            let (last, looks) = self.0.entry(stream).or_insert((reads, 0));
            if *last != reads || reads & WAITS != 0 {
                (*last, *looks) = (reads, 0);
                continue;
            }
            *looks += 1;
            if *looks >= STILL {
                still.push((*looks, reader));
            }
        }
        still.sort_by_key(|(looks, _)| std::cmp::Reverse(*looks));
        still.into_iter().map(|(_, reader)| reader.clone()).collect()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("reads", &self.reads).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(count: u64) -> HashMap<u64, Arc<Reader>> {
        let reader =
            || Reader { reads: AtomicU64::new(WAITS), has_unread: Box::new(|| true), give_up: Box::new(|| {}) };
        (0..count).map(|stream| (stream, Arc::new(reader()))).collect()
    }

    #[test]
    fn a_reader_stands_still_that_took_something_and_does_not_come_back() {
        let readers = readers(9);
        let mut looks = Looks::default();
        let mut counts = |count: usize| (0..count).map(|_| looks.at(&readers).len()).collect::<Vec<_>>();
        // All wait for the peer.
        assert_eq!(counts(9), [0; 9]);
        for stream in 0..6 {
            readers[&stream].took();
        }
        // The first look sees that they have moved.
        assert_eq!(counts(6), [0, 0, 0, 0, 6, 6]);
        // One goes on, slowly, and another one has met the end.
        readers[&0].took();
        readers[&1].waits();
        assert_eq!(counts(5), [4, 4, 4, 4, 5]);
    }

    #[test]
    fn the_longest_still_comes_first() {
        let readers = readers(3);
        let mut looks = Looks::default();
        for stream in [2, 0, 1] {
            readers[&stream].took();
            looks.at(&readers);
        }
        for _ in 1..STILL {
            looks.at(&readers);
        }
        let still = looks.at(&readers);
        let order: Vec<_> = still
            .iter()
            .map(|one| *readers.iter().find(|(_, other)| Arc::ptr_eq(one, other)).expect("one").0)
            .collect();
        assert_eq!(order, [2, 0, 1]);
    }
}

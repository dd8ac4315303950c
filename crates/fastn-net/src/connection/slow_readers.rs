//! Ends streams whose readers are stalled while the receive window is short.
//!
//! A program that leaves streams unread harms only itself. A tunnel's clients are other programs: 40 clients that do not read would
//! block all others of the connection. So when the stalled streams leave no room in the connection's window for one that is read, those
//! that are stalled longest are ended. A connection with few readers is not watched.

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

/// Time between two samples of the readers.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);

/// Samples without progress after which a reader is stalled: 1 s.
const STALLED_AFTER: u32 = 4;

/// The readers of a connection.
#[derive(Default)]
pub(crate) struct SlowReaders(Mutex<State>);

#[derive(Default)]
struct State {
    readers: HashMap<u64, Arc<Reader>>,
    /// Whether a task samples them.
    is_watched: bool,
}

/// Progress of one reader.
pub(crate) struct Reader {
    /// Number of reads that returned bytes, or [`WAITS`].
    reads: AtomicU64,
    has_unread: Box<dyn Fn() -> bool + Send + Sync>,
    give_up: Box<dyn Fn() + Send + Sync>,
}

/// Bit set while the reader waits for the peer.
const WAITS: u64 = 1 << 63;

impl Reader {
    /// Records a read that returned bytes.
    pub(crate) fn record_bytes(&self) {
        // Not one atomic operation: a stream has one reader.
        let reads = self.reads.load(Ordering::Relaxed) & !WAITS;
        self.reads.store((reads + 1) & !WAITS, Ordering::Relaxed);
    }

    /// Records a read that returned no bytes, or EOF.
    pub(crate) fn record_wait(&self) {
        self.reads.fetch_or(WAITS, Ordering::Relaxed);
    }
}

impl Connection {
    /// Watches the reader of a stream, until [`Connection::forget_reader`]. `has_unread`: whether a stalled reader has unread bytes.
    /// `give_up`: ends the stream.
    pub(crate) fn watch_reader(
        &self,
        stream: u64,
        has_unread: Box<dyn Fn() -> bool + Send + Sync>,
        give_up: Box<dyn Fn() + Send + Sync>,
    ) -> Arc<Reader> {
        let reader = Arc::new(Reader { reads: AtomicU64::new(WAITS), has_unread, give_up });
        let mut state = self.0.slow_readers.lock();
        state.readers.insert(stream, reader.clone());
        if !state.is_watched && state.readers.len() > self.max_stalled() {
            state.is_watched = true;
            let connection = self.clone();
            self.0.lifecycle.spawn_untracked(async move { connection.watch_readers().await });
        }
        reader
    }

    pub(crate) fn forget_reader(&self, stream: u64) {
        self.0.slow_readers.lock().readers.remove(&stream);
    }

    /// Number of stalled streams that leave room for the others: an eighth of the window must stay free (`peer/receive_windows.rs`).
    fn max_stalled(&self) -> usize {
        let window = self.0.receive_window.load(Ordering::Relaxed);
        usize::try_from(window / 8 * 7 / u64::from(STREAM_WINDOW)).unwrap_or(usize::MAX).saturating_sub(1).max(1)
    }

    async fn watch_readers(self) {
        let mut samples = Samples::default();
        loop {
            tokio::select! {
                () = tokio::time::sleep(SAMPLE_INTERVAL) => {}
                _ = self.0.quic.closed() => return,
            }
            let most = self.max_stalled();
            let mut stalled = {
                let mut state = self.0.slow_readers.lock();
                if state.readers.len() <= most {
                    state.is_watched = false;
                    return;
                }
                samples.stalled(&state.readers)
            };
            // Not under the lock: a stream that ends forgets its reader.
            if stalled.len() > most {
                stalled.retain(|reader| (reader.has_unread)());
            }
            if stalled.len() <= most {
                continue;
            }
            stalled.truncate(stalled.len() - most / 2);
            let (peer, count) = (self.remote(), stalled.len());
            warn!(target: log_target::CONNECTION, %peer, connection = self.id(), count, "ended streams whose readers were stalled for 1 s: their unread bytes held up other streams");
            for reader in stalled {
                reader.record_wait();
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

/// Number of reads of each reader at the last sample, and samples since it changed.
#[derive(Default)]
struct Samples(HashMap<u64, (u64, u32)>);

impl Samples {
    /// Samples all readers. Returns the stalled ones, the longest stalled first.
    fn stalled(&mut self, readers: &HashMap<u64, Arc<Reader>>) -> Vec<Arc<Reader>> {
        self.0.retain(|stream, _| readers.contains_key(stream));
        let mut stalled = Vec::new();
        for (&stream, reader) in readers {
            let reads = reader.reads.load(Ordering::Relaxed);
            let (last, samples) = self.0.entry(stream).or_insert((reads, 0));
            if *last != reads || reads & WAITS != 0 {
                (*last, *samples) = (reads, 0);
                continue;
            }
            *samples += 1;
            if *samples >= STALLED_AFTER {
                stalled.push((*samples, reader));
            }
        }
        stalled.sort_by_key(|(samples, _)| std::cmp::Reverse(*samples));
        stalled.into_iter().map(|(_, reader)| reader.clone()).collect()
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
    fn a_reader_that_got_bytes_and_reads_no_more_is_stalled() {
        let readers = readers(9);
        let mut samples = Samples::default();
        let mut counts = |count: usize| (0..count).map(|_| samples.stalled(&readers).len()).collect::<Vec<_>>();
        // All wait for the peer.
        assert_eq!(counts(9), [0; 9]);
        for stream in 0..6 {
            readers[&stream].record_bytes();
        }
        // The first sample sees their progress.
        assert_eq!(counts(6), [0, 0, 0, 0, 6, 6]);
        // One reads again, and another one has met EOF.
        readers[&0].record_bytes();
        readers[&1].record_wait();
        assert_eq!(counts(5), [4, 4, 4, 4, 5]);
    }

    #[test]
    fn the_longest_stalled_comes_first() {
        let readers = readers(3);
        let mut samples = Samples::default();
        for stream in [2, 0, 1] {
            readers[&stream].record_bytes();
            samples.stalled(&readers);
        }
        for _ in 1..STALLED_AFTER {
            samples.stalled(&readers);
        }
        let stalled = samples.stalled(&readers);
        let order: Vec<_> = stalled
            .iter()
            .map(|one| *readers.iter().find(|(_, other)| Arc::ptr_eq(one, other)).expect("one").0)
            .collect();
        assert_eq!(order, [2, 0, 1]);
    }
}

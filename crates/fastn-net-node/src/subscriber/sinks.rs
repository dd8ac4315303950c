//! The listeners of the process. Each has a queue bounded in bytes. Records beyond the bound are dropped and counted.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    task::{Context, Poll, Waker},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};
use tracing::{Metadata, level_filters::LevelFilter};

use super::filter::Filter;

/// Target of the records about dropped ones.
const TARGET: &str = "fastn_net::logging";

/// Overhead in bytes of a queued record.
const OVERHEAD: usize = 64;

static SINKS: RwLock<Vec<Arc<Sink>>> = RwLock::new(Vec::new());
/// A listener's filter and queue.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) filter: Filter,
    pub(crate) queue: Queue,
}

/// Adds a listener.
pub(crate) fn add(sink: &Arc<Sink>) {
    SINKS.write().unwrap_or_else(PoisonError::into_inner).push(sink.clone());
    tracing_core::callsite::rebuild_interest_cache();
}

/// Removes a listener.
pub(crate) fn remove(sink: &Arc<Sink>) {
    SINKS.write().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, sink));
    tracing_core::callsite::rebuild_interest_cache();
}

/// The listeners that want an event.
pub(crate) fn wanted_by(metadata: &Metadata<'_>) -> Vec<Arc<Sink>> {
    // Cloned, so that no lock is held while fields are formatted.
    let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner);
    sinks.iter().filter(|sink| sink.filter.passes(metadata)).cloned().collect()
}

/// Whether any listener wants an event.
pub(crate) fn is_wanted(metadata: &Metadata<'_>) -> bool {
    let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner);
    sinks.iter().any(|sink| sink.filter.passes(metadata))
}

/// The most verbose level of any listener.
pub(crate) fn max_level() -> LevelFilter {
    let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner);
    sinks.iter().map(|sink| sink.filter.max_level()).fold(LevelFilter::OFF, LevelFilter::max)
}

/// A record, before its serialization.
pub(crate) struct Record {
    pub(crate) level: &'static str,
    pub(crate) target: String,
    pub(crate) message: String,
    pub(crate) fields: Map<String, Value>,
}

impl Record {
    pub(crate) fn encode(&self) -> String {
        self.object(None).to_string()
    }

    fn object(&self, dropped: Option<u64>) -> Value {
        // Microseconds: an f64 holds them until the year 2255.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as f64 / 1000.0;
        let Self { level, target, message, fields } = self;
        let mut object =
            json!({ "time": time, "level": level, "target": target, "message": message, "fields": fields });
        if let (Some(dropped), Some(object)) = (dropped, object.as_object_mut()) {
            object.insert("dropped".to_owned(), dropped.into());
        }
        object
    }
}

#[derive(Debug)]
pub(crate) struct Queue {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<String>,
    bytes: usize,
    /// Records dropped since the last queued one.
    dropped: u64,
    waker: Option<Waker>,
}

impl Queue {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    pub(crate) fn push(&self, record: String) {
        let mut state = self.lock();
        let notice = (state.dropped > 0).then(|| notice(state.dropped));
        let needed = cost(&record) + notice.as_deref().map_or(0, cost);
        if state.bytes + needed > self.most {
            state.dropped += 1;
        } else {
            state.dropped = 0;
            state.bytes += needed;
            state.waiting.extend(notice);
            state.waiting.push_back(record);
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll_take(&self, cx: &mut Context<'_>, most: usize) -> Poll<String> {
        let mut state = self.lock();
        let count = state.waiting.len().min(most);
        let mut taken: Vec<String> = state.waiting.drain(..count).collect();
        state.bytes -= taken.iter().map(|record| cost(record)).sum::<usize>();
        if state.waiting.is_empty() && state.dropped > 0 {
            taken.push(notice(std::mem::take(&mut state.dropped)));
        }
        if taken.is_empty() {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(format!("[{}]", taken.join(",")))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }
}

fn cost(record: &str) -> usize {
    record.len() + OVERHEAD
}

fn notice(dropped: u64) -> String {
    let message = format!("{dropped} records were dropped: they came faster than they were taken");
    let record = Record { level: "warn", target: TARGET.to_owned(), message, fields: Map::new() };
    record.object(Some(dropped)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(queue: &Queue, most: usize) -> Vec<Value> {
        match queue.poll_take(&mut Context::from_waker(Waker::noop()), most) {
            Poll::Ready(text) => serde_json::from_str(&text).unwrap(),
            Poll::Pending => Vec::new(),
        }
    }

    #[test]
    fn a_million_records_stay_within_the_bound_and_all_are_counted() {
        let queue = Queue::new(100_000);
        for at in 0..1_000_000_u64 {
            queue.push(json!({ "at": at }).to_string());
            assert!(queue.lock().bytes <= 100_000);
        }
        let (mut kept, mut dropped) = (0, 0);
        loop {
            let batch = take(&queue, 64);
            if batch.is_empty() {
                break;
            }
            for record in batch {
                match record["dropped"].as_u64() {
                    Some(count) => dropped += count,
                    None => kept += 1,
                }
            }
        }
        assert!(kept > 100);
        assert_eq!(kept + dropped, 1_000_000);
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn a_record_in_place_of_dropped_ones_has_their_number() {
        let queue = Queue::new(1000);
        for at in 0..100 {
            queue.push(json!({ "at": at }).to_string());
        }
        let first = take(&queue, 5);
        assert!(first.iter().all(|record| record["dropped"].is_null()));
        queue.push(json!({ "at": 100 }).to_string());
        let rest = take(&queue, 100);
        let notices: Vec<_> = rest.iter().filter_map(|record| record["dropped"].as_u64()).collect();
        assert_eq!(notices.len(), 1);
        assert_eq!(first.len() as u64 + rest.len() as u64 - 2 + notices[0], 100);
        assert_eq!(rest.last().unwrap()["at"], 100);
        assert_eq!(take(&queue, 100), Vec::<Value>::new());
    }

    #[test]
    fn a_record_larger_than_the_queue_is_counted() {
        let queue = Queue::new(100);
        queue.push("x".repeat(200));
        let told = take(&queue, 1);
        assert_eq!(told[0]["dropped"], 1);
        assert_eq!(told[0]["level"], "warn");
    }
}

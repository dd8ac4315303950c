//! From a waker on any thread to a word that JavaScript takes.
//!
//! Waking pushes the waker; only the push that finds no ring outstanding rings the event loop. The order
//! matters: push, then swap the flag to true; on the JavaScript thread store false first, then take.
//! So each pushed wake is followed by a ring. A late wake costs a poll, never data.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use napi::{
    Env, Status,
    bindgen_prelude::Function,
    sys,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};

/// Weak, so that it does not keep the process alive. The number of wakers bounds its queue.
type Bell = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// Pending wakes of one JavaScript thread.
#[derive(Default)]
pub(crate) struct Wakes {
    queue: Mutex<Queue>,
    outstanding: AtomicBool,
    bell: Mutex<Option<Bell>>,
}

/// Queued words. Each holds its [`Wakes`]: once detached it must stay empty, or both leak.
#[derive(Default)]
struct Queue {
    words: Vec<Arc<Word>>,
    detached: bool,
}

/// One wake: `index * 4 + channel` of the woken handle. Queued at most once.
pub(crate) struct Word {
    text: u32,
    queued: AtomicBool,
    wakes: Arc<Wakes>,
}

impl Wakes {
    /// Rings by calling `wake` on the event loop.
    pub(crate) fn attach(&self, wake: &Function<'_, (), ()>) -> napi::Result<()> {
        let bell = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .callee_handled::<false>()
            .max_queue_size::<0>()
            .build_callback(|_| Ok(()))?;
        *self.bell.lock().expect("no panic while held") = Some(bell);
        Ok(())
    }

    /// Ends all rings. Words that are woken from now on are dropped.
    pub(crate) fn detach(&self) {
        let bell = self.bell.lock().expect("no panic while held").take();
        drop(bell);
        let mut queue = self.queue.lock().expect("no panic while held");
        queue.detached = true;
        let words = std::mem::take(&mut queue.words);
        drop(queue);
        drop(words);
    }

    /// Keeps the process alive, or lets it exit.
    pub(crate) fn keep_alive(&self, env: &Env, alive: bool) {
        let bell = self.bell.lock().expect("no panic while held");
        let Some(bell) = &*bell else { return };
        let raw = bell.handle.get_raw();
        // SAFETY: this is the JavaScript thread of `env`, and the function exists while `bell` does.
        // Both calls are idempotent and cannot fail otherwise.
        unsafe {
            if alive {
                sys::napi_ref_threadsafe_function(env.raw(), raw);
            } else {
                sys::napi_unref_threadsafe_function(env.raw(), raw);
            }
        }
    }

    /// Moves words into `into`, as many as fit; called on the JavaScript thread.
    pub(crate) fn take(&self, into: &mut [u32]) -> usize {
        self.outstanding.store(false, Ordering::SeqCst);
        let mut queue = self.queue.lock().expect("no panic while held");
        let count = queue.words.len().min(into.len());
        for (place, word) in into.iter_mut().zip(queue.words.drain(..count)) {
            // Before JavaScript polls, so that later wakes are queued again. A swap, not a store: it reads the wake that found the word
            // queued, so that the poll sees what came before that wake.
            word.queued.swap(false, Ordering::AcqRel);
            *place = word.text;
        }
        count
    }

    fn push(&self, word: Arc<Word>) {
        let mut queue = self.queue.lock().expect("no panic while held");
        if queue.detached {
            return;
        }
        queue.words.push(word);
        drop(queue);
        if !self.outstanding.swap(true, Ordering::SeqCst)
            && let Some(bell) = &*self.bell.lock().expect("no panic while held")
        {
            bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

impl Word {
    pub(crate) fn waker(wakes: &Arc<Wakes>, word: u32) -> Waker {
        Waker::from(Arc::new(Self { text: word, queued: AtomicBool::new(false), wakes: wakes.clone() }))
    }
}

impl Wake for Word {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            self.wakes.clone().push(self);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            self.wakes.push(self.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_woken_after_detach_do_not_keep_the_wakes_alive() {
        let wakes: Arc<Wakes> = Arc::default();
        let words = [0, 4].map(|word| Word::waker(&wakes, word));
        words[0].wake_by_ref();
        wakes.detach();
        for waker in words {
            waker.wake();
        }
        let weak = Arc::downgrade(&wakes);
        drop(wakes);
        assert!(weak.upgrade().is_none());
    }
}

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use loom::thread;
use napi::{Function, Rings};

use super::wakes::{Wakes, Word};

fn attached() -> (Arc<Wakes>, Rings) {
    let wakes: Arc<Wakes> = Arc::default();
    let (function, rings) = Function::counting();
    wakes.attach(&function).unwrap();
    (wakes, rings)
}

/// The event loop: takes words after a ring, at most `place` at a time. Returns them.
fn turn(wakes: &Wakes, rings: &Rings, heard: &mut usize) -> Vec<u32> {
    let mut all = Vec::new();
    let rung = rings.count();
    if rung == *heard {
        return all;
    }
    *heard = rung;
    loop {
        let mut place = [0; 1];
        let count = wakes.take(&mut place);
        all.extend(&place[..count]);
        if count < place.len() {
            return all;
        }
    }
}

#[test]
fn what_is_ready_is_seen_after_the_last_ring() {
    crate::model(|| {
        let (wakes, rings) = attached();
        let ready = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let threads: Vec<_> = (0..2_u32)
            .map(|word| {
                let (waker, ready) = (Word::waker(&wakes, word), ready[word as usize].clone());
                thread::spawn(move || {
                    ready.store(true, Ordering::Release);
                    waker.wake();
                })
            })
            .collect();
        let (mut heard, mut seen) = (0, [false; 2]);
        let mut look = || {
            for word in turn(&wakes, &rings, &mut heard) {
                seen[word as usize] |= ready[word as usize].load(Ordering::Acquire);
            }
        };
        look();
        look();
        for thread in threads {
            thread.join().unwrap();
        }
        look();
        assert_eq!(seen, [true; 2]);
    });
}

#[test]
fn a_word_that_is_woken_twice_is_taken_after_the_second_time() {
    crate::model(|| {
        let (wakes, rings) = attached();
        let count = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let waker = Word::waker(&wakes, 4);
        let thread = thread::spawn({
            let count = count.clone();
            move || {
                for _ in 0..2 {
                    count.fetch_add(1, Ordering::Release);
                    waker.wake_by_ref();
                }
            }
        });
        let (mut heard, mut seen) = (0, 0);
        let mut look = || {
            for word in turn(&wakes, &rings, &mut heard) {
                assert_eq!(word, 4);
                seen = count.load(Ordering::Acquire);
            }
        };
        look();
        thread.join().unwrap();
        look();
        assert_eq!(seen, 2);
    });
}

#[test]
fn a_wake_during_the_end_of_the_thread_leaks_nothing() {
    crate::model(|| {
        let (wakes, rings) = attached();
        let waker = Word::waker(&wakes, 0);
        let other = Word::waker(&wakes, 1);
        let thread = thread::spawn(move || {
            waker.wake_by_ref();
            waker.wake();
        });
        other.wake_by_ref();
        wakes.detach();
        let rung = rings.count();
        thread.join().unwrap();
        // The function is gone and is no longer called.
        assert!(rings.count() <= rung + 1);
        drop(other);
        assert_eq!(Arc::strong_count(&wakes), 1);
    });
}

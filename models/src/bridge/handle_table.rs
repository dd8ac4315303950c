use std::sync::Arc;

use fastn_net::{Arrival, Stream};
use loom::thread;
use napi::Function;

use super::{
    table::{Channel, Slot, StreamSlot, Table},
    wakes::Wakes,
};

fn stream(arrival: &Arrival) -> Slot {
    Slot::Stream(Box::new(StreamSlot { stream: Stream(arrival.clone()), protocol: None }))
}

fn poll(table: &mut Table, handle: f64) -> Option<bool> {
    table.poll(handle, Channel::Read, |slot, cx| {
        let Slot::Stream(slot) = slot else { panic!("another object has the handle") };
        slot.stream.poll_read(cx).is_ready()
    })
}

#[test]
fn a_handle_at_a_reused_place_gets_its_wake_beside_late_ones_of_the_old() {
    crate::model(|| {
        let wakes: Arc<Wakes> = Arc::default();
        let (function, rings) = Function::counting();
        wakes.attach(&function).unwrap();
        let mut table = Table::new(wakes.clone());
        let [old, new] = [(); 2].map(|()| Arrival::default());
        let first = table.insert(stream(&old)).unwrap();
        assert_eq!(poll(&mut table, first), Some(false));
        let threads = [old, new.clone()].map(|arrival| thread::spawn(move || arrival.arrive()));
        drop(table.remove(first));
        let second = table.insert(stream(&new)).unwrap();
        assert_ne!(first, second);
        assert_eq!(poll(&mut table, first), None, "a handle that is gone reaches nothing");
        let mut ready = poll(&mut table, second) == Some(true);
        for thread in threads {
            thread.join().unwrap();
        }
        // Every ring and wake is followed by a poll.
        let mut place = [0; 4];
        if rings.count() > 0 && wakes.take(&mut place) > 0 {
            ready |= poll(&mut table, second) == Some(true);
        }
        assert!(ready);
        assert_eq!(table.count(), 1);
        drop(table.drain());
        wakes.detach();
    });
}

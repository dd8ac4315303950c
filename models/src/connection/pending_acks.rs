use std::sync::Arc;

use loom::{future::block_on, thread};
use tokio::sync::Notify;

use super::{
    deliveries::Deliveries,
    final_write::{FinalWrite, SendStream, settle},
};

/// A connection's task: writes deferred data until `end` is notified.
fn drive(deliveries: &Arc<Deliveries>, end: &Arc<Notify>) -> thread::JoinHandle<()> {
    let (deliveries, end) = (deliveries.clone(), end.clone());
    thread::spawn(move || block_on(deliveries.drive(end.notified())))
}

#[test]
fn a_deferred_write_is_waited_for_until_it_is_acknowledged() {
    crate::model(|| {
        let (deliveries, end) = (Arc::new(Deliveries::default()), Arc::new(Notify::new()));
        let acknowledged = Arc::default();
        let send = SendStream { id: 4, acknowledged: Arc::clone(&acknowledged) };
        assert!(deliveries.defer_write(FinalWrite { send }).is_ok());
        let driver = drive(&deliveries, &end);
        let transport = thread::spawn({
            let acknowledged = acknowledged.clone();
            move || settle(&acknowledged, true)
        });
        assert!(block_on(deliveries.delivered(4)).is_ok());
        assert_eq!(acknowledged.lock().unwrap().0, Some(true));
        end.notify_one();
        transport.join().unwrap();
        driver.join().unwrap();
        assert_eq!(deliveries.count(), 0);
    });
}

#[test]
fn a_write_that_meets_the_end_of_the_connection_is_lost_or_refused_and_never_forgotten() {
    crate::model(|| {
        let (deliveries, end) = (Arc::new(Deliveries::default()), Arc::new(Notify::new()));
        let driver = drive(&deliveries, &end);
        let ending = thread::spawn({
            let end = end.clone();
            move || end.notify_one()
        });
        let acknowledged = Arc::default();
        let send = SendStream { id: 4, acknowledged: Arc::clone(&acknowledged) };
        let taken = deliveries.defer_write(FinalWrite { send }).is_ok();
        // The transport settles every stream of a connection that ended.
        settle(&acknowledged, false);
        ending.join().unwrap();
        driver.join().unwrap();
        let delivered = block_on(deliveries.delivered(4));
        assert_eq!(delivered.is_err(), taken, "a stream that was taken is lost; one that was refused is its caller's");
        assert_eq!(deliveries.count(), usize::from(taken));
    });
}

#[test]
fn closing_waits_for_what_another_task_waits_for() {
    crate::model(|| {
        let deliveries = Arc::new(Deliveries::default());
        let acknowledged = Arc::default();
        let send = SendStream { id: 4, acknowledged: Arc::clone(&acknowledged) };
        deliveries.push(4, Box::pin(send.stopped()));
        let waiting = thread::spawn({
            let deliveries = deliveries.clone();
            move || block_on(deliveries.delivered(4)).is_ok()
        });
        let transport = thread::spawn({
            let acknowledged = acknowledged.clone();
            move || settle(&acknowledged, true)
        });
        block_on(deliveries.all_delivered());
        assert_eq!(acknowledged.lock().unwrap().0, Some(true));
        assert!(waiting.join().unwrap());
        transport.join().unwrap();
    });
}

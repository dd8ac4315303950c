//! Bytes both ways at once: receiving many packets drops none of the sent ones.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use fastn_net::{Protocol, Stream};
use support::{USUAL, close, endpoint, incoming, introduce, open};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    runtime::{Builder, Runtime},
};

/// Bytes of both directions after which the packets are counted.
const ENOUGH: usize = 48 * 1024 * 1024;

const BLOCK: usize = 64 * 1024;

/// The thread of one process.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime")
}

/// Sends until the connection is closed.
async fn send(mut half: WriteHalf<Stream>) {
    let block = vec![7; BLOCK];
    while half.write_all(&block).await.is_ok() {}
}

/// Receives until both directions have had enough.
async fn receive(mut half: ReadHalf<Stream>, received: Arc<AtomicUsize>) {
    let mut block = vec![0; BLOCK];
    while received.load(Ordering::Relaxed) < ENOUGH {
        let count = half.read(&mut block).await.expect("the connection stays");
        received.fetch_add(count, Ordering::Relaxed);
    }
}

/// A task that has received many packets has used up tokio's budget. Without the patched netwatch, iroh then silently drops the packets
/// that it sends: a quarter in the slower direction, which got a tenth of the bytes.
#[test]
fn sent_packets_are_not_lost_while_many_arrive() {
    let (near_runtime, far_runtime) = (runtime(), runtime());
    let (a, b) = (near_runtime.block_on(endpoint()), far_runtime.block_on(endpoint()));
    introduce(&a, &b);
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let near = near_runtime.block_on(open(&a, &b, &Protocol::Tcp, USUAL)).expect("stream");
    let far = far_runtime.block_on(incoming(&listener)).stream;
    let connections = [near.connection().clone(), far.connection().clone()];
    let ((near_in, near_out), (far_in, far_out)) = (tokio::io::split(near), tokio::io::split(far));
    let received = Arc::<AtomicUsize>::default();
    near_runtime.spawn(send(near_out));
    far_runtime.spawn(send(far_out));
    let receiving =
        [near_runtime.spawn(receive(near_in, received.clone())), far_runtime.spawn(receive(far_in, received.clone()))];
    for task in receiving {
        near_runtime.block_on(task).expect("no panic");
    }
    for connection in connections {
        let stats = connection.stats();
        // A system whose receive buffers are small loses some.
        assert!(stats.lost_packets * 20 < stats.datagrams_sent, "{stats:?}");
    }
    near_runtime.block_on(close(&[&a, &b]));
}

//! Finished streams whose acknowledgement is pending.

#[path = "../../crates/fastn-net/src/connection/deliveries.rs"]
mod deliveries;

/// A final write that completes immediately, and is acknowledged when the transport says so.
mod final_write {
    use std::{
        future::{Future, poll_fn},
        sync::{Arc, Mutex},
        task::{Context, Poll, Waker},
    };

    use iroh::endpoint::{StoppedError, VarInt, WriteError};

    pub(crate) struct FinalWrite {
        pub(crate) send: SendStream,
    }

    impl FinalWrite {
        pub(super) fn id(&self) -> u64 {
            self.send.id
        }

        pub(super) fn poll_write(&mut self, _: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
            Poll::Ready(Ok(()))
        }
    }

    type Acknowledged = Arc<Mutex<(Option<bool>, Vec<Waker>)>>;

    /// The transport's side of a finished stream.
    pub(crate) struct SendStream {
        pub(crate) id: u64,
        pub(crate) acknowledged: Acknowledged,
    }

    impl SendStream {
        pub(crate) fn stopped(&self) -> impl Future<Output = Result<Option<VarInt>, StoppedError>> + Send + use<> {
            let acknowledged = self.acknowledged.clone();
            poll_fn(move |cx| {
                let mut state = acknowledged.lock().unwrap();
                match state.0 {
                    Some(true) => Poll::Ready(Ok(None)),
                    Some(false) => Poll::Ready(Err(StoppedError)),
                    None => {
                        state.1.push(cx.waker().clone());
                        Poll::Pending
                    }
                }
            })
        }
    }

    /// Acknowledges a stream, or loses it with its connection.
    pub(crate) fn settle(acknowledged: &Acknowledged, arrived: bool) {
        let mut state = acknowledged.lock().unwrap();
        state.0 = Some(arrived);
        let wakers = std::mem::take(&mut state.1);
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }
}

mod pending_acks;

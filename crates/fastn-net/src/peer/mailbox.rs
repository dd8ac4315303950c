//! Queue of messages to an actor.
//!
//! Most mailboxes are empty most of the time, and an empty one allocates nothing. A tokio channel would keep 3.6 KiB for each
//! peer, room for the next 32 messages.

use std::{collections::VecDeque, future::poll_fn, sync::Arc, task::Poll};

use super::Message;
use crate::waker_mutex::WakerMutex;

/// Sender side of an actor's mailbox. Clones share the mailbox.
#[derive(Clone, Debug)]
pub(super) struct Mailbox(Arc<WakerMutex<State>>);

/// Receiver side of an actor's mailbox. Dropping it closes the mailbox.
#[derive(Debug)]
pub(super) struct Messages(Arc<WakerMutex<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Message>,
    /// The actor has taken a message and not polled for the next one.
    handling: bool,
    closed: bool,
}

impl Mailbox {
    pub(super) fn new() -> (Self, Messages) {
        let state = Arc::default();
        (Self(Arc::clone(&state)), Messages(state))
    }

    /// Appends a message.
    ///
    /// # Errors
    ///
    /// The message, once the actor is gone.
    pub(super) fn send(&self, message: Message) -> Result<(), Message> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(message);
        }
        state.waiting.push_back(message);
        state.wake();
        Ok(())
    }

    /// The actor has handled every message, and can get another one.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.0.lock();
        state.waiting.is_empty() && !state.handling && !state.closed
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().closed
    }
}

impl Messages {
    /// The next message. Cancel-safe.
    pub(super) async fn next(&mut self) -> Message {
        poll_fn(|cx| {
            let mut state = self.0.lock();
            let Some(message) = state.waiting.pop_front() else {
                state.handling = false;
                return state.wait(cx);
            };
            state.handling = true;
            if state.waiting.is_empty() {
                state.waiting = VecDeque::new();
            }
            Poll::Ready(message)
        })
        .await
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().waiting.is_empty()
    }

    /// Closes the mailbox, and returns the pending messages.
    pub(super) fn close(&mut self) -> VecDeque<Message> {
        let mut state = self.0.lock();
        state.closed = true;
        std::mem::take(&mut state.waiting)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        // Drop outside the lock: a message may hold the last reference to a value whose drop sends to this actor.
        drop(self.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(messages: impl IntoIterator<Item = Message>) -> Vec<u64> {
        let number = |message| if let Message::Activated(number) = message { number } else { panic!("{message:?}") };
        messages.into_iter().map(number).collect()
    }

    #[tokio::test]
    async fn messages_arrive_in_order_and_wake_the_actor() {
        let (mailbox, mut messages) = Mailbox::new();
        mailbox.send(Message::Activated(1)).expect("open");
        mailbox.clone().send(Message::Activated(2)).expect("open");
        assert_eq!(told([messages.next().await, messages.next().await]), [1, 2]);
        let next = tokio::spawn(async move { messages.next().await });
        tokio::task::yield_now().await;
        mailbox.send(Message::Activated(3)).expect("open");
        assert_eq!(told([next.await.expect("message")]), [3]);
    }

    #[tokio::test]
    async fn an_empty_mailbox_holds_no_memory() {
        let (mailbox, mut messages) = Mailbox::new();
        for number in 0..100 {
            mailbox.send(Message::Activated(number)).expect("open");
        }
        for _ in 0..100 {
            messages.next().await;
        }
        assert_eq!((messages.is_empty(), mailbox.0.lock().waiting.capacity()), (true, 0));
    }

    #[test]
    fn a_message_to_a_gone_actor_is_returned() {
        let (mailbox, mut messages) = Mailbox::new();
        mailbox.send(Message::Activated(1)).expect("open");
        assert!(!mailbox.is_closed());
        assert_eq!(told(messages.close()), [1]);
        assert_eq!(told(mailbox.send(Message::Activated(2)).err()), [2]);
        let (mailbox, messages) = Mailbox::new();
        drop(messages);
        assert!(mailbox.is_closed());
    }
}

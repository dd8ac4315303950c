//! Routes incoming streams to listeners, and bounds the queue of each listener.
//!
//! - `router`, `routes`: map a protocol to its listener, for a whole endpoint and for single connections
//! - `listener`: takes the streams of some protocols
//! - `incoming`: a stream that a peer opened
//! - `pending`: streams that the program accepts or refuses before their ack
//! - `queue`, `permit`, `permit_pool`: the streams that wait for a listener, and the bounded permits of its queue
//! - `connections`: incoming connections
//! - `fair_waiters`: serves the tasks that wait for a queue in the order of their calls

mod connections;
mod fair_waiters;
mod incoming;
mod listener;
mod pending;
mod permit;
mod permit_pool;
mod queue;
mod router;
mod routes;
#[cfg(test)]
mod tests;

pub use self::{
    connections::ConnectionListener,
    incoming::IncomingStream,
    listener::Listener,
    pending::{PendingListener, PendingStream},
};
pub(crate) use self::{
    connections::ConnectionQueue,
    permit::QueuePermit,
    permit_pool::QueueLimits,
    queue::{AckMode, StreamQueue},
    router::Router,
    routes::Route,
};

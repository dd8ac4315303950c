//! Counters of a connection.

use std::sync::atomic::Ordering;

use iroh::endpoint::VarInt;

use super::Connection;
use crate::options::{Field, Fields, numbers};

/// Declares each counter once: its docs, name, and value. `$quic` and `$connection` name what the values are read from.
macro_rules! stats {
    (|$quic:ident, $connection:ident| $($(#[$doc:meta])* $field:ident = $value:expr;)*) => {
        /// Counters of a connection.
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl Stats {
            /// Name, in camel case as in JavaScript, and value of each counter.
            #[must_use]
            pub fn numbers(mut self) -> Vec<(String, f64)> {
                numbers(&mut self)
            }
        }

        impl Fields for Stats {
            fn each(&mut self, visit: &mut dyn FnMut(&'static str, &mut dyn Field)) {
                $(visit(stringify!($field), &mut self.$field);)*
            }
        }

        impl Connection {
            /// Counters since the connection was made.
            #[must_use]
            pub fn stats(&self) -> Stats {
                let ($connection, $quic) = (self, self.0.quic.stats());
                Stats { $($field: $value,)* }
            }
        }
    };
}

stats! {
    |quic, connection|
    /// UDP payload sent, in bytes.
    bytes_sent = quic.udp_tx.bytes;
    /// UDP payload received, in bytes.
    bytes_received = quic.udp_rx.bytes;
    /// UDP datagrams sent.
    datagrams_sent = quic.udp_tx.datagrams;
    /// UDP datagrams received.
    datagrams_received = quic.udp_rx.datagrams;
    /// QUIC packets declared lost.
    lost_packets = quic.lost_packets;
    /// Streams and connection guards in use.
    streams = connection.active_count() as u64;
}

/// Traffic counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrafficSnapshot {
    /// UDP bytes received. Any change shows that the peer is alive.
    pub(crate) received: u64,
    /// Stream frames sent and received. QUIC's keep-alive does not count.
    pub(crate) traffic: u64,
    /// Streams and connection guards in use.
    pub(crate) active: usize,
}

impl Connection {
    /// Samples the traffic for the peer's actor. Arms the activity alarm if the connection is unused.
    pub(crate) fn sample(&self) -> TrafficSnapshot {
        let stats = self.0.quic.stats();
        let traffic = stats.frame_rx.stream + stats.frame_tx.stream;
        TrafficSnapshot { received: stats.udp_rx.bytes, traffic, active: self.0.active.arm_activity_wake() }
    }

    /// Whether the peer has sent a stream frame, such as an ack.
    pub(crate) fn carried_streams(&self) -> bool {
        self.0.quic.stats().frame_rx.stream > 0
    }

    /// Sets the receive window in bytes. QUIC announces only a larger one.
    pub(crate) fn set_receive_window(&self, bytes: u64) {
        self.0.receive_window.store(bytes, Ordering::Relaxed);
        if let Some(quic) = self.0.quic.live() {
            quic.set_receive_window(VarInt::from_u64(bytes).unwrap_or(VarInt::MAX));
        }
    }

    /// Announces the receive window again. The peer's QUIC acknowledges that frame, and flow control never blocks it.
    pub(crate) fn probe(&self) {
        let window = VarInt::from_u64(self.0.receive_window.load(Ordering::Relaxed)).unwrap_or(VarInt::MAX);
        let less = VarInt::from_u64(window.into_inner().saturating_sub(1)).unwrap_or(window);
        if let Some(quic) = self.0.quic.live().filter(|_| window > less) {
            // QUIC announces only a window that grows.
            quic.set_receive_window(less);
            quic.set_receive_window(window);
        }
    }
}

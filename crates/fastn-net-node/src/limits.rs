//! Limits of an endpoint as they cross: a number for each.

use fastn_net::Limits;
use napi_derive::napi;

use crate::arguments::{milliseconds, whole, whole_u32, whole_u64};

/// Each limit of the core with a number, and its conversion.
macro_rules! limits {
    ($($limit:ident: $convert:ident,)*) => {
        /// Limits of the core. TypeScript supplies every default. Times are in milliseconds.
        #[napi(object, use_nullable = true)]
        #[derive(Clone, Copy)]
        pub struct BindingLimits {
            $(pub $limit: f64,)*
        }

        impl From<BindingLimits> for Limits {
            fn from(numbers: BindingLimits) -> Self {
                let mut limits = Self::default();
                $(limits.$limit = $convert(numbers.$limit);)*
                limits
            }
        }
    };
}

limits! {
    ack_timeout: milliseconds,
    header_timeout: milliseconds,
    max_header_bytes: whole,
    ping_timeout: milliseconds,
    idle_timeout: milliseconds,
    max_streams: whole_u32,
    max_streams_per_peer: whole,
    max_streams_total: whole,
    receive_window: whole_u32,
    receive_window_per_peer: whole_u64,
    max_connections: whole,
    max_connections_per_peer: whole,
    max_queued_streams: whole,
    max_queued_streams_per_peer: whole,
}

//! HTTP tunnels.

mod ends;
mod hosts;
mod malformed;
mod messages;
mod older;
mod older_proxies;
mod pooled;
mod secure;
#[path = "../support/mod.rs"]
mod support;
mod tunnelled;
mod upgrades;

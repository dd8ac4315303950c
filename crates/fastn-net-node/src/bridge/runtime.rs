//! The one tokio runtime of the process, made when the first endpoint needs it and never torn down:
//! its threads must neither outlive the addon's code nor end before its last call.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

/// The runtime of all native tasks. `FASTN_NET_THREADS` sets the number of its threads; one is the default,
/// because on few cores a second one only adds hand-overs (docs/decisions, byte path).
pub(crate) fn handle() -> Result<&'static Handle, std::io::Error> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle());
    }
    let made = Builder::new_multi_thread().worker_threads(threads()).thread_name("fastn-net").enable_all().build()?;
    // Two environments may get here at once: one runtime stays, the other is shut down without blocking.
    if let Err(second) = RUNTIME.set(made) {
        second.shutdown_background();
    }
    Ok(RUNTIME.get().expect("just set").handle())
}

fn threads() -> usize {
    let wanted = std::env::var("FASTN_NET_THREADS").ok().and_then(|text| text.trim().parse().ok());
    wanted.unwrap_or(1).clamp(1, 64)
}

//! Messages to the service manager that started the process. Node.js cannot write to a datagram Unix socket.

use std::io;

use napi_derive::napi;

/// Notifies systemd about this process: lines such as `READY=1`, as in `sd_notify(3)`. No-op if `NOTIFY_SOCKET` is not set, and on
/// Windows. Returns why it failed, or `null`. The message is one datagram to a local socket.
#[napi(catch_unwind)]
#[must_use]
pub fn service_notify(state: String) -> Option<String> {
    notify(&state).err().map(|error| error.to_string())
}

#[cfg(unix)]
fn notify(state: &str) -> io::Result<()> {
    sd_notify::notify(&[sd_notify::NotifyState::Custom(state)])
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn notify(_: &str) -> io::Result<()> {
    Ok(())
}

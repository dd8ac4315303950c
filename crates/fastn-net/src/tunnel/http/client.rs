//! Local HTTP clients.

use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use tracing::debug;

use super::{
    answer::Answer,
    http_io::{HttpIo, MAX_BUFFER},
    io::LocalIo,
    line_ends::{Checked, Messages},
};
use crate::{
    log_target,
    tunnel::{running::TunnelTasks, socket::Socket},
};

/// How long a client's connection may be idle, and how long a head may take.
const IDLE: Duration = Duration::from_secs(75);

/// Answers the requests of a client, one after the other, until it disconnects or the tunnel ends.
pub(in crate::tunnel) async fn serve_client(socket: Socket, work: &TunnelTasks, answer: Answer) {
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(MAX_BUFFER)
        .auto_date_header(false)
        .serve_connection(Checked::new(HttpIo::Local(LocalIo::client(socket)), Messages::Requests), answer)
        .with_upgrades();
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => match ended {
                Ok(()) => break,
                Err(error) => return debug!(target: log_target::TUNNEL, %error, "a client's connection failed"),
            },
            () = work.cut() => return,
            () = work.stopping(), if !is_stopping => {
                is_stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    if let Some(parts) = connection.into_parts()
        && let (HttpIo::Local(client), _) = parts.io.into_inner().into_inner()
    {
        client.linger().await;
    }
}

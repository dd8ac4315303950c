//! Local HTTP clients.

use std::{convert::Infallible, time::Duration};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tracing::debug;

use super::{body::Body, io::LocalIo, pool::MAX_BUFFER};
use crate::{
    log_target,
    tunnel::{handle::Work, socket::Socket},
};

/// How long a client's connection may be idle, and how long a head may take.
const IDLE: Duration = Duration::from_secs(75);

/// Answers the requests of a client, one after the other, until it leaves or the tunnel ends.
pub(in crate::tunnel) async fn serve_client<F>(socket: Socket, work: &Work, answer: impl Fn(Request<Incoming>) -> F)
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(|request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(MAX_BUFFER)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(LocalIo::client(socket)), service)
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
    if let Some(parts) = connection.into_parts() {
        parts.io.into_inner().linger().await;
    }
}

//! Exposes a service of this machine to peers.

use std::{sync::Arc, time::Duration};

use tracing::debug;

use super::{
    Allow, ExposeOptions, SocketName, Tunnel, carry::carry, options::tcp_protocol, pipe::Pipe, running::TunnelTasks,
    target::Target,
};
use crate::{
    endpoint::Endpoint,
    error::Result,
    log_target,
    routing::{PendingListener, PendingStream},
    wire::{codes::reset, refusal::word},
};

impl Endpoint {
    /// Exposes a TCP service, or a Unix socket, to peers: each stream that they open becomes a connection to `target`. It is
    /// acknowledged once the target has accepted the connection. A target that cannot be reached refuses the stream, which
    /// [`Endpoint::bridge_tcp`] carries to its client as a reset.
    ///
    /// The endpoint's stream limits bound the connections of each peer, and of all peers. Makes no connection before a peer opens a
    /// stream.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for the service's name. `ERR_PROTOCOL_IN_USE` if the endpoint already exposes a service of this name.
    /// `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
    pub fn expose_tcp(&self, target: SocketName, options: ExposeOptions) -> Result<Tunnel> {
        let protocol = tcp_protocol(options.service.as_deref())?;
        let listener = self.listen_pending(None, &[protocol], false)?;
        let work = TunnelTasks::new(self);
        let service = Service { target: Target::new(target), connect_timeout: options.connect_timeout };
        let (service, connection) = (Arc::new(service), work.clone());
        work.accept(accept(listener, options.allow, work.clone(), move |pending| {
            let (service, work) = (service.clone(), connection.clone());
            async move { serve(&service, pending, &work).await }
        }));
        Ok(Tunnel::new(work, None))
    }
}

struct Service {
    target: Target,
    connect_timeout: Duration,
}

/// Serves the streams of allowed peers, each in a task of its own.
pub(super) async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: PendingListener,
    allow: Allow,
    work: TunnelTasks,
    serve: impl Fn(PendingStream) -> F,
) {
    while let Ok(pending) = listener.accept().await {
        if allow.admits(&pending.peer()) {
            work.start(serve(pending)).await;
        } else {
            pending.refuse(word::UNAUTHORIZED, "this key may not use the service");
        }
    }
}

/// Refuses a stream whose tunnel was closed meanwhile.
pub(super) fn refuse_closed(pending: PendingStream) {
    pending.refuse(word::SHUTDOWN, "the service is no longer exposed");
}

async fn serve(service: &Service, pending: PendingStream, work: &TunnelTasks) {
    let peer = pending.peer();
    let socket = match work.until_cut(service.target.connect(service.connect_timeout)).await {
        Some(Ok(socket)) => socket,
        Some(Err(error)) => return service.target.refuse(pending, &error),
        None => return refuse_closed(pending),
    };
    let mut stream = pending.accept();
    match carry(&mut Pipe::default(), &mut stream, &socket, work, reset::HANDLER_FAILED).await {
        Ok(()) => socket.end(),
        Err(error) => {
            debug!(target: log_target::TUNNEL, %peer, tunnel_target = %service.target.name(), %error, "a tunnelled connection failed");
        }
    }
}

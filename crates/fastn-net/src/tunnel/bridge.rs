//! Bridges local clients to a peer's service.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tracing::{debug, warn};

use super::{
    BridgeOptions, SocketName, Tunnel,
    carry::carry,
    listener::{LocalListener, listen_error},
    options::tcp_protocol,
    pipe::{Pipe, PipeError},
    running::{TunnelTasks, closed},
    socket::Socket,
};
use crate::{
    config::PeerAddress,
    connection::Connection,
    endpoint::Endpoint,
    error::{Code, Error, Result},
    log_target,
    protocol::Protocol,
    stream::{OpenOptions, Stream},
    wire::{codes::reset, header},
};

impl Endpoint {
    /// Listens on `local`, a TCP port or a Unix socket, and carries each client's connection to the service that the peer exposes. Dials
    /// the peer when the first client connects. Sends a client's first bytes without waiting for a round trip.
    ///
    /// A client sees a reset when the peer cannot be reached, does not expose the service, refuses this endpoint, or is lost. The reason
    /// is logged at level warn.
    ///
    /// Anyone who can reach `local` can use the service: other users of this machine too, if it is on 127.0.0.1. A Unix socket in a
    /// private folder is for one user only.
    ///
    /// # Errors
    ///
    /// `ERR_LISTEN` if `local` cannot be listened on, such as a port in use. `ERR_INVALID_ARGUMENT` for the service's name.
    /// `ERR_PEER_ADDRESS` for this endpoint's own key. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
    pub async fn bridge_tcp(&self, local: &SocketName, peer: PeerAddress, options: BridgeOptions) -> Result<Tunnel> {
        let protocol = tcp_protocol(options.service.as_deref())?;
        self.bridge(local, peer, &protocol, options, |bridge, socket| async move { bridge.serve(socket).await }).await
    }

    /// Listens on `local`, and serves each client in a task of its own. Errors as above.
    pub(super) async fn bridge<F: Future<Output = ()> + Send + 'static>(
        &self,
        local: &SocketName,
        peer: PeerAddress,
        protocol: &Protocol,
        options: BridgeOptions,
        serve: impl Fn(Arc<Bridge>, Socket) -> F + Send + 'static,
    ) -> Result<Tunnel> {
        let header = header::encode(protocol, None)?;
        self.check_bridge(&peer)?;
        let listener = LocalListener::bind(local).await?;
        let name = listener.name().map_err(|error| listen_error(local, error))?;
        let work = TunnelTasks::new(self);
        let open = OpenOptions::new().with_await_ack(false).with_timeout(options.open_timeout);
        let bridge = Arc::new(Bridge { peer, header, open, work: work.clone() });
        work.accept(accept(listener, options.max_connections, bridge, serve));
        Ok(Tunnel::new(work, Some(name)))
    }

    /// Fails if no bridge to this peer can start.
    pub(super) fn check_bridge(&self, peer: &PeerAddress) -> Result<()> {
        self.peer(peer)?;
        self.check_accepts()
    }

    /// Fails if the endpoint accepts no new work.
    pub(super) fn check_accepts(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(Code::ShuttingDown, "this endpoint is shutting down: it accepts no new work"));
        }
        Ok(())
    }
}

/// A bridge to a service of a peer.
pub(super) struct Bridge {
    pub(super) peer: PeerAddress,
    header: Vec<u8>,
    open: OpenOptions,
    pub(super) work: TunnelTasks,
}

async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: LocalListener,
    most: usize,
    bridge: Arc<Bridge>,
    serve: impl Fn(Arc<Bridge>, Socket) -> F,
) {
    let places = Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)));
    while let Ok(place) = places.clone().acquire_owned().await {
        let socket = listener.accept().await;
        let served = serve(bridge.clone(), socket);
        let serving = async move {
            served.await;
            drop(place);
        };
        bridge.work.start(serving).await;
    }
}

impl Bridge {
    async fn serve(&self, socket: Socket) {
        let peer = self.peer.id;
        match self.carry(&socket).await {
            Ok(()) => socket.end(),
            Err(PipeError::Stream(error)) => {
                let code = error.code();
                warn!(target: log_target::TUNNEL, %peer, code = code.as_str(), error = error.message(), "a client's connection was reset");
            }
            Err(PipeError::Socket(error)) => {
                debug!(target: log_target::TUNNEL, %peer, %error, "a client ended its connection");
            }
        }
    }

    async fn carry(&self, socket: &Socket) -> Result<(), PipeError> {
        let mut pipe = Pipe::default();
        let mut stream = match self.try_open().map_err(PipeError::Stream)? {
            Some(stream) => stream,
            None => self.open(socket).await?,
        };
        loop {
            match carry(&mut pipe, &mut stream, socket, &self.work, reset::CANCELLED).await {
                // The connection had just been closed as idle, or its peer had restarted.
                Err(PipeError::Stream(_)) if stream.take_retry() => {
                    stream = self.open(socket).await?;
                    pipe.restart();
                }
                ended => return ended,
            }
        }
    }

    /// Opens a stream over the live connection. Its header travels with the client's first bytes.
    pub(super) fn try_open(&self) -> Result<Option<Stream>> {
        let endpoint = &self.work.endpoint;
        endpoint.try_open(&*endpoint.peer(&self.peer)?, &self.header, self.open)
    }

    /// Opens a stream, and dials if there is no connection. Cancel-safe.
    pub(super) async fn open_stream(&self) -> Result<Stream> {
        let endpoint = &self.work.endpoint;
        endpoint.get_stream(&*endpoint.peer(&self.peer)?, &self.header, self.open).await
    }

    /// Opens a stream of a protocol with an extra line, and waits for its ack. Cancel-safe.
    pub(super) async fn open_with_extra(&self, header: &[u8]) -> Result<Stream> {
        let endpoint = &self.work.endpoint;
        let options = self.open.with_await_ack(true).with_extra(true);
        endpoint.get_stream(&*endpoint.peer(&self.peer)?, header, options).await
    }

    /// Whether the peer speaks an older ALPN. Connects, unless it is connected. Cancel-safe.
    pub(super) async fn is_older(&self) -> Result<bool> {
        let endpoint = &self.work.endpoint;
        let peer = endpoint.peer(&self.peer)?;
        let alpn = match peer.connection().filter(Connection::is_live) {
            Some(connection) => connection.alpn(),
            None => endpoint.connection_guard(&peer, self.open.timeout).await?.alpn(),
        };
        Ok(!alpn.is_native())
    }

    /// Like [`Bridge::open_stream`]. Ends when the client or the tunnel does.
    async fn open(&self, socket: &Socket) -> Result<Stream, PipeError> {
        tokio::select! {
            biased;
            opened = self.open_stream() => opened.map_err(PipeError::Stream),
            error = socket.failed() => Err(PipeError::Socket(error)),
            () = self.work.cut() => Err(PipeError::Stream(closed())),
        }
    }
}

//! UDP: each flow of datagrams uses one stream.
//!
//! - `flow`: carries the datagrams of one flow
//!
//! A datagram travels as its length (two bytes, big-endian) and its bytes. A flow is the datagrams of one client's address. It ends when
//! it is idle, on either side. Datagrams that do not fit in a queue are dropped, as in any network.

mod flow;

use std::{
    collections::{HashMap, hash_map::Entry},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::{
    net::UdpSocket,
    sync::{Semaphore, mpsc},
};
use tracing::{debug, warn};

use self::flow::{Flow, Source, Waiting, receive_from};
use super::{
    BridgeOptions, ExposeOptions, SocketName, Tunnel,
    expose::{accept, refuse_closed},
    listener::listen_error,
    options::udp_protocol,
    running::TunnelTasks,
    target::Target,
};
use crate::{
    config::PeerAddress,
    endpoint::Endpoint,
    error::{Code, Error, Result},
    log_target,
    routing::PendingStream,
    stream::{OpenOptions, Stream},
    wire::header,
};

/// Limit of datagrams of a flow that wait for the peer.
const MAX_WAITING: usize = 64;

/// Limit in bytes of datagrams of all flows of a bridge that wait for the peer.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;

impl Endpoint {
    /// Exposes a UDP service to peers ([`Endpoint::bridge_udp`]). Each of their flows gets its own local socket, which sends to `target`.
    ///
    /// The endpoint's stream limits bound the flows. A peer's flow ends after [`ExposeOptions::flow_timeout`] without a datagram.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::expose_tcp`]. `ERR_INVALID_ARGUMENT` also for a Unix socket.
    pub fn expose_udp(&self, target: SocketName, options: ExposeOptions) -> Result<Tunnel> {
        let protocol = udp_protocol(options.service.as_deref())?;
        port_of(target.clone())?;
        let listener = self.listen_pending(None, &[protocol], false)?;
        let work = TunnelTasks::new(self);
        let service = Arc::new(Service { target: Target::new(target), options });
        let (allow, connection) = (service.options.allow.clone(), work.clone());
        work.accept(accept(listener, allow, work.clone(), move |pending| {
            let (service, work) = (service.clone(), connection.clone());
            async move { service.serve(pending, &work).await }
        }));
        Ok(Tunnel::new(work, None))
    }

    /// Listens on the UDP port `local`, and carries the datagrams of each client to the service that the peer exposes, and back.
    ///
    /// Datagrams may be lost: those of a client that sends faster than the peer takes them, and those of clients beyond
    /// [`BridgeOptions::max_connections`]. A client's flow ends after [`BridgeOptions::flow_timeout`] without a datagram.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::bridge_tcp`]. `ERR_INVALID_ARGUMENT` also for a Unix socket.
    pub async fn bridge_udp(&self, local: &SocketName, peer: PeerAddress, options: BridgeOptions) -> Result<Tunnel> {
        let header = header::encode(&udp_protocol(options.service.as_deref())?, None)?;
        let (host, port) = port_of(local.clone())?;
        self.check_bridge(&peer)?;
        let socket = UdpSocket::bind((host.as_str(), port)).await.map_err(|error| listen_error(local, error))?;
        let address = socket.local_addr().map_err(|error| listen_error(local, error))?;
        let work = TunnelTasks::new(self);
        let bridge = Bridge {
            socket,
            peer,
            header,
            options,
            flows: Mutex::default(),
            room: Arc::new(Semaphore::new(MAX_WAITING_BYTES)),
            work: work.clone(),
        };
        work.accept(Arc::new(bridge).run());
        Ok(Tunnel::new(work, Some(SocketName::from_address(address))))
    }
}

fn port_of(name: SocketName) -> Result<(String, u16)> {
    match name {
        SocketName::Tcp { host, port } => Ok((host, port)),
        #[cfg(unix)]
        SocketName::Unix(_) => {
            Err(Error::new(Code::InvalidArgument, "UDP has ports, not Unix sockets: give host:port"))
        }
    }
}

/// An exposed service.
struct Service {
    target: Target,
    options: ExposeOptions,
}

impl Service {
    async fn serve(&self, pending: PendingStream, work: &TunnelTasks) {
        let peer = pending.peer();
        let connecting = self.target.connect_udp(self.options.connect_timeout);
        let socket = match work.until_cut(connecting).await {
            Some(Ok(socket)) => socket,
            Some(Err(error)) => return self.target.refuse(pending, &error),
            None => return refuse_closed(pending),
        };
        let flow = Flow { source: Source::Socket(&socket), socket: &socket, client: None };
        let ended = flow.carry(pending.accept(), self.options.flow_timeout, work.cut()).await;
        debug!(target: log_target::TUNNEL, %peer, error = ended.err().map(|error| error.to_string()), "a flow has ended");
    }
}

/// A local port, and the flows of its clients.
struct Bridge {
    socket: UdpSocket,
    peer: PeerAddress,
    header: Vec<u8>,
    options: BridgeOptions,
    flows: Mutex<HashMap<SocketAddr, mpsc::Sender<Waiting>>>,
    /// Bytes that may still be queued.
    room: Arc<Semaphore>,
    work: TunnelTasks,
}

impl Bridge {
    async fn run(self: Arc<Self>) {
        let mut frame = Vec::new();
        loop {
            match receive_from(&self.socket, &mut frame).await {
                Ok(client) => self.forward(client, &frame),
                Err(error) => {
                    warn!(target: log_target::TUNNEL, %error, "the bridge ends: its socket failed");
                    return;
                }
            }
        }
    }

    /// Passes a datagram to its flow, and begins one for a new client. Drops it if there is no room.
    fn forward(self: &Arc<Self>, client: SocketAddr, frame: &[u8]) {
        let size = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().try_acquire_many_owned(size) else { return };
        let waiting = Waiting { frame: frame.to_vec(), _room: room };
        let mut flows = self.flows();
        let count = flows.len();
        match flows.entry(client) {
            Entry::Occupied(flow) => {
                let _ = flow.get().try_send(waiting);
            }
            Entry::Vacant(free) if count < self.options.max_connections => {
                let (sender, receiver) = mpsc::channel(MAX_WAITING);
                let _ = sender.try_send(waiting);
                free.insert(sender);
                drop(flows);
                let bridge = self.clone();
                self.work.spawn(async move {
                    bridge.carry(client, receiver).await;
                    bridge.flows().remove(&client);
                });
            }
            Entry::Vacant(_) => {}
        }
    }

    async fn carry(&self, client: SocketAddr, datagrams: mpsc::Receiver<Waiting>) {
        let peer = self.peer.id;
        let stream = match self.work.until_cut(self.open()).await {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => {
                warn!(target: log_target::TUNNEL, %peer, error = error.message(), "a client's datagrams were dropped");
                return;
            }
            None => return,
        };
        let flow = Flow { source: Source::Queue(datagrams), socket: &self.socket, client: Some(client) };
        let ended = flow.carry(stream, self.options.flow_timeout, self.work.cut()).await;
        if let Err(error) = ended {
            warn!(target: log_target::TUNNEL, %peer, %error, "a client's flow was lost");
        }
    }

    async fn open(&self) -> Result<Stream> {
        let endpoint = &self.work.endpoint;
        let peer = endpoint.peer(&self.peer)?;
        let options = OpenOptions::new().with_await_ack(false).with_timeout(self.options.open_timeout);
        endpoint.get_stream(&peer, &self.header, options).await
    }

    fn flows(&self) -> MutexGuard<'_, HashMap<SocketAddr, mpsc::Sender<Waiting>>> {
        self.flows.lock().expect("no panic while held")
    }
}

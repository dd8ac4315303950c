//! One flow: the datagrams between a socket and a stream.

use std::{io, net::SocketAddr, sync::Mutex, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf},
    net::UdpSocket,
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, sleep_until},
};

use super::super::pipe::{put_buffer, take_buffer};
use crate::{deadline::after, stream::Stream};

/// Limit in bytes of one read of a flow.
const READ_AHEAD: usize = 4 * 1024;

/// A datagram that waits for the peer, as its frame.
pub(super) struct Waiting {
    pub(super) frame: Vec<u8>,
    /// Its bytes, counted while it waits.
    pub(super) _room: OwnedSemaphorePermit,
}

/// Source of the datagrams for the peer.
pub(super) enum Source<'a> {
    /// The flow's own socket.
    Socket(&'a UdpSocket),
    /// The socket of all clients, whose reader sorts the datagrams.
    Queue(mpsc::Receiver<Waiting>),
}

/// A flow on this side.
pub(super) struct Flow<'a> {
    pub(super) source: Source<'a>,
    /// Sends the peer's datagrams.
    pub(super) socket: &'a UdpSocket,
    /// Their receiver, unless the socket is connected.
    pub(super) client: Option<SocketAddr>,
}

impl Flow<'_> {
    /// Carries datagrams both ways until a side ends or fails, the flow is idle for `idle_timeout`, or `cut` resolves. Finishes the
    /// stream.
    pub(super) async fn carry(
        self,
        stream: Stream,
        idle_timeout: Duration,
        cut: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let Self { source, socket, client } = self;
        let (reader, mut writer) = tokio::io::split(stream);
        let activity = Activity::new(idle_timeout);
        let inward = async {
            let mut datagrams = Datagrams::of(reader);
            while let Some(datagram) = datagrams.next().await? {
                // A receiver that is not listening now may do so later.
                let _ = match client {
                    Some(client) => socket.send_to(datagram, client).await,
                    None => socket.send(datagram).await,
                };
                activity.touch();
            }
            Ok(())
        };
        let ended = tokio::select! {
            ended = source.send_all(&mut writer, &activity) => ended,
            ended = inward => ended,
            () = activity.idle() => Ok(()),
            () = cut => Ok(()),
        };
        let _ = writer.shutdown().await;
        ended
    }
}

impl Source<'_> {
    async fn send_all(self, writer: &mut WriteHalf<Stream>, activity: &Activity) -> io::Result<()> {
        match self {
            Self::Socket(socket) => {
                let mut frame = Vec::new();
                loop {
                    receive(socket, &mut frame).await?;
                    writer.write_all(&frame).await?;
                    activity.touch();
                }
            }
            Self::Queue(mut datagrams) => {
                while let Some(waiting) = datagrams.recv().await {
                    writer.write_all(&waiting.frame).await?;
                    activity.touch();
                }
                Ok(())
            }
        }
    }
}

/// Reads datagrams from a stream.
struct Datagrams {
    reader: BufReader<ReadHalf<Stream>>,
    last: Vec<u8>,
}

impl Datagrams {
    fn of(reader: ReadHalf<Stream>) -> Self {
        Self { reader: BufReader::with_capacity(READ_AHEAD, reader), last: Vec::new() }
    }

    /// The next datagram; `None` at the end. Not cancel-safe.
    async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.reader.fill_buf().await?.is_empty() {
            return Ok(None);
        }
        let length = self.reader.read_u16().await?;
        self.last.resize(usize::from(length), 0);
        self.reader.read_exact(&mut self.last).await?;
        Ok(Some(&self.last))
    }
}

/// Receives a datagram of a connected socket into `frame`, after its length.
async fn receive(socket: &UdpSocket, frame: &mut Vec<u8>) -> io::Result<()> {
    loop {
        socket.readable().await?;
        match framed(frame, |into| socket.try_recv(into).map(|count| (count, ()))) {
            Err(error) if is_passing(&error) => {}
            received => return received,
        }
    }
}

/// The same for a socket with many clients. Returns the client.
pub(super) async fn receive_from(socket: &UdpSocket, frame: &mut Vec<u8>) -> io::Result<SocketAddr> {
    loop {
        socket.readable().await?;
        match framed(frame, |into| socket.try_recv_from(into)) {
            Err(error) if is_passing(&error) => {}
            received => return received,
        }
    }
}

/// Whether there was no datagram, or the other end refused an earlier one.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | Interrupted | WouldBlock)
}

/// Receives into the thread's buffer, so that a quiet flow holds none.
fn framed<T>(frame: &mut Vec<u8>, receive: impl FnOnce(&mut [u8]) -> io::Result<(usize, T)>) -> io::Result<T> {
    let mut buffer = take_buffer();
    let received = receive(&mut buffer);
    let framed = received.and_then(|(count, from)| {
        let length = u16::try_from(count).map_err(io::Error::other)?;
        frame.clear();
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&buffer[..count]);
        Ok(from)
    });
    put_buffer(buffer);
    framed
}

/// When a flow has last carried a datagram.
struct Activity {
    limit: Duration,
    last: Mutex<Instant>,
}

impl Activity {
    fn new(limit: Duration) -> Self {
        Self { limit, last: Mutex::new(Instant::now()) }
    }

    fn touch(&self) {
        *self.last.lock().expect("no panic while held") = Instant::now();
    }

    /// Resolves once the flow was idle for the limit. Cancel-safe.
    async fn idle(&self) {
        loop {
            let until = after(*self.last.lock().expect("no panic while held"), self.limit);
            if Instant::now() >= until {
                return;
            }
            sleep_until(until).await;
        }
    }
}
